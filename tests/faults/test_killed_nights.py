"""Whole nights on a real stack, of which any part is killed at any moment: nothing is lost, doubled or torn."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from killed_nights import disturbed, on_one_core, undisturbed
from postgres import find_programs, running_postgres
from stores import running_store

N_ROUNDS = int(os.environ.get("DEEPDLT_NIGHT_ROUNDS", "100"))
N_STACKS = 4
"""Stacks that share the rounds, each with a seed of its own: they wait for heartbeats much of the time."""
PER_BLOCK = 5


def rounds(folder: Path, n_rounds: int, tell: Callable[[str], None], *, lake: str | None = None) -> None:
    """Hold so many rounds, on a lake of that address, against calm nights in a folder; tell what came of them."""
    seed = random.SystemRandom().randrange(10**6)
    per_block = min(PER_BLOCK, n_rounds)
    n_blocks = -(-n_rounds // per_block)
    with on_one_core():
        wanted, night_s = undisturbed(folder / "undisturbed", n_blocks=n_blocks, per_block=per_block)
        report = disturbed(
            wanted,
            folder / "disturbed",
            n_blocks=n_blocks,
            per_block=per_block,
            seed=seed,
            longest_s=max(25.0, night_s),
            lake=lake,
        )
    tell(f"seed {seed}: {report}")
    assert report.rounds >= n_rounds
    assert (+report.lost, +report.doubled, report.left_behind) == ({}, {}, []), f"seed {seed}: {report}"


@pytest.mark.long
@pytest.mark.parametrize("_stack", range(N_STACKS))
def test_nights_killed_anywhere_leave_what_undisturbed_nights_leave(
    tmp_path: Path, tell: Callable[[str], None], _stack: int
) -> None:
    """kill -9 of a training, a flow, a worker, the server, or all; `DEEPDLT_NIGHT_ROUNDS` (100) rounds in all."""
    rounds(tmp_path, -(-N_ROUNDS // N_STACKS), tell)


@pytest.mark.long
def test_so_they_do_where_the_lake_is_in_a_bucket(
    tmp_path: Path, tell: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catalog in Postgres, files in S3, against calm nights in a folder; a tenth of the rounds."""
    programs = find_programs()
    if programs is None:
        pytest.skip("there is no Postgres on this machine: install Debian's `postgresql`")
    with running_postgres(programs) as postgres, running_store() as store:
        for name, value in (postgres.variables | store.variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DEEPDLT_CACHE", str(tmp_path / "copies"))
        rounds(tmp_path, max(1, N_ROUNDS // 10), tell, lake=f"{postgres.make_database('nights')}+s3://lab/nights")
