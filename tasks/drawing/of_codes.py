"""Pictures of codes in a plane."""

from deepdlt.figures.codes import METHOD_NAMES, code_plane_figure
from lake import Lake
from lake.statements import load
from tasks.drawing.labels import label_texts, shown_labels
from tasks.drawing.subject import Drawn, Subject


def draw_pca(lake: Lake, subject: Subject) -> Drawn:
    """Draw codes by PCA."""
    return _draw(lake, subject, "pca")


def draw_tsne(lake: Lake, subject: Subject) -> Drawn:
    """Draw codes by t-SNE."""
    return _draw(lake, subject, "tsne")


def draw_umap(lake: Lake, subject: Subject) -> Drawn:
    """Draw codes by UMAP."""
    return _draw(lake, subject, "umap")


def _draw(lake: Lake, subject: Subject, method: str) -> Drawn:
    """Draw the codes of a run by one method."""
    run, units = subject.run, shown_labels(subject.label)
    codes = lake.query(load("embedding_of_run"), [run.run_id, method])
    points = codes.join(label_texts(lake, run.source), on="image_id", how="left")
    name, n_images = METHOD_NAMES[method], codes["image_id"].n_unique()
    title = f"{run.name}, {run.standing}: codes of {codes.height:,} patches of {n_images:,} images, {name}"
    alt = (
        f"Codes that {run.name} gives to {codes.height:,} patches, placed in a plane by {name} and coloured by "
        f"{', '.join(units)}; "
        + ("distances count." if method == "pca" else "neighbours stay together, distances do not count.")
    )
    return Drawn(code_plane_figure(points, units, method=method, title=title), title, alt)
