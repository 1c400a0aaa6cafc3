"""Commands that keep a copy of the lake."""

from pathlib import Path
from typing import Annotated

import typer


def backup(
    target: Annotated[Path, typer.Argument(help="Folder of the backup; into an old one only what is new is copied.")],
) -> None:
    """Copy the lake, also while a night is writing.

    \b
    deepdlt backup ../backups/lake
    """  # noqa: D301
    from deployments.counting import counter
    from lake import Lake
    from lake.backup import back_up

    done = back_up(Lake.open(), target, on_file=counter("copied"))
    typer.echo(f"{done.n_files} files, {done.n_bytes:,} bytes are in {target}; {done.n_copied} were copied now")


def restore(
    source: Annotated[Path, typer.Argument(help="Folder of a backup.")],
    target: Annotated[
        Path | None, typer.Option("--to", help="Folder of the new lake; DEEPDLT_LAKE unless told.")
    ] = None,
) -> None:
    """Make a lake from a backup; every file is checked.

    \b
    deepdlt restore ../backups/lake
    """  # noqa: D301
    from deployments.counting import counter
    from lake.backup import restore as put_back
    from lake.location import locate

    place = locate(target).root
    done = put_back(source, place, on_file=counter("restored"))
    typer.echo(f"{done.n_files} files, {done.n_bytes:,} bytes are in {place}")
