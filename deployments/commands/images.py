"""Commands for source images."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.errors import WrongUse


def ingest(
    source: Annotated[Path, typer.Argument(help="Folder with SEM images and one label sheet.")],
    sheet: Annotated[Path | None, typer.Option(help="The label sheet, where the folder holds several.")] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on though many known images are gone or have other labels.")
    ] = False,
) -> None:
    """Take what is new in a folder into the lake.

    No server is needed, and nothing is trained.

    \b
    deepdlt ingest ../images
    """  # noqa: D301
    if not source.is_dir():
        raise WrongUse(f"{source} is no folder")
    from deployments.settings import keep_prefect_here

    keep_prefect_here()
    from tasks.ingest import ingest_source

    record = ingest_source(source, sheet=sheet, accept_changes=accept_changes)
    for name, value in record.items():
        typer.echo(f"{name:<14} {value}")


def synth(
    target: Annotated[Path, typer.Argument(help="Folder to make or to extend.")],
    images: Annotated[int, typer.Option(help="Images to have.", min=1)] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same images.", min=0)] = 0,
) -> None:
    """Write synthetic SEM images and their label sheet.

    \b
    deepdlt synth synthetic --images 48
    """  # noqa: D301
    from deepdlt.synthetic.synth import write_synthetic

    write_synthetic(target, n_images=images, seed=seed)
    typer.echo(f"{images} images and their sheet are in {target}")
