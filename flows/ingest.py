"""Take what is new in a source folder into the lake."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.caching import call_cached
from tasks.ingest import find_source, ingest_images, ingest_stands
from tasks.records import IngestRecord

SourceFolder = Annotated[
    str | None,
    Field(description="Folder with SEM images and one label sheet; without one, synthetic images are made."),
]
SheetPath = Annotated[str | None, Field(description="The label sheet, where the folder holds more than one.")]


@flow(name="ingest", flow_run_name="ingest {source}", retries=0)
def ingest(source: SourceFolder = None, sheet: SheetPath = None) -> tuple[IngestRecord, bool]:
    """Survey a folder of SEM images and bring the lake to what stands in it now.

    Returns the record of the ingest and whether the folder was as the lake knew it.
    """
    found = find_source(source, sheet)
    return call_cached(ingest_images, found, confirm=ingest_stands)
