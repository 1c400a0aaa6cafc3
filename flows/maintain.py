"""Keep the lake small, its files few, and Prefect's database from growing without end."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.maintain import MaintenanceRecord, maintain_lake, prune_prefect

KeepDays = Annotated[
    float, Field(ge=0, description="Age from which snapshots that nothing pins, checkpoints and results go, in days.")
]
GraceHours = Annotated[float, Field(ge=0, description="Age from which a file that nothing refers to goes, in hours.")]
PageDays = Annotated[float, Field(ge=0, description="Age from which the page of an older night goes, in days.")]
RunDays = Annotated[float, Field(ge=0, description="Age from which Prefect's records of our ended runs go, in days.")]
ExportDays = Annotated[
    float | None, Field(ge=0, description="Age from which exports go, in days; without it they stay.")
]
DryRun = Annotated[bool, Field(description="Only say what would be done.")]


@flow(name="maintain", flow_run_name="maintain the lake", retries=0)
def maintain(
    keep_days: KeepDays = 30.0,
    grace_hours: GraceHours = 24.0,
    page_days: PageDays = 365.0,
    run_days: RunDays = 90.0,
    export_days: ExportDays = None,
    dry_run: DryRun = False,
) -> MaintenanceRecord:
    """Expire old snapshots, remove what is old or what nothing refers to, merge small files, forget old runs."""
    try:
        return maintain_lake(keep_days, grace_hours, page_days, export_days, dry_run)
    finally:  # whatever came of the lake, Prefect's database grows
        prune_prefect(run_days, dry_run)
