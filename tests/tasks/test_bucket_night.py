"""Nights on a lake whose catalog is in Postgres and whose files are in a bucket, from two machines."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from killed_nights import rows_of
from nights import run_night
from postgres import find_programs, running_postgres
from stores import Store, running_store

from deepdlt.night import RunPlan
from deepdlt.synthetic.synth import write_synthetic
from deepdlt.training.progress import EpochRecord
from lake import Lake, maintain
from lake.identity import NOTE
from tasks import lake_access, probing
from tasks.forget import forget
from tasks.lake_access import open_lake
from tasks.page import write_page
from tasks.shared_patches import PatchFiles
from tasks.stored_run import find_run
from tasks.training_work import TrainedFold, take_patches, train_plans

pytestmark = pytest.mark.long

SMALL: dict[str, Any] = {"preset": "matched-experiment-1", "models": ("ae",), "schemes": ("grouped",), "epochs": 2}


@dataclass(frozen=True)
class Nights:
    """The same night in a folder, and in a bucket."""

    folder: Lake
    address: str
    store: Store
    source: Path
    cache: Path

    def at(self, machine: str) -> Lake:
        """Open the lake in the bucket as another process would, on a machine."""
        os.environ["DEEPDLT_LAKE"] = self.address
        os.environ["DEEPDLT_CACHE"] = str(self.cache / machine)
        lake_access._opened.cache_clear()
        take_patches.cache_clear()
        return open_lake()


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """One night each, and its page."""
    programs = find_programs()
    if programs is None:
        pytest.skip("there is no Postgres on this machine: install Debian's `postgresql`")
    folder = tmp_path_factory.mktemp("nights")
    write_synthetic(folder / "images", n_images=12, height_px=96, width_px=128)
    with running_postgres(programs) as postgres, running_store() as store, pytest.MonkeyPatch.context() as patch:
        known = postgres.variables | store.variables
        known |= {"DEEPDLT_DEVICE": "cpu", "DEEPDLT_LAKE": str(folder / "lake"), "DEEPDLT_CACHE": ""}
        for name, value in known.items():
            patch.setenv(name, value)
        patch.setattr(probing, "METHODS", ("pca",))
        patch.setattr(probing, "N_PERMUTATIONS", 9)
        run_night(folder / "images", **SMALL)
        write_page(1)
        here = open_lake()
        address = f"{postgres.make_database('nights')}+s3://lab/nights"
        made = Nights(here, address, store, folder / "images", folder / "caches")
        made.at("first")
        run_night(folder / "images", **SMALL)
        write_page(1)
        yield made
        lake_access._opened.cache_clear()


def test_a_night_in_a_bucket_gives_the_rows_of_a_night_in_a_folder(nights: Nights) -> None:
    """Every table, every number to the last bit; and the same files, but for the tables' own."""
    far = nights.at("first")
    here, there = rows_of(nights.folder), rows_of(far)
    assert all(here[table] for table in ("runs", "patches", "label_metrics", "models"))
    assert {table: lines for table, lines in here.items() if lines != there[table]} == {}
    files = {
        path.relative_to(nights.folder.root).as_posix() for path in nights.folder.root.rglob("*") if path.is_file()
    }
    wanted = {name for name in files if name.startswith(("shards/", "models/", "reports/", "pictures/"))}
    held = {name for name in nights.store.keys("s3://lab/nights") if not name.startswith("tables/")}
    assert held == wanted | {NOTE}
    assert {name.partition("/")[0] for name in held} == {"shards", "models", "reports", "pictures", NOTE}


@pytest.mark.parametrize("machine", ["second", "first, its cache deleted"])
def test_a_machine_without_copies_finds_nothing_to_do(nights: Nights, machine: str) -> None:
    """It reads what it needs from the bucket: no patch is cut, no model trained, no picture drawn; the page is had."""
    if machine != "second":
        shutil.rmtree(nights.cache / "first")
        machine = "first"
    lake = nights.at(machine)
    assert not list(lake.root.rglob("*.png"))
    before = nights.store.keys("s3://lab/nights").keys()
    night = run_night(nights.source, **SMALL)
    assert (night["n_new_images"], night["n_new_patches"], night["n_trained"]) == (0, 0, 0)
    assert night["n_reused"] > 0
    page = write_page(night["sequence"])
    assert page.stat().st_size > 50_000
    assert list(lake.root.rglob("*.png"))
    new = nights.store.keys("s3://lab/nights").keys() - before
    assert {name for name in new if not name.startswith("tables/")} == {f"reports/{night['sequence']}/index.html"}
    assert lake.files.fetch("reports/1/index.html").is_file()


def test_another_machine_goes_on_with_a_training_that_was_cut_off(nights: Nights) -> None:
    """After its last checkpoint; and to the same numbers as a training without a break."""
    lake = nights.at("first")
    run_id = lake.query("SELECT min(run_id) FROM runs").item()
    plan = find_run(lake, run_id).plan
    plan = plan.model_copy(update={"run_id": "0" * 32})

    def cut_off(_: RunPlan, record: EpochRecord) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(lake, plan, cut_off)
    assert f"models/{plan.run_id}/progress.safetensors" in nights.store.keys("s3://lab/nights")
    done = train(nights.at("second"), plan, None)
    assert done.result.resumed_after_epoch == 1
    before = lake.query("SELECT epoch, train_loss, val_loss FROM epochs WHERE run_id = ? ORDER BY epoch", [run_id])
    assert done.result.epochs.select("epoch", "train_loss", "val_loss").rows() == before.rows()


def train(lake: Lake, plan: RunPlan, on_epoch: Any) -> TrainedFold:
    """Train a plan, and leave it at that."""
    with PatchFiles(lake, [plan]) as files:
        (done,) = train_plans(lake, [plan], take_patches(lake, files.of(plan)), on_epoch=on_epoch)
    assert isinstance(done, TrainedFold)
    return done


def test_upkeep_leaves_what_rows_refer_to_and_forgetting_takes_all_of_an_image(nights: Nights) -> None:
    """After upkeep without grace each file is there at its size; models of what is forgotten are gone everywhere."""
    lake = nights.at("second")
    maintain(lake, keep_days=0, grace_hours=0)
    held = nights.store.keys("s3://lab/nights")
    models = lake.query("SELECT path, n_bytes FROM models").rows()
    shards = lake.query("SELECT DISTINCT shard, shard_bytes FROM patches").rows()
    assert models
    assert shards
    assert {path: held.get(path) for path, _ in models + shards} == dict(models + shards)
    forget(lake, [lake.query("SELECT min(image_id) FROM images").item()])
    assert lake.query("FROM runs").is_empty()
    left = nights.store.keys("s3://lab/nights")
    assert not {path for path, _ in models} & left.keys()
    assert not [name for name in left if name.startswith("reports/1/")]
