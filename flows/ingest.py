"""Take what is new in a source folder into the lake."""

from functools import partial
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from deepdlt.refresh import Refresh
from tasks.caching import call_cached
from tasks.ingest import find_source, ingest_images, ingest_stands
from tasks.ledger import StepRecord
from tasks.records import IngestRecord

PathText = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]
SourceFolder = Annotated[
    PathText | None,
    Field(description="Folder with SEM images and one label sheet; without one, synthetic images are made."),
]
AcceptChanges = Annotated[
    bool, Field(description="Go on though more than a quarter of the known images are gone or have other labels.")
]
SheetPath = Annotated[PathText | None, Field(description="The label sheet, where the folder holds more than one.")]


def take_in(
    source: str | None, sheet: str | None, accept_changes: bool, refresh: Refresh
) -> tuple[IngestRecord, StepRecord]:
    """Survey a folder and bring the lake to what stands in it now.

    Returns the record of the ingest and the ledger's, which says whether the folder was as the lake knew it. A night
    calls this and no flow of its own: with nothing new, a flow inside a flow costs a second and more of Prefect's time.
    """
    found = find_source(source, sheet)
    again = refresh.asks_for("ingest")
    return call_cached(ingest_images, found, accept_changes, confirm=partial(ingest_stands, folder=found), again=again)


def _name() -> str:
    """Return the flow run's name: the folder that is looked through."""
    return f"ingest {flow_run.parameters.get('source') or 'synthetic images'}"


@flow(name="ingest", flow_run_name=_name, retries=0)
def ingest(
    source: SourceFolder = None,
    sheet: SheetPath = None,
    accept_changes: AcceptChanges = False,
    again: Annotated[bool, Field(description="Decode every image, those that the lake knows, too.")] = False,
) -> tuple[IngestRecord, bool]:
    """Survey a folder of SEM images and bring the lake to what stands in it now.

    Returns the record of the ingest and whether the folder was as the lake knew it.
    """
    record, step = take_in(source, sheet, accept_changes, Refresh(("ingest",) if again else ()))
    return record, step["is_hit"]
