"""Whole nights, on a real server, real workers and a real lake.

The nights are small: twelve images of 96 x 128 px, one label, one scheme, two folds, one epoch.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import polars as pl
import psutil
import pytest
from sources import Source
from stacks import RunningStack, wait_until

from deepdlt.presets import PRESETS
from deepdlt.synthetic.synth import write_synthetic
from deployments.errors import ParametersRefused
from flows.retrain import PresetName
from lake import Lake

SMALL: dict[str, Any] = {
    "profile": "quick",
    "labels": ["PP1"],
    "schemes": ["grouped"],
    "folds": 2,
    "models": ["ae"],
    "epochs": 1,
}
N_RUNS = 3  # two folds, and once on the 80/10/10 split


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A source folder that the nights of this module share, in order."""
    folder = tmp_path_factory.mktemp("night") / "images"
    write_synthetic(folder, n_images=12, height_px=96, width_px=128)
    (workbook,) = folder.rglob("*.xlsx")
    sheet = workbook.with_suffix(".csv")
    pl.read_excel(workbook).write_csv(sheet)
    workbook.unlink()
    return Source(folder, sheet)


@pytest.fixture(scope="module")
def first(stack: RunningStack, source: Source) -> dict[str, Any]:
    """The first night, run to its end."""
    stack.cli("deploy")
    return dict(stack.run("retrain/nightly", limit_s=180, source=str(source.folder), **SMALL))


@pytest.fixture(scope="module")
def lake(stack: RunningStack, first: dict[str, Any]) -> Lake:
    """The lake that the nights write to, read only."""
    return Lake.open(stack.env["DEEPDLT_LAKE"], is_read_only=True)


def night_row(lake: Lake, run: dict[str, Any]) -> dict[str, Any]:
    """Return what the lake says of a night."""
    return lake.query("SELECT * FROM nights WHERE night_id = ?", [run["id"]]).row(0, named=True)


def summary_of(stack: RunningStack, run: dict[str, Any]) -> str:
    """Return the summary that a night shows in the UI."""
    wanted = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}, "key": {"any_": ["night-summary"]}}}
    (artifact,) = stack.api.ask("POST", "artifacts/filter", wanted)
    return str(artifact["data"])


def test_a_night_trains_every_fold_into_the_lake(first: dict[str, Any], lake: Lake) -> None:
    """Images, patches, folds, runs, metrics and checkpoints stand there, and the run is Completed."""
    assert first["state_name"] == "Completed"
    night = night_row(lake, first)
    assert (night["n_new_images"], night["n_new_patches"], night["n_trained"], night["n_failed"]) == (12, 1200, 3, 0)
    assert lake.query("SELECT count(*) FROM runs WHERE status = 'complete'").item() == N_RUNS
    assert lake.query("SELECT count(*) FROM fold_metrics").item() == 3 * N_RUNS
    assert lake.query("SELECT count(DISTINCT label) FROM label_metrics").item() == 4
    files = lake.query("SELECT path, n_bytes FROM models")
    assert files.height == 4 * N_RUNS
    assert all((lake.root / path).stat().st_size == n_bytes for path, n_bytes in files.iter_rows())


def test_a_night_answers_its_questions(first: dict[str, Any], stack: RunningStack, lake: Lake) -> None:
    """Which label is harder, of each group of runs; whether codes know the laser, or why that cannot be asked."""
    tasks = stack.api.ask("POST", "task_runs/filter", {"limit": 200})
    assert {task["state_name"] for task in tasks if task["name"].startswith("analyse night")} == {"Completed"}
    answered = lake.query("FROM difficulty_answer")
    assert set(answered.select("preset", "scheme").rows()) == {("label-cv", "grouped"), ("experiment-1", "holdout")}
    assert set(answered["label"]) == {"angle", "PP1", "NP", "EP1", "folds"}
    assert set(lake.query("FROM probe")["features"]) == {"latent", "pca_8", "pca_32", "pca_128", "spectrum"}
    assert set(lake.query("FROM embeddings")["method"]) == {"pca", "tsne", "umap"}
    assert lake.query("SELECT count(*) FROM judged_metrics WHERE split = 'test' AND pca_8_mse IS NULL").item() == 0


def test_no_image_of_a_grouped_fold_is_on_two_sides(first: dict[str, Any], lake: Lake) -> None:
    """Seen with a query, as a user would."""
    leaks = lake.query("SELECT n_images_shared FROM split_leakage WHERE scheme = 'grouped'")
    assert leaks.height == 2
    assert leaks.to_series().to_list() == [0, 0]


def test_the_ui_gets_names_table_summary_and_pictures(first: dict[str, Any], stack: RunningStack) -> None:
    """Runs say what they are; artifacts of each kind are there, pictures as data that needs no network."""
    names = {task["name"] for task in stack.api.ask("POST", "task_runs/filter", {"limit": 200})}
    assert "train PP1 fold 2/2 ae grouped" in names
    artifacts = stack.api.ask("POST", "artifacts/latest/filter", {"limit": 200})
    kinds = {artifact["key"]: artifact for artifact in artifacts}
    picture = "fold-reconstructions-label-cv-grouped-folds-by-pp1"
    assert {"label-metrics", "night-summary", picture, "trainings", "batch"} <= set(kinds)
    assert kinds[picture]["data"].startswith("data:image/png;base64,")
    assert kinds["trainings"]["data"] == 100.0


def test_a_night_leaves_a_page_that_its_summary_links_to(
    first: dict[str, Any], stack: RunningStack, lake: Lake
) -> None:
    """As an address and as a path; the index beside it lists the night."""
    page = lake.location.page(night_row(lake, first)["sequence"])
    assert "<h1>Night " in page.read_text(encoding="utf-8")
    assert f"{page.parent.name}/index.html" in lake.location.pages.read_text(encoding="utf-8")
    summary = summary_of(stack, first)
    assert page.as_uri() in summary
    assert f"`{page}`" in summary


@pytest.fixture(scope="module")
def second(first: dict[str, Any], stack: RunningStack, source: Source, lake: Lake) -> dict[str, Any]:
    """A night with nothing new, whose page has no place to be written to."""
    page = lake.location.page(night_row(lake, first)["sequence"] + 1)
    page.parent.touch()
    run = stack.run("retrain/nightly", source=str(source.folder), **SMALL)
    page.parent.unlink()
    return dict(run)


def test_a_page_that_cannot_be_written_fails_its_task_alone(second: dict[str, Any], stack: RunningStack) -> None:
    """The night is Completed; its summary says how to write the page."""
    assert second["state_name"] == "Completed"
    named = {"flow_runs": {"id": {"any_": [second["id"]]}}, "limit": 200}
    states = {task["name"]: task["state_name"] for task in stack.api.ask("POST", "task_runs/filter", named)}
    assert [state for name, state in states.items() if name.startswith("write page")] == ["Failed"]
    assert "deepdlt report --night 2" in summary_of(stack, second)


def test_a_second_night_with_nothing_new_does_no_work(
    first: dict[str, Any], second: dict[str, Any], stack: RunningStack, lake: Lake
) -> None:
    """No patch, no training, no child run; the same metrics belong to the new night."""
    night = night_row(lake, second)
    new = [night[name] for name in ("n_new_images", "n_new_patches", "n_trained", "n_failed")]
    assert new == [0, 0, 0, 0]
    assert night["n_reused"] == N_RUNS
    of_night = "SELECT run_id, loss FROM fold_metrics JOIN night_runs USING (run_id) WHERE night_id = ? ORDER BY ALL"
    assert lake.query(of_night, [second["id"]]).rows() == lake.query(of_night, [first["id"]]).rows()
    assert lake.query("SELECT max(asked_at) FROM analyses").item() < datetime.fromisoformat(second["start_time"])
    assert lake.query("FROM difficulty_answer").height > 0
    flows = stack.api.ask("POST", "flow_runs/filter", {"limit": 200, "sort": "START_TIME_DESC"})
    started = [run["name"] for run in flows if run["start_time"] and run["start_time"] > second["start_time"]]
    assert not any(name.startswith("train ") for name in started)


@pytest.mark.long
def test_a_step_that_is_asked_for_runs_though_nothing_is_new(
    first: dict[str, Any], second: dict[str, Any], stack: RunningStack, source: Source, lake: Lake
) -> None:
    """Preparation, and the trainings of one preset: as many rows as before, the night and the ledger say why."""
    tables = (
        "images",
        "patches",
        "datasets",
        "splits",
        "folds",
        "runs",
        "epochs",
        "patch_metrics",
        "models",
        "latents",
    )
    counts = {table: lake.query(f"SELECT count(*) FROM {table}").item() for table in tables}
    asked = ["ingest", "cut", "freeze", "assign", "audit", "train:experiment-1"]
    run = stack.run("retrain/nightly", limit_s=180, source=str(source.folder), refresh=asked, **SMALL)
    night = night_row(lake, run)
    assert run["state_name"] == "Completed"
    assert (night["n_trained"], night["n_reused"], night["refresh"]) == (1, N_RUNS - 1, " ".join(asked))
    assert (night["n_new_images"], night["n_new_patches"]) == (0, 0)
    assert {table: lake.query(f"SELECT count(*) FROM {table}").item() for table in tables} == counts
    steps = lake.query("SELECT step, is_hit FROM reasons WHERE night_id = ? AND is_asked_for", [run["id"]])
    brought = {"analyse night", "draw pictures"}  # a training that is asked for brings its answers and pictures
    assert (steps.height, steps["is_hit"].any()) == (len(asked) + len(brought), False)
    assert brought < set(steps["step"])


@pytest.fixture(scope="module")
def damaged(first: dict[str, Any], lake: Lake) -> Path:
    """The largest shard, with a thousand bytes of its middle turned over."""
    shard = lake.root / lake.query("SELECT shard FROM patches GROUP BY shard ORDER BY count(*) DESC LIMIT 1").item()
    content = bytearray(shard.read_bytes())
    middle = slice(len(content) // 2, len(content) // 2 + 1000)
    content[middle] = bytes(byte ^ 0xFF for byte in content[middle])
    shard.chmod(0o600)
    shard.write_bytes(content)
    return Path(shard)


def test_a_night_whose_training_fails_is_failed_and_says_which(
    damaged: Path, stack: RunningStack, source: Source, lake: Lake
) -> None:
    """A damaged shard fails its trainings, and the message names them."""
    failed = stack.run("retrain/nightly", limit_s=180, source=str(source.folder), **(SMALL | {"epochs": 2}))
    assert failed["state_name"] == "Failed"
    assert "train PP1 fold 1/2 ae grouped" in failed["state"]["message"]
    assert night_row(lake, failed)["status"] == "failed"


@pytest.mark.long
def test_the_next_night_heals_itself_and_cuts_patches_of_one_more_image(
    damaged: Path, stack: RunningStack, source: Source, lake: Lake
) -> None:
    """Without the damaged file, which had them all, patches are cut again, and those of a new image."""
    damaged.unlink()
    known = lake.query("SELECT patch_id FROM patches").to_series()
    extended = source.folder.parent / "thirteen"
    write_synthetic(extended, n_images=13, height_px=96, width_px=128)
    (workbook,) = extended.rglob("*.xlsx")
    name = pl.read_excel(workbook)["Names"][12]
    file = Path(name).with_suffix(".png")
    target = source.sheet.parent / file
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(workbook.parent / file, target)
    source.append_row(0, name)
    (target.parent / "broken.png").write_bytes(b"no image")
    run = stack.run("retrain/nightly", limit_s=180, source=str(source.folder), **(SMALL | {"epochs": 2}))
    night = night_row(lake, run)
    assert run["state_name"] == "Completed"
    assert (night["n_new_images"], night["n_new_patches"], night["n_rejected"]) == (1, 1300, 1)
    assert night["n_trained"] == N_RUNS
    assert set(known) < set(lake.query("SELECT patch_id FROM patches").to_series())


@pytest.mark.long
def test_a_cancelled_night_ends_its_trainings_and_the_next_one_goes_on(
    first: dict[str, Any], stack: RunningStack, source: Source, lake: Lake
) -> None:
    """Ctrl-C asks for this: the child run ends too, and the next night takes up the epochs that are done."""
    parameters = SMALL | {"epochs": 60}
    parent = stack.start("retrain/nightly", source=str(source.folder), **parameters)

    def progress() -> list[Path]:
        return list((lake.root / "models").rglob("progress.safetensors"))

    wait_until(progress, limit_s=120)
    stack.api.set_state(parent, "CANCELLING", "by the test")
    assert stack.wait(parent)["state_name"] == "Cancelled"
    (child,) = stack.api.runs({"parent_flow_run_id": {"any_": [parent]}, "name": {"like_": "batch"}})
    assert stack.wait(child["id"])["state_name"] == "Cancelled"
    wait_until(lambda: trainer_pids(stack) == [], limit_s=30)
    assert progress()
    again = stack.run("retrain/nightly", limit_s=400, source=str(source.folder), **parameters)
    assert again["state_name"] == "Completed"
    assert progress() == []
    epochs = lake.query("SELECT run_id, count(*) AS n FROM epochs GROUP BY ALL HAVING max(epoch) = 60")
    assert epochs["n"].to_list() == [60] * N_RUNS


@pytest.mark.long
def test_a_killed_training_process_costs_its_own_fold_alone(
    first: dict[str, Any], stack: RunningStack, source: Source, lake: Lake
) -> None:
    """kill -9 of one: its fold is failed, with the reason; the others stand; no process is left behind."""
    parent = stack.start("retrain/nightly", source=str(source.folder), **(SMALL | {"epochs": 40}))

    def training() -> list[int]:
        under_way = [path.parent.name for path in (lake.root / "models").rglob("progress.safetensors")]
        return trainer_pids(stack) if under_way else []

    os.kill(wait_until(training, limit_s=120)[0], signal.SIGKILL)
    ended = stack.wait(parent, limit_s=400)
    assert ended["state_name"] == "Failed"
    assert "was killed by SIGKILL" in ended["state"]["message"]
    failed = lake.query("SELECT error FROM runs WHERE status = 'failed'")
    assert [("SIGKILL" in error) for error in failed["error"]] == [True]
    assert night_row(lake, ended)["n_trained"] == N_RUNS - 1
    assert trainer_pids(stack) == []


def trainer_pids(stack: RunningStack) -> list[int]:
    """Return the processes of this stack that train."""
    commands = [(one.pid, one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    found = [pid for pid, command in commands if command[-2:] == ["-m", "tasks.trainer"]]
    return [pid for pid in found if psutil.Process(pid).environ().get("DEEPDLT_LAKE") == stack.env["DEEPDLT_LAKE"]]


@pytest.fixture
def second_worker(stack: RunningStack) -> Iterator[str]:
    """Another worker on the gpu pool."""
    name = "second"
    command = [sys.executable, "-m", "deployments.worker", "--pool", "gpu", "--name", name, "--limit", "1"]
    process = subprocess.Popen(command, env=stack.env, cwd=stack.home)

    def is_online() -> bool:
        workers = stack.api.ask("POST", "work_pools/gpu/workers/filter", {})
        return any(worker["name"] == name and worker["status"] == "ONLINE" for worker in workers)

    wait_until(is_online, limit_s=60)
    yield name
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)


@pytest.mark.long
def test_two_workers_share_a_night(
    first: dict[str, Any], second_worker: str, stack: RunningStack, source: Source, lake: Lake
) -> None:
    """Each gets one batch, and together they train every fold once."""
    night = stack.run("retrain/nightly", limit_s=300, source=str(source.folder), **(SMALL | {"epochs": 3}))
    assert night["state_name"] == "Completed"
    batches = stack.api.runs({"parent_flow_run_id": {"any_": [night["id"]]}, "name": {"like_": "batch"}})
    assert sorted(run["name"].split(",")[0] for run in batches) == ["train 1 runs", "train 2 runs"]
    assert {run["state_name"] for run in batches} == {"Completed"}
    assert night_row(lake, night)["n_trained"] == N_RUNS


def test_the_form_offers_every_preset() -> None:
    """The flow's list of presets is the list of presets."""
    assert set(get_args(get_args(PresetName)[0])) == set(PRESETS)


@pytest.mark.parametrize(
    "wrong",
    [{"folds": 1}, {"preset": "label-vc"}, {"epochs": 0}, {"schemes": ["random"]}, {"refresh": ["cuts"]}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_bad_parameters_are_refused_before_a_run_exists(
    first: dict[str, Any], stack: RunningStack, wrong: dict[str, Any]
) -> None:
    """The server answers 409 to a value out of bounds, and no run is made."""
    with pytest.raises(ParametersRefused):
        stack.start("retrain/nightly", **wrong)
