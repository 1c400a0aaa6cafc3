"""Commands that run a night and look at what came of it."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.errors import WrongUse


def retrain(
    source: Annotated[str | None, typer.Option(help="Folder with SEM images and one label sheet.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The label sheet, where the folder holds several.")] = None,
    profile: Annotated[str | None, typer.Option(help="quick, paper, or auto: paper where CUDA is.")] = None,
    preset: Annotated[str | None, typer.Option(help="Named training; label-cv unless told.")] = None,
    labels: Annotated[str | None, typer.Option(help="Labels to stratify by, as 'NP PP1'.")] = None,
    schemes: Annotated[str | None, typer.Option(help="paper, grouped, condition, leave-one-level-out.")] = None,
    models: Annotated[str | None, typer.Option(help="ae, vae, residual, or several, as 'ae vae'.")] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of each label and scheme.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of every training.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of folds and trainings.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds of trainings, as '0 1 2': each is done with each.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting in place of the preset's.")
    ] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on though many known images are gone or have other labels.")
    ] = False,
    refresh: Annotated[
        str | None, typer.Option(help="Steps to do again though what stands would do, as 'cut train:NP'.")
    ] = None,
) -> None:
    """Run one night to its end and print its fold metrics.

    Starts the local stack and registers the deployments where needed. What is done already is not done again;
    Ctrl-C cancels the run, and the next one goes on from there.

    \b
    deepdlt retrain
    deepdlt retrain --source ../images --labels "NP PP1" --folds 3
    deepdlt retrain --profile paper --epochs 10
    deepdlt retrain --preset matched-vae --set beta=4 --set latent_dim=32 --seeds "0 1 2"
    deepdlt retrain --preset tuned --set 'loss={"mse": 1, "ssim": 0.1}'
    deepdlt retrain --refresh "cut audit train:NP"
    """  # noqa: D301
    from deployments.night import night_parameters, run_night

    parameters = night_parameters(
        source=source,
        labels=labels,
        schemes=schemes,
        models=models,
        sheet=sheet,
        profile=profile,
        preset=preset,
        folds=folds,
        epochs=epochs,
        seed=seed,
        seeds=seeds,
        settings=settings,
        accept_changes=accept_changes or None,
        refresh=refresh,
    )
    raise typer.Exit(run_night(parameters, typer.echo).exit_code)


def report(
    night: Annotated[int | None, typer.Option(help="Number of the night; the newest unless told.", min=0)] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write a night's page anew from the lake, and print where it is.

    The index of nights beside it is written, too. No server is needed, and nothing is trained.

    \b
    deepdlt report --open
    deepdlt report --night 7
    """  # noqa: D301
    from deployments.settings import keep_prefect_here
    from lake import Lake

    Lake.open(is_read_only=True).close()  # a lake that is not there is not made
    keep_prefect_here()
    from tasks.page import write_page

    page = write_page(night)
    typer.echo(page)
    if is_open:
        import webbrowser

        webbrowser.open(page.as_uri())


def why(
    what: Annotated[
        str, typer.Argument(help="Words of a training, as 'PP1 fold 3', or the beginning of a run's id.")
    ] = "",
    night: Annotated[int | None, typer.Option(help="Number of the night; the newest unless told.", min=0)] = None,
) -> None:
    """Say of each step and training of a night why it ran.

    Which data, settings, libraries and modules of the code had changed, or which night it was taken from.

    \b
    deepdlt why
    deepdlt why "PP1 fold 3" --night 7
    """  # noqa: D301
    from lake import Lake
    from tasks.why import why as explain

    for line in explain(Lake.open(is_read_only=True), what, night=night):
        typer.echo(line)


def plot(
    name: Annotated[str | None, typer.Argument(help="Which picture; without it, all are listed.")] = None,
    run: Annotated[str | None, typer.Option(help="Id of a run, or the beginning of it.")] = None,
    night: Annotated[int | None, typer.Option(help="Number of a night; the newest unless told.")] = None,
    label: Annotated[str | None, typer.Option(help="Label to show, or whose folds to show.")] = None,
    out: Annotated[Path | None, typer.Option(help="PNG file to write; NAME.png here unless told.")] = None,
) -> None:
    """Draw a picture again from the lake.

    Of a run, or of the first run of a night that it fits: the newest night unless told.

    \b
    deepdlt plot
    deepdlt plot difficulty
    deepdlt plot latents-umap --label NP --out np.png
    deepdlt plot reconstructions --run 3f9a
    """  # noqa: D301
    from deployments.plot import draw, list_pictures

    if name is None:
        if any(option is not None for option in (run, night, label, out)):
            raise WrongUse("the options of `deepdlt plot` need the name of a picture")
        typer.echo(list_pictures())
        return
    typer.echo(draw(name, run=run, night=night, label=label, out=out))
