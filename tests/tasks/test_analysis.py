"""A night's questions are answered once, and what cannot be asked does not fail the night."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted import PlantedLake
from sources import Source

from tasks import probing
from tasks.analysis import analyse_night, groups_of
from tasks.ingest import ingest_source

ROOT = Path(__file__).parents[2]
ANSWERS = ("difficulty_values", "difficulty_sentences", "probes", "embeddings", "label_metrics", "analyses")
HEAVY = ("torch", "scipy", "sklearn", "umap", "numba")


@pytest.fixture(autouse=True)
def placed_linearly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes are placed by PCA alone: UMAP is compiled for 10 s."""
    monkeypatch.setattr(probing, "METHODS", ("pca",))
    monkeypatch.setattr(probing, "N_PERMUTATIONS", 9)


def put_night(planted: PlantedLake, night_id: str = "night") -> None:
    """Put a night into the lake: folds by angle over images, and once on the 80/10/10 split, with codes."""
    images = planted.labels["image_id"].to_list()
    rng = np.random.default_rng(0)
    error = dict(zip(images, rng.gamma(20, 0.0005, len(images)), strict=True))
    code = dict(zip(images, rng.normal(size=(len(images), 6)), strict=True))
    runs = [*planted.runs("grouped", ["angle"]), planted.run("once", planted.holdout, preset="planted-once")]
    planted.night(runs, errors={run["run_id"]: error for run in runs}, codes={"once": code}, night_id=night_id)


def rows(planted: PlantedLake) -> list[pl.DataFrame]:
    """Return every answer that stands."""
    return [planted.lake.query(f"SELECT * FROM {table} ORDER BY ALL") for table in ANSWERS]


def ask(night_id: str = "night") -> None:
    """Analyse a night outside Prefect."""
    analyse_night.fn(night_id)


def test_runs_that_differ_in_label_fold_and_seed_are_one_group() -> None:
    """Another preset, scheme, profile or data set makes another group."""
    same = {"profile": "quick", "preset": "a", "scheme": "paper", "dataset_id": "d"}
    runs = [
        same | {"run_id": "1", "label": "NP", "fold": 1, "seed": 0},
        same | {"run_id": "2", "label": "angle", "fold": 2, "seed": 1},
        *(same | {"run_id": value, "label": "NP", "fold": 1, "seed": 0, name: value} for name, value in (
            ("profile", "paper"), ("preset", "b"), ("scheme", "grouped"), ("dataset_id", "e")
        )),
    ]  # fmt: skip
    groups = groups_of(pl.DataFrame(runs))
    assert sorted(group["n_runs"] for group in groups) == [1, 1, 1, 1, 2]
    assert ["1", "2"] in [group["run_ids"] for group in groups]
    shuffled = groups_of(pl.DataFrame(runs[::-1]))
    assert {group["group_id"] for group in shuffled} == {group["group_id"] for group in groups}


def test_both_questions_are_answered(planted: PlantedLake) -> None:
    """Every label of both groups has its numbers and a sentence; codes, PCA and spectra are probed and placed."""
    put_night(planted)
    ask()
    answered = planted.lake.query("FROM difficulty_answer")
    assert set(answered.select("preset", "scheme").rows()) == {("planted", "grouped"), ("planted-once", "holdout")}
    assert set(answered["label"]) == {"angle", "PP1", "NP", "EP1", "folds"}
    probed = planted.lake.query("FROM probe")
    assert set(probed["features"]) == {"latent", "pca_8", "pca_32", "spectrum"}
    assert set(probed["label"]) == {"angle", "PP1", "NP", "EP1"}
    assert planted.lake.query("SELECT count(DISTINCT patch_id) FROM embeddings").item() == 120


def test_done_twice_it_stands_once(planted: PlantedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again, with answers that stand and with none noted, the lake holds the same rows."""
    put_night(planted)
    ask()
    before = rows(planted)
    ask()
    assert all(one.height and one.equals(other) for one, other in zip(before, rows(planted), strict=True))
    with planted.lake.write("forget") as transaction:
        transaction.execute("DELETE FROM analyses")
    ask()
    for one, other in zip(before[:-1], rows(planted)[:-1], strict=True):
        assert one.equals(other)


def test_a_night_with_nothing_new_imports_nothing_heavy(planted: PlantedLake) -> None:
    """A second night of the same runs finds its answers; no torch, scipy, scikit-learn or UMAP is loaded for it."""
    put_night(planted)
    ask()
    put_night(planted, "next night")
    answers = rows(planted)
    program = (
        "import sys; from tasks.analysis import analyse_night; analyse_night.fn('next night');"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, env=os.environ)
    assert told.stdout.splitlines()[-1:] == ["[]"], told.stderr
    assert planted.lake.query("SELECT night_id FROM latest_night").item() == "next night"
    assert planted.lake.query("SELECT count(DISTINCT preset) FROM difficulty_answer").item() == 2
    assert all(one.equals(other) for one, other in zip(answers, rows(planted), strict=True))


def test_what_cannot_be_asked_is_noted_and_the_rest_goes_on(
    planted: PlantedLake, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that is not finite, from a lake of old: its group is refused, the other answered; not tried again."""
    put_night(planted)
    with planted.lake.write("spoil") as transaction:
        transaction.execute("UPDATE patch_metrics SET mse = 'nan' WHERE run_id = 'once'")
    with caplog.at_level(logging.WARNING):
        ask()
    assert "difficulty of planted-once, holdout cannot be told" in caplog.text
    (refused,) = planted.lake.query("FROM unanswered").filter(question="difficulty").iter_rows(named=True)
    assert refused["preset"] == "planted-once"
    assert "losses are missing or not finite" in refused["reason"]
    assert set(planted.lake.query("FROM difficulty_answer")["preset"]) == {"planted"}
    caplog.clear()
    ask()
    assert "cannot be told" not in caplog.text


def test_what_cannot_be_asked_any_more_has_no_older_answer(planted: PlantedLake) -> None:
    """Of a group whose numbers became unusable and of a run whose codes did; the other group's answer stands."""
    put_night(planted)
    ask()
    with planted.lake.write("spoil") as transaction:
        transaction.execute("UPDATE patch_metrics SET mse = 'nan' WHERE run_id = 'once'")
        transaction.execute("UPDATE latents SET code = [1, 2] WHERE patch_id = (SELECT min(patch_id) FROM latents)")
        transaction.execute("DELETE FROM analyses")
    ask()
    assert set(planted.lake.query("FROM difficulty_answer")["preset"]) == {"planted"}
    assert planted.lake.query("FROM embeddings").is_empty()
    assert planted.lake.query("FROM probes WHERE run_id = 'once'").is_empty()


def test_a_corrected_label_reaches_every_answer(planted: PlantedLake) -> None:
    """The images of one angle are said to be of another: means, tests and probes of stored runs follow."""
    put_night(planted)
    ask()
    assert set(planted.lake.query("FROM label_difficulty").filter(label="angle")["label_value"]) == {"5.5", "8.5", "19"}
    with planted.lake.write("correct") as transaction:
        transaction.execute("UPDATE labels SET angle_deg = 12 WHERE angle_deg = 8.5")
    ask()
    for view in ("label_difficulty", "label_summary"):
        found = planted.lake.query(f"FROM {view}").filter(label="angle")
        assert set(found["label_value"]) == {"5.5", "12", "19"}
    assert planted.lake.query("SELECT count(*) FROM difficulty_values WHERE label_value = '8.5'").item() == 0


def test_a_night_without_a_complete_run_has_nothing_to_answer(planted: PlantedLake) -> None:
    """A night whose trainings all failed is analysed without a fault."""
    planted.night([planted.run("failed", planted.holdout, status="failed")])
    ask()
    assert planted.lake.query("SELECT count(*) FROM groups").item() == 0


def test_a_run_without_codes_is_not_probed(planted: PlantedLake) -> None:
    """A run of a lake from before codes were kept is answered as far as it can be."""
    images = planted.labels["image_id"].to_list()
    run = planted.run("once", planted.holdout)
    planted.night([run], errors={"once": dict.fromkeys(images, 0.1)})
    ask()
    assert planted.lake.query("FROM probe").is_empty()
    assert planted.lake.query("FROM difficulty_answer").height >= 4


@pytest.mark.long
def test_another_source_asks_nothing_anew(planted: PlantedLake, source: Source) -> None:
    """Labels of other images, even of the same ones in another folder, are not those of these runs."""
    put_night(planted)
    ask()
    before = rows(planted)
    ingest_source(source.folder)
    ask()
    assert all(one.equals(other) for one, other in zip(before, rows(planted), strict=True))
