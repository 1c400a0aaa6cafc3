"""Questions to a lake with a million metric rows."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.child import Clock
from benchmarks.pairs import Pairs, run_side
from benchmarks.peaks import Peaks
from benchmarks.row import Limit, Row, said_at_most, within
from benchmarks.sources import Stage

GROUP_BY = "SELECT run_id, split, avg(mse) AS mse, avg(ssim) AS ssim FROM patch_metrics GROUP BY run_id, split"
N_COLUMNS_READ = 4
TIMES = 3


def parameters(stage: Stage) -> dict[str, Any]:
    """Return a lake that is filled once."""
    folder = stage.work / "lake-million"
    if not (folder / "whole").exists():
        run_side("benchmarks.rows.query:fill", {"folder": str(stage.fresh("lake-million"))})
        (folder / "whole").touch()
    return {"folder": str(folder)}


def fill(clock: Clock, folder: str) -> None:
    """Make the lake, and tidy it as the weekly flow does: small files are merged."""
    from benchmarks.many_rows import fill_lake
    from lake import Lake
    from lake.maintenance import maintain

    with clock.running():
        clock.say(n_rows=fill_lake(Path(folder)))
        with Lake.open(folder) as lake:
            maintain(lake)


def ours(clock: Clock, folder: str) -> None:
    """Group the million rows; then ask every view, and everything that the page of a night asks."""
    os.environ["DEEPDLT_LAKE"] = folder
    from lake import Lake
    from lake.schema import views
    from tasks.page import gather

    lake = Lake.open(folder, is_read_only=True)
    lake.query("SELECT 1")  # opens the lake
    with clock.running():
        groups = lake.query(GROUP_BY)
    clock.say(n_groups=groups.height, n_rows=lake.query("SELECT count(*) FROM patch_metrics").item())
    taken = {view.name: _best(lambda name=view.name: lake.query(f'FROM "{name}"')) for view in views()}  # type: ignore[misc]
    slowest = max(taken, key=lambda name: taken[name])
    night_id = lake.query("SELECT night_id FROM latest_night").item()
    gather(lake, night_id)
    clock.say(
        views_s=taken,
        slowest_view=slowest,
        slowest_view_s=taken[slowest],
        page_s=_best(lambda: gather(lake, night_id)),
    )


def _best(ask: Callable[[], object]) -> float:
    """Return the shortest of a few times, in seconds."""
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return min(taken)


def scanning(pairs: Pairs, peaks: Peaks, parameters: dict[str, Any]) -> Limit:
    """Return the time to read the columns of the million rows from memory."""
    del parameters
    n_bytes = pairs.ours[0].said["n_rows"] * N_COLUMNS_READ * 8
    return Limit(
        n_bytes / peaks.bytes_per_s, f"{n_bytes / 1e6:.0f} MB of columns at {peaks.bytes_per_s / 1e9:.1f} GB/s"
    )


ROWS = (
    Row(
        name="query",
        work="GROUP BY over 1,000,000 metric rows in the lake; every view; a page's queries",
        ours="benchmarks.rows.query:ours",
        parameters=parameters,
        judges=(
            within(0.1),
            said_at_most("slowest_view_s", 0.1, goal="every view <= 0.1 s"),
            said_at_most("page_s", 1.0, goal="a page's queries <= 1 s"),
        ),
        limit=scanning,
        data="a lake of rows made for it",
    ),
)
