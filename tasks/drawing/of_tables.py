"""Pictures of what the tables say: curves, difficulty, leakage."""

import polars as pl

from deepdlt.figures.curves import loss_curves_figure, overlaid_curves_figure, vae_losses_figure
from deepdlt.figures.difficulty import label_difficulty_figure, leakage_figure
from deepdlt.sheets.meanings import with_unit
from lake import Lake
from lake.night_views import ask_of_night
from lake.statements import load
from tasks.drawing.labels import in_order, shown_labels
from tasks.drawing.subject import Drawn, RunFacts, Subject, standing


def draw_curves(lake: Lake, subject: Subject) -> Drawn:
    """Draw how one run went."""
    run = subject.run
    epochs = lake.query(load("epochs_of_runs"), [[run.run_id]])
    title = f"{run.name}, {run.standing}: by epoch"
    return Drawn(loss_curves_figure(epochs, floor_mse=_floor(lake, (run,)), title=title), title, _went(epochs))


def draw_vae_losses(lake: Lake, subject: Subject) -> Drawn:
    """Draw the parts of a VAE's loss."""
    run = subject.run
    epochs = lake.query(load("epochs_of_runs"), [[run.run_id]])
    last = epochs.sort("epoch").row(-1, named=True)
    title = f"{run.name}, {run.standing}: loss and its parts"
    alt = (
        f"After {last['epoch']} epochs the validation loss is {last['val_loss']:.4g} per patch: reconstruction "
        f"{_text(last['val_reconstruction_loss'])} and KL divergence {_text(last['val_kl'])} nats."
    )
    return Drawn(vae_losses_figure(epochs, title=title), title, alt)


def draw_fold_curves(lake: Lake, subject: Subject) -> Drawn:
    """Draw how all folds and seeds of a training went."""
    runs = subject.siblings
    is_seeded = len({run.seed for run in runs}) > 1
    names = {run.run_id: run.series if is_seeded or run.n_folds == 1 else f"fold {run.fold}" for run in runs}
    epochs = lake.query(load("epochs_of_runs"), [list(names)])
    named = epochs.with_columns(series=pl.col("run_id").replace_strict(names))
    title = f"{subject.run.folds_name}, {standing(runs)}: {len(runs)} runs by epoch"
    last = epochs.group_by("run_id").agg(pl.col("val_loss").sort_by("epoch").last())["val_loss"].to_list()
    alt = (
        f"Loss, PSNR and SSIM of {len(runs)} runs by epoch; the last validation losses lie between "
        f"{min(last):.4g} and {max(last):.4g} per patch."
    )
    return Drawn(overlaid_curves_figure(named, floor_mse=_floor(lake, runs), title=title), title, alt)


def draw_difficulty(lake: Lake, subject: Subject) -> Drawn:
    """Draw how hard each label value is."""
    units = shown_labels(subject.label)
    found = lake.query(load("difficulty_of_group"), [subject.group_id])
    values = in_order(found.filter(pl.col("label").is_in(list(units))))
    run = subject.run
    title = f"{run.heading}, {standing(subject.group)}: which label value is harder to reconstruct?"
    said = [_hardest(values.filter(pl.col("label") == label), unit) for label, unit in units.items()]
    alt = "Mean squared error of test patches by label value. " + " ".join(text for text in said if text)
    return Drawn(label_difficulty_figure(values, units=units, title=title), title, alt)


def draw_leakage(lake: Lake, subject: Subject) -> Drawn:
    """Draw what the report's folds hide."""
    run = subject.run
    found = ask_of_night(lake, subject.night_id, {"gaps": load("page_leakage_gap")})["gaps"]
    gaps = in_order(found.filter((pl.col("profile") == run.profile) & (pl.col("preset") == run.preset)))
    title = f"{run.preset}, {standing(subject.of_preset)}: what folds over patches hide"
    said = [
        f"{row['scheme']} folds by {row['label']}: {row['gap']:+.4g}"
        + ("" if row["ci_low"] is None else f" ({row['ci_low']:+.4g} to {row['ci_high']:+.4g})")
        for row in gaps.iter_rows(named=True)
    ]
    alt = "Mean test error on safe folds minus that on the report's folds, 95 % over images. " + "; ".join(said) + "."
    return Drawn(leakage_figure(gaps, title=title), title, alt)


def _floor(lake: Lake, runs: tuple[RunFacts, ...]) -> float | None:
    """Return the least loss within reach, where the loss is a mean squared error of pixels alone."""
    choices = runs[0].choices
    if runs[0].model == "vae" or choices["loss"] != {"mse": 1.0} or choices["view"] != "pixels":
        return None
    floor: float | None = lake.query(load("floor_of_runs"), [[run.run_id for run in runs]]).item()
    return floor


def _went(epochs: pl.DataFrame) -> str:
    """Say how a run went."""
    first, last = (epochs.sort("epoch").row(row, named=True) for row in (0, -1))
    return (
        f"The validation loss goes from {first['val_loss']:.4g} after epoch {first['epoch']} to {last['val_loss']:.4g} "
        f"after epoch {last['epoch']}; PSNR ends at {last['val_psnr_db']:.2f} dB, SSIM at {last['val_ssim']:.3f}."
    )


def _hardest(values: pl.DataFrame, unit: str) -> str:
    """Say which value of a label has the highest mean, and which the lowest."""
    if values.height < 2:
        return ""
    low, high = (values.sort("mean_loss").row(row, named=True) for row in (0, -1))
    return (
        f"{high['label']}: highest {high['mean_loss']:.4g} at {with_unit(high['label_value'], unit)}, "
        f"lowest {low['mean_loss']:.4g} at {with_unit(low['label_value'], unit)}."
    )


def _text(value: float | None) -> str:
    """Return a number, or that it is not known."""
    return "not known" if value is None else f"{value:.4g}"
