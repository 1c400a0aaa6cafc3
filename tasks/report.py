"""What a night shows in the Prefect UI: a table, a summary, pictures."""

import base64
import logging
from collections.abc import Sequence
from typing import Any

import polars as pl
from prefect import task
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from deepdlt.config import PROFILES
from lake.location import page_of
from lake.night_views import ask_of_night
from lake.statements import load
from tasks.lake_access import open_lake
from tasks.pictures import pictures_of_night
from tasks.watching import tell_watchers

logger = logging.getLogger(__name__)

MOST_PICTURES = 6
"""Pictures of a night in the UI; the others lie in the lake's folder `pictures`."""


@task(name="report night", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, timeout_seconds=300)
def report_night(night: dict[str, Any]) -> None:
    """Show the night's per-label metrics, its summary and its pictures in the UI."""
    tell_watchers(open_lake(), night)
    asked = {"summary": load("page_fold_summary")}
    summary = ask_of_night(open_lake(), night["night_id"], asked)["summary"]
    profile = PROFILES[night["profile"]]
    title = f"Night {night['sequence']}, profile `{profile.name}`: {profile.description}."
    create_table_artifact(_rounded(summary), key="label-metrics", description=title)
    create_markdown_artifact(
        _summary_markdown(night, title, summary, _standing_faults(night["source"])),
        key="night-summary",
        description=title,
    )
    if not night["n_trained"]:
        return  # its pictures are those that an earlier night has shown
    for picture in pictures_of_night(open_lake(), night["night_id"])[:MOST_PICTURES]:
        uri = "data:image/png;base64," + base64.b64encode(picture.file.read_bytes()).decode()
        create_image_artifact(uri, key=picture.name, description=f"{picture.group}: {picture.title}")


def _rounded(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows for people: four decimals."""
    return frame.with_columns(pl.selectors.float().round(4)).to_dicts()


def _standing_faults(source: str) -> pl.DataFrame:
    """Return what is rejected in the source now."""
    return open_lake().query("SELECT path, rule, value, message, remedy FROM rejected_now WHERE source = ?", [source])


def _summary_markdown(night: dict[str, Any], title: str, summary: pl.DataFrame, faults: pl.DataFrame) -> str:
    """Return the night in a page of markdown."""
    lines = [
        f"# {title}",
        "",
        f"- source `{night['source']}`, data set `{night['dataset_id']}`",
        f"- {night['n_new_images']} new images, {night['n_new_patches']} new patches, {night['n_rejected']} rejected",
        f"- {night['n_trained']} trained, {night['n_reused']} reused, {night['n_failed']} failed",
        f"- {_page_line(night['sequence'])}",
        "",
        "Losses are per patch in the run's own target range, mean over folds; `floor_mse` is the least that any model "
        "of that output range can reach, `flat_mse` a flat patch. `n_below_flat` counts folds worse than flat.",
        "",
        *_markdown_table(_rounded(summary)),
    ]
    if faults.height:
        lines += ["", "## Rejected", "", *_markdown_table(faults.to_dicts())]
    return "\n".join(lines)


def _page_line(sequence: int) -> str:
    """Say where the page of the night is; as a path, too: a browser may refuse a link from the server to a file."""
    page = open_lake().files.fetch(page_of(sequence))
    if not page.is_file():
        return f"no page was written: the task `write page` says why; `deepdlt report --night {sequence}` writes it"
    return f"all of it on [one page]({page.as_uri()}): `{page}`"


def _markdown_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a markdown table; bars in cells, and what would escape them, are escaped."""
    if not rows:
        return ["(none)"]
    names = list(rows[0])
    body = ["| " + " | ".join(_escaped(row[name]) for name in names) + " |" for row in rows]
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names), *body]


def _escaped(value: object) -> str:
    """Return what stands in a cell so that no bar in it ends the cell."""
    return str(value).replace("\\", "\\\\").replace("|", "\\|")
