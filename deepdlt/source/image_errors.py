"""Why a file is not taken as an image."""

from typing import ClassVar

from deepdlt.errors import DeepdltError
from deepdlt.source.faults import Remark


class ImageRejected(DeepdltError):
    """A file is not taken as an image; each child is one reason."""

    rule: ClassVar[str]
    remedy: ClassVar[str]

    def __init__(self, path: str, value: str, reason: str) -> None:
        self.path = path
        self.value = value
        self.reason = reason
        super().__init__(f"{path} {reason}: {self.remedy}")

    @property
    def remark(self) -> Remark:
        """The reason, for a table."""
        return Remark(self.rule, self.value, f"The file {self.reason}.", self.remedy)


class FileVanished(ImageRejected):
    """The file was there when the folder was searched and is not when it is read."""

    rule = "file-vanished"
    remedy = "Put the file back, or take out the link that leads to nothing."


class FileUnreadable(ImageRejected):
    """The system refuses to read the file."""

    rule = "file-unreadable"
    remedy = "Check the permissions of the file and the health of the disk."


class FileTooLarge(ImageRejected):
    """The file has more bytes than the limit allows to read."""

    rule = "file-too-large"
    remedy = "Save the image compressed or in parts, or raise the limit."


class ImageEmpty(ImageRejected):
    """The file has no bytes."""

    rule = "image-empty"
    remedy = "Copy the file again from where it comes from."


class NotAnImage(ImageRejected):
    """The content is none of the formats that are read, whatever the file's name says."""

    rule = "not-an-image"
    remedy = "Save the image as PNG, TIFF or BMP, or take the file out of the folder."


class ImageTruncated(ImageRejected):
    """The file ends before its picture does."""

    rule = "image-truncated"
    remedy = "Copy the file again from where it comes from."


class ImageUnreadable(ImageRejected):
    """The content begins like an image and cannot be decoded."""

    rule = "image-unreadable"
    remedy = "Open the image in the program that made it and save it again as PNG, TIFF or BMP."


class ImageTooLarge(ImageRejected):
    """The picture has more pixels than the limit allows to decode."""

    rule = "image-too-large"
    remedy = "Cut or scale the picture down, or raise the limit."


class ImageModeUnsupported(ImageRejected):
    """The pixels have no grey form."""

    rule = "image-mode-unsupported"
    remedy = "Save the image as 8-bit grey."


class ImageNotFinite(ImageRejected):
    """Not one pixel is a finite number."""

    rule = "image-not-finite"
    remedy = "Open the image in the program that made it and save it again as 8-bit grey."
