"""What a cut-off training goes on from, handed on by way of a bucket."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import running_store

from lake.bucket import Bucket
from lake.location import Location
from tasks.kept_progress import KeptProgress, forget_progress

RUN = "1f3a"
FILE = f"models/{RUN}/progress.safetensors"


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bucket, Bucket]]:
    """The files of one lake on two machines."""
    with running_store() as store, pytest.MonkeyPatch.context() as patch:
        for name, value in store.variables.items():
            patch.setenv(name, value)
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        folder = tmp_path_factory.mktemp("machines")
        here, there = (Location(folder / name, "postgres://db/lake", "s3://lab/x") for name in ("here", "there"))
        yield Bucket(here), Bucket(there)


def save(files: Bucket, content: bytes, path: str = FILE) -> Path:
    """Write a progress file as a training does."""
    file = files.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_what_one_machine_saved_another_goes_on_from_and_then_the_first(machines: tuple[Bucket, Bucket]) -> None:
    """What the bucket has counts, also over an older copy; a file that did not change is not sent again."""
    here, there = machines
    kept = KeptProgress(here, [RUN])
    save(here, b"epoch 1")
    kept.keep()
    KeptProgress(there, [RUN])
    assert (there.root / FILE).read_bytes() == b"epoch 1"
    sent = here.listed(FILE)[0].changed_at
    kept._next_s = 0.0
    here._held = (os.getpid(), None)  # whoever asks the store now fails
    kept.keep()
    here._held = None
    further = KeptProgress(there, [RUN])
    save(there, b"epoch 12")
    further.keep()
    KeptProgress(here, [RUN])
    assert (here.root / FILE).read_bytes() == b"epoch 12"
    assert sent <= here.listed(FILE)[0].changed_at


def test_all_trainings_of_a_batch_are_handed_on(machines: tuple[Bucket, Bucket]) -> None:
    """Those that are one network save at the same moment, and one call has all of it sent."""
    here, _ = machines
    kept = KeptProgress(here, ["a", "b"])
    for run_id in ("a", "b"):
        save(here, b"epoch 1", f"models/{run_id}/progress.safetensors")
    kept.keep()
    assert set(here.sizes(["models/a/progress.safetensors", "models/b/progress.safetensors"])) == {
        "models/a/progress.safetensors",
        "models/b/progress.safetensors",
    }


def test_what_is_forgotten_is_forgotten_everywhere(machines: tuple[Bucket, Bucket]) -> None:
    """A copy that another machine still has is not gone on from."""
    here, there = machines
    kept = KeptProgress(here, [RUN])
    save(here, b"epoch 1")
    kept.keep()
    KeptProgress(there, [RUN])
    forget_progress(here, [RUN])
    assert (there.root / FILE).exists()
    KeptProgress(there, [RUN])
    assert not (there.root / FILE).exists()


def test_a_store_that_is_away_does_not_end_a_training(
    machines: tuple[Bucket, Bucket], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and the file is sent with the next one that is saved, or asked for again."""
    here, _ = machines
    kept = KeptProgress(here, [RUN])
    save(here, b"epoch 3")
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        here._held = None
        kept.keep()
    assert "no other machine could go on from here" in caplog.text
    here._held, kept._next_s = None, 0.0
    kept.keep()
    assert here.sizes([FILE]) == {FILE: 7}
