"""The export is the tree that the published code reads, byte for byte each time."""

import csv
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepdlt.dataset.folds import assign_folds, split_holdout
from deepdlt.dataset.layout import ExportSummary, ManifestMismatch, export_report_layout
from deepdlt.digest import digest_bytes
from deepdlt.source.names import NameUnusable

SIZE_PX, N_EACH = 8, 3
LABELS = {"angle": "angle_deg", "PP1": "pattern", "NP": "n_pulses", "EP1": "pulse_energy_1_uj"}
KINDS = {"angle": "number", "PP1": "category", "NP": "number", "EP1": "number"}
NAMES = [f"Paper Data/Double pulses/{i}-{j}.bmp" for i in (1, 10, 2, 3) for j in (1, 2, 3)]


def frames(names: list[str] = NAMES) -> dict[str, Any]:
    """Return what an export of one image a name needs; image ids follow no order of names."""
    n = len(names)
    ids = [hashlib.sha256(name.encode()).hexdigest()[:8] for name in names]
    labels = pl.DataFrame(
        {
            "image_id": ids,
            "name": names,
            "angle_deg": [[5.5, 8.5, 19.0][i % 3] for i in range(n)],
            "pattern": [["V", "H", "D"][i // 2 % 3] for i in range(n)],
            "n_pulses": [[10, 50][i % 2] for i in range(n)],
            "pulse_energy_1_uj": [[46.0, 21.0, 94.0][i // 3 % 3] for i in range(n)],
        }
    )
    patches = pl.DataFrame(
        [(f"{image_id}-{k}", image_id, k, i * N_EACH + k) for i, image_id in enumerate(ids) for k in range(N_EACH)],
        schema=["patch_id", "image_id", "patch_index", "shard_row"],
        orient="row",
    )
    folds = {
        key: assign_folds(
            patches, labels.select("image_id", value=column), scheme="grouped", kind=KINDS[key], n_folds=3, seed=0
        )
        for key, column in LABELS.items()
    }
    return {"patches": patches, "labels": labels, "holdout": split_holdout(patches, seed=0), "folds": folds}


def pixels_of(rows: pl.DataFrame) -> NDArray[np.uint8]:
    """Return pixels that tell which patch they are."""
    first = rows["shard_row"].to_numpy().astype(np.uint8)
    return first[:, None, None] + np.arange(SIZE_PX * SIZE_PX, dtype=np.uint8).reshape(1, SIZE_PX, SIZE_PX)


def exported(target: Path, **changes: Any) -> ExportSummary:
    """Export with some arguments changed."""
    settings = {"label_columns": LABELS, "read": pixels_of, "size_px": SIZE_PX}
    return export_report_layout(target, **(frames() | settings | changes))


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file as text."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_tree_is_that_of_the_report(tmp_path: Path) -> None:
    """Images by number, patches by number, three holdout tables, three tables a label and fold, Parquet beside each."""
    summary = exported(tmp_path / "datasets")
    files = set(digests(tmp_path / "datasets")) - {".deepdlt-export.json"}
    patches = {f"2023_im_dataset_8x8/{k}/{stem}_{n}.bmp" for k, stem in NUMBERED for n in (1, 2, 3)}
    tables = {f"data_with_labels_csv/{part}_data" for part in ("training", "validation", "testing")} | {
        f"label_aware_splitting_data/{label}/fold_{fold}/{label}_{split}"
        for label in LABELS
        for fold in (1, 2, 3)
        for split in ("train", "val", "test")
    }
    assert files == patches | {f"{table}.{suffix}" for table in tables for suffix in ("csv", "parquet")}
    assert (summary.n_images, summary.n_patches, summary.n_tables, summary.n_unlabelled) == (12, 36, len(tables), 0)


NUMBERED = list(enumerate((name[:-4].replace("/", "_") for name in sorted(NAMES)), start=1))
"""Image number and file name without number, in the order of the sheet's names."""


def test_files_hold_the_pixels_of_their_patch(tmp_path: Path) -> None:
    """A path of a table leads to a grey image with that patch's pixels, and the label beside it is that image's."""
    exported(tmp_path / "datasets")
    made = frames()
    patches = {row["patch_id"]: row for row in made["patches"].iter_rows(named=True)}
    labels = {row["name"]: row for row in made["labels"].iter_rows(named=True)}
    for row in rows_of(tmp_path / "datasets/data_with_labels_csv/training_data.csv"):
        stem, number = Path(row["image_path"]).stem.rsplit("_", 1)
        label = labels[stem.replace("_", "/") + ".bmp"]  # as the published code finds the sheet's row
        patch = patches[f"{label['image_id']}-{int(number) - 1}"]
        with Image.open(tmp_path / row["image_path"]) as image:
            assert image.mode == "L"
            assert np.array_equal(np.asarray(image), pixels_of(pl.DataFrame([patch]))[0])
        assert float(row["angle"]) == label["angle_deg"]
        assert row["PP1"] == label["pattern"]


def test_values_are_written_as_the_published_loader_reads_them(tmp_path: Path) -> None:
    """Angles have decimals in every file, NP and EP1 none even where they come as doubles; no bin replaces a label."""
    exported(tmp_path)
    for path in tmp_path.rglob("*.csv"):
        for row in rows_of(path):
            assert list(row)[:5] == ["image_path", "angle", "PP1", "NP", "EP1"]
            assert row["angle"] in {"5.5", "8.5", "19.0"}
            assert row["PP1"] in {"V", "H", "D"}
            assert row["NP"] in {"10", "50"}
            assert row["EP1"] in {"46", "21", "94"}
            assert row["image_path"].startswith("./datasets/2023_im_dataset_8x8/")


def test_the_stratum_is_the_last_column_of_fold_tables_alone(tmp_path: Path) -> None:
    """Holdout tables have none."""
    exported(tmp_path)
    fold_tables = list((tmp_path / "label_aware_splitting_data").rglob("*.csv"))
    assert all(list(rows_of(path)[0])[5:] == ["stratum"] for path in fold_tables)
    assert all(len(rows_of(path)[0]) == 5 for path in (tmp_path / "data_with_labels_csv").glob("*.csv"))
    assert {row["stratum"] for path in fold_tables if path.parts[-3] == "PP1" for row in rows_of(path)} == {
        *("V", "H", "D")
    }


def test_tables_hold_the_rows_of_their_split(tmp_path: Path) -> None:
    """Over the parts of a fold every patch is listed once, with the split that the fold assigned."""
    exported(tmp_path)
    for label, frame in frames()["folds"].items():
        for fold in (1, 2, 3):
            expected = frame.filter(fold=fold)["split"].value_counts().sort("split").rows()
            tables = {
                split: rows_of(tmp_path / f"label_aware_splitting_data/{label}/fold_{fold}/{label}_{split}.csv")
                for split in ("test", "train", "val")
            }
            assert [(split, len(rows)) for split, rows in tables.items()] == expected
            assert len({row["image_path"] for rows in tables.values() for row in rows}) == 36


def test_parquet_says_what_csv_says(tmp_path: Path) -> None:
    """Each pair has equal columns and values, and Parquet keeps the types."""
    exported(tmp_path)
    for path in tmp_path.rglob("*.parquet"):
        frame = pl.read_parquet(path)
        assert frame.equals(pl.read_csv(path.with_suffix(".csv"), schema_overrides=frame.schema))
        assert frame.schema["angle"] == pl.Float64
        assert frame.schema["EP1"] == pl.Int64


def test_the_same_frames_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    """Two exports are equal in every file, tables and marker included."""
    made = frames()
    exported(tmp_path / "one")
    exported(
        tmp_path / "two",
        patches=made["patches"].sample(fraction=1, shuffle=True, seed=1),
        labels=made["labels"].reverse(),
        holdout=made["holdout"].reverse(),
        folds={key: frame.sample(fraction=1, shuffle=True, seed=2) for key, frame in made["folds"].items()},
    )
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_second_export_replaces_the_first(tmp_path: Path) -> None:
    """Images that are gone have no folder left."""
    exported(tmp_path / "datasets")
    exported(tmp_path / "datasets", **frames(NAMES[:6]))
    assert len(list((tmp_path / "datasets/2023_im_dataset_8x8").iterdir())) == 6


@pytest.mark.parametrize(("prefix", "start"), [("", "2023_"), ("/data/d/", "/data/d/2023_"), (".", "./2023_")])
def test_paths_start_with_the_prefix_asked_for(tmp_path: Path, prefix: str, start: str) -> None:
    """One slash between prefix and tree, and none without a prefix."""
    exported(tmp_path, path_prefix=prefix)
    assert rows_of(tmp_path / "data_with_labels_csv/testing_data.csv")[0]["image_path"].startswith(start)


def test_labels_of_another_sheet_are_columns_of_their_own(tmp_path: Path) -> None:
    """Keys and their order come from the caller."""
    made = frames()
    made["labels"] = made["labels"].with_columns(fluence_j_cm2=pl.Series([0.25 * i for i in range(12)]))
    made["folds"] = {"dose": made["folds"]["NP"]}
    exported(tmp_path, label_columns={"dose": "fluence_j_cm2", "shape": "pattern"}, **made)
    row = rows_of(tmp_path / "label_aware_splitting_data/dose/fold_2/dose_val.csv")[0]
    assert list(row) == ["image_path", "dose", "shape", "stratum"]


def test_images_without_a_label_have_patches_and_no_rows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The published loader cannot read an empty cell; summary and log count what is left out."""
    made = frames()
    made["labels"] = made["labels"].with_columns(
        n_pulses=pl.when(pl.col("name") == NAMES[0]).then(None).otherwise("n_pulses")
    )
    summary = exported(tmp_path, **made)
    assert (summary.n_images, summary.n_unlabelled) == (12, 1)
    assert "1 of 12 images lack a label" in caplog.text
    assert (tmp_path / "2023_im_dataset_8x8/1").is_dir()
    for path in tmp_path.rglob("*.csv"):
        assert not any("8x8/1/" in row["image_path"] for row in rows_of(path))


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a/b\\c d^&.png", "a_b_c d^&"),
        ("tab\there.bmp", "tab_here"),
        ('C"*?<>|.bmp', "C______"),
        ("spot 1.5", "spot 1.5"),
        ("._hidden.bmp", "._hidden"),
        ("µ" * 300 + ".bmp", "µ" * 83 + "_" + digest_bytes(("µ" * 300).encode())),
    ],
    ids=["backslash", "tab", "reserved", "dot", "hidden", "long"],
)
def test_any_name_becomes_one_file_name(tmp_path: Path, name: str, stem: str) -> None:
    """What a file system may refuse becomes an underscore; what is too long is cut and told apart by its digest."""
    exported(tmp_path, **frames([name, *NAMES[:5]]))
    stems = {path.stem for path in tmp_path.rglob("*_1.bmp")}
    assert f"{stem}_1" in stems
    assert all(len(found.encode()) < 240 for found in stems)


@pytest.mark.parametrize("name", ["../../etc/passwd.bmp", "/etc/passwd.bmp", "a/../../b.bmp", "C:\\x.bmp", " .bmp/.."])
def test_a_name_that_leaves_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is written anywhere."""
    with pytest.raises(NameUnusable):
        exported(tmp_path / "in" / "datasets", **frames([name, *NAMES[:5]]))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("key", ["../angle", "a/b", "", ".", "stratum", "image_path", "a\\b"])
def test_a_label_that_cannot_be_a_folder_is_refused(tmp_path: Path, key: str) -> None:
    """Keys name folders and columns."""
    with pytest.raises(ValueError, match="cannot name a folder"):
        exported(tmp_path / "datasets", label_columns={key: "pattern"})
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("name", ["holdout", "folds", "patches"])
def test_frames_of_different_data_sets_are_refused(tmp_path: Path, name: str) -> None:
    """A split that names unknown patches, or patches of unknown images, would export a part in silence."""
    made = frames()
    stranger = pl.lit("stranger")
    if name == "folds":
        made["folds"]["NP"] = made["folds"]["NP"].with_columns(patch_id=stranger)
    else:
        made[name] = made[name].with_columns(stranger.alias("patch_id" if name == "holdout" else "image_id"))
    with pytest.raises(ManifestMismatch, match="'stranger'") as caught:
        exported(tmp_path / "datasets", **made)
    assert caught.value.n_unknown == 1
    assert list(tmp_path.rglob("*")) == []


def test_a_split_without_a_file_is_refused(tmp_path: Path) -> None:
    """Its patches would be in no table."""
    made = frames()
    made["holdout"] = made["holdout"].with_columns(split=pl.lit("dev"))
    with pytest.raises(ValueError, match="holdout has"):
        exported(tmp_path / "datasets", **made)


@pytest.mark.parametrize("name", ["patches", "labels"])
def test_a_patch_or_image_listed_twice_is_refused(tmp_path: Path, name: str) -> None:
    """It would be written or counted twice."""
    made = frames()
    made[name] = pl.concat([made[name], made[name].head(1)])
    with pytest.raises(ValueError, match="listed twice"):
        exported(tmp_path / "datasets", **made)


def test_a_reader_of_another_size_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """The folder's name says the size."""
    with pytest.raises(ValueError, match="read returned shape"):
        exported(tmp_path / "datasets", size_px=16)
    assert list(tmp_path.iterdir()) == []


def test_many_patches_are_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory holds one block at a time, and the files are the same."""
    exported(tmp_path / "one")
    monkeypatch.setattr("deepdlt.dataset.layout.PATCHES_A_BLOCK", 5)
    heights: list[int] = []

    def read(rows: pl.DataFrame) -> NDArray[np.uint8]:
        heights.append(rows.height)
        return pixels_of(rows)

    exported(tmp_path / "two", read=read)
    assert heights == [5] * 7 + [1]
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_patches_are_read_as_they_lie_in_storage(tmp_path: Path) -> None:
    """Block after block in the order asked for, so that nothing is unpacked twice; the files are the same."""
    order: list[int] = []

    def read(rows: pl.DataFrame) -> NDArray[np.uint8]:
        order.extend(rows["shard_row"])
        return pixels_of(rows)

    mixed = frames()["patches"].with_columns(shard_row=pl.Series(np.random.default_rng(0).permutation(36)))
    exported(tmp_path / "stored", patches=mixed, read=read, storage_order=["shard_row"])
    assert order == list(range(36))
    exported(tmp_path / "named", patches=mixed)
    assert digests(tmp_path / "stored") == digests(tmp_path / "named")


def test_a_full_disk_is_an_error_and_leaves_no_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that takes only half of its bytes is not passed over."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: write(handle, content[: len(content) // 2]))
    with pytest.raises(OSError, match="No space left"):
        exported(tmp_path / "datasets")
    assert list(tmp_path.iterdir()) == []
