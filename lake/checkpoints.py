"""Checkpoints that are not needed any more: rows first, in one transaction, and then their files.

What the next night and every command of today need of a run is its best checkpoint by loss and its last one; those
by PSNR and SSIM go when they are old. Champions keep all of theirs. A run stays complete without them.
"""

import time

from lake.files import inside
from lake.location import Location
from lake.maintenance import Action
from lake.statements import load
from lake.store import Lake

FOLDER = "models"
STEP, LOOSE = "remove checkpoint", "remove loose checkpoint"


def remove_old_checkpoints(lake: Lake, *, keep_days: float, dry_run: bool = False) -> list[Action]:
    """Remove checkpoints that may go, and files in the folder of models that no row refers to.

    Parameters
    ----------
    lake : Lake
        Opened to write.
    keep_days : float
        Age from which they go, in days. A training that was cut off goes on from its files until then.
    dry_run : bool
        Change nothing, and say what would be removed.

    Returns
    -------
    list of Action
        Killed in between, it leaves files without rows, which the next call removes.
    """
    found = lake.query_rows(load("old_checkpoints"), [keep_days * 86_400]).rows
    if found and not dry_run:
        with lake.write("remove old checkpoints") as transaction:
            found = list(transaction.query(load("old_checkpoints"), [keep_days * 86_400]).iter_rows())
            for model_id, _, _ in found:
                transaction.execute("DELETE FROM models WHERE model_id = ?", [model_id])
    gone = {path for _, path, _ in found}
    loose = _loose(lake, keep_days * 86_400, besides=gone)
    if not dry_run:
        for path in (*gone, *(action.what for action in loose)):
            inside(lake.root, path).unlink(missing_ok=True)
        _drop_empty_folders(lake.location)
    return [*(Action(STEP, path, n_bytes) for _, path, n_bytes in found), *loose]


def _loose(lake: Lake, age_s: float, *, besides: set[str]) -> list[Action]:
    """Find old files of models that no row refers to, those of champions left out."""
    known = {path for (path,) in lake.query_rows(load("checkpoint_paths")).rows} | besides
    limit, found = time.time() - age_s, []
    for path in sorted((lake.root / FOLDER).rglob("*")):
        name = path.relative_to(lake.root).as_posix()
        is_known = name in known or path.parent.relative_to(lake.root).as_posix() in known
        if not is_known and path.is_file() and (stat := path.stat()).st_mtime <= limit:
            found.append(Action(LOOSE, name, stat.st_size))
    return found


def _drop_empty_folders(location: Location) -> None:
    """Remove folders of runs that have no file left."""
    for folder in (location.root / FOLDER).glob("*/"):
        if not any(folder.iterdir()):
            folder.rmdir()
