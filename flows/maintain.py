"""Keep the lake small and its files few."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.maintain import MaintenanceRecord, maintain_lake

KeepDays = Annotated[float, Field(ge=0, description="Age from which a snapshot that nothing pins goes, in days.")]
GraceHours = Annotated[float, Field(ge=0, description="Age from which a file that nothing refers to goes, in hours.")]
DryRun = Annotated[bool, Field(description="Only say what would be done.")]


@flow(name="maintain", flow_run_name="maintain the lake", retries=0)
def maintain(keep_days: KeepDays = 30.0, grace_hours: GraceHours = 24.0, dry_run: DryRun = False) -> MaintenanceRecord:
    """Expire old snapshots, remove what nothing refers to, merge small files."""
    return maintain_lake(keep_days, grace_hours, dry_run)
