"""Whole nights on a real stack, of which any part is killed at any moment: nothing is lost, doubled or torn."""

import os
import random
from pathlib import Path

import pytest
from killed_nights import disturbed, on_one_core, undisturbed

N_ROUNDS = int(os.environ.get("DEEPDLT_NIGHT_ROUNDS", "100"))
PER_BLOCK = 10


@pytest.mark.long
def test_nights_killed_anywhere_leave_what_undisturbed_nights_leave(tmp_path: Path) -> None:
    """kill -9 of a training, a flow, a worker, the server, or all at once; `DEEPDLT_NIGHT_ROUNDS` (100) rounds."""
    seed = random.SystemRandom().randrange(10**6)
    per_block = min(PER_BLOCK, N_ROUNDS)
    n_blocks = -(-N_ROUNDS // per_block)
    with on_one_core():
        wanted, night_s = undisturbed(tmp_path / "undisturbed", n_blocks=n_blocks, per_block=per_block)
        report = disturbed(
            wanted,
            tmp_path / "disturbed",
            n_blocks=n_blocks,
            per_block=per_block,
            seed=seed,
            longest_s=max(25.0, night_s),
        )
    print(f"seed {seed}: {report}")
    assert report.rounds >= N_ROUNDS
    assert (+report.lost, +report.doubled, report.left_behind) == ({}, {}, []), f"seed {seed}: {report}"
