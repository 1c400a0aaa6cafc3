"""``docs/choices.md`` and its pictures, written from the results that are kept."""

import json
from pathlib import Path
from typing import Any

from benchmarks.choices.families import FAMILIES, Family
from benchmarks.choices.train import RESULTS, epochs_of
from deepdlt.figures.curves import overlaid_curves_figure

HEAD = """# What each choice does
*Written by `make choices-document` from `benchmarks/choices/results.json`; `make choices SOURCE=../images` makes that.*

Any setting of a training can be chosen: `deepdlt retrain --set NAME=VALUE`. Below, short trainings that differ in one:
learning curves on images that training has not seen, and the last epoch in numbers. Each family is compared with its
first line. They say what a choice does early on and on this source, and they are one seed each: a difference of less
than about 0.2 dB means nothing. All have targets on [0, 1], no dropout, no weight decay, Adam at 1e-3 and 32 patches a
step, where they do not say otherwise. `perceptual` is not here: it needs weights of VGG16, which the project does not
bring.
"""

COLUMNS = ("choice", "settings", "validation loss", "MSE", "PSNR, dB", "SSIM")


def write_document(docs: Path) -> str:
    """Write the document and a picture a family; return a line that says what is in it."""
    found = json.loads(RESULTS.read_text())
    parts = [HEAD, _budget(found)]
    pictures = docs / "images" / "choices"
    pictures.mkdir(parents=True, exist_ok=True)
    for family in FAMILIES:
        records = [one for one in found["records"] if one["family"] == family.name]
        if not records:
            continue
        name = f"{family.name.replace(' ', '-').lower()}.png"
        title = f"{family.name}: {family.question}"
        (pictures / name).write_bytes(overlaid_curves_figure(epochs_of(records), title=title))
        parts.append(_section(family, records, f"images/choices/{name}", found["budget"]["epochs"]))
        if family.name.startswith("code of"):
            parts.append(_against_pca(records, found.get("baselines", [])))
    done = {(one["family"], one["choice"]) for one in found["records"]}
    missing = [f"{one.name}: {choice}" for one in FAMILIES for choice in one.choices if (one.name, choice) not in done]
    if missing:
        parts.append(f"*Not trained yet*: {', '.join(missing)}.")
    (docs / "choices.md").write_text("\n".join(part.rstrip() + "\n" for part in parts))
    return f"choices.md: {len(found['records'])} trainings"


def _budget(found: dict[str, Any]) -> str:
    """Return what was trained on what."""
    budget, records = found["budget"], found["records"]
    machines = [record.get("machine") or found["machine"] for record in records]
    where = sorted({f"{machine['processor']}, torch {machine['versions']['torch']}" for machine in machines})
    days = sorted({record["taken_at"][:10] for record in records})
    codes = {record.get("code") for record in records}
    code = "by the same training code" if len(codes) == 1 and None not in codes else "not surely by one training code"
    return (
        f"{budget['epochs']} epochs on {budget['n_train']:,} patches, scored on {budget['n_val']:,} of other images; "
        f"{budget['source']}, {budget['n_per_image']} patches an image, seed {budget['seed']}, one thread each. "
        f"Trained {' to '.join(dict.fromkeys((days[0], days[-1])))}, {code}: {'; '.join(where)}."
    )


def _section(family: Family, records: list[dict[str, Any]], picture: str, n_asked: int) -> str:
    """Return a family's question, curves and table."""
    lines = [
        f"## {family.name[0].upper()}{family.name[1:]}",
        f"{family.question}",
        "",
        f"![{_alt(family, records)}]({picture})",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
    ]
    for record in records:
        last = record["epochs"][-1]
        said = " ".join(f"`{name}={json.dumps(value)}`" for name, value in _own(family, record).items())
        n_epochs = len(record["epochs"])
        stopped = f" ({n_epochs} epochs)" if n_epochs < n_asked else ""
        lines.append(
            f"| {record['choice']}{stopped} | {said} | {last['val_loss']:.4g} | {last['val_mse']:.5f} "
            f"| {last['val_psnr_db']:.2f} | {last['val_ssim']:.3f} |"
        )
    return "\n".join(lines)


def _alt(family: Family, records: list[dict[str, Any]]) -> str:
    """Say what the curves of a family are of, for those who do not see them."""
    best = max(records, key=lambda record: float(record["epochs"][-1]["val_psnr_db"]))
    choices = ", ".join(record["choice"] for record in records)
    return (
        f"{family.name}: losses, PSNR and SSIM by epoch of {choices}; the highest PSNR in the end has {best['choice']}"
    )


def _own(family: Family, record: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that a choice has for itself."""
    own = family.choices[record["choice"]]
    return {name: value for name, value in own.items() if name != "feature_model"}


def _against_pca(records: list[dict[str, Any]], baselines: list[dict[str, Any]]) -> str:
    """Return the curve over the length of the code, beside PCA of the same training patches."""
    pca = (
        {int(name.split("_")[1]): value for name, value in baselines[0].items() if name.startswith("pca_")}
        if baselines
        else {}
    )
    by_length = {record["settings"].get("latent_dim"): record["epochs"][-1]["val_mse"] for record in records}
    lengths = sorted({*pca, *(length for length in by_length if length)})
    lines = [
        "",
        "Against the best linear code of the same length, fitted on the same patches (MSE on [0, 1], validation side):",
        "",
        f"| numbers a patch | {' | '.join(map(str, lengths))} |",
        f"|---|{'---|' * len(lengths)}",
    ]
    for name, found in (("residual", by_length), ("PCA", pca)):
        cells = [f"{found[length]:.5f}" if found.get(length) is not None else "" for length in lengths]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
