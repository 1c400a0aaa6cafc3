"""Ten new images in a folder that the lake knows."""

import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.child import Clock
from benchmarks.row import Row, faster, said_at_most
from benchmarks.sources import Stage

N_NEW = 10
N_PER_IMAGE = 100


def parameters(stage: Stage) -> dict[str, Any]:
    """Return the folder that grows, and where the lakes are made."""
    return {"source": str(stage.source), "target": str(stage.work / "few-new")}


def ours(clock: Clock, source: str, target: str) -> None:
    """Prepare all but ten images, add those, and prepare again: the second time counts."""
    folder, paths = _settle(source, target)
    away = paths[:: max(1, len(paths) // N_NEW)][:N_NEW]
    for path in away:
        path.rename(path.with_suffix(".away"))
    _prepare(folder)
    for path in away:
        path.with_suffix(".away").rename(path)
    from deepdlt.source import examine, images

    decoded = [0]
    for module in (examine, images):
        _count(module, "decode_image", decoded)
    with clock.running():
        n_new = _prepare(folder)
    clock.say(n_new_patches=n_new, n_decoded=decoded[0])


def full(clock: Clock, source: str, target: str) -> None:
    """Prepare all images, with an empty lake."""
    folder, _ = _settle(source, target)
    from tasks import ingest, prepare

    del ingest, prepare  # imported before the clock runs
    with clock.running():
        n_new = _prepare(folder)
    clock.say(n_new_patches=n_new)


def _settle(source: str, target: str) -> tuple[Path, list[Path]]:
    """Link the source into a folder of its own, and make the process work on a new lake there."""
    shutil.rmtree(target, ignore_errors=True)
    folder = Path(target, "images")
    for path in Path(source).rglob("*"):
        if path.is_file():
            copy = folder / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    os.environ["DEEPDLT_LAKE"] = str(Path(target, "lake"))
    from tasks.lake_access import open_lake

    open_lake()
    return folder, sorted(folder.rglob("*.png"))


def _prepare(folder: Path) -> int:
    """Bring the lake to what stands in the folder; return the number of new patches."""
    from deepdlt.config import PatchRecipe
    from tasks.ingest import ingest_source
    from tasks.prepare import assign_missing, cut_missing, freeze

    recipe = PatchRecipe(n_per_image=N_PER_IMAGE)
    known_as = ingest_source(folder)["source"]
    n_new = cut_missing(known_as, recipe)["n_new_patches"]
    dataset = freeze(known_as, recipe, patches_per_image=N_PER_IMAGE)
    assign_missing(known_as, dataset, patches_per_image=N_PER_IMAGE, labels=[], schemes=[], n_folds=2, seed=0)
    return n_new


def _count(module: Any, name: str, counter: list[int]) -> None:
    """Count the calls of a function where a module calls it."""
    function = getattr(module, name)

    def counted(*arguments: Any, **named: Any) -> Any:
        counter[0] += 1
        return function(*arguments, **named)

    setattr(module, name, counted)


ROWS = (
    Row(
        name="few-new",
        work="ten new images in a folder that the lake knows",
        ours="benchmarks.rows.few_new:ours",
        other="benchmarks.rows.few_new:full",
        other_name="all images new",
        parameters=parameters,
        judges=(
            faster(8),
            said_at_most("n_decoded", N_NEW, goal=f"{N_NEW} images decoded", unit=" images"),
        ),
    ),
)
