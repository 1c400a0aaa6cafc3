"""What an ingest does not take for granted: sheets that changed beyond belief, files being written, lost folders."""

import os
import shutil
import threading
import time
from pathlib import Path

import polars as pl
import pytest
from sources import Source

from deepdlt.errors import DeepdltError
from deepdlt.sheets.sheet import SheetColumnsMissing, SheetEmpty, load_spec
from deepdlt.source.errors import SheetBeingWritten, SourceVanished
from deepdlt.source.fingerprint import Listing
from deepdlt.source.stillness import unsettled_files
from deepdlt.source.survey import survey
from lake import Lake
from tasks.changes import SourceChanged
from tasks.ingest import StillnessUnclear, find_source, ingest_source, ingest_stands

STATE = "FROM ingests", "FROM labels ORDER BY image_id", "FROM sources ORDER BY path", "FROM rejected", "FROM images"


def state(lake: Lake) -> list[object]:
    """Return all that an ingest writes, and the number of the newest snapshot."""
    return [lake.snapshot_id(), *(lake.query(query).rows() for query in STATE)]


def keep_rows(source: Source, n_rows: int) -> None:
    """Cut the sheet off after some rows."""
    pl.read_csv(source.sheet, infer_schema=False).head(n_rows).write_csv(source.sheet)


def rename_columns(source: Source) -> None:
    """Put a sheet with other columns in the place of the sheet."""
    pl.read_csv(source.sheet, infer_schema=False).rename(lambda name: f"old {name}").write_csv(source.sheet)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (rename_columns, SheetColumnsMissing),
        (lambda source: keep_rows(source, 0), SheetEmpty),
        (lambda source: keep_rows(source, 8), SourceChanged),
        (lambda source: [source.set_cell(row, "NP", 77) for row in range(4)], SourceChanged),
        (lambda source: [source.image(row).unlink() for row in range(4)], SourceChanged),
    ],
    ids=["other columns", "all rows gone", "a third of the rows gone", "a third of the labels changed", "images gone"],
)
def test_a_sheet_that_changed_beyond_belief_touches_nothing(
    source: Source, lake: Lake, spoil: object, error: type[DeepdltError]
) -> None:
    """Other columns, rows that are gone, or labels that changed: the lake stays as it was, to the snapshot."""
    ingest_source(source.folder)
    before = state(lake)
    assert callable(spoil)
    spoil(source)
    with pytest.raises(error):
        ingest_source(source.folder)
    assert state(lake) == before


def test_the_refusal_says_what_changed_how_many_and_what_to_do(source: Source, lake: Lake) -> None:
    """Numbers, examples, and the option that lets them pass."""
    ingest_source(source.folder)
    keep_rows(source, 8)
    source.set_cell(0, "NP", 77)
    said = r"4 of the 12 .* gone .* 1 have other labels .*25%.*--accept-changes"
    with pytest.raises(SourceChanged, match=said) as caught:
        ingest_source(source.folder)
    assert len(caught.value.gone) == 4
    assert caught.value.changed[0] in str(caught.value)


def test_changes_that_are_meant_are_taken(source: Source, lake: Lake) -> None:
    """With accept_changes, the lake follows the sheet; afterwards the new state is the known one."""
    ingest_source(source.folder)
    keep_rows(source, 6)
    assert ingest_source(source.folder, accept_changes=True)["n_images"] == 6
    assert ingest_source(source.folder)["n_images"] == 6


def test_a_quarter_of_the_rows_may_change_unasked(source: Source, lake: Lake) -> None:
    """Three of twelve are a night's work."""
    ingest_source(source.folder)
    for row in range(3):
        source.set_cell(row, "NP", 77)
    assert ingest_source(source.folder)["n_images"] == 12


def write_slowly(path: Path, content: bytes, until: threading.Event) -> threading.Thread:
    """Write a file a few bytes at a time, as a microscope or a network does, until told to stop."""

    def write() -> None:
        with path.open("wb") as file:
            for place in range(len(content)):
                file.write(content[place : place + 1])
                file.flush()
                if until.wait(0.02):
                    return

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.05)
    return thread


def test_a_file_that_is_being_written_waits_for_the_next_night(
    source: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded as such while it changes, though the others are taken; taken once it is still."""
    monkeypatch.setenv("DEEPDLT_STILL_S", "0.3")
    image = source.image(0)
    whole = image.read_bytes()
    stop = threading.Event()
    writing = write_slowly(image, whole, stop)
    try:
        first = ingest_source(source.folder)
    finally:
        stop.set()
        writing.join()
    assert (first["n_images"], first["n_waiting"]) == (11, 1)
    assert lake.query("SELECT path, rule FROM rejected_now").rows() == [
        (image.relative_to(source.folder).as_posix(), "file-being-written")
    ]
    assert not ingest_stands(first, find_source.fn(str(source.folder), None))
    image.write_bytes(whole)
    second = ingest_source(source.folder)
    assert (second["n_images"], second["n_waiting"]) == (12, 0)
    assert ingest_stands(second, find_source.fn(str(source.folder), None))
    assert lake.query("FROM rejected_now").is_empty()


def test_a_sheet_that_is_being_written_stops_the_ingest(source: Source) -> None:
    """Half a sheet is no sheet."""
    with pytest.raises(SheetBeingWritten, match="run again"):
        survey(source.folder, spec=load_spec(), known={}, unsettled=frozenset({source.sheet}))


def test_files_that_are_still_are_not_waited_for(source: Source) -> None:
    """A folder that nobody touches costs no second."""
    for path in source.folder.rglob("*"):
        os.utime(path, (time.time() - 60,) * 2)
    began = time.monotonic()
    assert unsettled_files(source.folder.rglob("*"), still_s=30) == frozenset()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("asked", ["5s", "-1", "nan", "inf"])
def test_a_stillness_that_is_no_number_of_seconds_is_refused(
    source: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """It names the variable, what stands there, and what may."""
    monkeypatch.setenv("DEEPDLT_STILL_S", asked)
    with pytest.raises(StillnessUnclear, match=f"DEEPDLT_STILL_S is '{asked}': give seconds from 0"):
        ingest_source(source.folder)


def test_a_clock_that_was_set_back_holds_nothing_up(source: Source) -> None:
    """A file dated tomorrow is still if it does not change."""
    os.utime(source.image(0), (time.time() + 86_400,) * 2)
    assert unsettled_files([source.image(0)], still_s=0.1) == frozenset()


def test_a_folder_that_vanishes_in_mid_ingest_is_said_and_touches_nothing(source: Source, lake: Lake) -> None:
    """A drive that is unplugged is no list of broken files."""

    def unplug(done: int, of: int) -> None:
        if done == 3:
            shutil.rmtree(source.folder)

    with pytest.raises(SourceVanished, match="was there and is gone"):
        ingest_source(source.folder, on_progress=unplug)
    assert lake.query("FROM ingests").is_empty()


@pytest.mark.parametrize("how", ["not there", "not readable"])
def test_a_file_that_was_out_of_reach_for_a_moment_is_taken_by_the_next_night(
    source: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Back when the survey is over, it leaves the folder as the night found it; its ingest does not stand for that."""
    image, away = source.image(0), source.folder / "away"
    before = find_source.fn(str(source.folder), None)

    def lose() -> None:
        image.rename(away)
        if how == "not readable":
            image.symlink_to(image)  # found, and cannot be read

    def come_back(done: int, of: int) -> None:
        if done == of:
            image.unlink(missing_ok=True)
            away.rename(image)

    class LosesOne(Listing):
        def __init__(self, folder: Path, *, sheet: Path | None) -> None:
            super().__init__(folder, sheet=sheet)
            lose()

    with monkeypatch.context() as patch:
        patch.setattr("tasks.ingest.Listing", LosesOne)
        first = ingest_source(source.folder, on_progress=come_back)
    assert first["n_images"] == 11
    assert find_source.fn(str(source.folder), None) == before
    assert not ingest_stands(first, before)
    second = ingest_source(source.folder)
    assert second["n_images"] == 12
    assert ingest_stands(second, before)


def test_a_file_that_nobody_can_read_costs_one_ingest(source: Source, lake: Lake) -> None:
    """It is rejected, and the folder is as the lake knows it as long as that stays so."""
    image = source.image(0)
    image.unlink()
    image.symlink_to(image)
    record = ingest_source(source.folder)
    assert lake.query("SELECT rule FROM rejected_now").item() == "file-unreadable"
    assert ingest_stands(record, find_source.fn(str(source.folder), None))


def test_a_folder_that_may_only_be_read_is_enough(source: Source, lake: Lake) -> None:
    """Nothing is made, renamed or locked in it: files and folders without the right to write."""
    for path in (source.folder, *source.folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in (source.folder, *source.folder.rglob("*"))}
    assert ingest_source(source.folder)["n_images"] == 12
    assert {path: path.stat().st_mtime_ns for path in (source.folder, *source.folder.rglob("*"))} == before
