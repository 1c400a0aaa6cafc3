"""What grows beside the tables and is not needed any more: pages, exports and what a killed one left, results.

Pages can be written again from the lake at any time. An export goes only where an age for exports is given, and only
as long as it holds nothing but what was exported.
"""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from deepdlt.replacing import is_as_written, leftovers
from lake import Lake
from lake.checkpoints import remove_old_checkpoints
from lake.location import page_of
from lake.maintenance import Action, maintain
from lake.statements import load

DAY_S = 86_400.0
LEFTOVER_S = DAY_S
"""Age from which a hidden folder beside an export is what a killed one left."""

RESULTS = "DEEPDLT_RESULTS"
"""Set by the stack for all that it starts: where results of steps lie; what lies elsewhere is not ours to remove."""


def tidy(
    lake: Lake,
    *,
    keep_days: float,
    grace_hours: float,
    page_days: float,
    export_days: float | None,
    dry_run: bool,
) -> list[Action]:
    """Remove from the lake, and from beside it, what is old and what nothing refers to.

    Parameters
    ----------
    lake : Lake
        Opened to write.
    keep_days : float
        Age from which snapshots that nothing pins, checkpoints and results go, in days.
    grace_hours : float
        Age from which a file that nothing refers to goes, in hours.
    page_days : float
        Age from which the page of a night that is not the newest goes, in days.
    export_days : float, optional
        Age from which exports go, in days; without it they stay.
    dry_run : bool
        Change nothing, and say what would be done.

    Returns
    -------
    list of Action
        In order.
    """
    done = [
        *remove_old_checkpoints(lake, keep_days=keep_days, grace_hours=grace_hours, dry_run=dry_run),
        *maintain(lake, keep_days=keep_days, grace_hours=grace_hours, dry_run=dry_run).actions,
    ]
    pages = old_pages(lake, page_days * DAY_S)
    done += [Action("remove page", f"{lake.location.files}/{folder}", n_bytes) for folder, n_bytes in pages.items()]
    folders = [
        *((folder, "remove left export") for folder in left_by_exports(lake)),
        *((folder, "remove export") for folder in old_exports(lake, export_days)),
        *((file, "remove result") for file in old_results(keep_days * DAY_S)),
    ]
    done += [Action(step, str(path), _size(path)) for path, step in folders]
    if not dry_run:
        _remove(path for path, _ in folders)
        for folder in pages:
            lake.files.remove_tree(folder)
        if pages:
            _write_index(lake)
    return done


def old_pages(lake: Lake, age_s: float) -> dict[str, int]:
    """Return the folders of old pages, with their bytes; the newest night's stays, whatever its age."""
    newest = lake.query("SELECT sequence FROM latest_night")["sequence"].to_list()
    limit, found = time.time() - age_s, {}
    for page in lake.files.listed("reports/"):
        folder, _, _ = page.path.rpartition("/")
        number = folder.rpartition("/")[2]
        is_page = number.isdecimal() and page.path == page_of(int(number))
        if is_page and int(number) not in newest and page.changed_at <= limit:
            found[folder] = page.n_bytes
    return found


def left_by_exports(lake: Lake) -> list[Path]:
    """Return the hidden folders that killed exports left beside their targets, older than a day."""
    targets = lake.query("SELECT target FROM exports")["target"]
    return [path for target in targets for path in leftovers(Path(target)) if _age_s(path) >= LEFTOVER_S]


def old_exports(lake: Lake, days: float | None) -> list[Path]:
    """Return the exports that are old enough to go and hold nothing but what was exported; none without an age."""
    if days is None:
        return []
    found = [(Path(target), at) for target, at in lake.query(load("old_exports"), [days * DAY_S]).iter_rows()]
    return [path for path, at in found if path.is_dir() and is_as_written(path, finished_at=at)]


def old_results(age_s: float) -> list[Path]:
    """Return the result files of steps that are old enough to go: a step without its result runs again."""
    folder = os.environ.get(RESULTS)
    if not folder:
        return []
    return sorted(path for path in Path(folder).rglob("*") if path.is_file() and _age_s(path) >= age_s)


def frame_of(actions: Iterable[Action]) -> pl.DataFrame:
    """Return actions by step: how many there are, and how many bytes they free."""
    rows = [(one.step, one.n_bytes) for one in actions]
    frame = pl.DataFrame(rows, schema={"step": pl.String, "n_bytes": pl.Int64}, orient="row")
    return frame.group_by("step", maintain_order=True).agg(pl.len().alias("n"), pl.col("n_bytes").sum())


def _write_index(lake: Lake) -> None:
    """Write the index of pages without those that are gone."""
    from tasks.page import write_index

    write_index(lake)


def _remove(paths: Iterable[Path]) -> None:
    """Remove files, and folders with all that is in them."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in _files(path))


def _files(path: Path) -> Iterator[Path]:
    yield from (file for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def _age_s(path: Path) -> float:
    """Return the seconds since a file or folder was changed; 0 where it is not there."""
    return time.time() - path.stat().st_mtime if path.exists() else 0.0
