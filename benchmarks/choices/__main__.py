"""``python -m benchmarks.choices``: train every choice, or write docs/choices.md."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.__main__ import settle
from benchmarks.sources import Stage

ROOT = Path(__file__).parents[2]

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def run(
    source: Annotated[Path | None, typer.Option(help="Folder with images and one label sheet.")] = None,
    per_image: Annotated[int, typer.Option(help="Patches an image.", min=1)] = 10,
    epochs: Annotated[int, typer.Option(help="Epochs of each training.", min=1)] = 10,
    work: Annotated[Path, typer.Option(help="Folder for what is made on the way.")] = ROOT / "build" / "benchmarks",
) -> None:
    """Train every choice that is not kept yet."""
    from benchmarks.choices.train import train_all

    settle(work)
    stage = Stage(work.resolve(), source)
    train_all(stage, n_per_image=per_image, epochs=epochs, say=typer.echo)


@app.command()
def document() -> None:
    """Write docs/choices.md from the results that are kept."""
    from benchmarks.choices.document import write_document

    typer.echo(write_document(ROOT / "docs"))


if __name__ == "__main__":
    app()
