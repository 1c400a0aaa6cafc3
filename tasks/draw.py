"""Draw the pictures of a night that the lake does not hold yet."""

import logging
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from deepdlt.digest import digest_json
from deepdlt.threads import share_cores
from lake import Lake
from lake.statements import load
from tasks.lake_access import open_lake
from tasks.ledger import StepRecord, note_step
from tasks.pictures import depends_on, pictures_of_night

logger = logging.getLogger(__name__)


@task(name="draw pictures", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, timeout_seconds=1800)
def draw_pictures(night_id: str, again: bool = False) -> int:
    """Draw what is missing of a night's pictures, or all of them `again`, and return how many there are.

    Prefect's cache is not asked: a picture's file is named by what it shows and by the code that draws it.
    """
    share_cores()
    lake = open_lake()
    drawn: list[Path] = []
    pictures = pictures_of_night(lake, night_id, again=again, on_draw=drawn.append)
    note_drawing(lake, night_id, is_hit=not drawn, is_asked_for=again)
    logger.info("%d pictures of the night, %.1f MB", len(pictures), sum(p.file.stat().st_size for p in pictures) / 1e6)
    return len(pictures)


def note_drawing(lake: Lake, night_id: str, *, is_hit: bool, is_asked_for: bool) -> None:
    """Write into a night's ledger whether pictures had to be drawn, and what they depend on."""
    runs = digest_json(lake.query(load("runs_to_analyse"), [night_id])["run_id"].to_list())
    for source, _ in lake.query(load("night_by_id"), [night_id]).iter_rows():
        inputs = {"runs": runs, **depends_on(lake, source)}
        step = StepRecord(step="draw pictures", is_hit=is_hit, is_asked_for=is_asked_for, inputs=inputs)
        with lake.write(f"pictures of night {night_id}") as transaction:
            note_step(transaction, step, night_id=night_id)
