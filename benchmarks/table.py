"""The table: work, goal, what was found, the limit."""

from collections.abc import Sequence
from typing import Any

HEADER = ("work", "goal", "found", "met", "seconds", "other", "limit")


def seconds_text(spread: dict[str, float] | None) -> str:
    """Return a time as the table shows it.

    Examples
    --------
    >>> seconds_text({"median": 1.25, "least": 1.0, "largest": 2.0})
    '1.25 s'
    >>> seconds_text(None)
    ''
    """
    return f"{spread['median']:.3g} s" if spread else ""


def lines_of(result: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return a line for each goal of a row."""
    limit = f"{result['limit']['seconds']:.3g} s" if result["limit"] else ""
    other = f"{seconds_text(result['other_seconds'])} {result['other']}" if result["other"] else ""
    lines: list[tuple[str, ...]] = []
    for number, finding in enumerate(result["findings"]):
        is_first = number == 0
        lines.append(
            (
                result["work"] if is_first else "",
                finding["goal"],
                finding["found"],
                "yes" if finding["is_met"] else "NO",
                seconds_text(result["seconds"]) if is_first else "",
                other if is_first else "",
                limit if is_first else "",
            )
        )
    return lines


def render(lines: Sequence[tuple[str, ...]]) -> str:
    """Return lines under their header, columns aligned."""
    table = [HEADER, *lines]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADER))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in table)
