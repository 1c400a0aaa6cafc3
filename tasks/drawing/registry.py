"""Every picture by name: what it shows, which runs it fits, which function draws it.

Nothing that draws is imported here, so that a night with nothing new pays for neither Matplotlib nor torch.
"""

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from deepdlt.night import HOLDOUT
from lake import Lake
from tasks.drawing.errors import PictureUnknown
from tasks.drawing.subject import Drawn, RunFacts, Subject

PAPER = "paper"
Scope = Literal["run", "codes", "folds", "group", "split", "data set", "preset"]
LabelUse = Literal["none", "shown", "folds"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that can be drawn.

    Attributes
    ----------
    name : str
        As the command line takes it.
    shows : str
        What one sees, in a few words.
    scope : str
        What of a subject it depends on: the run; its codes in a plane; its folds and seeds; all runs that differ in
        label, fold and seed alone; its split; its data set; all runs of its preset.
    function : str
        ``module:function`` that draws it from a lake and a subject.
    misfit : callable
        Says why a subject does not fit; '' where it does.
    label_use : str
        ``shown``: a label says what of it is shown; ``folds``: it says which folds are; ``none``: it takes no label.
    """

    name: str
    shows: str
    scope: Scope
    function: str
    misfit: Callable[[Subject], str]
    label_use: LabelUse = "none"

    def draw(self, lake: Lake, subject: Subject) -> Drawn:
        """Draw it; imports what that needs.

        Parameters
        ----------
        lake : Lake
        subject : Subject
            One that fits.
        """
        drawn: Drawn = pkgutil.resolve_name(f"tasks.drawing.{self.function}")(lake, subject)
        return drawn

    def ids(self, subject: Subject) -> list[str]:
        """Return what the picture depends on, by id: two subjects with equal ids have one picture.

        Parameters
        ----------
        subject : Subject
        """
        ids = sorted(one.run_id for one in self.runs(subject))
        match self.scope:
            case "codes":
                return [*ids, subject.answers["probe"]]
            case "group":
                return [*ids, subject.answers["difficulty"]]
            case "split":
                return [subject.run.split_id]
            case "data set":
                return [subject.run.dataset_id]
        return ids

    def runs(self, subject: Subject) -> Sequence[RunFacts]:
        """Return the runs whose models or numbers the picture shows.

        Parameters
        ----------
        subject : Subject
        """
        match self.scope:
            case "run" | "codes":
                return (subject.run,)
            case "folds":
                return subject.siblings
            case "group":
                return subject.group
            case "preset":
                return subject.of_preset
        return ()


def find_drawing(name: str) -> Drawing:
    """Return the picture of a name.

    Parameters
    ----------
    name : str

    Raises
    ------
    PictureUnknown
        If there is none; the message lists those there are.
    """
    for drawing in DRAWINGS:
        if drawing.name == name:
            return drawing
    raise PictureUnknown(name, [drawing.name for drawing in DRAWINGS])


def _fits(_: Subject) -> str:
    return ""


def _is_vae(subject: Subject) -> str:
    return "" if subject.run.model == "vae" else f"it shows a VAE, and the run's model is {subject.run.model}"


def _has_folds(subject: Subject) -> str:
    if subject.run.scheme == HOLDOUT:
        return "the run has no folds: it is on the 80/10/10 split"
    return "" if len(subject.folds) > 1 else "no other fold stands beside the run in its night"


def _has_siblings(subject: Subject) -> str:
    return "" if len(subject.siblings) > 1 else "no run that differs in fold or seed stands beside it in its night"


def _has_difficulty(subject: Subject) -> str:
    return "" if subject.group_id else "its night has no answer yet to which label is harder, for runs of this kind"


def _has_paper_folds(subject: Subject) -> str:
    schemes = {run.scheme for run in subject.of_preset} - {HOLDOUT}
    if PAPER in schemes and len(schemes) > 1:
        return ""
    return "its night has not both the report's folds and safe ones of its preset"


def _is_of_pixels(subject: Subject) -> str:
    view = subject.run.choices.get("view", "pixels")
    return "" if view != "fourier" else "the run reconstructs spectra, not pixels"


def _has_codes_by(method: str) -> Callable[[Subject], str]:
    def misfit(subject: Subject) -> str:
        return "" if method in subject.methods else f"the lake has no codes of the run in a plane by {method}"

    return misfit


DRAWINGS: tuple[Drawing, ...] = (
    Drawing(
        "difficulty",
        "mean test error of each label value, 95 % over images",
        "group",
        "of_tables:draw_difficulty",
        _has_difficulty,
        "shown",
    ),
    Drawing(
        "leakage",
        "how much more is lost on safe folds than on the report's, by label, 95 % over images",
        "preset",
        "of_tables:draw_leakage",
        _has_paper_folds,
    ),
    Drawing(
        "reconstructions",
        "test patches of different images, their reconstructions and errors",
        "run",
        "of_models:draw_reconstructions",
        _fits,
        "shown",
    ),
    Drawing(
        "fold-reconstructions",
        "a few test patches of every fold and their reconstructions, by label value",
        "folds",
        "of_models:draw_fold_reconstructions",
        _has_folds,
        "folds",
    ),
    Drawing(
        "extremes",
        "the worst and the best test patches, with their image and place",
        "run",
        "of_models:draw_extremes",
        _fits,
    ),
    Drawing("samples", "patches decoded from the prior of a VAE", "run", "of_vae:draw_samples", _is_vae),
    Drawing(
        "latents-umap",
        "codes in a plane by UMAP, coloured by each label",
        "codes",
        "of_codes:draw_umap",
        _has_codes_by("umap"),
        "shown",
    ),
    Drawing("curves", "loss, PSNR and SSIM of a run by epoch", "run", "of_tables:draw_curves", _fits),
    Drawing(
        "fold-curves",
        "loss, PSNR and SSIM by epoch, all folds and seeds in one picture",
        "folds",
        "of_tables:draw_fold_curves",
        _has_siblings,
        "folds",
    ),
    Drawing(
        "vae-losses",
        "total loss, reconstruction and KL divergence of a VAE by epoch",
        "run",
        "of_tables:draw_vae_losses",
        _is_vae,
    ),
    Drawing(
        "spectra",
        "mean power over spatial frequency, of test patches and of their reconstructions",
        "run",
        "of_models:draw_spectra",
        _is_of_pixels,
    ),
    Drawing(
        "interpolations",
        "what a VAE decodes between the codes of test patches of different images",
        "run",
        "of_vae:draw_interpolations",
        _is_vae,
    ),
    Drawing(
        "traversals",
        "what a VAE decodes as one number of a test patch's code runs from -3 to 3",
        "run",
        "of_vae:draw_traversals",
        _is_vae,
    ),
    Drawing(
        "train-reconstructions",
        "training patches of different images, their reconstructions and errors",
        "run",
        "of_models:draw_train_reconstructions",
        _fits,
        "shown",
    ),
    Drawing(
        "latents-pca",
        "codes in a plane by PCA, coloured by each label",
        "codes",
        "of_codes:draw_pca",
        _has_codes_by("pca"),
        "shown",
    ),
    Drawing(
        "latents-tsne",
        "codes in a plane by t-SNE, coloured by each label",
        "codes",
        "of_codes:draw_tsne",
        _has_codes_by("tsne"),
        "shown",
    ),
    Drawing(
        "folds",
        "shares of a label's values in training, validation and test of each fold",
        "split",
        "of_data_set:draw_folds",
        _fits,
        "shown",
    ),
    Drawing("images", "images of each label value and of each condition", "data set", "of_data_set:draw_images", _fits),
    Drawing("patches", "brightness and contrast of all patches", "data set", "of_data_set:draw_patches", _fits),
)
"""The most important first: where a night has room for some, these are the ones."""
