"""A data set that opens one Bitmap an item, and its loaders."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from benchmarks.reference.transforms import normalize, to_tensor

BATCH_SIZE = 32
N_WORKERS = 2
PATTERNS = {"V": 0, "H": 1, "D": 2}


class PatchFiles(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """Patches and labels as a table lists them; every item is read from its file when it is asked for."""

    def __init__(self, table: Path) -> None:
        self.data = pd.read_csv(table)
        self.data["angle"] = self.data["angle"].astype(float)
        self.data["NP"] = self.data["NP"].astype(int)
        self.data["EP1"] = self.data["EP1"].astype(int)
        self.data["PP1_encoded"] = self.data["PP1"].astype(str).map(PATTERNS)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return one patch on [-1, 1], (1, S, S), and its labels."""
        with Image.open(self.data.iloc[index]["image_path"]) as picture:
            grey = picture.convert("L")
        image = normalize(to_tensor(grey), [0.5], [0.5])
        labels = {
            "angle": torch.tensor(self.data.iloc[index]["angle"], dtype=torch.float32),
            "PP1": torch.tensor(self.data.iloc[index]["PP1_encoded"], dtype=torch.long),
            "NP": torch.tensor(self.data.iloc[index]["NP"], dtype=torch.int32),
            "EP1": torch.tensor(self.data.iloc[index]["EP1"], dtype=torch.int32),
        }
        return image, labels


def make_loader(table: Path, *, is_shuffled: bool, sampler: Sampler[int] | None = None) -> DataLoader[Any]:
    """Return batches of 32 from two workers."""
    return DataLoader(
        PatchFiles(table), batch_size=BATCH_SIZE, shuffle=is_shuffled, sampler=sampler, num_workers=N_WORKERS
    )
