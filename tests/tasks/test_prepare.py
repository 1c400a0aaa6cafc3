"""Patches, data sets and folds: made once, and again only where something is missing."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sources import Source, copy_source

from deepdlt import provenance
from deepdlt.config import PatchRecipe
from deepdlt.dataset.patches import dataset_id_of
from deepdlt.source import images
from lake import Lake
from lake.shards import read_patches
from lake.statements import load
from tasks.changes import SourceChanged
from tasks.export import NothingIngested, export_source
from tasks.ingest import ingest_source
from tasks.prepare import DatasetGone, LevelsMissing, assign_missing, cut_missing, freeze
from tasks.prepared import dataset_stands, patches_stand, splits_stand
from tasks.records import DatasetRecord
from tasks.sheet import LabelUnknown

RECIPE = PatchRecipe(n_per_image=5)


def prepare(source: Source, **changed: object) -> tuple[DatasetRecord, dict[tuple[str, str], str]]:
    """Ingest and prepare a source; return its data set and its split ids by label and scheme."""
    folder = ingest_source(source.folder)["source"]
    cut_missing(folder, RECIPE)
    dataset = freeze(folder, RECIPE, patches_per_image=4)
    asked = {"labels": ["NP", "PP1"], "schemes": ["grouped"], "n_folds": 3, "seed": 0} | changed
    splits = assign_missing(folder, dataset, patches_per_image=4, **asked)  # type: ignore[arg-type]
    return dataset, {(split.label, split.scheme): split.split_id for split in splits}


def test_preparing_again_makes_nothing_new(source: Source, lake: Lake) -> None:
    """The same images have the same patches, data set and folds, and nothing is written."""
    first = prepare(source)
    snapshot = lake.snapshot_id()
    cut = cut_missing(str(source.folder), RECIPE)
    assert (cut["n_patches"], cut["n_new_patches"]) == (60, 0)
    assert lake.snapshot_id() == snapshot
    assert prepare(source) == first


def test_stored_patches_are_the_pixels_of_their_image(source: Source, lake: Lake) -> None:
    """What a shard holds is the image at the origin, times the gain, cut off at white."""
    prepare(source)
    row = lake.query("SELECT * FROM manifest ORDER BY patch_id LIMIT 1")
    (stored,) = read_patches(lake.root, row, size_px=64)
    patch = row.row(0, named=True)
    path = lake.query("SELECT path FROM sources WHERE image_id = ?", [patch["image_id"]]).item()
    pixels = np.array(Image.open(source.folder / path), dtype=np.float64)
    crop = pixels[patch["origin_row"] : patch["origin_row"] + 64, patch["origin_col"] : patch["origin_col"] + 64]
    np.testing.assert_array_equal(stored, np.clip(crop * patch["gain"], 0, 255).astype(np.uint8))


def test_a_lost_shard_is_cut_again_to_the_same_bytes(source: Source, lake: Lake) -> None:
    """The manifest alone does not count as patches."""
    prepare(source)
    shards = lake.query("SELECT DISTINCT shard FROM patches")["shard"].to_list()
    before = {shard: (lake.root / shard).read_bytes() for shard in shards}
    (lake.root / shards[0]).unlink()
    assert cut_missing(str(source.folder), RECIPE)["n_new_patches"] > 0
    assert {shard: (lake.root / shard).read_bytes() for shard in shards} == before
    assert lake.query("SELECT count(*) FROM patches").item() == 60


def test_a_record_that_is_not_the_lakes_is_no_hit(source: Source, lake: Lake) -> None:
    """A data set stands only as the lake has it: neither an edited record nor one of another lake counts."""
    dataset, _ = prepare(source)
    here = str(source.folder)
    assert dataset_stands(here, dataset)
    assert not dataset_stands(here, {**dataset, "n_patches": 1})
    assert not dataset_stands(here, {**dataset, "dataset_id": "0" * 32})
    assert not dataset_stands("/elsewhere", dataset)


def test_a_label_with_one_value_cannot_be_left_out_level_by_level(source: Source, lake: Lake) -> None:
    """The label is named, with what to do; nothing is split."""
    for row in range(12):
        source.set_cell(row, "NP", 50)
    with pytest.raises(LevelsMissing, match=r"1 value of the label NP, .*needs at least 2: add images"):
        prepare(source, labels=["NP"], schemes=["leave-one-level-out"])
    assert lake.query("FROM splits").is_empty()


def test_folds_are_of_the_data_set_that_was_frozen(source: Source, lake: Lake) -> None:
    """An ingest beside the night takes an image away between the two: the folds hold its patches all the same."""
    folder = ingest_source(source.folder)["source"]
    cut_missing(folder, RECIPE)
    dataset = freeze(folder, RECIPE, patches_per_image=4)
    source.image(0).unlink()
    ingest_source(source.folder)
    asked = {"labels": [], "schemes": ["grouped"], "n_folds": 3, "seed": 0}
    (split,) = assign_missing(folder, dataset, patches_per_image=4, **asked)  # type: ignore[arg-type]
    patches = lake.query("SELECT patch_id FROM folds WHERE split_id = ?", [split.split_id])["patch_id"].to_list()
    assert dataset_id_of(dataset["recipe_id"], sorted(patches)) == dataset["dataset_id"]


def test_a_data_set_that_is_not_the_sources_is_not_split(source: Source, lake: Lake) -> None:
    """Neither now nor when it was frozen: its folds would be those of other patches."""
    dataset, _ = prepare(source)
    other = DatasetRecord(**{**dataset, "dataset_id": "0" * 32})  # type: ignore[typeddict-item]
    asked = {"labels": [], "schemes": ["grouped"], "n_folds": 3, "seed": 0}
    with pytest.raises(DatasetGone, match="run again"):
        assign_missing(str(source.folder), other, patches_per_image=4, **asked)  # type: ignore[arg-type]
    assert lake.query("SELECT count(*) FROM splits WHERE dataset_id = ?", ["0" * 32]).item() == 0


def test_images_that_were_moved_have_the_labels_of_where_they_are_now(
    source: Source, lake: Lake, synthetic: Path, tmp_path: Path
) -> None:
    """One data set, whichever path it was first made from; its labels are those of the path it was last made from."""
    first, _ = prepare(source)
    moved = copy_source(synthetic, tmp_path / "moved")
    moved.set_cell(0, "NP", 77)
    second, _ = prepare(moved)
    assert second["dataset_id"] == first["dataset_id"]
    labels = lake.query(load("labels_of_dataset"), [first["dataset_id"]])
    assert set(labels["source"]) == {str(moved.folder)}
    assert 77 in set(labels["n_pulses"])


def test_an_image_that_changed_since_its_ingest_waits(source: Source, lake: Lake) -> None:
    """Patches are never cut from other pixels than those that were judged."""
    folder = ingest_source(source.folder)["source"]
    Image.new("L", (128, 96), 7).save(source.image(0))
    assert cut_missing(folder, RECIPE)["n_images"] == 11


def invert_from_now_on(patch: pytest.MonkeyPatch) -> None:
    """Put another Pillow in the place of this one: it makes other pixels of every file."""
    decode = images.to_grey
    patch.setattr(images, "to_grey", lambda image: (255 - decode(image)[0], decode(image)[1]))
    patch.setattr(provenance, "_version", lambda name: "99" if name == "pillow" else version(name))


def test_images_that_are_decoded_to_other_pixels_are_taken_up_anew(
    source: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are as they were: nothing counts as gone, no patch waits, and the night after has nothing to do."""
    before, _ = prepare(source)
    labels = lake.query("SELECT name, n_pulses FROM labels ORDER BY name").rows()
    invert_from_now_on(monkeypatch)
    after, _ = prepare(source)
    assert (after["n_images"], after["n_patches"]) == (before["n_images"], before["n_patches"])
    assert after["dataset_id"] != before["dataset_id"]
    assert lake.query("SELECT name, n_pulses FROM labels ORDER BY name").rows() == labels
    assert prepare(source)[0] == after


def test_labels_that_changed_beyond_belief_are_still_refused_where_the_pixels_changed_too(
    source: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The label of a file is compared with what it was, whatever its pixels are called today."""
    prepare(source)
    invert_from_now_on(monkeypatch)
    for row in range(4):
        source.set_cell(row, "NP", 77)
    with pytest.raises(SourceChanged, match=r"0 of the 12 .* gone.* 4 have other labels"):
        prepare(source)


def test_a_changed_label_changes_only_its_own_folds(source: Source, lake: Lake) -> None:
    """NP of one image changes: the folds by NP are others, those by PP1 and the data set are not."""
    dataset, before = prepare(source)
    source.set_cell(0, "NP", 77)
    same_dataset, after = prepare(source)
    assert same_dataset["dataset_id"] == dataset["dataset_id"]
    assert {key for key in before if before[key] != after[key]} == {("NP", "grouped")}


def test_folds_cover_every_patch_and_the_strata_stand_beside_the_labels(source: Source, lake: Lake) -> None:
    """Each patch is tested once; labels are as in the sheet."""
    prepare(source)
    tested = lake.query("SELECT split_id, count(*) n FROM folds WHERE split = 'test' GROUP BY ALL")
    assert sorted(tested["n"]) == [8, 48, 48]  # two images on the 80/10/10 split, all twelve in each cross-validation
    assert set(lake.query("SELECT DISTINCT n_pulses FROM labels")["n_pulses"]) <= {10, 20, 50, 100, 500}


def test_an_unknown_label_is_named_with_those_there_are(source: Source, lake: Lake) -> None:
    """A typing error in a label is answered with the list."""
    with pytest.raises(LabelUnknown, match="angle"):
        prepare(source, labels=["NPP"])


def test_export_has_the_reports_folders_and_rows(source: Source, lake: Lake, tmp_path: Path) -> None:
    """BMP patches, the three tables and each fold's three, with labels, as the published code reads them."""
    ingest_source(source.folder)
    summary = export_source(tmp_path / "out", scheme="grouped", n_folds=3, patches_per_image=2)
    assert (summary.n_images, summary.n_patches) == (12, 24)
    lines = (tmp_path / "out/label_aware_splitting_data/PP1/fold_1/PP1_train.csv").read_text().splitlines()
    assert lines[0] == "image_path,angle,PP1,NP,EP1,stratum"
    assert {path.name for path in (tmp_path / "out/data_with_labels_csv").glob("*.csv")} == {
        "training_data.csv",
        "validation_data.csv",
        "testing_data.csv",
    }


def test_export_of_an_unknown_source_says_what_is_known(lake: Lake, tmp_path: Path) -> None:
    """Before the first ingest there is nothing to export."""
    with pytest.raises(NothingIngested, match="deepdlt ingest"):
        export_source(tmp_path / "out")


def damage(lake: Lake, sql: str) -> None:
    """Change the lake as no program of ours would."""
    with lake.write("damage") as transaction:
        transaction.execute(sql)


SPLIT_ROW = "rowid = (SELECT min(rowid) FROM folds WHERE split_id = (SELECT max(split_id) FROM folds))"


@pytest.mark.parametrize(
    "sql",
    [
        f"DELETE FROM folds WHERE {SPLIT_ROW}",
        f"INSERT INTO folds SELECT * FROM folds WHERE {SPLIT_ROW}",
        "DELETE FROM folds WHERE fold = 2",
        "DELETE FROM splits WHERE split_id = (SELECT max(split_id) FROM folds)",
        "DELETE FROM folds",
    ],
    ids=["a row is gone", "a row is doubled", "a fold is gone", "the split's row is gone", "all folds are gone"],
)
def test_splits_are_a_hit_only_with_every_row(source: Source, lake: Lake, sql: str) -> None:
    """What is not whole is assigned again, to the same rows."""
    dataset, ids = prepare(source)
    records = [{"split_id": split_id} for split_id in ids.values()]
    before = lake.query("FROM folds ORDER BY ALL")
    assert splits_stand(records)
    damage(lake, sql)
    assert not splits_stand(records)
    assert prepare(source) == (dataset, ids)
    assert splits_stand(records)
    assert lake.query("FROM folds ORDER BY ALL").equals(before)


def test_splits_of_an_older_lake_stand_by_their_folds(source: Source, lake: Lake) -> None:
    """Their rows were not counted then."""
    records = [{"split_id": split_id} for split_id in prepare(source)[1].values()]
    damage(lake, "UPDATE splits SET n_rows = NULL")
    assert splits_stand(records)
    damage(lake, "DELETE FROM folds WHERE fold = 2")
    assert not splits_stand(records)


@pytest.mark.parametrize("harm", ["cut short", "made longer", "gone"])
def test_a_shard_of_another_size_is_cut_again(source: Source, lake: Lake, harm: str) -> None:
    """Also one that ends as a Parquet file does; it heals to the same bytes."""
    prepare(source)
    shard = lake.root / lake.query("SELECT DISTINCT shard FROM patches")["shard"][0]
    whole = shard.read_bytes()
    if harm == "gone":
        shard.unlink()
    else:
        shard.write_bytes(whole[:4000] + (b"" if harm == "cut short" else b"\0" * 4000) + whole[4096:])
    assert not patches_stand(str(source.folder), RECIPE)
    prepare(source)
    assert patches_stand(str(source.folder), RECIPE)
    assert shard.read_bytes() == whole


def test_a_shard_of_an_older_lake_stands_by_its_end(source: Source, lake: Lake) -> None:
    """Sizes were not noted then."""
    prepare(source)
    damage(lake, "UPDATE patches SET shard_bytes = NULL")
    assert patches_stand(str(source.folder), RECIPE)


def test_a_doubled_patch_row_is_mended(source: Source, lake: Lake) -> None:
    """An image stands with exactly its patches."""
    prepare(source)
    damage(lake, "INSERT INTO patches SELECT * FROM patches LIMIT 1")
    assert not patches_stand(str(source.folder), RECIPE)
    prepare(source)
    assert lake.query("SELECT count(*), count(DISTINCT patch_id) FROM patches").row(0) == (60, 60)


def test_the_row_of_a_data_set_that_was_changed_is_written_again(source: Source, lake: Lake) -> None:
    """Or every night would find it wrong."""
    dataset, _ = prepare(source)
    damage(lake, "UPDATE datasets SET n_images = 7")
    assert not dataset_stands(str(source.folder), dataset)
    assert dataset_stands(str(source.folder), prepare(source)[0])
