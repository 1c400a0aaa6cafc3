"""Draw the pictures of a night that the lake does not hold yet."""

import logging

from prefect import task
from prefect.cache_policies import NO_CACHE

from deepdlt.threads import share_cores
from tasks.lake_access import open_lake
from tasks.pictures import pictures_of_night

logger = logging.getLogger(__name__)


@task(name="draw pictures", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, timeout_seconds=1800)
def draw_pictures(night_id: str, again: bool = False) -> int:
    """Draw what is missing of a night's pictures, or all of them `again`, and return how many there are.

    Prefect's cache is not asked: a picture's file is named by what it shows and by the code that draws it.
    """
    share_cores()
    pictures = pictures_of_night(open_lake(), night_id, again=again)
    logger.info("%d pictures of the night, %.1f MB", len(pictures), sum(p.file.stat().st_size for p in pictures) / 1e6)
    return len(pictures)
