"""What a followed run shows in the terminal: a bar at the bottom where there is a terminal, plain lines elsewhere."""

import sys
import time
from typing import Protocol

QUIET_S = 15.0


class Display(Protocol):
    """Takes lines that stay and a status that changes."""

    def line(self, text: str) -> None:
        """Show a line that stays."""

    def status(self, text: str) -> None:
        """Show what is going on just now."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class PlainDisplay:
    """Lines only; the status is printed when it changed and the terminal has been quiet for a while."""

    def __init__(self) -> None:
        self.began = self.printed_at = time.monotonic()
        self.last_status = ""

    def line(self, text: str) -> None:
        """Print a line with the seconds since the start."""
        self.printed_at = time.monotonic()
        print(f"[{self.printed_at - self.began:4.0f} s] {text}", flush=True)

    def status(self, text: str) -> None:
        """Print the status now and then."""
        is_due = time.monotonic() - self.printed_at > QUIET_S
        if text and text != self.last_status and is_due:
            self.last_status = text
            self.line("  ... " + text.replace("\n", "; "))

    def close(self) -> None:
        """Do nothing: there is nothing to undo."""


class LiveDisplay:
    """Lines above, and below them a status that is drawn anew in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self.began = time.monotonic()
        self.console = Console(highlight=False)
        self.live = Live(console=self.console, refresh_per_second=4, transient=True)
        self.live.start()

    def line(self, text: str) -> None:
        """Print a line above the status."""
        self.console.print(f"[{time.monotonic() - self.began:4.0f} s] {text}", markup=False, soft_wrap=True)

    def status(self, text: str) -> None:
        """Draw the status."""
        from rich.text import Text

        self.live.update(Text(f"[{time.monotonic() - self.began:4.0f} s] {text}", style="cyan"))

    def close(self) -> None:
        """Remove the status."""
        self.live.stop()


def make_display() -> Display:
    """Return the display that fits where the output goes."""
    return LiveDisplay() if sys.stdout.isatty() else PlainDisplay()


def bar(percent: float, *, width: int = 24) -> str:
    """Return a bar of characters for a share in percent.

    Examples
    --------
    >>> bar(50.0, width=8)
    '####----  50 %'
    """
    share = min(max(percent, 0.0), 100.0) / 100.0
    n_full = round(share * width)
    return "#" * n_full + "-" * (width - n_full) + f" {100 * share:3.0f} %"
