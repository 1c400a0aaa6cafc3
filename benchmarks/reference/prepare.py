"""From images and their sheet to Bitmaps and tables: image by image, patch by patch."""

import random
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from PIL import Image
from sklearn.model_selection import StratifiedKFold

LABELS = {"angle": "angle [deg]", "PP1": "PP1", "NP": "NP", "EP1": "EP1 [μJ]"}
PARTS = {"training": 0.8, "validation": 0.1, "testing": 0.1}
SEPARATOR = "@"
"""Stands for a slash in file names; the published code takes an underscore, which names may hold."""


def read_sheet(source: Path) -> pd.DataFrame:
    """Return the label sheet of a folder, with the names that image files have."""
    read = pl.read_excel(_workbook(source)).drop_nulls("Names")
    return pd.DataFrame({name: read[name].to_list() for name in read.columns})


def _workbook(source: Path) -> Path:
    """Return the label sheet of a folder; names in it begin where it lies."""
    (found,) = source.rglob("*.xlsx")
    return found


def cut_patches(source: Path, target: Path, *, n_per_image: int, size_px: int = 64, seed: int = 0) -> int:
    """Cut random patches of every image, brighten or darken each, and write it as a Bitmap; return their number."""
    random.seed(seed)
    n_patches = 0
    named_from = _workbook(source).parent
    for number, path in enumerate(sorted(named_from.rglob("*.png")), start=1):
        folder = target / str(number)
        folder.mkdir(parents=True)
        with Image.open(path) as picture:
            image = np.array(picture.convert("L"))
        height, width = image.shape
        stem = path.relative_to(named_from).with_suffix("").as_posix().replace("/", SEPARATOR)
        for n in range(n_per_image):
            row, col = random.randint(0, height - size_px), random.randint(0, width - size_px)  # noqa: S311 - no secret
            patch = image[row : row + size_px, col : col + size_px]
            patch = np.clip(patch * random.uniform(0.8, 1.2), 0, 255).astype(np.uint8)  # noqa: S311
            Image.fromarray(patch).save(folder / f"{stem}_{n + 1}.bmp")
            n_patches += 1
    return n_patches


def write_tables(sheet: pd.DataFrame, images: Path, target: Path) -> int:
    """Write the tables of an 80/10/10 split by image; return their number of rows."""
    target.mkdir(parents=True)
    folders = [folder.name for folder in images.iterdir()]
    n_rows, start = 0, 0
    for part, share in PARTS.items():
        stop = len(folders) if part == "testing" else start + int(len(folders) * share)
        rows = []
        for folder in folders[start:stop]:
            for path in (images / folder).iterdir():
                name = re.sub(r"_\d+.bmp", "", path.name).replace(SEPARATOR, "/") + ".bmp"
                labels = {key: sheet.loc[sheet["Names"] == name, column].iloc[0] for key, column in LABELS.items()}
                second = sheet.loc[sheet["Names"] == name, "PP2"].iloc[0]
                labels["PP1"] = second if labels["PP1"] in ("0", 0) else labels["PP1"]
                rows.append({"image_path": str(path), **labels})
        pd.DataFrame(rows).to_csv(target / f"{part}_data.csv", index=False)
        n_rows, start = n_rows + len(rows), stop
    return n_rows


def write_folds(tables: Path, target: Path, *, n_folds: int = 5) -> int:
    """Write the label-aware folds of every label, drawn over patches; return the number of tables."""
    data = pd.concat([pd.read_csv(tables / f"{part}_data.csv") for part in PARTS]).reset_index(drop=True)
    n_tables = 0
    for label in LABELS:
        if pd.api.types.is_numeric_dtype(data[label]):
            data[label] = pd.qcut(data[label], q=5, labels=False, duplicates="drop")
        folds = StratifiedKFold(n_splits=n_folds, shuffle=True, random_state=42).split(data, data[label])
        for number, (train, held_out) in enumerate(folds, start=1):
            folder = target / label / f"fold_{number}"
            folder.mkdir(parents=True)
            half = len(held_out) // 2
            for split, index in (("train", train), ("val", held_out[:half]), ("test", held_out[half:])):
                data.iloc[index].reset_index(drop=True).to_csv(folder / f"{label}_{split}.csv", index=False)
                n_tables += 1
    return n_tables
