"""What the report printed stands beside what was found here, and says how they differ."""

from collections.abc import Iterable
from typing import Any

import pytest
from lake_rows import fill, run_rows
from scipy import stats

from lake import Lake
from lake.night_views import ask_of_night


def metric_rows(run_id: str, fold: int, losses: dict[str, float], **more: Any) -> list[dict[str, Any]]:
    """Rows of fold_metrics of the report's cross-validation over angle, on its folds unless told otherwise."""
    named: dict[str, Any] = {"preset": "label-cv", "label": "angle", "scheme": "paper", "seed": 0, "model": "ae"}
    return run_rows(run_id, fold, losses, **(named | more))


def fill_nights(
    lake: Lake, metrics: list[dict[str, Any]], nights: dict[str, list[str]], *, n_folds: int = 5, **sources: str
) -> None:
    """Put runs into the lake, and nights, in order, with the runs that belong to each, and other sources of some."""
    settings = {"settings": '{"epochs": 10}', "n_folds": n_folds}
    runs = {row["run_id"]: settings | {"run_id": row["run_id"]} for row in metrics}
    fill(
        lake,
        fold_metrics=[{"run_id": row["run_id"], "split": row["split"]} | row for row in metrics],
        runs=list(runs.values()),
        nights=[
            {"night_id": night, "sequence": number, "source": sources.get(night, "/images")}
            for number, night in enumerate(nights)
        ],
        night_runs=[{"night_id": night, "run_id": run} for night, ids in nights.items() for run in ids],
    )


FOLDS = range(1, 6)


def cross_validation(night: str, test: float, folds: Iterable[int] = FOLDS, **more: Any) -> list[dict[str, Any]]:
    """Rows of a cross-validation by angle, its runs named by night and fold; later folds lose a hundredth more."""
    return [
        row
        for fold in folds
        for row in metric_rows(
            f"{night}-{fold}", fold, {"train": test - 0.02, "val": test - 0.01, "test": test + fold / 100}, **more
        )
    ]


def runs_of(*metrics: dict[str, Any]) -> list[str]:
    """The runs that rows are of."""
    return list(dict.fromkeys(row["run_id"] for row in metrics))


@pytest.fixture
def reproduced(lake: Lake) -> Lake:
    """Folds by angle in an older night and again in a newer one; grouped folds and another seed beside them."""
    old, new = cross_validation("old", 9.0), cross_validation("new", 0.20)
    beside = [
        *metric_rows("seed", 1, {"train": 7.0, "val": 7.0, "test": 7.0}, seed=5),
        *metric_rows("grouped", 1, {"train": 8.0, "val": 8.0, "test": 8.0}, scheme="grouped"),
    ]
    fill_nights(lake, old + new + beside, {"n0": runs_of(*old), "n1": runs_of(*new, *beside)})
    return lake


def test_every_number_of_the_reports_tables_is_there(lake: Lake) -> None:
    """Four of Table 2, sixteen of each of Tables 3 to 6, seven read off plots; Tables 3-6 average as printed."""
    counts = dict(lake.query("SELECT paper_table, count(*) FROM published GROUP BY ALL").iter_rows())
    assert counts == {"2": 4, "3": 16, "4": 16, "5": 16, "6": 16, "plot": 7}
    means = lake.query(
        "SELECT label, avg(value) FILTER (fold IS NOT NULL), any_value(value) FILTER (fold IS NULL)"
        " FROM published WHERE preset = 'label-cv' AND split = 'test' GROUP BY label"
    )
    assert means.height == 4
    for _, mean, printed in means.iter_rows():
        assert mean == pytest.approx(printed, abs=2e-4)


def test_a_table_of_the_report_has_its_folds_and_their_average(reproduced: Lake) -> None:
    """Of the newest night, scheme paper and the smallest seed alone; the average stands last."""
    rows = reproduced.query("SELECT fold, train_loss, val_loss, test_loss, epochs FROM paper_table_3").rows()
    assert [row[0] for row in rows] == [*(f"fold {fold}" for fold in FOLDS), "average"]
    assert rows[0][1:] == pytest.approx((0.18, 0.19, 0.21, 10))
    assert rows[5][1:] == pytest.approx((0.18, 0.19, 0.23, 10))
    assert reproduced.query("FROM paper_table_4").is_empty()


def found_here(lake: Lake) -> tuple[set[int], float | None]:
    """The nights that the cross-validation by angle is taken from, and its average beside the published one."""
    beside = lake.query("FROM paper_vs_here").filter(paper_table="3", split="test")
    average = beside.filter(paper_row="average").item(0, "here")
    tables = lake.query("SELECT test_loss FROM paper_table_3 WHERE fold = 'average'")["test_loss"].to_list()
    assert tables == ([] if average is None else [pytest.approx(average)])
    return set(beside["sequence"].drop_nulls()), average


def test_three_folds_are_not_set_beside_five(lake: Lake) -> None:
    """Each of three is trained on other patches than each of five."""
    metrics = cross_validation("n0", 0.2, range(1, 4))
    fill_nights(lake, metrics, {"n0": runs_of(*metrics)}, n_folds=3)
    assert found_here(lake) == (set(), None)


def test_an_average_over_some_of_the_folds_is_none(lake: Lake) -> None:
    """Where a training failed, the folds that are there stand, each beside its own."""
    metrics = cross_validation("n0", 0.2, range(1, 5))
    fill_nights(lake, metrics, {"n0": runs_of(*metrics)})
    assert found_here(lake) == ({0}, None)
    assert lake.query("SELECT fold FROM paper_table_3")["fold"].to_list() == [f"fold {fold}" for fold in range(1, 5)]


def test_other_images_are_not_set_beside_the_published_numbers(lake: Lake) -> None:
    """Those of the newest night's source are, as far as they were trained; the others wait for a night of theirs."""
    metrics = cross_validation("n0", 0.2)
    elsewhere = metric_rows("other", 1, {"test": 9.0}, preset="tuned")
    fill_nights(lake, metrics + elsewhere, {"n0": runs_of(*metrics), "n1": ["other"]}, n1="/synthetic")
    assert found_here(lake) == (set(), None)


@pytest.mark.parametrize(
    ("newer", "taken"),
    [
        ({"profile": "quick"}, 0),
        ({"folds": (1, 2)}, 0),
        ({"folds": (1, 2), "profile": "quick"}, 0),
        ({}, 1),
    ],
    ids=["quick", "in part", "quick and in part", "whole"],
)
def test_a_whole_night_at_the_reports_budget_is_kept(lake: Lake, newer: dict[str, Any], taken: int) -> None:
    """A newer one takes its place only where it is as good."""
    old, new = (
        cross_validation("n0", 0.2, profile="paper"),
        cross_validation("n1", 0.3, **({"profile": "paper"} | newer)),
    )
    fill_nights(lake, old + new, {"n0": runs_of(*old), "n1": runs_of(*new)})
    assert found_here(lake) == ({taken}, pytest.approx(0.23 if taken == 0 else 0.33))


def test_a_night_is_not_told_what_a_later_one_found(reproduced: Lake) -> None:
    """Asked of the older night, the report's tables are its own."""
    found = ask_of_night(reproduced, "n0", {"it": "SELECT DISTINCT sequence FROM paper_here"})["it"]
    assert found["sequence"].to_list() == [0]


def test_published_and_found_stand_side_by_side(reproduced: Lake) -> None:
    """Every published number has a row; where nothing was trained, ours is missing."""
    found = reproduced.query("FROM paper_vs_here")
    assert found.height == 75
    row = found.filter(paper_table="3", paper_row="fold 2", split="test").row(0, named=True)
    assert (row["published"], row["here"]) == (0.1842, pytest.approx(0.22))
    assert row["difference"] == pytest.approx(0.22 - 0.1842)
    average = found.filter(paper_table="3", paper_row="average").row(0, named=True)
    assert average["here"] == pytest.approx(0.23)
    assert found.filter(paper_table="4")["here"].null_count() == 16


def test_the_second_experiment_is_one_row_in_the_reports_columns(lake: Lake) -> None:
    """Train and validation loss, PSNR and SSIM by the report's definitions."""
    named = {"preset": "experiment-2", "label": "none", "scheme": "holdout"}
    metrics = metric_rows("r", 1, {"train": 0.2, "val": 0.19, "test": 0.3}, **named)
    for row in metrics:
        if row["split"] == "val":
            row |= {"psnr_paper_db": 12.0, "ssim_paper": 0.13}
    fill_nights(lake, metrics, {"n": ["r"]}, n_folds=1)
    row = lake.query("SELECT * EXCLUDE (profile, epochs, sequence, source, mark) FROM paper_table_2").row(0)
    assert row == pytest.approx((0.2, 0.19, 12.0, 0.13))


def test_the_leakage_gap_is_the_mean_difference_over_images(lake: Lake) -> None:
    """Closed form: differences .1 and .3 of two images, whose patches average first; mean .2, reach 12.7 sd / sqrt 2.

    Patches that one scheme alone tested, however hard they are by themselves, make no gap.
    """
    schemes = {"p": "paper", "g": "grouped", "h": "holdout"}
    errors = {
        "p": [("i", 1, 0.1), ("i", 2, 0.3), ("j", 3, 0.4), ("only", 4, 1.0), ("i", 5, 50.0)],
        "g": [("i", 1, 0.2), ("i", 2, 0.4), ("j", 3, 0.7), ("i", 6, 9.0), ("j", 7, 9.0), ("other", 8, 9.0)],
        "h": [("i", 1, 9.0)],
    }
    fill(
        lake,
        runs=[
            {"run_id": run, "scheme": scheme, "status": "complete", "label": "NP"} for run, scheme in schemes.items()
        ],
        patch_metrics=[
            {"run_id": run, "patch_id": f"{number}", "image_id": image, "split": "test", "mse": mse}
            for run, rows in errors.items()
            for image, number, mse in rows
        ],
        nights=[{"night_id": "n", "sequence": 1}],
        night_runs=[{"night_id": "n", "run_id": run} for run in schemes],
    )
    (row,) = lake.query("FROM leakage_gap").iter_rows(named=True)
    assert (row["scheme"], row["n_images"]) == ("grouped", 2)
    assert row["gap"] == pytest.approx(0.2)
    assert row["ci_high"] - row["gap"] == pytest.approx(stats.t.ppf(0.975, 1) * 0.1 * 2**0.5 / 2**0.5)
    assert row["loss_paper"] == pytest.approx(0.3)


def test_the_audit_names_the_label_value_that_deviates_most(lake: Lake) -> None:
    """Up or down, over all labels of a side; merged bins are counted."""
    named = {"split_id": "s", "fold": 1}
    fill(
        lake,
        splits=[{"split_id": "s", "scheme": "grouped", "label": "NP"}],
        split_sides=[named | {"side": "test"}],
        split_strata=[named | {"stratum": "a", "is_merged": True}, named | {"stratum": "b", "is_merged": False}],
        split_label_shares=[
            named | {"side": "test", "label": "NP", "label_value": "10", "deviation": 0.1},
            named | {"side": "test", "label": "angle", "label_value": "19", "deviation": -0.2},
        ],
    )
    (row,) = lake.query("FROM split_audit").iter_rows(named=True)
    assert (row["scheme"], row["n_strata"], row["n_merged_strata"]) == ("grouped", 2, 1)
    assert (row["deviating_value"], row["largest_deviation"]) == ("angle 19", -0.2)
