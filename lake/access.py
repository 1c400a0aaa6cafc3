"""What opens a bucket: keys and address, from the environment alone, and what may be said of a failure."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import duckdb

from lake.errors import BucketUnreachable, LakeError
from lake.location import Location
from lake.sql import quote_literal

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
SECRET_NAME = "deepdlt"  # noqa: S105 - it names the secret
_FROM_ENVIRONMENT = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token", "s3_endpoint")
"""Settings that DuckDB's extension fills from the environment when it is loaded, for every query to read."""

_TELLING = (duckdb.IOException, duckdb.HTTPException, duckdb.TransactionException)
"""Errors of DuckDB's that a store may be behind."""


@dataclass(frozen=True)
class Access:
    """Keys and address of an S3 store. The keys do not show in its text.

    Parameters
    ----------
    key_id, secret, token : str
        `KEYS`; '' where one is not set.
    region : str
    endpoint : str
        Address of a store that is not Amazon's; '' for that.
    """

    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(repr=False)
    region: str
    endpoint: str

    @classmethod
    def from_environment(cls) -> Self:
        """Read the variables as they are now."""
        key_id, secret, token = (os.environ.get(name, "") for name in KEYS)
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        return cls(key_id, secret, token, region, os.environ.get("AWS_ENDPOINT_URL", ""))

    @property
    def place(self) -> str:
        """The store's address, for people."""
        return self.endpoint or f"Amazon S3, {self.region}"

    def secret_options(self) -> dict[str, str]:
        """Return what DuckDB's secret of this store says, without the keys."""
        if not self.endpoint:
            return {"REGION": self.region}
        parts = urlsplit(self.endpoint)
        place = f"{parts.netloc}{parts.path.rstrip('/')}"
        return {
            "REGION": self.region,
            "ENDPOINT": place,
            "URL_STYLE": "path",
            "USE_SSL": str(parts.scheme == "https").lower(),
        }

    def without_keys(self, text: str) -> str:
        """Return a message without the keys, whoever wrote it."""
        for value in (self.secret, self.token, self.key_id):
            text = text.replace(value, "***") if value else text
        return text


def keys_to(location: Location) -> Access:
    """Return the keys to a lake's bucket.

    Raises
    ------
    BucketUnreachable
        If none is set.
    """
    access = Access.from_environment()
    if not (access.key_id and access.secret):
        raise unreachable(location, f"{KEYS[0]} or {KEYS[1]} is not set")
    return access


def let_in(connection: duckdb.DuckDBPyConnection, location: Location) -> None:
    """Give a DuckDB the keys to a lake's bucket: in its memory alone, for that prefix, not to be read back.

    Raises
    ------
    BucketUnreachable
        If no key is set, or DuckDB does not take it.
    """
    access = keys_to(location)
    keys = {"KEY_ID": access.key_id, "SECRET": access.secret}
    keys |= {"SESSION_TOKEN": access.token} if access.token else {}
    options = {**keys, **access.secret_options(), "SCOPE": f"{location.bucket}/"}
    told = ", ".join(f"{name} ?" for name in options)
    try:
        for name in _FROM_ENVIRONMENT:
            connection.execute(f"SET GLOBAL {name} = ''")
        connection.execute(f"CREATE SECRET {SECRET_NAME} (TYPE s3, {told})", list(options.values()))
    except duckdb.Error as error:
        raise unreachable(location, str(error)) from None  # DuckDB may repeat what it was given


def unreachable(location: Location, reason: str) -> BucketUnreachable:
    """Return the error that says why a lake's bucket cannot be used: one line, no key in it."""
    access = Access.from_environment()
    first = access.without_keys(reason.strip()).splitlines()[:1] or ["no reason was given"]
    return BucketUnreachable(str(location.bucket), access.place, first[0].rstrip("."))


def attach_secret() -> str:
    """Return the line that lets the ``duckdb`` command line into the bucket: it reads the keys from the environment."""
    access = Access.from_environment()
    keys = {"KEY_ID": KEYS[0], "SECRET": KEYS[1], **({"SESSION_TOKEN": KEYS[2]} if access.token else {})}
    told = [f"{name} getenv({quote_literal(variable)})" for name, variable in keys.items()]
    told += [f"{name} {quote_literal(value)}" for name, value in access.secret_options().items()]
    return f"CREATE SECRET {SECRET_NAME} (TYPE s3, {', '.join(told)});"


@contextmanager
def bucket_told(location: Location) -> Iterator[None]:
    """Turn errors of DuckDB's that come from a lake's bucket, however they are wrapped, into one of ours.

    Raises
    ------
    BucketUnreachable
        In the place of such an error.
    """
    try:
        yield
    except (LakeError, duckdb.Error) as error:
        told = of_bucket(location, error)
        if told is None:
            raise
        raise told from None


def of_bucket(location: Location, error: BaseException) -> BucketUnreachable | None:
    """Return what an error of DuckDB's means where it comes from the bucket; None where it does not."""
    origin: BaseException | None = error
    while origin is not None and location.bucket:
        if isinstance(origin, _TELLING) and "HTTP" in str(origin):
            return unreachable(location, str(origin))
        origin = origin.__cause__
    return None
