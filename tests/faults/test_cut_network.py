"""The network between a server and its workers is cut in the middle of a night."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stacks
from cable import Cable
from stacks import RunningStack, wait_until

from deepdlt.synthetic.synth import write_synthetic
from deployments.server_api import FINAL
from lake import Lake

NIGHT: dict[str, Any] = {
    "profile": "quick",
    "preset": "matched-label-cv",
    "labels": ["PP1"],
    "schemes": ["grouped"],
    "folds": 2,
    "models": ["ae"],
    "epochs": 100,
}
N_RUNS = 3  # two folds, and once on the 80/10/10 split


@pytest.fixture
def far_away() -> Iterator[tuple[RunningStack, Cable]]:
    """Workers, in a home of their own, that reach their server through a cable."""
    folder, near = stacks.make_folder(), stacks.make_folder()
    server = stacks.start_stack(near, stacks.environment_of(near, stacks.free_port()))
    cable = Cable(int(server.api_url.rsplit(":", 1)[1].split("/")[0]))
    workers = RunningStack({**os.environ, **stacks.environment_of(folder, cable.port)}, folder, server.api_url)
    try:
        for pool in ("cpu", "gpu"):  # the runs are for the others
            os.kill(server.part(f"worker-{pool}").pid, signal.SIGTERM)
        workers.cli("up")
        workers.cli("deploy")
        yield workers, cable
    finally:
        cable.mend()
        workers.cli("down", check=False)
        stacks.stop_stack(server)
        cable.close()


@pytest.mark.long
@pytest.mark.parametrize("cut_s", [20, 600])
def test_a_cut_network_ends_in_one_clean_outcome(
    far_away: tuple[RunningStack, Cable], tmp_path: Path, cut_s: float
) -> None:
    """A short cut is not noticed in the result; after a long one the next night completes it, each run once."""
    workers, cable = far_away
    source = tmp_path / "images"
    write_synthetic(source, n_images=12, height_px=96, width_px=128)
    lake_folder = Path(workers.env["DEEPDLT_LAKE"])
    hit = workers.start("retrain/nightly", source=str(source), **NIGHT)

    def has_begun() -> bool:
        run = workers.api.run(hit)
        assert run["state_type"] not in FINAL, run["state"]
        return any((lake_folder / "models").rglob("progress.safetensors"))

    wait_until(has_begun, limit_s=400)
    cable.cut()
    time.sleep(cut_s)
    cable.mend()
    ended = workers.wait(hit, limit_s=900)
    if cut_s < 60:
        assert ended["state_name"] == "Completed", f"{ended['state']}\n{workers.last_words()}"
    else:
        again = workers.run("retrain/nightly", limit_s=900, source=str(source), **NIGHT)
        assert again["state_name"] == "Completed"
    with Lake.open(lake_folder, is_read_only=True) as lake:
        runs = lake.query("SELECT run_id, status FROM runs")
        epochs = lake.query("SELECT run_id, count(*) AS n FROM epochs GROUP BY ALL")["n"].to_list()
        patches = lake.query("SELECT count(*) = count(DISTINCT (run_id, patch_id)) FROM patch_metrics").item()
    assert runs["status"].to_list() == ["complete"] * N_RUNS
    assert runs["run_id"].n_unique() == N_RUNS
    assert epochs == [NIGHT["epochs"]] * N_RUNS
    assert patches
