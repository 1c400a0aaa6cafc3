"""Write synthetic SEM images and their label sheet, laid out like the real ones."""

import io
import json
import logging
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xlsxwriter  # type: ignore[import-untyped]
from PIL import Image, PngImagePlugin

from deepdlt.errors import DeepdltError
from deepdlt.synthetic.conditions import Condition, condition_of
from deepdlt.synthetic.surfaces import MIN_SIDE_PX, render_surface

logger = logging.getLogger(__name__)

SHEET_NAME = "all_images.xlsx"

HEADERS = (
    "Names",
    "DimY [μm]",
    "DimX [μm]",
    "wavelength [nm]",
    "Spot size [μm]",
    "angle [deg]",
    "PP1",
    "PP2",
    "Δτ [ps]",
    "NP",
    "EP1 [μJ]",
    "EP2 [μJ]",
    "Pol 1",
    "Pol 2",
)
"""Of the DLIP sheet, in its order."""

STAMP_KEY = "deepdlt-synthetic"
"""Text key in every PNG, and keyword of the sheet: what carries it was made here and may be extended."""

GENERATOR_VERSION = 1
"""To be raised whenever the same seed gives other pictures."""

MAX_THREADS = 8
"""A picture of 1280 x 960 takes about 60 MB while it is painted."""


@dataclass(frozen=True)
class SyntheticSummary:
    """What a call of `write_synthetic` left behind.

    Attributes
    ----------
    target, sheet : Path
        The folder and the sheet in it.
    n_images : int
        Images now in the folder, each with a row in the sheet.
    n_written : int
        Of these, written by this call.
    """

    target: Path
    sheet: Path
    n_images: int
    n_written: int


class FolderTaken(DeepdltError):
    """The target holds something that was not made with these settings."""

    def __init__(self, *, target: Path, path: Path, reason: str) -> None:
        self.target = target
        self.path = path
        self.reason = reason
        super().__init__(f"Nothing was written to {target}: {path} {reason}. Choose another folder, or empty this one.")


def write_synthetic(
    target: Path, *, n_images: int = 24, seed: int = 0, height_px: int = 960, width_px: int = 1280
) -> SyntheticSummary:
    """Write SEM-like images of laser-structured metal and the sheet that labels them.

    Each picture has a random stream of its own, so a larger `n_images` adds pictures and changes
    none. A call on a folder made with the same settings writes what is missing; a folder that
    already holds more keeps it. Every file appears whole or not at all.

    Parameters
    ----------
    target : Path
        Folder to make or to extend.
    n_images : int
        Images to have, at least 1; 24 show each combination of angle and pattern two or three times.
    seed : int
        Not negative. The same seed gives the same bytes with the same libraries.
    height_px, width_px : int
        Size of every image, in pixels, at least 16. The field of view stays the same, so smaller
        pictures are coarser ones.

    Returns
    -------
    SyntheticSummary
        Counts and places.

    Raises
    ------
    FolderTaken
        If the folder holds other files, or images of another seed, size or version.
    ValueError
        If a number is out of its bounds.
    """
    if n_images < 1 or seed < 0 or min(height_px, width_px) < MIN_SIDE_PX:
        raise ValueError(
            f"n_images must be at least 1, seed not negative, sides at least {MIN_SIDE_PX} px; "
            f"got {n_images}, {seed}, {height_px} x {width_px}"
        )
    plan = _Plan(target, seed, height_px, width_px)
    present = set(_indices_present(plan))
    n_total = max(n_images, *(index + 1 for index in present), 1)
    missing = sorted(set(range(n_total)) - present)
    _paint_all(plan, missing)
    sheet = target / SHEET_NAME
    _write_whole(sheet, _sheet_bytes([condition_of(index) for index in range(n_total)]))
    logger.info("%s: %d synthetic images, %d of them new", target, n_total, len(missing))
    return SyntheticSummary(target=target, sheet=sheet, n_images=n_total, n_written=len(missing))


@dataclass(frozen=True)
class _Plan:
    """Which file holds which picture, and what it is stamped with."""

    target: Path
    seed: int
    height_px: int
    width_px: int

    def path_of(self, index: int) -> Path:
        """Return the file of a picture."""
        condition = condition_of(index)
        return self.target / condition.folder / f"{condition.stem}.png"

    def stamp_of(self, index: int) -> str:
        """Return the text inside that file that says how it was made."""
        size = {"height_px": self.height_px, "width_px": self.width_px}
        return json.dumps({"generator": GENERATOR_VERSION, "index": index, "seed": self.seed, **size})


def _indices_present(plan: _Plan) -> Iterator[int]:
    """Yield which pictures are there; refuse a folder that holds anything this plan would not write."""
    for path in sorted(plan.target.rglob("*")) if plan.target.exists() else ():
        is_beside_the_point = path.is_dir() or path.name.startswith(".")
        if is_beside_the_point or (path == plan.target / SHEET_NAME and _is_own_sheet(path)):
            continue
        stamp = _stamp_in(path)
        if stamp is None:
            raise FolderTaken(target=plan.target, path=path, reason="is not a synthetic image")
        index = json.loads(stamp)["index"]
        if path != plan.path_of(index) or stamp != plan.stamp_of(index):
            raise FolderTaken(target=plan.target, path=path, reason=f"was made with other settings, {stamp}")
        yield index


def _stamp_in(path: Path) -> str | None:
    """Return the text a picture was stamped with, None if it is not one of ours."""
    try:
        with Image.open(path) as image:
            return image.info.get(STAMP_KEY)
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return None


def _is_own_sheet(path: Path) -> bool:
    """Say whether a workbook carries our keyword."""
    try:
        with zipfile.ZipFile(path) as archive:
            return STAMP_KEY.encode() in archive.read("docProps/core.xml")
    except (OSError, KeyError, zipfile.BadZipFile):
        return False


def _paint_all(plan: _Plan, indices: list[int]) -> None:
    """Paint and write pictures in threads; numpy and the FFT work outside the interpreter's lock."""
    pool = ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1), thread_name_prefix="synth")
    try:
        for _ in pool.map(lambda index: _paint(plan, index), indices):
            pass
    finally:  # also on Ctrl-C: leave at once with what is whole
        pool.shutdown(cancel_futures=True)


def _paint(plan: _Plan, index: int) -> None:
    """Paint one picture and write it."""
    pixels = render_surface(
        condition_of(index),
        height_px=plan.height_px,
        width_px=plan.width_px,
        seed=np.random.SeedSequence([plan.seed, index]),
    )
    stamp = PngImagePlugin.PngInfo()
    stamp.add_text(STAMP_KEY, plan.stamp_of(index))
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", pnginfo=stamp)
    _write_whole(plan.path_of(index), content.getvalue())


def _sheet_bytes(conditions: list[Condition]) -> bytes:
    """Return the workbook: a header, one row an image, and the real sheet's empty cells around them."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as workbook:
        # A fixed date keeps the bytes equal from run to run.
        workbook.set_properties({"keywords": STAMP_KEY, "created": datetime(2020, 11, 30, tzinfo=UTC)})
        sheet = workbook.add_worksheet("Sheet1")
        sheet.set_column(0, 0, 51)
        sheet.write_row(0, 0, HEADERS, workbook.add_format({"bold": True}))
        for row, condition in enumerate(conditions, start=1):
            sheet.write_row(row, 0, _row_of(condition))
        blank = workbook.add_format({"italic": True})  # a cell without content or format is not stored
        for row in (len(conditions) + 1, len(conditions) + 2):
            sheet.write_blank(row, len(HEADERS) + 5, None, blank)
    return content.getvalue()


def _row_of(condition: Condition) -> tuple[str | float, ...]:
    """Return a row of the sheet, with 0 where there is no such thing."""
    return (
        f"{condition.folder}/{condition.stem}.bmp",
        round(
            condition.field_of_view_x_um * 0.8, 1
        ),  # as in the real sheet: true of the height before a banner was cut off
        condition.field_of_view_x_um,
        condition.wavelength_nm,
        condition.spot_size_um,
        condition.angle_deg,
        condition.pattern_1 or 0,
        condition.pattern_2 or 0,
        condition.delay_ps,
        condition.n_pulses,
        condition.pulse_energy_1_uj,
        condition.pulse_energy_2_uj,
        condition.polarisation_1,
        condition.polarisation_2 or 0,
    )


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all, and not again if it is there already."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")  # two processes may write the same picture
    partial.write_bytes(content)
    partial.replace(path)
