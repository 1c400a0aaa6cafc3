"""Pictures of what models do to patches. Imports torch."""

import numpy as np
import polars as pl

from deepdlt.figures.extremes import PlacedPatch, extremes_figure
from deepdlt.figures.radial_power import radial_power
from deepdlt.figures.reconstructions import FoldExamples, fold_reconstructions_figure, reconstruction_figure
from deepdlt.figures.spectra import SpectrumPair, spectra_figure
from deepdlt.figures.tiles import unit_images
from deepdlt.night import HOLDOUT
from deepdlt.sheets.meanings import with_unit
from lake import Lake
from lake.statements import load
from tasks.drawing.errors import TooFewPatches
from tasks.drawing.labels import captions_of, label_texts, label_units, shown_labels
from tasks.drawing.pixels import patches_of_fold
from tasks.drawing.stored import Array, GivenBack, choose, give_back
from tasks.drawing.subject import Drawn, RunFacts, Subject, standing

N_EXAMPLES, N_A_FOLD, N_EXTREMES = 6, 5, 3
N_FOR_SPECTRA = 512
"""Patches that a mean is over: more change it little, and each is reconstructed."""

MOST_PIXEL_SIZES = 3


def draw_reconstructions(lake: Lake, subject: Subject) -> Drawn:
    """Draw test patches, their reconstructions and errors."""
    return _draw_side(lake, subject, "test")


def draw_train_reconstructions(lake: Lake, subject: Subject) -> Drawn:
    """Draw training patches, their reconstructions and errors."""
    return _draw_side(lake, subject, "train")


def draw_fold_reconstructions(lake: Lake, subject: Subject) -> Drawn:
    """Draw a few test patches of every fold and what its own model gives back."""
    texts = label_texts(lake, subject.run.source)
    label = subject.run.label
    rows, errors = [], []
    for run in subject.folds:
        chosen = choose(patches_of_fold(lake, run, "test").join(texts, on="image_id"), N_A_FOLD, run, by=label)
        given = give_back(lake, run, chosen)
        error = _errors(given)
        captions = [f"{text}  MSE {one:#.3g}" for text, one in zip(captions_of(chosen, label), error, strict=True)]
        rows.append(FoldExamples(f"fold {run.fold}", given.originals, given.reconstructions, captions))
        errors += error.tolist()
    title = f"{subject.run.folds_name}, {standing(subject.folds)}: test patches, each beside its reconstruction"
    alt = (
        f"{len(errors)} test patches of {len(rows)} folds by {label}, each beside what its fold's model gives back; "
        f"mean squared errors from {min(errors):.3g} to {max(errors):.3g}."
    )
    picture = fold_reconstructions_figure(rows, target_range=subject.run.choices["target_range"], title=title)
    return Drawn(picture, title, alt)


def draw_extremes(lake: Lake, subject: Subject) -> Drawn:
    """Draw the worst and the best test patches, one an image, with their places."""
    run, units = subject.run, label_units()
    scores = lake.query(load("scores_of_run"), [run.run_id]).filter(pl.col("split") == "test")
    placed = scores.join(label_texts(lake, run.source), on="image_id", how="left").sort("mse", "patch_id")
    best = placed.unique("image_id", keep="first", maintain_order=True).head(N_EXTREMES)
    others = placed.filter(~pl.col("patch_id").is_in(best["patch_id"].to_list())).reverse()
    worst = others.unique("image_id", keep="first", maintain_order=True).head(N_EXTREMES)
    if worst.is_empty():
        raise TooFewPatches(run.run_id, run.name, f"{placed.height} test patches: worst and best need two")
    parts = [_placed(lake, run, part, units) for part in (worst, best)]
    title = f"{run.name}, {run.standing}: worst and best test patches, one an image"
    first, last = worst.row(0, named=True), best.row(0, named=True)
    alt = (
        f"The worst test patch lies in {first['name']} at row {first['origin_row']}, column {first['origin_col']}, "
        f"MSE {first['mse']:.3g}; the best in {last['name']} at row {last['origin_row']}, column {last['origin_col']}, "
        f"MSE {last['mse']:.3g}."
    )
    return Drawn(extremes_figure(*parts, target_range=run.choices["target_range"], title=title), title, alt)


def draw_spectra(lake: Lake, subject: Subject) -> Drawn:
    """Draw the power of test patches and of their reconstructions over spatial frequency."""
    run, scale = subject.run, subject.run.choices["target_range"]
    chosen = choose(patches_of_fold(lake, run, "test"), N_FOR_SPECTRA, run)
    sizes = label_texts(lake, run.source).select("image_id", "pixel_size_nm")
    chosen = chosen.join(sizes, on="image_id", how="left", maintain_order="left")
    given = give_back(lake, run, chosen)
    originals, reconstructions = (unit_images(part, scale) for part in (given.originals, given.reconstructions))
    pairs = []
    for size in _frequent_sizes(chosen["pixel_size_nm"]):
        rows = np.flatnonzero(chosen["pixel_size_nm"].eq_missing(size).to_numpy())
        power = (radial_power(originals[rows]), radial_power(reconstructions[rows]))
        pairs.append(SpectrumPair(*power, len(rows), chosen[rows.tolist()]["image_id"].n_unique(), size))
    title = f"{run.name}, {run.standing}: power of test patches and of their reconstructions"
    most = pairs[0]
    half = len(most.original.power) // 2
    kept = [_kept(most, part) for part in (slice(0, half), slice(half, None))]
    alike = f", those with the most frequent of {len(pairs)} pixel sizes" if len(pairs) > 1 else ""
    alt = (
        f"Mean power spectra of {most.n_patches} test patches{alike}: reconstructions have {kept[0]:.1%} of the power "
        f"below half the Nyquist frequency and {kept[1]:.1%} of that above."
    )
    return Drawn(spectra_figure(pairs, title=title), title, alt)


def _draw_side(lake: Lake, subject: Subject, side: str) -> Drawn:
    """Draw patches of one side of a fold, by the label that was asked for or that the fold was drawn by."""
    run = subject.run
    label = subject.label or ("" if run.scheme == HOLDOUT else run.label)
    rows = patches_of_fold(lake, run, side).join(label_texts(lake, run.source), on="image_id", how="left")
    if label:
        shown_labels(label)
    chosen = choose(rows, N_EXAMPLES, run, by=label or None)
    given = give_back(lake, run, chosen)
    errors = _errors(given)
    heads = [f"{text}\n" for text in captions_of(chosen, label)] if label else [""] * chosen.height
    captions = [f"{head}MSE {error:#.3g}" for head, error in zip(heads, errors, strict=True)]
    what = {"train": "training", "test": "test"}[side]
    title = f"{run.name}, {run.standing}: {what} patches"
    alt = (
        f"{chosen.height} {what} patches of {chosen['image_id'].n_unique()} images, their reconstructions and absolute "
        f"errors; mean squared errors from {errors.min():.3g} to {errors.max():.3g}."
    )
    picture = reconstruction_figure(
        given.originals,
        given.reconstructions,
        target_range=run.choices["target_range"],
        captions=captions,
        title=title,
    )
    return Drawn(picture, title, alt)


def _errors(given: GivenBack) -> Array:
    """Return the mean squared error of each patch, target range."""
    return np.asarray(np.square(given.originals - given.reconstructions).mean((1, 2, 3)))


def _placed(lake: Lake, run: RunFacts, rows: pl.DataFrame, units: dict[str, str]) -> list[PlacedPatch]:
    """Return patches with their reconstructions, places and what is known of them."""
    given = give_back(lake, run, rows)
    return [
        PlacedPatch(
            original=given.originals[place],
            reconstruction=given.reconstructions[place],
            image=row["name"],
            origin_row=row["origin_row"],
            origin_col=row["origin_col"],
            height_px=row["height_px"],
            width_px=row["width_px"],
            notes=(
                f"MSE {row['mse']:#.3g}, PSNR {row['psnr_db']:.1f} dB, SSIM {row['ssim']:.2f}",
                ", ".join(f"{key} {with_unit(row[key], unit)}" for key, unit in units.items() if row[key] is not None),
            ),
        )
        for place, row in enumerate(rows.iter_rows(named=True))
    ]


def _kept(pair: SpectrumPair, rings: slice) -> float:
    """Return the power of reconstructions as a share of the originals', over some rings."""
    return float(pair.reconstruction.power[rings].sum() / pair.original.power[rings].sum())


def _frequent_sizes(sizes: pl.Series) -> list[float | None]:
    """Return the pixel sizes that most patches have, the most frequent first; None where it is not known."""
    counts = sizes.value_counts().sort("count", sizes.name, descending=[True, False], nulls_last=True)
    return counts[sizes.name].head(MOST_PIXEL_SIZES).to_list()
