"""The views give what their headers promise, computed here by other means."""

from datetime import UTC, datetime
from statistics import mean, stdev

import pytest
from lake_rows import NOW, TEXT, fill, run_rows

from lake import Lake


@pytest.fixture
def nights(lake: Lake) -> Lake:
    """Three nights, the newest with the earliest clock: three folds, one reused; an older run of its own."""
    splits = [{"train": 1.0, "val": 2.0, "test": 3.0}, {"train": 2.0, "val": 4.0, "test": 5.0}, {"test": 7.0}]
    metrics = [row for i, losses in enumerate(splits) for row in run_rows(f"r{i}", i + 1, losses)]
    metrics += run_rows("old", 1, {"test": 100.0}) + run_rows("p", 1, {"test": 9.0}, scheme="paper")
    for row in metrics:
        if row["split"] == "test":
            row["is_below_flat"] = row["run_id"] in {"r1", "r2"}
    ids = sorted({row["run_id"] for row in metrics})
    fill(
        lake,
        fold_metrics=[{"run_id": row["run_id"], "split": row["split"]} | row for row in metrics],
        nights=[
            {"night_id": "n1", "sequence": 1, "started_at": datetime(2026, 5, 1, tzinfo=UTC)},
            {"night_id": "n2", "sequence": 2, "started_at": datetime(2026, 4, 1, tzinfo=UTC)},
            {"night_id": "n0", "sequence": 0, "started_at": datetime(2026, 6, 1, tzinfo=UTC)},
        ],
        night_runs=[
            {"night_id": "n1", "run_id": "old", "is_reused": False},
            {"night_id": "n1", "run_id": "r0", "is_reused": False},
            *({"night_id": "n2", "run_id": run_id, "is_reused": run_id == "r0"} for run_id in ids if run_id != "old"),
        ],
    )
    return lake


def test_the_latest_night_is_last_by_sequence(nights: Lake) -> None:
    """Also when the clock was set back between the nights."""
    assert nights.query("SELECT night_id FROM latest_night").rows() == [("n2",)]


def test_fold_summary_is_the_newest_night_over_folds(nights: Lake) -> None:
    """Means and deviations over its folds, train, val and test apart; folds below the flat patch counted."""
    found = nights.query("FROM fold_summary")
    assert found["scheme"].to_list() == ["grouped", "paper"]
    row = found.row(0, named=True)
    assert (row["profile"], row["model"], row["label"], row["n_folds"]) == ("quick", TEXT, "NP", 3)
    assert row["test_loss"] == pytest.approx(mean([3, 5, 7]))
    assert row["test_loss_sd"] == pytest.approx(stdev([3, 5, 7]))
    assert (row["train_loss"], row["val_loss"]) == (1.5, 3.0)
    assert (row["train_loss_sd"], row["val_loss_sd"]) == (pytest.approx(stdev([1, 2])), pytest.approx(stdev([2, 4])))
    assert (row["psnr_db"], row["psnr_db_sd"], row["ssim"]) == (0.5, 0.0, 0.5)
    assert (row["floor_mse"], row["flat_mse"], row["n_below_flat"]) == (0.5, 0.5, 2)
    single = found.row(1, named=True)
    assert (single["n_folds"], single["test_loss"], single["test_loss_sd"], single["n_below_flat"]) == (1, 9.0, None, 0)


def test_the_newest_metrics_are_those_of_the_newest_night(nights: Lake) -> None:
    """Each run and split of it once; runs of older nights alone are left out."""
    found = nights.query("SELECT run_id, split FROM newest_metrics")
    assert set(found["run_id"]) == {"r0", "r1", "r2", "p"}
    assert not found.is_duplicated().any()


def test_history_has_every_night_in_order(nights: Lake) -> None:
    """By sequence, with what was reused; a night without a scored training stands with NULL."""
    found = nights.query("SELECT sequence, scheme, n_folds, n_folds_reused, test_loss FROM history").rows()
    assert found == [
        (0, None, None, None, None),
        (1, "grouped", 1, 0, pytest.approx(51.5)),
        (2, "grouped", 3, 1, 5.0),
        (2, "paper", 1, 0, 9.0),
    ]


def test_label_summary_is_of_test_patches_by_value(lake: Lake) -> None:
    """Values in the order of their numbers; validation and older nights do not count."""
    values = [("r0", "100", 1.0, 4), ("r1", "100", 3.0, 6), ("r0", "20", 5.0, 2), ("old", "20", 99.0, 9)]
    label_metrics = [
        {"run_id": run_id, "label": "NP", "label_value": value, "split": "test", "mse": mse, "n_patches": n}
        for run_id, value, mse, n in values
    ]
    label_metrics.append(
        {"run_id": "r0", "label": "NP", "label_value": "20", "split": "val", "mse": 77.0, "n_patches": 1}
    )
    fill(
        lake,
        label_metrics=label_metrics,
        runs=[{"run_id": r, "fold": f, "label": "NP"} for r, f in (("r0", 1), ("r1", 2), ("old", 1))],
        nights=[{"night_id": "n1", "sequence": 1}, {"night_id": "n2", "sequence": 2}],
        night_runs=[{"night_id": n, "run_id": r} for n, r in (("n1", "old"), ("n2", "r0"), ("n2", "r1"))],
    )
    columns = "fold_label, label, label_value, n_folds, mse, mse_sd, n_patches, n_images"
    assert lake.query(f"SELECT {columns} FROM label_summary").rows() == [
        ("NP", "NP", "20", 1, 5.0, None, 2, 1),
        ("NP", "NP", "100", 2, 2.0, pytest.approx(stdev([1, 3])), 10, 2),
    ]


def test_only_standing_faults_are_rejected_now(lake: Lake) -> None:
    """A fault that was closed is history."""
    fill(lake, rejected=[{"path": "a", "closed_at": None}, {"path": "b", "closed_at": NOW}])
    assert lake.query("SELECT path, remedy FROM rejected_now").rows() == [("a", TEXT)]


def test_leakage_counts_images_on_both_sides(lake: Lake) -> None:
    """An image with patches in train and in val or test is shared; in val and test alone it is not."""
    places = [("s", 1, "p1", "i", "train"), ("s", 1, "p2", "i", "test"), ("s", 1, "p3", "j", "val")]
    places += [("s", 1, "p4", "j", "test"), ("s", 2, "p1", "i", "train"), ("s", 2, "p3", "j", "val")]
    names = ["split_id", "fold", "patch_id", "image_id", "split"]
    fill(
        lake,
        folds=[dict(zip(names, place, strict=True)) for place in places],
        splits=[{"split_id": "s", "scheme": "paper", "label": "NP"}],
    )
    columns = "scheme, label, fold, n_images_train, n_images_held_out, n_images_shared"
    found = lake.query(f"SELECT {columns} FROM split_leakage").rows()
    assert found == [("paper", "NP", 1, 1, 2, 1), ("paper", "NP", 2, 1, 1, 0)]


def test_the_manifest_joins_patch_image_and_recipe(lake: Lake) -> None:
    """One row per patch, with what is needed to cut it again and to find its pixels."""
    fill(
        lake,
        patches=[{"patch_id": p, "image_id": "i", "recipe_id": "r", "shard": "s"} for p in "ab"],
        images=[{"image_id": "i", "height_px": 960}, {"image_id": "j", "height_px": 1}],
        recipes=[{"recipe_id": "r", "size_px": 64}],
    )
    found = lake.query("SELECT patch_id, size_px, height_px, shard FROM manifest ORDER BY ALL").rows()
    assert found == [("a", 64, 960, "s"), ("b", 64, 960, "s")]
