"""Files in an S3 bucket, with copies in a folder of this machine.

A copy counts where its size and the second of its change are those of the object. An object appears whole, with one
request, or not at all. A copy that nobody has read for `KEEP_DAYS` goes, on each machine by itself. boto3 is imported
here, and here alone, when the first file is asked for.
"""

import math
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lake.access import keys_to, unreachable
from lake.errors import DriverMissing
from lake.files import files_below, inside, replacing
from lake.location import Location
from lake.objects import Found

AT_ONCE = 8
"""Files on their way at the same time: most of a small one is waiting."""
MOST_A_DELETE = 1000
"""Keys that S3 takes in one request."""
CHUNK_BYTES = 2**20
KEEP_DAYS = 30.0
"""Copies that were neither made nor read for so long go; what is needed again is fetched again."""
LOOK_EVERY_DAYS = 1.0

_DAY_S = 86_400.0
_LOOKED = "looked-for-old-copies"

_ABSENT = ("404", "NoSuchKey", "NotFound")


class Bucket:
    """Files in a bucket. May be shared by threads; a forked child gets connections of its own.

    Parameters
    ----------
    location : Location
        With a `bucket`.
    """

    def __init__(self, location: Location) -> None:
        self.root = location.root
        self._location = location
        self._name, _, prefix = str(location.bucket).removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._mutex = threading.Lock()
        self._held: tuple[int, Any] | None = None

    def fetch(self, path: str, *, is_whole: Callable[[Path], bool] | None = None) -> Path:
        """Return a copy that is as the object is now; where there is none, nothing lies there."""
        copy = inside(self.root, path)
        if is_whole is None or not is_whole(copy):
            self._bring(path, self._head(path))
        return copy

    def fetch_all(self, paths: Iterable[str]) -> None:
        """Have copies of those of the files that are there, and of no others."""
        self.remove_old_copies()
        wanted = list(paths)
        there = self._among(wanted)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(self._bring, path, there.get(path)) for path in wanted]:
                done.result()

    def remove_old_copies(self) -> None:
        """Remove what this machine has neither made nor read for long, if nobody has looked for it since a day."""
        now, note = time.time(), self.root / _LOOKED
        with suppress(FileNotFoundError):  # the folder may be deleted at any time
            if now - note.stat().st_mtime < LOOK_EVERY_DAYS * _DAY_S:
                return
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        note.touch()
        os.utime(note, (now, now))
        for copy in files_below(self.root):
            with suppress(FileNotFoundError):  # another process may be at it
                stat = copy.lstat()
                is_old = max(stat.st_atime, stat.st_ctime) < now - KEEP_DAYS * _DAY_S
                if is_old and copy.is_file() and copy != note:
                    copy.unlink()

    def publish(self, path: str) -> None:
        """Put a file of this machine into the bucket, with one request."""
        copy = inside(self.root, path)
        with self._told(), copy.open("rb") as body:
            self._client.put_object(Bucket=self._name, Key=self._key(path), Body=body)
        found = self._head(path)
        if found is not None:
            os.utime(copy, (found.changed_at, found.changed_at))

    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        """Return the bytes of those of the files that are there."""
        return {path: found.n_bytes for path, found in self._among(list(paths)).items()}

    def listed(self, prefix: str) -> list[Found]:
        """Return the files whose paths begin so, sorted: a thousand a request; marks of folders are none."""
        with self._told():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=f"{self._prefix}{prefix}"
            )
            return [
                Found(one["Key"].removeprefix(self._prefix), one["Size"], float(int(one["LastModified"].timestamp())))
                for page in pages
                for one in page.get("Contents", ())
                if not one["Key"].endswith("/")
            ]

    def remove(self, paths: Iterable[str], *, changed_by: float = math.inf) -> None:
        """Remove files, and their copies here."""
        names = list(paths)
        if changed_by < math.inf:
            names = [path for path, found in self._among(names).items() if found.changed_at <= changed_by]
        for path in names:
            inside(self.root, path).unlink(missing_ok=True)
        for start in range(0, len(names), MOST_A_DELETE):
            keys = [{"Key": self._key(path)} for path in names[start : start + MOST_A_DELETE]]
            with self._told():
                done = self._client.delete_objects(Bucket=self._name, Delete={"Objects": keys, "Quiet": True})
            for error in done.get("Errors", ())[:1]:
                raise unreachable(self._location, f"{error['Key']} was not removed, {error['Code']}")

    def remove_tree(self, path: str) -> None:
        """Remove a file, or all whose paths begin with a folder's."""
        held = [found.path for found in self.listed(f"{path}/")]
        shutil.rmtree(inside(self.root, path), ignore_errors=True)
        self.remove(held or [path])

    def try_out(self) -> None:
        """Write an object, read it and remove it.

        Raises
        ------
        BucketUnreachable
            If one of them is refused.
        """
        key = self._key(f"tried/{uuid.uuid4().hex}")
        with self._told():
            self._client.put_object(Bucket=self._name, Key=key, Body=b"deepdlt")
            self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
            self._client.delete_object(Bucket=self._name, Key=key)
        self.listed("tried/")

    @property
    def _client(self) -> Any:
        """boto3's client of this process."""
        with self._mutex:
            if self._held is None or self._held[0] != os.getpid():
                self._held = (os.getpid(), _connect(self._location))
            return self._held[1]

    def _key(self, path: str) -> str:
        """Return an object's key; a path that leads out of the lake is refused."""
        inside(self.root, path)
        return f"{self._prefix}{path}"

    def _head(self, path: str) -> Found | None:
        """Return what the bucket says of a file; None where it is not there."""
        with self._told():
            try:
                head = self._client.head_object(Bucket=self._name, Key=self._key(path))
            except self._client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise
        return Found(path, head["ContentLength"], float(int(head["LastModified"].timestamp())))

    def _among(self, paths: list[str]) -> dict[str, Found]:
        """Return those of the files that are there, with one listing of what their paths begin with."""
        if not paths:
            return {}
        wanted = {path: self._key(path) for path in paths}
        start = os.path.commonprefix(list(wanted))  # noqa: RUF071 - of letters: a bucket knows no folders
        return {one.path: one for one in self.listed(start) if one.path in wanted}

    def _bring(self, path: str, found: Found | None) -> None:
        """Make this machine's copy what the bucket has."""
        copy = inside(self.root, path)
        if found is None:
            copy.unlink(missing_ok=True)
        elif not _is_as(copy, found):
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replacing(copy) as temporary:
                self._download(path, temporary)

    def _download(self, path: str, target: Path) -> None:
        """Write an object's content, and when it was changed."""
        with self._told():
            got = self._client.get_object(Bucket=self._name, Key=self._key(path))
            with target.open("wb") as file:
                for chunk in got["Body"].iter_chunks(CHUNK_BYTES):
                    file.write(chunk)
        changed_at = float(int(got["LastModified"].timestamp()))
        os.utime(target, (changed_at, changed_at))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the store answers into one error of ours, without what it may repeat of the request."""
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            raise DriverMissing("boto3") from error
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "?")
            raise unreachable(self._location, f"{error.operation_name} was refused, {code} (HTTP {status})") from None
        except BotoCoreError as error:
            raise unreachable(self._location, f"{type(error).__name__}: {error}") from None


def _connect(location: Location) -> Any:
    """Return a client that has its keys from the environment alone."""
    import boto3
    from botocore.config import Config

    access = keys_to(location)
    settings = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard"},  # three in all, unless AWS_MAX_ATTEMPTS says otherwise
        max_pool_connections=2 * AT_ONCE,
        request_checksum_calculation="when_required",  # stores that are not Amazon's may know no others
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,  # the environment's, or Amazon's
        s3={"addressing_style": "path"} if access.endpoint else {},
    )
    return boto3.session.Session().client(
        "s3",
        aws_access_key_id=access.key_id,
        aws_secret_access_key=access.secret,
        aws_session_token=access.token or None,
        region_name=access.region,
        endpoint_url=access.endpoint or None,
        config=settings,
    )


def _is_as(copy: Path, found: Found) -> bool:
    """Tell whether a copy has the size and the time of what the bucket holds."""
    try:
        stat = copy.stat()
    except FileNotFoundError:
        return False
    return (stat.st_size, int(stat.st_mtime)) == (found.n_bytes, int(found.changed_at))
