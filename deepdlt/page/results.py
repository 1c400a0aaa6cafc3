"""Sections with the results of a night: quality, labels, probes, leakage."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from deepdlt.page.numbers import p_words
from deepdlt.page.parts import Frames, Section, frame_of, section
from deepdlt.page.probe_words import METRIC_WORDS, main_probes
from deepdlt.page.standing import Standing
from deepdlt.page.tables import Cell, Heading, Interval, Spread, Table, heading_of, make_table, show
from deepdlt.sheets.meanings import LabelMeaning, with_unit

NAMES = ("preset", "scheme", "label")


def quality(frames: Frames) -> Section:
    """Return losses and quality, beside what could be had without a model."""
    summary = make_table(
        frame_of(frames, "fold_summary"),
        (
            *NAMES,
            Spread("test_loss", "test_loss_sd"),
            "floor_mse",
            "flat_mse",
            "pca_128_mse",
            "percent_of_reachable",
            Spread("psnr_db", "psnr_db_sd"),
            Spread("ssim", "ssim_sd"),
        ),
        "Test patches, means over folds",
        note="Floor, flat and PCA-128 are mean squared errors; a loss is one, too, unless its training says otherwise.",
        is_folded=False,
    )
    reports = make_table(
        frame_of(frames, "fold_summary"),
        (
            *NAMES,
            Spread("train_loss", "train_loss_sd"),
            Spread("val_loss", "val_loss_sd"),
            "psnr_paper_db",
            "ssim_paper",
            "n_folds",
            "n_seeds",
        ),
        "Train and validation loss, and the report’s metrics",
        note="PSNR and SSIM are those of the test patches.",
        is_folded=True,
    )
    seeds = make_table(
        frame_of(frames, "seed_spread"),
        (*NAMES, "mse", "seed_sd", Interval("image_mean", "ci_low", "ci_high"), "n_seeds", "n_images"),
        "What the seed moves, beside what the images do",
    )
    baselines = make_table(
        frame_of(frames, "baselines"),
        (
            "scheme",
            "label",
            "target_range",
            "floor_mse",
            "flat_mse",
            "flat_reachable_mse",
            "gain_offset_mse",
            "pca_8_mse",
            "pca_32_mse",
            "pca_128_mse",
            "pca_512_mse",
            "n_folds",
        ),
        "What can be had without a model",
        note="Mean squared errors of test patches, means over folds.",
        is_folded=True,
    )
    return section(
        "quality",
        "Losses and quality",
        [summary, reports, seeds, baselines, _folds(frame_of(frames, "folds"))],
        nothing="No training was scored this night.",
    )


def _folds(folds: pl.DataFrame) -> Table | None:
    """Return every fold beside its baselines."""
    return make_table(
        folds,
        (
            *NAMES,
            "fold",
            "seed",
            "split",
            "loss",
            "mse",
            "kl",
            "floor_mse",
            "flat_mse",
            "pca_128_mse",
            "percent_of_reachable",
            "psnr_db",
            "ssim",
            "n_patches",
            "n_images",
        ),
        "Every fold beside its baselines",
        is_folded=True,
    )


def labels(frames: Frames, standing: Standing, meanings: Mapping[str, LabelMeaning]) -> Section:
    """Return which label is harder: who says so, values with intervals, the report's own way."""
    answers = frame_of(frames, "difficulty_answer")
    said = answers.filter(pl.col("label") != "folds") if answers.height else answers
    tables = [
        _agreement(frame_of(frames, "difficulty_tests"), standing, meanings),
        make_table(
            _with_units(frame_of(frames, "label_difficulty"), meanings),
            (
                "preset",
                "scheme",
                "label",
                "label_value",
                Interval("mean_loss", "ci_low", "ci_high"),
                "floor_mse",
                "flat_mse",
                "n_images",
                "n_patches",
            ),
            "Loss by label value",
            note="95 % intervals over images, those of one condition taken together; none with one condition.",
            is_folded=True,
        ),
        make_table(
            said,
            ("preset", "scheme", "label", "sentence"),
            "Every sentence that the numbers support",
            is_folded=True,
        ),
        make_table(
            frame_of(frames, "fold_average_differences"),
            (
                "preset",
                "scheme",
                "higher_label",
                Spread("loss_higher", "sd_higher"),
                "lower_label",
                Spread("loss_lower", "sd_lower"),
                Spread("difference", "sd"),
                "n_folds",
            ),
            "The report’s own way of asking: averages over folds",
            note="All labels’ folds hold the same patches: averages differ by how they were drawn; no claim follows.",
            is_folded=True,
        ),
        _unanswered(frames, "difficulty", "label_means"),
    ]
    return section("labels", "Which label is harder", tables, nothing="No label was tested this night.")


def _unanswered(frames: Frames, *questions: str, is_folded: bool = True) -> Table | None:
    """Return what could not be asked, and why."""
    unanswered = frame_of(frames, "unanswered")
    if not unanswered.is_empty():
        unanswered = unanswered.filter(pl.col("question").is_in(questions))
    return make_table(
        unanswered, ("preset", "scheme", "seed", "reason"), "What could not be asked, and why", is_folded=is_folded
    )


def _with_units(values: pl.DataFrame, meanings: Mapping[str, LabelMeaning]) -> pl.DataFrame:
    """Return rows whose label values are printed with the unit of their label."""
    if values.is_empty():
        return values
    units = {key: meaning.unit for key, meaning in meanings.items()}
    printed = [with_unit(value, units.get(label, "")) for label, value in values.select("label", "label_value").rows()]
    return values.with_columns(label_value=pl.Series(printed, dtype=pl.String))


def _agreement(tests: pl.DataFrame, standing: Standing, meanings: Mapping[str, LabelMeaning]) -> Table | None:
    """Return labels against trainings: the p of each label, and how many pairs of its values differ."""
    if tests.is_empty():
        return None
    keys = tests["label"].unique().sort().to_list()
    groups = tests.select("preset", "scheme").unique(maintain_order=True).rows()
    by_place = {(row["preset"], row["scheme"], row["label"]): row for row in tests.iter_rows(named=True)}
    rows = [
        [
            Cell(preset, mark=standing.mark(preset=preset, scheme=scheme)),
            Cell(scheme),
            *(_verdict(by_place.get((preset, scheme, key))) for key in keys),
        ]
        for preset, scheme in groups
    ]
    hints = {key: meaning.text for key, meaning in meanings.items()}
    headings = [heading_of("preset"), heading_of("scheme"), *(Heading(key, hints.get(key, "")) for key in keys)]
    return Table(
        "Does the loss depend on the label?",
        headings,
        rows,
        "p by shuffling label values over conditions, after Holm for the labels of a training; behind it, how many "
        "pairs of values can be told apart. Laser settings were not varied one by one: a harder value need not be the "
        "cause.",
    )


def _verdict(test: dict[str, Any] | None) -> Cell:
    """Return p and the number of pairs that differ."""
    if test is None or test["p_label"] is None:
        return show(None)
    text = p_words(test["p_label"])
    if test["n_claimed"]:
        text += f"; {test['n_claimed']} of {test['n_pairs']} pairs"
    return Cell(text, key=repr(test["p_label"]))


def probes(frames: Frames) -> Section:
    """Return what probes read from codes, and from what needs no model."""
    found = frame_of(frames, "probe")
    everything = make_table(
        found,
        (
            "features",
            "preset",
            "label",
            "seed",
            "probe",
            "unit",
            "metric",
            "score",
            Spread("null_mean", "null_sd"),
            "p_value",
            "n_permutations",
            "n_images",
            "n_values",
        ),
        "Every probe",
        note="Whole laser conditions stay on one side of a fold.",
        is_folded=True,
    )
    refused = _unanswered(frames, "probe", is_folded=not found.is_empty())
    said = ["Nothing was probed this night."] if found.is_empty() else []
    return section("probe", "The code and the laser", [_scores(found), everything, refused], said)


def _scores(found: pl.DataFrame) -> Table | None:
    """Return labels against features: the score of the linear probe, with a tick where it is above chance."""
    main = main_probes(found)
    if main.is_empty():
        return None
    features = main.select("features", "preset").unique(maintain_order=True).sort("features", "preset").rows()
    labels_ = main.select("label", "metric").unique().sort("label").rows()
    by_place = {(row["features"], row["preset"], row["label"]): row for row in main.iter_rows(named=True)}
    rows = []
    for label, metric in labels_:
        here = [by_place.get((feature, preset, label)) for feature, preset in features]
        chance = [row["null_mean"] for row in here if row]
        rows.append(
            [
                Cell(label),
                Cell(METRIC_WORDS[metric]),
                *(_score(row) for row in here),
                show(sum(chance) / len(chance), "score"),
            ]
        )
    headings = [heading_of("label"), heading_of("metric")]
    headings += [Heading(_feature(feature, preset), is_number=True) for feature, preset in features]
    headings.append(replace(heading_of("null_mean"), is_number=True))
    unit = main.item(0, "unit")
    return Table(
        f"Linear probes, per {unit}, on images not seen",
        headings,
        rows,
        "✓: p ≤ 0.05 against shuffled labels, after Holm for the labels of the column.",
    )


def _feature(feature: str, preset: str) -> str:
    """Return the name of what a probe reads."""
    return f"Code of {preset}" if preset else feature.replace("pca_", "PCA-").capitalize().replace("Pca", "PCA")


def _score(row: dict[str, Any] | None) -> Cell:
    """Return a score, ticked where it is above chance."""
    if row is None:
        return show(None)
    cell = show(row["score"], "score")
    return Cell(f"✓ {cell.text}", cell.full, cell.key, is_number=True) if row["is_known"] else cell


def leakage(frames: Frames) -> Section:
    """Return what folds share, and what safer folds cost."""
    gaps = make_table(
        frame_of(frames, "leakage_gap"),
        (*NAMES, "loss_paper", "loss_safe", Interval("gap", "ci_low", "ci_high"), "gap_seed_sd", "n_seeds", "n_images"),
        "Loss on safer folds against the report’s",
    )
    audit = frame_of(frames, "split_audit")
    shown = (
        "scheme",
        "label",
        "fold",
        "side",
        "n_images",
        "n_shared_images",
        "n_conditions",
        "n_shared_conditions",
        "n_spots",
        "n_shared_spots",
        "overlap_share",
        "n_merged_strata",
        "deviating_value",
        "largest_deviation",
    )
    tables = [
        _audit_summary(audit),
        gaps,
        make_table(audit, shown, "Every fold: what lies on both sides", is_folded=True),
    ]
    return section("leakage", "Leakage", tables, nothing="Neither folds nor gaps stand for this night.")


def _audit_summary(audit: pl.DataFrame) -> Table | None:
    """Return the audit by scheme and label: means over folds, both held-out sides together."""
    if audit.is_empty():
        return None
    counts = ("n_images", "n_shared_images", "n_conditions", "n_shared_conditions", "n_spots", "n_shared_spots")
    summed = (
        audit.filter(pl.col("side") == "held_out")
        .group_by("scheme", "label", maintain_order=True)
        .agg(
            pl.col(*counts).mean(),
            pl.col("overlap_share").mean(),
            pl.col("n_merged_strata").max(),
            pl.col("largest_deviation").get(pl.col("largest_deviation").abs().arg_max()),
            pl.col("deviating_value").get(pl.col("largest_deviation").abs().arg_max()),
        )
        .with_columns(
            image_share=pl.col("n_shared_images") / pl.col("n_images"),
            condition_share=pl.col("n_shared_conditions") / pl.col("n_conditions"),
            spot_share=pl.col("n_shared_spots") / pl.col("n_spots"),
        )
    )
    return make_table(
        summed,
        (
            "scheme",
            "label",
            "image_share",
            "condition_share",
            "spot_share",
            "overlap_share",
            "n_merged_strata",
            "deviating_value",
            "largest_deviation",
        ),
        "What is held out, and trained on, too",
        note="Shares of the held-out images, laser conditions, spots and patches; means over folds.",
        is_folded=False,
    )
