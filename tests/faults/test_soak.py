"""Many nights in a lab that does not stand still, on a stack that loses parts: the last is as if it were the first."""

import os
import random
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
from killed_nights import a_stack, on_one_core
from soak import NIGHT, BusyLab, Soak, complete_night, found_by_last_night, left_behind
from stacks import free_port

MINUTES = float(os.environ.get("DEEPDLT_SOAK_MINUTES", "60"))
PERIOD_S = 120.0
GROWTH = 1.5
"""How much more memory a part may have in the last quarter of the nights than in the first."""

HOOKS_MB = 100.0
"""What a worker loads besides, once in its life: the flows, to run the hooks of the first of its nights that died."""


@pytest.mark.long
def test_a_soaked_lake_is_equal_to_a_new_one(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """`DEEPDLT_SOAK_MINUTES` (60) of nights, images and kills: rows equal to the bit, nothing torn, memory flat."""
    seed = random.SystemRandom().randrange(10**6)
    draw = random.Random(seed)  # noqa: S311 - it hides nothing
    print(f"seed {seed}", flush=True)
    lab = BusyLab(tmp_path, draw, n_most=24 + int(MINUTES * 60 / PERIOD_S) + 1)
    with on_one_core():
        with a_stack(free_port()) as stack:
            soak = Soak(stack, lab, draw, PERIOD_S)
            soak.run(MINUTES * 60)
            found, torn = found_by_last_night(stack), left_behind(stack)
        with a_stack(free_port()) as fresh:
            complete_night(fresh, NIGHT | {"source": str(lab.source.folder)})
            wanted = found_by_last_night(fresh)
    lost = {table: (rows - found[table]).total() for table, rows in wanted.items()}
    doubled = {table: (found[table] - rows).total() for table, rows in wanted.items()}
    n_rows = sum(rows.total() for rows in wanted.values())
    what_happened = f"{dict(soak.outcomes)}, killed {dict(soak.killed)}, {dict(soak.changes)}"
    tell(
        f"seed {seed}: {soak.n_nights} nights ({what_happened}); "
        f"rows compared {n_rows}; losses {sum(lost.values())}, duplicates {sum(doubled.values())}, torn {len(torn)}; "
        f"orphans {soak.n_orphans} before upkeep"
    )
    assert (lost, doubled, torn) == (dict.fromkeys(lost, 0), dict.fromkeys(doubled, 0), [])
    quarter = max(1, len(soak.sizes) // 4)
    for part in soak.sizes[0].rss_mb:
        for kind in ("rss_mb", "open_files"):
            first, last = (
                statistics.median(getattr(sizes, kind)[part] for sizes in some)
                for some in (soak.sizes[:quarter], soak.sizes[-quarter:])
            )
            once = HOOKS_MB if kind == "rss_mb" and part.startswith("worker") else 0.0
            assert last <= GROWTH * first + once, f"{part}: {kind} from {first} to {last}"
