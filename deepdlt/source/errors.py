"""Why a source folder as a whole cannot be used."""

from pathlib import Path

from deepdlt.errors import DeepdltError


class SourceMissing(DeepdltError):
    """The source is not a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(f"{root} is not a folder: give the folder that holds the images and their label sheet")


class SourceVanished(DeepdltError):
    """The folder went while it was looked through."""

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(
            f"{root} was there and is gone: nothing was touched. Bring the folder, or the drive it lies on, back and "
            "run again"
        )


class SheetBeingWritten(DeepdltError):
    """The label sheet changes while it is looked at."""

    def __init__(self, sheet: Path) -> None:
        self.sheet = sheet
        super().__init__(f"the label sheet {sheet} is being written: nothing was touched; run again once it is whole")


class NoImages(DeepdltError):
    """There is nothing to work on."""

    def __init__(self, root: Path, *, n_skipped: int = 0) -> None:
        self.root = root
        self.n_skipped = n_skipped
        skipped = f" ({n_skipped} links out of it or closed folders were skipped)" if n_skipped else ""
        super().__init__(f"there is no PNG, TIFF or BMP file in or below {root}{skipped}: check the folder")


class SheetMissing(DeepdltError):
    """There is no label sheet where one was looked for."""

    def __init__(self, place: Path) -> None:
        self.place = place
        super().__init__(
            f"there is no label sheet (.xlsx or .csv) at or below {place}: put it there, or name it with `sheet`"
        )


class SheetAmbiguous(DeepdltError):
    """There are several tables, and nothing says which is the label sheet."""

    def __init__(self, root: Path, candidates: tuple[Path, ...]) -> None:
        self.root = root
        self.candidates = candidates
        names = ", ".join(path.relative_to(root).as_posix() for path in candidates)
        super().__init__(
            f"{len(candidates)} tables in {root} could be the label sheet ({names}): name one with `sheet`"
        )
