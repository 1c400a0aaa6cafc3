"""What is hidden in the errors of runs is found and said, and nothing else."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from planted import PlantedLake

from tasks.analysis import groups_of, store_groups
from tasks.difficulty import store_difficulty
from tasks.sheet import sheet_spec

TABLES = ("difficulty_values", "difficulty_pairs", "difficulty_tests", "difficulty_sentences", "fold_averages")


def errors(planted: PlantedLake, *, seed: int = 0, harder: str = "", by: float = 0.02) -> dict[str, float]:
    """Return an error for each image; patterns of one kind are harder."""
    rows = planted.labels.sort("image_id").select("image_id", "pattern").rows()
    of_image = np.random.default_rng(seed).gamma(20, 0.0005, len(rows))
    return {image: error + by * (pattern == harder) for (image, pattern), error in zip(rows, of_image, strict=True)}


def ask(planted: PlantedLake, error: Mapping[str, float], scheme: str = "grouped") -> str:
    """Put runs of all folds with these errors into the newest night, ask, and return the group's id."""
    holdout = [planted.run("once", planted.holdout)]
    runs = holdout if scheme == "holdout" else planted.runs(scheme, ["angle", "PP1"])
    planted.night(runs, errors={run["run_id"]: error for run in runs})
    (group,) = groups_of(pl.DataFrame(runs))
    store_groups(planted.lake, "night", [group])
    store_difficulty(planted.lake, group, planted.labels)
    return str(group["group_id"])


def said(planted: PlantedLake, label: str) -> list[str]:
    """Return the sentences on a label."""
    return planted.lake.query("FROM difficulty_answer").filter(label=label)["sentence"].to_list()


def test_a_pattern_that_was_made_harder_is_named(planted: PlantedLake) -> None:
    """Three times as hard on all of its images: claimed against both others, with an interval that holds the effect."""
    ask(planted, errors(planted, harder="D"))
    sentences = said(planted, "PP1")
    assert [sentence.split(" by ")[0] for sentence in sorted(sentences)] == [
        "PP1 D is harder than PP1 H",
        "PP1 D is harder than PP1 V",
    ]
    claimed = planted.lake.query("FROM label_differences WHERE is_claimed")
    assert claimed["label"].unique().to_list() == ["PP1"]
    assert ((claimed["ci_low"] < 0.02) & (claimed["ci_high"] > 0.02)).all()


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_was_hidden_nothing_is_claimed(planted: PlantedLake, seed: int) -> None:
    """Every label has one sentence, and it claims no difference."""
    ask(planted, errors(planted, seed=seed))
    assert planted.lake.query("FROM label_differences WHERE is_claimed").is_empty()
    for label in ("angle", "PP1", "NP", "EP1"):
        (sentence,) = said(planted, label)
        assert "harder" not in sentence


def test_repeats_of_one_condition_are_one_piece_of_evidence(planted: PlantedLake) -> None:
    """Where all images of a pattern repeat one shot, there are three pieces: nothing to draw from, nothing to claim."""
    runs = planted.runs("grouped", ["angle", "PP1"])
    error = errors(planted, harder="D")
    planted.night(runs, errors={run["run_id"]: error for run in runs})
    (group,) = groups_of(pl.DataFrame(runs))
    store_groups(planted.lake, "night", [group])
    alike = (pl.col(column).first().over("pattern") for column in sheet_spec().setting_columns)
    store_difficulty(planted.lake, group, planted.labels.with_columns(alike))
    values = planted.lake.query("SELECT n_images, ci_low FROM difficulty_values WHERE label = 'PP1'")
    assert values["n_images"].min() > 1  # type: ignore[operator]
    assert values["ci_low"].is_null().all()
    (sentence,) = said(planted, "PP1")
    assert sentence.endswith(f"{values['n_images'].sum()} images of 3 conditions).")


def test_done_twice_it_stands_once(planted: PlantedLake) -> None:
    """The same rows in every table, to the last bit."""
    error = errors(planted, harder="D")
    ask(planted, error)
    before = [planted.lake.query(f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES]
    ask(planted, error)
    after = [planted.lake.query(f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES]
    assert all(one.height > 0 and one.equals(other) for one, other in zip(before, after, strict=True))


def test_a_patch_counts_with_its_mean_over_runs(planted: PlantedLake) -> None:
    """One seed with error 1, another with error 3: 2, of as many patches as one seed has."""
    images = planted.labels["image_id"]
    runs = [planted.run(f"r{seed}", planted.holdout, seed=seed) for seed in (0, 1)]
    planted.night(runs, errors={"r0": dict.fromkeys(images, 1.0), "r1": dict.fromkeys(images, 3.0)})
    (group,) = groups_of(pl.DataFrame(runs))
    store_difficulty(planted.lake, group, planted.labels)
    values = planted.lake.query("SELECT * FROM difficulty_values WHERE label = 'PP1'")
    n_test = planted.lake.query("SELECT count(*) FROM patch_metrics WHERE run_id = 'r0'").item()
    assert values["n_patches"].sum() == n_test
    assert values["mean_loss"].to_list() == pytest.approx([2.0] * values.height, rel=0.02)


def test_what_could_be_had_stands_beside_a_loss(planted: PlantedLake) -> None:
    """Errors of 0.01 against flat patches of 1 are better; the view marks what is worse."""
    group = ask(planted, errors(planted))
    found = planted.lake.query("FROM label_difficulty")
    assert found.filter(found["label"] == "PP1").select("label_value", "floor_mse", "flat_mse", "mark").rows() == [
        ("D", 0.0, 1.0, ""),
        ("H", 0.0, 1.0, ""),
        ("V", 0.0, 1.0, ""),
    ]
    with planted.lake.write("flat") as transaction:
        transaction.execute("UPDATE difficulty_values SET flat_mse = 0 WHERE group_id = ?", [group])
    assert set(planted.lake.query("FROM label_difficulty")["mark"]) == {"worse than flat"}


def test_the_reports_own_way_stands_beside_it(planted: PlantedLake) -> None:
    """Averages over the folds of each label, their difference, and the standard deviation of that."""
    ask(planted, errors(planted, harder="D"))
    losses = planted.lake.query("SELECT label, loss FROM fold_metrics WHERE split = 'test'")
    mean = {label: losses.filter(label=label)["loss"].mean() for label in ("angle", "PP1")}
    spread = {label: losses.filter(label=label)["loss"].std() for label in ("angle", "PP1")}
    (row,) = planted.lake.query("FROM fold_average_differences").iter_rows(named=True)
    higher, lower = sorted(mean, key=lambda label: -float(mean[label]))  # type: ignore[arg-type]
    assert (row["higher_label"], row["lower_label"], row["n_folds"]) == (higher, lower, 3)
    assert row["difference"] == pytest.approx(mean[higher] - mean[lower])  # type: ignore[operator]
    assert row["sd"] == pytest.approx(np.hypot(spread[higher], spread[lower]))  # type: ignore[arg-type]
    (sentence,) = said(planted, "folds")
    assert sentence.startswith("Fold averages, the report's way: PP1 ")


def test_one_split_has_no_folds_to_average(planted: PlantedLake) -> None:
    """The 80/10/10 split is asked about labels, and not in the report's way."""
    ask(planted, errors(planted), scheme="holdout")
    assert planted.lake.query("FROM fold_averages").is_empty()
    assert said(planted, "folds") == []
    assert len(said(planted, "angle")) == 1
