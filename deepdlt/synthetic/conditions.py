"""The exposures that synthetic images show: 24 rows in the manner of the DLIP sheet."""

from dataclasses import dataclass, replace
from string import ascii_lowercase
from typing import Literal

from deepdlt.synthetic.optics import WAVELENGTH_NM, Pattern

Polarisation = Literal["H", "V"]

TUNING = "2020-4-30 tuning ripple period"
CROSSED = "2020-6-9 Crossed polarized"
DOUBLE = "Paper Data/Double pulses"
REPEAT = "Paper Data/Repetition 6p & 2p 29-4-2020"
DETAILS = f"{REPEAT}/Details"
SINGLE_2P = "Paper Data/Single pulses 2p"
SINGLE_4P = "Paper Data/Single pulses 4 and half 6"


@dataclass(frozen=True)
class Condition:
    """One exposure, as a row of the sheet describes it; None stands for the sheet's 0, no such thing."""

    folder: str
    stem: str
    field_of_view_x_um: int
    angle_deg: float
    pattern_1: Pattern | None
    pattern_2: Pattern | None
    delay_ps: int
    n_pulses: int
    pulse_energy_1_uj: int
    pulse_energy_2_uj: int
    polarisation_1: Polarisation
    polarisation_2: Polarisation | None
    wavelength_nm: int = int(WAVELENGTH_NM)
    spot_size_um: int = 150

    @property
    def pattern(self) -> Pattern:
        """The pattern seen: that of pulse 1, else of pulse 2."""
        return self.pattern_1 or self.pattern_2 or "V"


# Levels and what goes with what follow the real sheet. Any three rows in a row hold the three
# angles and the three patterns, so that every beginning of the list is balanced.
CONDITIONS = (
    Condition(TUNING, "1-2", 40, 19.0, "V", None, 500, 20, 46, 0, "H", "H"),
    Condition(DOUBLE, "12-1", 40, 5.5, "H", "H", 500, 100, 21, 21, "H", "H"),
    Condition(SINGLE_4P, "7-1", 40, 8.5, "D", None, 0, 500, 52, 0, "H", None),
    Condition(SINGLE_2P, "7-2", 40, 19.0, "H", None, 0, 50, 41, 0, "H", None),
    Condition(REPEAT, "16-1", 40, 5.5, "D", None, 0, 10, 50, 0, "H", None),
    Condition(SINGLE_4P, "2-2", 40, 8.5, "V", None, 0, 50, 40, 0, "H", None),
    Condition(CROSSED, "4-10", 40, 19.0, "D", None, 500, 100, 20, 35, "H", "V"),
    Condition(DOUBLE, "10-3", 40, 5.5, "V", "V", 500, 10, 21, 21, "H", "H"),
    Condition(SINGLE_4P, "6-1", 40, 8.5, "H", None, 0, 500, 26, 0, "H", None),
    Condition(SINGLE_2P, "1-1", 40, 19.0, "V", None, 0, 100, 94, 0, "H", None),
    Condition(REPEAT, "14-2", 40, 5.5, "H", None, 0, 50, 42, 0, "H", None),
    Condition(SINGLE_4P, "8-3", 40, 8.5, "D", None, 0, 10, 40, 0, "H", None),
    Condition(CROSSED, "2-18", 40, 19.0, None, "H", 500, 20, 35, 20, "V", "H"),
    Condition(DOUBLE, "13-2a", 40, 5.5, "D", "D", 500, 50, 25, 25, "H", "H"),
    Condition(SINGLE_4P, "3-1", 40, 8.5, "V", None, 0, 500, 26, 0, "H", None),
    Condition(REPEAT, "8-2", 40, 19.0, "D", None, 0, 50, 42, 0, "H", None),
    Condition(DOUBLE, "9-1", 40, 5.5, "V", "V", 500, 100, 25, 25, "H", "H"),
    Condition(SINGLE_4P, "5-1", 40, 8.5, "H", None, 0, 500, 40, 0, "H", None),
    Condition(DETAILS, "21A", 12, 19.0, "V", None, 0, 10, 42, 0, "H", None),
    Condition(DOUBLE, "12-3", 40, 5.5, "H", "H", 500, 10, 21, 21, "H", "H"),
    Condition(SINGLE_4P, "9-1", 40, 8.5, "D", None, 0, 500, 26, 0, "H", None),
    Condition(CROSSED, "4-8", 40, 19.0, "H", None, 500, 100, 14, 23, "H", "V"),
    Condition(REPEAT, "17-2", 40, 5.5, "D", None, 0, 50, 42, 0, "H", None),
    Condition(SINGLE_4P, "1-3", 40, 8.5, "V", None, 0, 10, 52, 0, "H", None),
)


def condition_of(index: int) -> Condition:
    """Return the exposure of image `index`, counted from 0; after the last row they repeat.

    Parameters
    ----------
    index : int
        Which image, not negative.

    Returns
    -------
    Condition
        A repeat keeps its labels and folder and adds a letter to its name, as the real sheet does.

    Examples
    --------
    >>> condition_of(0).stem, condition_of(24).stem, condition_of(48).stem
    ('1-2', '1-2a', '1-2b')
    """
    n_repeats, row = divmod(index, len(CONDITIONS))
    condition = CONDITIONS[row]
    return replace(condition, stem=condition.stem + _letters(n_repeats))


def _letters(number: int) -> str:
    """Count in letters: '', a, b, ... z, aa, ab, ..."""
    text = ""
    while number:
        number, digit = divmod(number - 1, len(ascii_lowercase))
        text = ascii_lowercase[digit] + text
    return text
