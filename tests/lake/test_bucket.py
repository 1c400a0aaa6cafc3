"""A lake whose files are in an S3 bucket: copies of them, failures of the store, and what must never be told."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl
import psycopg
import pytest
from stores import KEY_ID, SECRET, Store

from lake import Lake
from lake.access import Access
from lake.bucket import Bucket
from lake.errors import BucketUnreachable, PathEscapes, ShardMissing, StatementFailed, StatementRefused
from lake.location import Location, locate
from lake.shards import read_patches, shards_present, write_shards

CANARIES = (KEY_ID, SECRET)
PIXELS = np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8)
ROWS = pl.DataFrame({"night_id": ["n"], "run_id": ["1"], "is_reused": [True]})


class Refusal(BaseHTTPRequestHandler):
    """Answers everything with 403, and repeats the key as Amazon does."""

    def answer(self) -> None:
        body = (
            f"<Error><Code>SignatureDoesNotMatch</Code><Message>No {KEY_ID}</Message>"
            f"<AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId><Hint>{SECRET}</Hint></Error>"
        )
        self.send_response(403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - so the library calls them

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of a store that lets nobody in."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def bucket_at(store: Store, root: Path, name: str = "x") -> Bucket:
    """The files of a lake on a machine; they need no catalog."""
    return Bucket(Location(root / "cache", "postgres://db/lake", f"s3://lab/files/{name}"))


@pytest.fixture
def here(store: Store, tmp_path: Path) -> Bucket:
    """A bucket's files, with an empty cache."""
    found = bucket_at(store, tmp_path, os.urandom(4).hex())
    found.root.mkdir()
    return found


@pytest.fixture
def there(here: Bucket, tmp_path: Path) -> Bucket:
    """The same files, from another machine."""
    return Bucket(Location(tmp_path / "other", "postgres://db/lake", here._location.bucket))


def put(files: Bucket, path: str, content: bytes) -> None:
    """Write a file on a machine, and publish it."""
    (files.root / path).parent.mkdir(parents=True, exist_ok=True)
    (files.root / path).write_bytes(content)
    files.publish(path)


def test_an_address_names_database_and_bucket_and_each_lake_has_a_cache_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is set again for a child is what was set; the cache is below the folder that a variable names."""
    monkeypatch.setenv("DEEPDLT_CACHE", str(tmp_path))
    text = "postgres://me@db.lab:5433/lake+s3://lab/results"
    place = locate(text)
    assert (place.database, place.bucket) == ("postgres://me@db.lab:5433/lake", "s3://lab/results")
    assert str(place) == text == str(locate(f"{text}/"))
    assert place.root.parent == tmp_path
    assert place.root != locate(f"{text}/2").root
    monkeypatch.delenv("DEEPDLT_CACHE")
    assert locate(text).root == Path.home() / ".cache" / "deepdlt" / place.root.name


def test_what_one_machine_published_another_reads(here: Bucket, there: Bucket) -> None:
    """Also after it was replaced by content of the same size."""
    put(here, "models/a/last.safetensors", b"one")
    assert there.fetch("models/a/last.safetensors").read_bytes() == b"one"
    os.utime(here.root / "models/a/last.safetensors", (0, 0))
    here._client.put_object(Bucket="lab", Key=here._key("models/a/last.safetensors"), Body=b"two")
    os.utime(there.root / "models/a/last.safetensors", (0, 0))
    assert there.fetch("models/a/last.safetensors").read_bytes() == b"two"
    assert here.fetch("models/a/last.safetensors").read_bytes() == b"two"


@pytest.mark.parametrize("damage", ["vanished", "cut short"])
def test_a_copy_that_is_gone_or_cut_short_is_fetched_again(here: Bucket, damage: str) -> None:
    """A shard, which is looked at by itself, and a file that is compared with the bucket's."""
    shard = write_shards(here, PIXELS, list("abcd"))["shard"][0]
    put(here, "reports/1/index.html", b"a page")
    for path in (shard, "reports/1/index.html"):
        copy = here.root / path
        if damage == "vanished":
            copy.unlink()
        else:
            copy.write_bytes(copy.read_bytes()[:-3])
    manifest = pl.DataFrame({"shard": [shard] * 4, "shard_row": [3, 2, 1, 0]})
    np.testing.assert_array_equal(read_patches(here, manifest, size_px=8), PIXELS[::-1])
    assert here.fetch("reports/1/index.html").read_bytes() == b"a page"


def test_a_whole_shard_is_read_without_asking_the_bucket(
    here: Bucket, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name says what is in it."""
    shard = write_shards(here, PIXELS, list("abcd"))["shard"][0]
    monkeypatch.setattr(here, "_held", (os.getpid(), None))
    manifest = pl.DataFrame({"shard": [shard], "shard_row": [1]})
    np.testing.assert_array_equal(read_patches(here, manifest, size_px=8), PIXELS[1:2])


def test_what_is_in_no_bucket_is_not_there(here: Bucket, there: Bucket) -> None:
    """A copy that nobody published does not count, nor does a shard that was removed; sizes are the bucket's."""
    put(here, "models/a/progress.safetensors", b"abc")
    shard, size = write_shards(here, PIXELS, list("abcd")).select("shard", "shard_bytes").row(0)
    assert shards_present(there, {shard: size}) == {shard} == shards_present(there, [shard])
    assert shards_present(there, {shard: size + 1}) == set()
    assert there.sizes(["models/a/progress.safetensors", "models/b"]) == {"models/a/progress.safetensors": 3}
    there.fetch_all(["models/a/progress.safetensors"])
    here.remove([shard, "models/a/progress.safetensors"])
    assert (there.root / "models/a/progress.safetensors").is_file()
    there.fetch_all(["models/a/progress.safetensors"])
    assert not (there.root / "models/a/progress.safetensors").exists()
    with pytest.raises(ShardMissing):
        read_patches(there, pl.DataFrame({"shard": [shard], "shard_row": [0]}), size_px=8)


def test_a_folder_goes_with_all_that_is_in_it_and_nothing_else(here: Bucket, store: Store) -> None:
    """One whose name begins the same stays; paths lead out of neither bucket nor cache."""
    for path in ("models/a/last", "models/a/loss", "models/ab/last"):
        put(here, path, b"x")
    here.remove_tree("models/a")
    assert [found.path for found in here.listed("models/")] == ["models/ab/last"]
    for path in ("../x", "/etc/passwd", "models/../../x"):
        with pytest.raises(PathEscapes):
            here.fetch(path)
        with pytest.raises(PathEscapes):
            here.remove([path])


def test_marks_of_folders_are_no_files_and_what_was_changed_since_stays(here: Bucket, store: Store) -> None:
    """A browser of buckets makes an object of no bytes for a folder; upkeep looks at files once more."""
    put(here, "models/a/last", b"x")
    here._client.put_object(Bucket="lab", Key=here._key("models/b/"), Body=b"")
    (found,) = here.listed("models/")
    assert found.path == "models/a/last"
    here.remove([found.path, "models/none"], changed_by=found.changed_at - 1)
    assert here.listed("models/") == [found]
    here.remove([found.path, "models/none"], changed_by=found.changed_at)
    assert here.listed("models/") == []


@pytest.mark.long
def test_more_files_than_a_request_takes_are_listed_and_removed(here: Bucket, store: Store) -> None:
    """S3 lists, and deletes, a thousand at a time."""
    for number in range(1_100):
        here._client.put_object(Bucket="lab", Key=here._key(f"shards/{number:04}"), Body=b"x")
    found, asked = here.listed("shards/"), list[int]()
    assert len(found) == 1_100
    here._client.meta.events.register(
        "provide-client-params.s3.DeleteObjects", lambda params, **_: asked.append(len(params["Delete"]["Objects"]))
    )
    here.remove(one.path for one in found)
    assert asked == [1_000, 100], "more in one request are refused"
    assert here.listed("") == []


@pytest.mark.long
def test_a_forked_child_has_connections_of_its_own(here: Bucket) -> None:
    """A connection that parent and child both read from would mix their answers."""
    put(here, "a", b"x")
    ours, child = here._client, os.fork()
    if child == 0:
        os._exit(0 if here._client is not ours and here.sizes(["a"]) == {"a": 1} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert here.sizes(["a"]) == {"a": 1}


def test_two_machines_work_on_one_lake(bucket_lake: Lake, store: Store, tmp_path: Path) -> None:
    """Rows and patches that one wrote, the other reads; its cache is private, and holds no table."""
    places = write_shards(bucket_lake.files, PIXELS, list("abcd"))
    with bucket_lake.write("a night") as transaction:
        transaction.replace("night_runs", ROWS, ("night_id", "run_id"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_CACHE", str(tmp_path / "second"))
        other = Lake.open(str(bucket_lake.location))
    assert other.lake_id == bucket_lake.lake_id
    assert other.root != bucket_lake.root
    assert other.root.stat().st_mode & 0o777 == 0o700
    np.testing.assert_array_equal(read_patches(other.files, places, size_px=8), PIXELS)
    with other.write("another night") as transaction:
        transaction.replace("night_runs", ROWS.with_columns(night_id=pl.lit("m")), ("night_id", "run_id"))
    assert bucket_lake.query("SELECT night_id FROM night_runs ORDER BY ALL")["night_id"].to_list() == ["m", "n"]
    assert any(name.startswith("tables/main/night_runs/") for name in store.keys(str(other.location.bucket)))
    assert not list(other.root.rglob("tables"))
    other.close()


def test_a_refusal_names_bucket_and_address_and_no_key(
    bucket_lake: Lake, refusing: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks, files or tables, to read or to write; the store itself repeats the key."""
    with bucket_lake.write("a night") as transaction:
        transaction.replace("night_runs", ROWS, ("night_id", "run_id"))
    place = bucket_lake.location
    bucket_lake.close()
    monkeypatch.setenv("AWS_ENDPOINT_URL", refusing)
    files = Bucket(place)
    copy = place.root / "models" / "x"
    copy.parent.mkdir()
    copy.write_bytes(b"x")
    asked = {
        "read a table": lambda: bucket_lake.query("FROM night_runs"),
        "write a table": lambda: add(bucket_lake),
        "open": lambda: Lake.open(str(place)),
        "publish": lambda: files.publish("models/x"),
        "fetch": lambda: files.fetch("models/x"),
        "list": lambda: files.listed(""),
        "remove": lambda: files.remove(["models/y"]),
    }
    caplog.set_level(logging.DEBUG, "lake")
    for what, ask in asked.items():
        with pytest.raises(BucketUnreachable) as caught:
            ask()
        text = str(caught.value)
        assert str(place.bucket) in text, what
        assert refusing in text, what
        assert "403" in text, what
        assert not any(key in text + repr(caught.value.__cause__) for key in CANARIES), what
        assert caught.value.__suppress_context__, what
    assert not any(key in caplog.text for key in CANARIES)


def add(lake: Lake) -> None:
    """Write a row."""
    with lake.write("a night") as transaction:
        transaction.replace("night_runs", ROWS, ("night_id", "run_id"))


@pytest.mark.long
def test_a_store_that_does_not_answer_is_one_clear_error(bucket_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is changed by what was to be written; without a key, the error says which variable is missing."""
    add(bucket_lake)
    bucket_lake.close()
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        for ask in (lambda: bucket_lake.query("FROM night_runs"), lambda: Bucket(bucket_lake.location).listed("")):
            with pytest.raises(
                BucketUnreachable, match=r"s3://lab/bucket_.* at http://127\.0\.0\.1:1 cannot be reached"
            ):
                ask()
        with pytest.raises(BucketUnreachable):
            add(bucket_lake)
    bucket_lake.close()
    with monkeypatch.context() as patch:
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        for ask in (lambda: bucket_lake.query("FROM night_runs"), lambda: Bucket(bucket_lake.location).listed("")):
            with pytest.raises(BucketUnreachable, match="AWS_SECRET_ACCESS_KEY is not set"):
                ask()
    assert bucket_lake.query("FROM night_runs").height == 1


def test_no_key_is_in_the_lake_or_in_what_is_said_of_it(
    bucket_lake: Lake, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Objects, cache, catalog, texts; nor does a question give it away: DuckDB has settings of that name."""
    caplog.set_level(logging.DEBUG, "lake")
    add(bucket_lake)
    write_shards(bucket_lake.files, PIXELS, list("abcd"))
    told = [repr(bucket_lake.location), str(bucket_lake.location), repr(Access.from_environment()), caplog.text]
    told += [repr(bucket_lake.files), repr(vars(bucket_lake.files)), *bucket_lake.attach_statements()]
    bucket, _, prefix = str(bucket_lake.location.bucket).removeprefix("s3://").partition("/")
    names = store.keys(f"s3://{bucket}/{prefix}")
    held = [store.client.get_object(Bucket=bucket, Key=f"{prefix}/{name}")["Body"].read() for name in names]
    held += [path.read_bytes() for path in bucket_lake.root.rglob("*") if path.is_file()]
    with psycopg.connect(bucket_lake.location.database or "") as connection:
        tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        for (table,) in connection.execute(tables).fetchall():
            told.append(str(connection.execute(f'TABLE "{table}"'.encode()).fetchall()))
    for name in ("s3_access_key_id", "s3_secret_access_key", "s3_session_token"):
        told.append(str(bucket_lake.query_rows(f"SELECT current_setting('{name}')").rows))
        with bucket_lake.read() as lent:
            told.append(str(lent.execute(f"SELECT current_setting('{name}')").fetchall()))
    with bucket_lake.read() as lent:
        told.append(str(lent.execute("FROM duckdb_secrets()").fetchall()).replace(KEY_ID, "", 1))  # its id is no secret
    assert len(names) > 5
    assert not any(key in text for text in told for key in CANARIES)
    assert not any(key.encode() in content for content in held for key in CANARIES)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM duckdb_secrets()",
        "FROM which_secret('s3://lab/x', 's3')",
        "FROM duckdb_settings()",
        "FROM 's3://lab/other.parquet'",
        "FROM read_text('s3://lab/other.txt')",
        "SELECT getenv('AWS_SECRET_ACCESS_KEY')",
    ],
)
@pytest.mark.long
def test_what_people_type_reaches_neither_the_key_nor_the_rest_of_the_bucket(bucket_lake: Lake, sql: str) -> None:
    """The check of statements refuses it, or DuckDB knows no such function."""
    with pytest.raises((StatementRefused, StatementFailed)) as caught:
        bucket_lake.query(sql)
    assert not any(key in str(caught.value) for key in CANARIES)


@pytest.mark.long
def test_a_guarded_duckdb_reads_the_tables_alone(bucket_lake: Lake, store: Store) -> None:
    """Below the check of statements, too: other objects of the lake and of the bucket are shut."""
    prefix = str(bucket_lake.location.bucket).removeprefix("s3://lab/")
    for key in (f"{prefix}/models/x.txt", "other.txt"):
        store.client.put_object(Bucket="lab", Key=key, Body=b"told")
        with bucket_lake.snapshot() as connection, pytest.raises(duckdb.PermissionException, match="disabled"):
            connection.execute("FROM read_text(?)", [f"s3://lab/{key}"])
    with bucket_lake.snapshot() as connection:
        assert connection.execute("SELECT count(*) FROM migrations").fetchone() != (0,)


@pytest.mark.long
def test_the_lines_to_attach_it_work_in_duckdbs_own_client(bucket_lake: Lake) -> None:
    """As `deepdlt attach` prints them: the keys come from the environment of whoever runs it."""
    add(bucket_lake)
    lines = [*bucket_lake.attach_statements(), "SELECT run_id FROM night_runs;"]
    client = Path(sys.executable).with_name("duckdb")
    done = subprocess.run([client, "-csv"], input="\n".join(lines), capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["run_id", "1"], done.stderr
    assert not any(key in done.stdout + done.stderr for key in CANARIES)


def test_copies_that_nobody_has_read_for_a_month_go_and_come_back_when_they_are_asked_for(
    here: Bucket, there: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On this machine, not in the bucket; it looks once a day."""
    for name in ("models/a/best", "models/b/best"):
        (here.root / name).parent.mkdir(parents=True)
        (here.root / name).write_bytes(name.encode())
        here.publish(name)
    here.fetch_all(["models/a/best"])
    assert (here.root / "models/b/best").exists()
    later = time.time() + 31 * 86_400
    monkeypatch.setattr("lake.bucket.time", SimpleNamespace(time=lambda: later))
    here.fetch_all(["models/a/best"])
    assert [path.name for path in (here.root / "models").rglob("best")] == ["best"]
    assert here.fetch("models/b/best").read_bytes() == b"models/b/best"
    here.remove_old_copies()
    assert (here.root / "models/b/best").exists()
    assert there.sizes(["models/a/best", "models/b/best"]) == dict.fromkeys(("models/a/best", "models/b/best"), 13)
