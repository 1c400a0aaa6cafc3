"""What stands on the page of a night, in order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from deepdlt.page.tables import WORSE, Standing, Table, make_table
from deepdlt.page.words import count, leakage_sentence, probe_sentences

Frames = Mapping[str, pl.DataFrame]
NAMES = ("preset", "model", "scheme", "label")
PAPER_TABLES = {"2": "experiment 2 (110 epochs)", "3": "angle", "4": "EP1", "5": "NP", "6": "PP1"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a ``data:`` URI.

    Attributes
    ----------
    title, alt : str
        Caption; what it shows, for those who do not see it.
    uri : str
    group : str
        Heading that it stands under.
    """

    title: str
    alt: str
    uri: str
    group: str = "The night"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page; `key` is its anchor."""

    key: str
    title: str
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Mapping[str, Sequence[Picture]] = field(default_factory=dict)


def sections_of(night: Mapping[str, Any], frames: Frames, pictures: Sequence[Picture], left_out: int) -> list[Section]:
    """Return the page's sections.

    Parameters
    ----------
    night : mapping
        Row of the table `nights`.
    frames : mapping of polars.DataFrame
        By name, as `tasks.page` gathers them; one that is missing counts as empty.
    pictures : sequence of Picture
    left_out : int
        Pictures that the page has no room for.
    """
    standing = Standing(_get(frames, "fold_summary"))
    return [
        _new(night, frames),
        _ran(night, frames),
        _answer(frames),
        _folds(frames, standing),
        _labels(frames, standing),
        _probes(frames, standing),
        _leakage(frames, standing),
        _baselines(frames),
        _paper(frames),
        _pictures(pictures, left_out),
        _provenance(night, frames),
    ]


def _get(frames: Frames, name: str) -> pl.DataFrame:
    """Return a frame, an empty one where it is missing."""
    return frames.get(name, pl.DataFrame())


def _section(
    key: str, title: str, tables: Sequence[Table | None], sentences: Sequence[str] = (), *, nothing: str = ""
) -> Section:
    """Return a section; one without a table says so."""
    kept = [table for table in tables if table is not None]
    said = [*sentences] if kept or not nothing else [*sentences, nothing]
    return Section(key, title, said, kept)


def _new(night: Mapping[str, Any], frames: Frames) -> Section:
    new_images, new_patches = (
        count(night["n_new_images"], "new image"),
        count(night["n_new_patches"], "new patch", "new patches"),
    )
    rejected = count(night["n_rejected"], "file or row", "files or rows")
    sentence = f"The source brought {new_images} and {new_patches}; {rejected} rejected."
    faults = make_table(
        _get(frames, "rejected"), ("path", "rule", "value", "message", "remedy"), "Rejected, and what to do about each"
    )
    return _section("new", "What was new", [faults], [sentence])


def _ran(night: Mapping[str, Any], frames: Frames) -> Section:
    sentence = (
        f"{count(night['n_trained'], 'training').capitalize()} done, {night['n_reused']:,} reused because the lake "
        f"held them complete with these very inputs, code and libraries; {night['n_failed']:,} failed."
    )
    runs = make_table(
        _get(frames, "runs"),
        (*NAMES, "n_runs", "n_trained", "n_reused", "reason", "epochs", "n_parameters", "device", "seconds"),
        "Trainings of the night",
    )
    failed = make_table(_get(frames, "failed"), (*NAMES, "fold", "seed", "error"), "Failed")
    return _section("ran", "What ran, and why", [runs, failed], [sentence], nothing="No training of this night stands.")


def _answer(frames: Frames) -> Section:
    found = _get(frames, "difficulty_answer")
    sentences = [leakage_sentence(_get(frames, "leakage_gap")), *probe_sentences(_get(frames, "probe"))]
    if found.is_empty():
        sentences.insert(0, "Which label is harder was not asked of this night's runs, or cannot be of so few images.")
    table = make_table(
        found,
        ("preset", "scheme", "label", "sentence"),
        "Which label is harder to reconstruct",
        note="Claims need the label, the pair and the interval to agree; p values are corrected by Holm's method. "
        "Label folds: averages over folds, the report's own way of asking.",
    )
    return Section("answer", "The answer in sentences", sentences, [table] if table else [])


def _folds(frames: Frames, standing: Standing) -> Section:
    summary = make_table(
        _get(frames, "fold_summary"),
        (
            *NAMES,
            "n_folds",
            "n_seeds",
            "train_loss",
            "val_loss",
            "test_loss",
            "test_loss_sd",
            "floor_mse",
            "flat_mse",
            "pca_128_mse",
            "percent_of_reachable",
            "psnr_db",
            "ssim",
            "psnr_paper_db",
            "ssim_paper",
        ),
        "Means over folds",
        mark=standing.by(*NAMES),
    )
    judged = make_table(
        _get(frames, "judged_metrics"),
        (
            *NAMES,
            "fold",
            "seed",
            "split",
            "n_patches",
            "loss",
            "mse",
            "kl",
            "floor_mse",
            "flat_mse",
            "flat_reachable_mse",
            "pca_128_mse",
            "percent_of_reachable",
            "psnr_db",
            "ssim",
        ),
        "Every fold beside its baselines",
        is_folded=True,
        mark=lambda row: WORSE if row.get("is_below_flat") else "",
    )
    spread = make_table(
        _get(frames, "seed_spread"),
        (*NAMES, "n_seeds", "mse", "seed_sd", "n_images", "ci_low", "ci_high"),
        "What the seed alone moves, beside what the images do",
        is_folded=True,
        mark=standing.by(*NAMES),
    )
    return _section("folds", "Losses and quality", [summary, judged, spread], nothing="No fold was scored this night.")


def _labels(frames: Frames, standing: Standing) -> Section:
    table = make_table(
        _get(frames, "label_difficulty"),
        (
            "preset",
            "scheme",
            "label",
            "label_value",
            "n_images",
            "n_patches",
            "mean_loss",
            "ci_low",
            "ci_high",
            "p_label",
        ),
        "Loss by label value, with 95 % bootstrap intervals over images",
        mark=standing.by("preset", "scheme"),
    )
    return _section("labels", "Which label is harder", [table], nothing="No label difficulty stands for this night.")


def _probes(frames: Frames, standing: Standing) -> Section:
    table = make_table(
        _get(frames, "probe"),
        (
            "label",
            "features",
            "preset",
            "probe",
            "unit",
            "metric",
            "score",
            "null_mean",
            "null_sd",
            "p_value",
            "n_permutations",
            "n_images",
            "n_values",
        ),
        "What probes read from codes, PCA and spectra",
        is_folded=True,
        note="Whole laser conditions stay on one side of a fold.",
        mark=lambda row: standing.mark(preset=row["preset"]) if row.get("preset") else "",
    )
    return _section("probe", "Does the code know the laser", [table], nothing="No probe stands for this night.")


def _leakage(frames: Frames, standing: Standing) -> Section:
    gaps = make_table(
        _get(frames, "leakage_gap"),
        (
            "preset",
            "model",
            "label",
            "scheme",
            "seed",
            "n_images",
            "loss_paper",
            "loss_safe",
            "gap",
            "ci_low",
            "ci_high",
        ),
        "Loss on safer folds against the report's folds",
        mark=standing.by("preset", "scheme", "label"),
    )
    audit = make_table(
        _get(frames, "split_audit"),
        (
            "scheme",
            "label",
            "fold",
            "side",
            "n_patches",
            "n_images",
            "n_shared_images",
            "n_shared_conditions",
            "n_shared_spots",
            "overlap_share",
            "n_merged_strata",
            "deviating_value",
            "largest_deviation",
        ),
        "What lies on both sides of each fold",
        is_folded=True,
    )
    return _section("leakage", "Leakage", [gaps, audit], nothing="Neither a gap nor an audit stands for this night.")


def _baselines(frames: Frames) -> Section:
    table = make_table(
        _get(frames, "baselines"),
        (
            "scheme",
            "label",
            "target_range",
            "n_folds",
            "floor_mse",
            "flat_mse",
            "flat_reachable_mse",
            "gain_offset_mse",
            "pca_8_mse",
            "pca_32_mse",
            "pca_128_mse",
            "pca_512_mse",
        ),
        "Test patches, means over folds",
        note="The floor is what no output on [0, 1] can be below: with signed targets it is far above zero.",
    )
    return _section("baselines", "Baselines and floor", [table], nothing="No baselines stand for this night's folds.")


def _paper(frames: Frames) -> Section:
    beside = _get(frames, "paper_vs_here")
    tables = [_paper_table(number, title, frames) for number, title in PAPER_TABLES.items()]
    tables.append(
        make_table(
            beside.filter(pl.col("here").is_not_null()) if beside.height else beside,
            (
                "paper_table",
                "paper_row",
                "preset",
                "label",
                "split",
                "metric",
                "published",
                "here",
                "difference",
                "floor_mse",
                "flat_mse",
                "profile",
                "epochs",
            ),
            "Every published number beside ours",
            is_folded=True,
            mark=lambda row: WORSE if _is_worse(row) else "",
        )
    )
    sentence = (
        "Ours are those of the newest night that trained the preset on the report's own folds, which need not be this "
        "night; profile and epochs say how much of the report's budget was spent."
    )
    return _section(
        "paper", "Published against here", tables, [sentence], nothing="No training of the report's stands."
    )


def _paper_table(number: str, title: str, frames: Frames) -> Table | None:
    """Return one of the report's tables as found here, with the mark that its rows deserve."""
    beside = _get(frames, "paper_vs_here")
    rows = beside.rows(named=True)
    worse = {row["paper_row"] for row in rows if row["paper_table"] == number and _is_worse(row)}
    found = _get(frames, f"paper_table_{number}")
    return make_table(
        found,
        ("fold", "train_loss", "val_loss", "test_loss", "psnr_paper_db", "ssim_paper", "profile", "epochs"),
        f"The report's Table {number}, {title}, as found here",
        mark=lambda row: WORSE if row.get("fold", "110 epochs") in worse else "",
    )


def _is_worse(row: Mapping[str, Any]) -> bool:
    """Tell whether a loss of ours is above a flat patch's; a VAE's loss is no mean squared error."""
    if row["metric"] != "loss" or row["preset"] == "vae" or row["here"] is None or row["flat_mse"] is None:
        return False
    return bool(row["here"] > row["flat_mse"])


def _pictures(pictures: Sequence[Picture], left_out: int) -> Section:
    groups: dict[str, list[Picture]] = {}
    for picture in pictures:
        groups.setdefault(picture.group, []).append(picture)
    said = [] if pictures else ["No picture was drawn for this night."]
    if left_out:
        said.append(
            f"{count(left_out, 'more picture')} lie in the lake's folder `pictures`: the page has no room for them."
        )
    return Section("pictures", "Pictures", said, pictures=groups)


def _provenance(night: Mapping[str, Any], frames: Frames) -> Section:
    found = _get(frames, "provenance")
    if not found.is_empty():
        found = found.with_columns(pl.col("versions").map_elements(_libraries, return_dtype=pl.String))
    table = make_table(
        found,
        ("n_runs", "seed", "device", "snapshot_id", "dataset_id", "code_digest", "versions"),
        "Code, libraries and data behind the numbers",
    )
    sentence = (
        f"Night {night['night_id']}, source {night['source']}, data set {night['dataset_id']}; started "
        f"{night['started_at']:%Y-%m-%d %H:%M %Z}, finished {night['finished_at']:%Y-%m-%d %H:%M %Z}."
    )
    return _section(
        "provenance", "Versions and provenance", [table], [sentence], nothing="No run stands behind this page."
    )


def _libraries(versions: str) -> str:
    """Return a run's versions, a JSON object, as a list for people."""
    return ", ".join(f"{name} {version}" for name, version in json.loads(versions).items())
