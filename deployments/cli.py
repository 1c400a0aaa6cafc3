"""The command line ``deepdlt``.

Nothing heavy is imported before a command needs it: ``deepdlt --help`` answers in a moment.
Exit codes: 0 good, 1 the work failed, 2 wrong use, 130 interrupted.
"""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from deepdlt.errors import DeepdltError
from deepdlt.refresh import StepUnknown
from deployments.commands import champions, forgetting, images, keeping, nights, reading, stack
from deployments.errors import ParametersRefused, WrongUse
from deployments.exit_codes import FAILED, INTERRUPTED, WRONG_USE
from lake.errors import LakeError, StatementRefused
from tasks.drawing.errors import PictureUnknown, PlotRefused

WRONG = (WrongUse, ParametersRefused, StatementRefused, PictureUnknown, PlotRefused, StepUnknown)


class CommandGroup(TyperGroup):
    """Turns errors that were meant into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; ``--debug`` lets errors through with their traceback."""
        try:
            return super().invoke(ctx)
        except (DeepdltError, LakeError) as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(WRONG_USE if isinstance(error, WRONG) else FAILED) from error
        except KeyboardInterrupt as error:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:  # `deepdlt sql ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from error


app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback()
def main(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """SEM images in, per-label reconstruction metrics out.

    \b
    deepdlt retrain                      a night on synthetic images
    deepdlt retrain --source ../images   a night on your own
    deepdlt sql "FROM fold_summary"      read what it found
    """  # noqa: D301 - \b keeps the lines as they are


for command in (
    nights.retrain,
    stack.up,
    stack.down,
    stack.status,
    stack.server,
    stack.worker,
    stack.deploy,
    images.ingest,
    reading.sql,
    reading.tables,
    nights.report,
    nights.why,
    reading.attach,
    reading.export,
    keeping.backup,
    keeping.restore,
    keeping.reproduce,
    forgetting.forget,
    keeping.maintain,
    champions.champion,
    champions.rollback,
    nights.plot,
    images.synth,
    stack.watch,
    stack.doctor,
):
    app.command()(command)


if __name__ == "__main__":
    app()
