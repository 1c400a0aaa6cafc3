"""An S3 server of a test session's own: moto's, as a process on a free port of the loopback address."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stacks import free_port

KEY_ID = "canary-key-3b7e"
SECRET = "canary-secret-9d20"  # noqa: S105 - of a server that lives as long as the tests
"""Must turn up nowhere, like the key's id."""


@dataclass(frozen=True)
class Store:
    """A server that runs: its address."""

    endpoint: str

    @property
    def variables(self) -> dict[str, str]:
        """What clients find it by, from the environment alone."""
        keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
        return keys | {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.endpoint}

    @property
    def client(self) -> Any:
        """A client of the tests' own."""
        import boto3

        named = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.endpoint, **named)

    def keys(self, address: str) -> dict[str, int]:
        """Return the objects below ``s3://BUCKET/PREFIX``: name after the prefix, and bytes."""
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        found = [one for page in pages for one in page.get("Contents", ())]
        return {one["Key"].removeprefix(f"{prefix}/"): one["Size"] for one in found}

    def copy(self, source: str, target: str) -> None:
        """Copy all objects below one address to another, in the same bucket."""
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        goal = target.removeprefix(f"s3://{bucket}/")
        for name in self.keys(source):
            told = {"Bucket": bucket, "Key": f"{prefix}/{name}"}
            self.client.copy_object(Bucket=bucket, Key=f"{goal}/{name}", CopySource=told)


@contextmanager
def running_store(*, host: str = "127.0.0.1", port: int | None = None, bucket: str = "lab") -> Iterator[Store]:
    """Run a server with one bucket, for whoever reaches that address."""
    port = port or free_port()
    command = [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            store = Store(f"http://{host}:{port}")
            _wait(store, process)
            store.client.create_bucket(Bucket=bucket)
            yield store
        finally:
            process.kill()


def _wait(store: Store, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the server answers."""
    from botocore.exceptions import BotoCoreError

    deadline = time.monotonic() + 30
    while True:
        try:
            store.client.list_buckets()
            return
        except BotoCoreError:
            assert process.poll() is None, "moto's server ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.05)
