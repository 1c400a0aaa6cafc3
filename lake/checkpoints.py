"""Checkpoints that are not needed any more: rows first, in one transaction, and then their files.

What the next night and every command of today need of a run is its best checkpoint by loss and its last one; those
by PSNR and SSIM go when they are old. Champions keep all of theirs. A run stays complete without them.
"""

import time
from contextlib import suppress

from lake import identity
from lake.location import Location
from lake.maintenance import GRACE_HOURS, Action
from lake.statements import load
from lake.store import Lake

FOLDER = "models"
STEP, LOOSE = "remove checkpoint", "remove loose checkpoint"


def remove_old_checkpoints(
    lake: Lake, *, keep_days: float, grace_hours: float = GRACE_HOURS, dry_run: bool = False
) -> list[Action]:
    """Remove checkpoints that may go, and files in the folder of models that no row refers to.

    Parameters
    ----------
    lake : Lake
        Opened to write.
    keep_days : float
        Age from which they go, in days. A training that was cut off goes on from its files until then.
    grace_hours : float
        Age below which a file without a row stays in any case, in hours: it may be that of a training under way.
    dry_run : bool
        Change nothing, and say what would be removed.

    Returns
    -------
    list of Action
        Killed in between, it leaves files without rows, which the next call removes.

    Raises
    ------
    LakeReadOnly, LakeLocked, LakeReentered
        As in `Lake.write`.
    FilesOfAnother
        If the files are those of another lake.
    """
    identity.settle(lake.location, lake.files, lake.lake_id, writes=not dry_run)
    found = lake.query_rows(load("old_checkpoints"), [keep_days * 86_400]).rows
    if found and not dry_run:
        with lake.write("remove old checkpoints") as transaction:
            found = list(transaction.query(load("old_checkpoints"), [keep_days * 86_400]).iter_rows())
            gone_ids = [model_id for model_id, _, _ in found]
            transaction.execute("DELETE FROM models WHERE model_id IN (SELECT unnest(?::VARCHAR[]))", [gone_ids])
    gone = {path for _, path, _ in found}
    limit = time.time() - max(keep_days * 86_400, grace_hours * 3_600)
    loose = _loose(lake, limit, besides=gone)
    if not dry_run:
        lake.files.remove(gone)
        lake.files.remove((action.what for action in loose), changed_by=limit)
        _drop_empty_folders(lake.location)
    return [*(Action(STEP, path, n_bytes) for _, path, n_bytes in found), *loose]


def _loose(lake: Lake, limit: float, *, besides: set[str]) -> list[Action]:
    """Find old files of models that no row refers to, those of champions left out."""
    known = {path for (path,) in lake.query_rows(load("checkpoint_paths")).rows} | besides
    return [
        Action(LOOSE, found.path, found.n_bytes)
        for found in lake.files.listed(f"{FOLDER}/")
        if not {found.path, found.path.rpartition("/")[0]} & known and found.changed_at <= limit
    ]


def _drop_empty_folders(location: Location) -> None:
    """Remove folders of runs that have no file left."""
    for folder in (location.root / FOLDER).glob("*/"):
        with suppress(OSError):  # it holds files
            folder.rmdir()
