"""What an ingest leaves in the lake."""

import functools
import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sources import Source

from deepdlt import provenance
from deepdlt.source import examine, images
from deepdlt.synthetic.synth import write_synthetic
from lake import Lake
from tasks.ingest import find_source, ingest_source


def content(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_empty_source_variable_counts_as_unset(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Synthetic images are taken, not the folder that the worker happens to stand in."""
    monkeypatch.setenv("DEEPDLT_SOURCE", "")
    few = functools.partial(write_synthetic, n_images=2, height_px=64, width_px=64)
    monkeypatch.setattr("deepdlt.synthetic.synth.write_synthetic", few)
    assert find_source.fn(None, None)["source"] == str((lake.root / "synthetic").resolve())


def test_a_second_ingest_finds_nothing_new(source: Source, lake: Lake) -> None:
    """The same folder again adds no image and keeps every row."""
    first = ingest_source(source.folder)
    before = {table: lake.query(f"FROM {table}").rows() for table in ("images", "sources", "labels", "warnings")}
    second = ingest_source(source.folder)
    assert (first["n_new_images"], second["n_new_images"]) == (12, 0)
    assert {table: lake.query(f"FROM {table}").rows() for table in before} == before


def of_an_older_lake(lake: Lake, patch: pytest.MonkeyPatch) -> None:
    """Leave rows as code wrote them that noted no decoder."""
    with lake.write("an older lake") as transaction:
        transaction.execute("UPDATE sources SET decoder = NULL")


def of_an_older_pillow(lake: Lake, patch: pytest.MonkeyPatch) -> None:
    """Install another Pillow."""
    patch.setattr(provenance, "_version", lambda name: "99" if name == "pillow" else version(name))


@pytest.mark.parametrize("make_older", [of_an_older_lake, of_an_older_pillow])
def test_what_another_decoder_made_is_decoded_once_more_and_keeps_its_name(
    source: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch, make_older: Callable[..., None]
) -> None:
    """Equal pixels are the same images; the ingest after decodes nothing."""
    decoded: list[str] = []
    decode = examine.decode_image

    def counted(content: bytes, **given: Any) -> images.DecodedImage:
        decoded.append(given["path"])
        return decode(content, **given)

    ingest_source(source.folder)
    before = {table: lake.query(f"FROM {table}").rows() for table in ("images", "labels", "warnings")}
    make_older(lake, monkeypatch)
    monkeypatch.setattr(examine, "decode_image", counted)
    records = [ingest_source(source.folder) for _ in range(2)]
    assert [record["n_new_images"] for record in records] == [0, 0]
    assert len(decoded) == 12
    assert {table: lake.query(f"FROM {table}").rows() for table in before} == before


def test_a_remark_on_a_conversion_stands_while_the_file_does(source: Source, lake: Lake) -> None:
    """A colour image is remarked on each night, also when it is known and not decoded again."""
    Image.open(source.image(0)).convert("RGB").save(source.image(0))
    for _ in range(2):
        ingest_source(source.folder)
    assert lake.query("SELECT count(*), count(closed_at) FROM warnings WHERE rule = 'converted-to-grey'").row(0) == (
        1,
        0,
    )


def test_a_sheet_outside_the_folder_is_part_of_what_was_taken_in(source: Source, lake: Lake, tmp_path: Path) -> None:
    """Its correction is another state of the source, to the night's first look and to the ingest alike."""
    sheet = source.sheet.rename(tmp_path / "labels.csv")
    outside = Source(source.folder, sheet)
    rows = pl.read_csv(sheet, infer_schema=False)
    folder = source.sheet.parent.relative_to(source.folder).as_posix()
    rows.with_columns(Names=pl.lit(f"{folder}/") + pl.col("Names")).write_csv(sheet)
    seen = [find_source.fn(str(source.folder), str(sheet))]
    taken = [ingest_source(source.folder, sheet=sheet)]
    outside.set_cell(0, "NP", 77)
    seen.append(find_source.fn(str(source.folder), str(sheet)))
    taken.append(ingest_source(source.folder, sheet=sheet))
    assert [one["fingerprint"] for one in seen] == [one["fingerprint"] for one in taken]
    assert len({one["state_key"] for one in taken}) == len({one["fingerprint"] for one in seen}) == 2
    assert 77 in set(lake.query("SELECT n_pulses FROM labels")["n_pulses"])


def test_source_files_are_only_read(source: Source, lake: Lake) -> None:
    """Not a byte below the source folder changes."""
    before = content(source.folder)
    ingest_source(source.folder)
    assert content(source.folder) == before


def test_a_renamed_picture_is_not_new_and_a_changed_one_is(source: Source, lake: Lake) -> None:
    """An image is its pixels, whatever its file is called."""
    ingest_source(source.folder)
    renamed, changed = source.image(0), source.image(1)
    new_name = renamed.with_name("renamed.png")
    source.set_cell(0, "Names", new_name.relative_to(source.sheet.parent).with_suffix(".bmp").as_posix())
    renamed.rename(new_name)
    pixels = np.array(Image.open(changed))
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(changed)
    assert ingest_source(source.folder)["n_new_images"] == 1
    assert lake.query("SELECT count(*) FROM images").item() == 13
    assert lake.query("SELECT count(*) FROM labels").item() == 12


def test_a_changed_label_is_seen_and_the_old_one_stays_in_the_history(source: Source, lake: Lake) -> None:
    """New labels on the same image; the snapshot before still shows what stood there."""
    ingest_source(source.folder)
    snapshot = lake.snapshot_id()
    source.set_cell(0, "NP", 77)
    assert ingest_source(source.folder)["n_new_images"] == 0
    image_id = lake.query("SELECT image_id FROM labels WHERE n_pulses = 77").item()
    then = lake.query(f"SELECT n_pulses FROM labels AT (VERSION => {snapshot}) WHERE image_id = ?", [image_id]).item()
    assert then != 77


def test_a_vanished_file_leaves_the_data_set_and_its_image_stays(source: Source, lake: Lake) -> None:
    """What was taken in once is not lost, but a file that is gone is no longer present."""
    ingest_source(source.folder)
    source.image(3).unlink()
    record = ingest_source(source.folder)
    assert (record["n_images"], record["n_rejected"]) == (11, 1)
    assert lake.query("SELECT count(*) FROM sources WHERE NOT is_present").item() == 1
    assert lake.query("SELECT count(*) FROM images").item() == 12


def test_a_mended_fault_is_closed_and_keeps_when_it_was_seen(source: Source, lake: Lake) -> None:
    """A rejection stands while its cause does, and is history afterwards."""
    source.set_cell(2, "NP", "-5")
    ingest_source(source.folder)
    seen_at = lake.query("SELECT seen_at FROM rejected WHERE closed_at IS NULL").item()
    source.set_cell(4, "PP1", "Q")
    ingest_source(source.folder)
    assert seen_at in lake.query("SELECT seen_at FROM rejected WHERE closed_at IS NULL")["seen_at"].to_list()
    source.set_cell(2, "NP", "50")
    source.set_cell(4, "PP1", "V")
    ingest_source(source.folder)
    assert lake.query("SELECT count(*), count(closed_at) FROM rejected").row(0) == (2, 2)
    assert lake.query("SELECT count(*) FROM labels").item() == 12


def spoil(source: Source) -> list[str]:
    """Put every kind of bad input beside good images; return a part of what each must be reported by."""
    good = source.image(0).read_bytes()
    folder = source.image(0).parent
    here = folder.relative_to(source.sheet.parent).as_posix()
    (folder / "empty.png").write_bytes(b"")
    (folder / "truncated.png").write_bytes(good[: len(good) // 2])
    (folder / "text.png").write_bytes(b"this is no image")
    Image.fromarray(np.full((32, 32), 7, np.uint8)).save(folder / "tiny.png")
    Image.fromarray(np.full((80, 80), 9, np.uint8)).save(folder / "unlabelled.png")
    for name in ("empty", "truncated", "text", "tiny", "absent"):
        source.append_row(0, f"{here}/{name}.bmp")
    source.set_cell(1, "NP", "-3")
    source.set_cell(2, "PP1", "Q")
    source.set_cell(3, "EP1 [μJ]", "many")
    for row in (4, 5):
        source.append_row(row, source.image(row).relative_to(source.sheet.parent).with_suffix(".bmp").as_posix())
    source.set_cell(18, "NP", "499")  # the second row of image 5 contradicts its first
    return [
        "empty.png",
        "truncated.png",
        "text.png",
        "tiny.png",
        "unlabelled.png",
        "absent",
        "-3",
        "Q",
        "many",
        "contradicts",
    ]


def test_every_bad_input_is_named_and_the_good_ones_go_on(source: Source, lake: Lake) -> None:
    """Bad files and rows land in `rejected` with rule, value and remedy; eight good images remain."""
    expected = spoil(source)
    record = ingest_source(source.folder)
    rejected = lake.query("SELECT path, rule, value, message, remedy FROM rejected")
    reported = [" ".join(row) for row in rejected.iter_rows()]
    assert [part for part in expected if not any(part in line for line in reported)] == []
    assert rejected["remedy"].str.len_chars().min() > 10
    assert record["n_images"] == 8
    assert record["n_rejected"] == rejected.height


@pytest.mark.parametrize("n_times", [1, 2])
def test_bad_input_is_counted_once_however_often_it_is_seen(source: Source, lake: Lake, n_times: int) -> None:
    """A fault that stands for many nights is one row."""
    spoil(source)
    for _ in range(n_times):
        record = ingest_source(source.folder)
    assert lake.query("SELECT count(*) FROM rejected").item() == record["n_rejected"]
