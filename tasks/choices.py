"""Settings that a night is given, made independent of what a path happens to hold."""

from pathlib import Path

from deepdlt.config import TrainingChoices
from deepdlt.digest import digest_bytes
from deepdlt.errors import DeepdltError


class WeightsMissing(DeepdltError):
    """The file of weights that a perceptual loss asks for cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} cannot be read ({reason}): give the path of a safetensors file with VGG16's weights")


def pin_choices(choices: TrainingChoices | None) -> TrainingChoices | None:
    """Put the digest of a file beside its path, so that a run is named by what the file holds.

    Parameters
    ----------
    choices : TrainingChoices or None

    Returns
    -------
    TrainingChoices or None

    Raises
    ------
    WeightsMissing
        If `vgg_weights` names no file that can be read.
    """
    if choices is None or not choices.vgg_weights:
        return choices
    path = Path(choices.vgg_weights)
    return choices.model_copy(update={"vgg_digest": digest_file(path)})


def digest_file(path: Path) -> str:
    """Return the digest of a file of weights.

    Raises
    ------
    WeightsMissing
        If it cannot be read.
    """
    try:
        return digest_bytes(path.read_bytes())
    except OSError as error:
        raise WeightsMissing(path, error.strerror or str(error)) from error


def chosen_epochs(choices: TrainingChoices | None) -> int | None:
    """Return the epochs that the settings ask for, None where they do not."""
    return None if choices is None else choices.epochs
