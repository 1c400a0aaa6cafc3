"""Settle which image is which where several files, or several names, stand for one."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepdlt.source.examine import ExaminedImage
from deepdlt.source.faults import Fault, Remark


@dataclass(frozen=True)
class LabelledImage:
    """An image file and the row of the sheet that names it."""

    examined: ExaminedImage
    row: Mapping[str, Any]

    @property
    def image_id(self) -> str:
        """Digest of the pixels."""
        return self.examined.image.image_id

    @property
    def path(self) -> str:
        """Path relative to the source."""
        return self.examined.source.path

    def fault(self, remark: Remark) -> Fault:
        """Return the remark at this file.

        Parameters
        ----------
        remark : Remark
            What is wrong with it.

        Returns
        -------
        Fault
            With the file's path and digest.
        """
        return remark.at(self.path, digest=self.examined.file_digest)


def settle_names(items: Sequence[LabelledImage]) -> tuple[list[LabelledImage], list[Fault]]:
    """Reject different pictures that one row names, such as `1-1.png` beside `1-1.bmp`.

    Parameters
    ----------
    items : sequence of LabelledImage
        Usable files.

    Returns
    -------
    kept : list of LabelledImage
        In the order given.
    faults : list of Fault
        One for each of the others.
    """
    faults: list[Fault] = []
    for group in _groups(items, lambda item: item.examined.source.key):
        if len({item.image_id for item in group}) > 1:
            paths = ", ".join(item.path for item in group)
            message = f"One row of the sheet names these files, and they show different pictures: {paths}."
            remark = Remark("name-ambiguous", group[0].row["name"], message, "Rename all but one, or take them out.")
            faults += [item.fault(remark) for item in group]
    return _without(items, faults), faults


def settle_images(items: Sequence[LabelledImage]) -> tuple[list[LabelledImage], list[Fault], list[Fault]]:
    """Settle the labels of a picture that is there under several names.

    Parameters
    ----------
    items : sequence of LabelledImage
        Usable files, in the order in which the first of equals counts.

    Returns
    -------
    kept : list of LabelledImage
        In the order given; a picture may be there more than once, with equal labels.
    warnings : list of Fault
        One for each file that shows what an earlier one shows.
    faults : list of Fault
        One for each file of a picture whose rows contradict each other.
    """
    warnings: list[Fault] = []
    faults: list[Fault] = []
    for group in _groups(items, lambda item: item.image_id):
        paths = ", ".join(item.path for item in group)
        if len({item.row["row_digest"] for item in group}) > 1:
            rows = ", ".join(str(number) for number in sorted({item.row["sheet_row"] for item in group}))
            message = f"These files show the same picture, and rows {rows} say different things of it: {paths}."
            remark = Remark("duplicate-image-contradicts", paths, message, "Correct the labels, or keep one file.")
            faults += [item.fault(remark) for item in group]
        elif len(group) > 1:
            message = f"These files show the same picture, which counts once: {paths}."
            remark = Remark("duplicate-image", group[0].path, message, "Keep one of them.")
            warnings += [item.fault(remark) for item in group[1:]]
    return _without(items, faults), warnings, faults


def differing_sizes(items: Sequence[LabelledImage]) -> list[Fault]:
    """Return a warning for every image whose size is not the most frequent one.

    Parameters
    ----------
    items : sequence of LabelledImage
        One per image.

    Returns
    -------
    list of Fault
        Empty where all sizes agree; of equally frequent sizes the first counts as the usual one.
    """
    sizes = [f"{item.examined.image.width_px} x {item.examined.image.height_px} px" for item in items]
    usual = Counter(sizes).most_common(1)[0][0] if sizes else ""
    remedy = "Nothing if that is meant; patches are cut from it like from the others."
    return [
        item.fault(Remark("size-differs", size, f"The image is {size}, most are {usual}.", remedy))
        for item, size in zip(items, sizes, strict=True)
        if size != usual
    ]


def first_of_each(items: Sequence[LabelledImage]) -> list[LabelledImage]:
    """Return one file for each picture.

    Parameters
    ----------
    items : sequence of LabelledImage
        Files, some of which may show the same picture.

    Returns
    -------
    list of LabelledImage
        The first of each picture, in the order given.
    """
    return [group[0] for group in _groups(items, lambda item: item.image_id)]


def _groups(items: Sequence[LabelledImage], key: Callable[[LabelledImage], str]) -> list[list[LabelledImage]]:
    """Return the items that share a key, groups and members in the order given."""
    groups: dict[str, list[LabelledImage]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return list(groups.values())


def _without(items: Sequence[LabelledImage], faults: Sequence[Fault]) -> list[LabelledImage]:
    """Return the items that have no fault."""
    rejected = {fault.path for fault in faults}
    return [item for item in items if item.path not in rejected]
