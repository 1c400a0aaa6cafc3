"""Views set every number beside what could be had without a network, over seeds and images as they say."""

from statistics import mean, stdev
from typing import Any

import pytest
from lake_rows import fill
from scipy import stats

from lake import Lake

NIGHT: dict[str, list[dict[str, Any]]] = {"nights": [{"night_id": "n", "sequence": 1}]}


def fill_runs(lake: Lake, runs: dict[str, dict[str, Any]], **tables: list[dict[str, Any]]) -> None:
    """Put runs into the newest night: names, and what else there is of them."""
    named = {"status": "complete", "model": "ae", "profile": "quick", "preset": "p", "scheme": "paper", "label": "NP"}
    rows = [named | {"run_id": run_id, "fold": 1, "seed": 0} | more for run_id, more in runs.items()]
    fill(
        lake,
        runs=[row | {"settings": '{"target_range": "unit"}'} | row for row in rows],
        night_runs=[{"night_id": "n", "run_id": run_id} for run_id in runs],
        **NIGHT,
        **tables,
    )


def score(run_id: str, mse: float, *, flat: float = 0.5, **more: Any) -> dict[str, Any]:
    """Return a row of fold_metrics."""
    named = {"run_id": run_id, "split": "test", "profile": "quick", "preset": "p", "model": "ae", "scheme": "paper"}
    numbers = {"loss": mse, "mse": mse, "flat_mse": flat, "is_below_flat": mse > flat}
    return named | {"label": "NP", "fold": 1, "seed": 0} | numbers | more


def errors(run_id: str, of_image: dict[str, float], *, flat: float = 0.5) -> list[dict[str, Any]]:
    """Return a row of patch_metrics for each image."""
    return [
        {
            "run_id": run_id,
            "patch_id": f"of {image}",
            "image_id": image,
            "split": "test",
            "mse": mse,
            "flat_mse": flat,
        }
        for image, mse in of_image.items()
    ]


def test_metrics_are_joined_to_the_baselines_of_their_own_fold_side_and_range(lake: Lake) -> None:
    """Half-way from the best flat patch to the floor is 50 %; a fold, side, range or view of another kind is none."""
    settings = {"unit": '{"target_range": "unit"}', "fourier": '{"target_range": "unit", "view": "fourier"}'}
    fill_runs(
        lake,
        {
            "here": {"split_id": "s", "settings": settings["unit"]},
            "other fold": {"split_id": "s", "fold": 2},
            "other split": {"split_id": "t"},
            "other range": {"split_id": "s", "settings": '{"target_range": "signed"}'},
            "other view": {"split_id": "s", "settings": settings["fourier"]},
        },
        fold_metrics=[
            score("here", 0.06),
            score("other fold", 0.06, fold=2),
            *(score(run, 0.06) for run in ("other split", "other range", "other view")),
            score("here", 0.06, split="val"),
        ],
        baselines=[
            {"split_id": "s", "fold": 1, "split": "test", "target_range": "unit"}
            | {
                "floor_mse": 0.02,
                "flat_mse": 0.08,
                "flat_reachable_mse": 0.10,
                "pca_128_mse": 0.04,
                "gain_offset_mse": 0.07,
            }
        ],
    )
    columns = "run_id, split, percent_of_reachable, pca_128_mse, gain_offset_mse"
    found = lake.query(
        f"SELECT {columns} FROM judged_metrics WHERE pca_128_mse IS NOT NULL OR gain_offset_mse IS NOT NULL"
    )
    assert found.rows() == [("here", "test", pytest.approx(50), 0.04, 0.07)]
    assert lake.query("SELECT count(*) FROM judged_metrics").item() == 6


@pytest.mark.parametrize(
    ("mse", "floor", "flat", "percent"),
    [(0.02, 0.02, 0.1, 100), (0.1, 0.02, 0.1, 0), (0.18, 0.02, 0.1, -100), (0.0, 0.0, 0.0, 100), (0.1, 0.0, 0.0, 0)],
    ids=["at the floor", "flat", "worse than flat", "no way to go, arrived", "no way to go, not arrived"],
)
def test_the_share_of_what_is_reachable(lake: Lake, mse: float, floor: float, flat: float, percent: float) -> None:
    """0 is the best flat patch, 100 the floor, below 0 worse; where they coincide it is all or nothing."""
    beside = {"floor_mse": floor, "flat_mse": flat, "flat_reachable_mse": flat}
    fill_runs(
        lake,
        {"r": {"split_id": "s"}},
        fold_metrics=[score("r", mse)],
        baselines=[{"split_id": "s", "fold": 1, "split": "test", "target_range": "unit"} | beside],
    )
    assert lake.query("SELECT percent_of_reachable FROM judged_metrics").item() == pytest.approx(percent)


@pytest.fixture
def marked(lake: Lake) -> Lake:
    """A night of two presets: 'bad' is worse than flat in both of its folds, 'half' in one."""
    runs = {
        f"{preset} {fold}": {"preset": preset, "fold": fold, "split_id": "s"}
        for preset in ("bad", "half", "good")
        for fold in (1, 2)
    }
    worse = {"bad 1", "bad 2", "half 1"}
    metrics = {run: {"label_value": "10", "label": "NP", "split": "test", "run_id": run} for run in runs}
    fill_runs(
        lake,
        runs,
        fold_metrics=[score(run, 0.9 if run in worse else 0.1, **row) for run, row in without_split(runs).items()],
        label_metrics=[row | {"mse": 0.1, "is_below_flat": run in worse} for run, row in metrics.items()],
        patch_metrics=[row for run in runs for row in errors(run, {"i": 0.9 if run in worse else 0.1})],
        groups=[{"group_id": p, "preset": p, "scheme": "paper", "profile": "quick"} for p in ("bad", "half", "good")],
        night_groups=[{"night_id": "n", "group_id": p} for p in ("bad", "half", "good")],
        difficulty_sentences=[{"group_id": p, "label": "NP", "place": 0} for p in ("bad", "half", "good")],
        probes=[{"run_id": run, "split_id": "s"} for run in runs],
    )
    return lake


def without_split(runs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return rows without the column that fold_metrics has not."""
    return {run: {name: value for name, value in row.items() if name != "split_id"} for run, row in runs.items()}


@pytest.mark.parametrize("view", ["fold_summary", "label_summary", "history", "seed_spread", "difficulty_answer"])
def test_a_training_that_is_worse_than_flat_is_marked(marked: Lake, view: str) -> None:
    """Wherever it appears: in all of its folds, in some of them, in none."""
    found = dict(marked.query(f"SELECT DISTINCT preset, mark FROM {view}").rows())
    assert found == {"bad": "worse than flat", "half": "worse than flat in 1 of 2", "good": ""}


@pytest.mark.parametrize("view", ["judged_metrics", "probe"])
def test_a_single_run_is_marked_by_itself(marked: Lake, view: str) -> None:
    """Each of its rows says so or says nothing."""
    found = marked.query(f"SELECT DISTINCT run_id, mark FROM {view}")
    assert set(found.filter(mark="worse than flat")["run_id"]) == {"bad 1", "bad 2", "half 1"}
    assert set(found.filter(mark="")["run_id"]) == {"half 2", "good 1", "good 2"}


def test_seeds_are_averaged_before_folds_spread(lake: Lake) -> None:
    """Folds of 1 and 3 with seeds at plus and minus 0.5: the spread is that of 1 and 3."""
    runs = {f"{fold} {seed}": {"fold": fold, "seed": seed, "split_id": "s"} for fold in (1, 3) for seed in (0, 1)}
    scores = [
        score(run, row["fold"] + row["seed"] - 0.5, fold=row["fold"], seed=row["seed"]) for run, row in runs.items()
    ]
    fill_runs(lake, runs, fold_metrics=scores)
    columns = "n_folds, n_seeds, n_scored, test_loss, test_loss_sd, n_below_flat, mark"
    assert lake.query(f"SELECT {columns} FROM fold_summary").rows() == [
        (2, 2, 4, 2.0, pytest.approx(stdev([1, 3])), 3, "worse than flat in 3 of 4")
    ]


def test_a_fold_that_one_seed_lacks_is_not_counted_as_scored(lake: Lake) -> None:
    """Three trainings of two folds and two seeds: all that there are are worse than flat."""
    runs = {f"{fold} {seed}": {"fold": fold, "seed": seed} for fold, seed in ((1, 0), (1, 1), (2, 0))}
    fill_runs(lake, runs, fold_metrics=[score(run, 0.9, **row) for run, row in runs.items()])
    columns = "n_folds, n_seeds, n_scored, n_below_flat, mark"
    assert lake.query(f"SELECT {columns} FROM fold_summary").rows() == [(2, 2, 3, 3, "worse than flat")]


def test_the_spread_over_seeds_stands_beside_the_interval_over_images(lake: Lake) -> None:
    """Closed form: seeds with means 1 and 2 over their folds; images with mean errors 1 and 3."""
    runs = {f"{fold} {seed}": {"fold": fold, "seed": seed} for fold in (1, 2) for seed in (0, 1)}
    losses = {"1 0": 0.5, "2 0": 1.5, "1 1": 1.0, "2 1": 3.0}
    fill_runs(
        lake,
        runs,
        fold_metrics=[score(run, losses[run], flat=9, **row) for run, row in runs.items()],
        patch_metrics=[row for run in runs for row in errors(run, {"i": 1.0, "j": 3.0})],
    )
    (row,) = lake.query("FROM seed_spread").iter_rows(named=True)
    assert (row["n_seeds"], row["mse"], row["seed_sd"]) == (2, 1.5, pytest.approx(stdev([1, 2])))
    assert row["n_images"] == 2
    assert (row["ci_high"] - row["ci_low"]) / 2 == pytest.approx(stats.t.ppf(0.975, 1) * stdev([1, 3]) / 2**0.5)
    assert (row["ci_high"] + row["ci_low"]) / 2 == pytest.approx(2) == row["image_mean"]


def test_an_interval_reaches_as_far_as_students_quantile(lake: Lake) -> None:
    """Beside scipy's, from two images to more than there are rows for."""
    found = lake.query("FROM student_quantile ORDER BY freedom")
    assert found["freedom"].to_list() == list(range(1, 1001))
    assert found["quantile"].to_numpy() == pytest.approx(stats.t.ppf(0.975, found["freedom"]), rel=2e-3)
    assert found["quantile"].tail(1).item() == pytest.approx(stats.norm.ppf(0.975), rel=2e-3)


@pytest.mark.parametrize("n_images", [3, 8, 1500])
def test_images_however_many_have_an_interval(lake: Lake, n_images: int) -> None:
    """Student's, of the images' mean errors."""
    mse = {f"{number}": float(number % 7) for number in range(n_images)}
    fill_runs(lake, {"r": {}}, fold_metrics=[score("r", 1.0)], patch_metrics=errors("r", mse))
    low, high = lake.query("SELECT ci_low, ci_high FROM seed_spread").row(0)
    wanted = stats.t.interval(0.95, n_images - 1, mean(mse.values()), stdev(mse.values()) / n_images**0.5)
    assert (low, high) == pytest.approx(wanted, rel=2e-3)


def test_one_seed_has_no_spread(lake: Lake) -> None:
    """Rather than one of zero."""
    fill_runs(lake, {"r": {}}, fold_metrics=[score("r", 1.0)], patch_metrics=errors("r", {"i": 1.0, "j": 3.0}))
    assert lake.query("SELECT n_seeds, seed_sd FROM seed_spread").row(0) == (1, None)


def test_the_gap_is_that_of_the_same_seeds(lake: Lake) -> None:
    """Each safe scheme against the report's, seed by seed; a seed that only one of them has does not count."""
    loss = {("paper", 0): 1.0, ("paper", 1): 1.2, ("paper", 2): 50.0}
    loss |= {("grouped", 0): 2.0, ("grouped", 1): 2.6, ("condition", 0): 3.0, ("leave-one-level-out", 1): 4.2}
    runs = {f"{scheme} {seed}": {"scheme": scheme, "seed": seed} for scheme, seed in loss}
    patches = [row for (scheme, seed), mse in loss.items() for row in errors(f"{scheme} {seed}", {"i": mse, "j": mse})]
    fill_runs(lake, runs, patch_metrics=patches)
    found = lake.query("SELECT scheme, n_seeds, gap, gap_seed_sd, n_images, mark FROM leakage_gap").rows()
    assert found == [
        ("condition", 1, 2.0, None, 2, "both worse than flat"),
        ("grouped", 2, pytest.approx(mean([1.0, 1.4])), pytest.approx(stdev([1.0, 1.4])), 2, "both worse than flat"),
        ("leave-one-level-out", 1, 3.0, None, 2, "both worse than flat"),
    ]


@pytest.mark.parametrize(
    ("paper", "safe", "mark"),
    [(0.1, 0.2, ""), (0.1, 0.9, "safe folds worse than flat"), (0.9, 0.1, "report's folds worse than flat")],
)
def test_the_gap_says_which_side_is_worse_than_flat(lake: Lake, paper: float, safe: float, mark: str) -> None:
    """A flat patch gets 0.5."""
    patches = errors("p", {"i": paper, "j": paper}) + errors("g", {"i": safe, "j": safe})
    fill_runs(lake, {"p": {"scheme": "paper"}, "g": {"scheme": "grouped"}}, patch_metrics=patches)
    assert lake.query("SELECT mark FROM leakage_gap").item() == mark


def test_other_labels_and_presets_make_no_gap(lake: Lake) -> None:
    """Only the same training on the same label is compared."""
    runs = {
        "p": {"scheme": "paper"},
        "label": {"scheme": "grouped", "label": "angle"},
        "preset": {"scheme": "grouped", "preset": "q"},
    }
    fill_runs(lake, runs, patch_metrics=[row for run in runs for row in errors(run, {"i": 1.0, "j": 2.0})])
    assert lake.query("FROM leakage_gap").is_empty()


def test_label_averages_are_compared_pair_by_pair(lake: Lake) -> None:
    """The higher one first, with the spread of the difference; labels of one average stand once."""
    averages = {"NP": (2.0, 0.3), "angle": (5.0, 0.4), "EP1": (2.0, 0.3)}
    fill(
        lake,
        **NIGHT,
        groups=[{"group_id": "g"}],
        night_groups=[{"night_id": "n", "group_id": "g"}],
        fold_averages=[
            {"group_id": "g", "label": label, "mean_loss": loss, "sd": sd, "n_folds": 5}
            for label, (loss, sd) in averages.items()
        ],
    )
    found = lake.query("SELECT higher_label, lower_label, difference, sd FROM fold_average_differences").rows()
    assert found == [
        ("angle", "EP1", 3.0, pytest.approx(0.5)),
        ("angle", "NP", 3.0, pytest.approx(0.5)),
        ("EP1", "NP", 0.0, pytest.approx(0.3 * 2**0.5)),
    ]


def test_what_could_not_be_asked_is_of_the_newest_night(lake: Lake) -> None:
    """Of its runs, groups and splits, with the reason; answered questions and older nights do not stand there."""
    fill_runs(
        lake,
        {"r": {"split_id": "s"}, "answered": {"split_id": "s"}},
        groups=[{"group_id": "g", "preset": "q"}],
        night_groups=[{"night_id": "n", "group_id": "g"}],
        analyses=[
            {"subject": subject, "question": "probe", "refusal": refusal}
            for subject, refusal in (
                *(("r", "too few"), ("g", "one value"), ("s", "no spread")),
                *(("answered", ""), ("old", "older")),
            )
        ],
    )
    assert lake.query("SELECT preset, reason FROM unanswered").rows() == [
        ("", "no spread"),
        ("p", "too few"),
        ("q", "one value"),
    ]
