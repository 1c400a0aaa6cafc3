"""``docs/performance.md``, written from the results that are kept and the notes beside them."""

from pathlib import Path
from typing import Any

from benchmarks.results import read_results
from benchmarks.row import Row
from benchmarks.rows import all_rows
from benchmarks.table import seconds_text
from deepdlt.page.words import count

BUSY = 0.25
"""Share of the cores that are busy with other work, from which the times of a row say little."""

NOTES = Path(__file__).parent / "notes"
HEAD = NOTES / "head.md"
FOOT = NOTES / "foot.md"


def write_document(target: Path) -> str:
    """Write the document anew; return a line that says what is in it."""
    results = read_results()
    rows = all_rows()
    measured = [results[row.name] for row in rows if row.name in results]
    missing = [row for row in rows if row.name not in results]
    parts = [HEAD.read_text().rstrip(), _table(measured)]
    if any(is_busy(result) for result in measured):
        parts.append("\\* Other work kept the machine busy while this row was measured: its seconds are not final.")
    if missing:
        parts.append("*Not measured* here: " + "; ".join(f"{row.work} (`{row.name}`)" for row in missing) + ".")
    parts += [_section(row, results[row.name]) for row in rows if row.name in results]
    if FOOT.exists():
        parts.append(FOOT.read_text().rstrip())
    target.write_text("\n\n".join(parts) + "\n")
    return f"{target.name}: {len(measured)} rows measured, {len(missing)} not"


def is_busy(result: dict[str, Any]) -> bool:
    """Tell whether the machine had other work just before a row was measured."""
    return bool(result["machine"]["load_before"] > BUSY * result["machine"]["cores"])


def _table(results: list[dict[str, Any]]) -> str:
    """Return one line a goal: work, goal, found, times, physical limit."""
    lines = ["| work | goal | found | met | ours | other | physical limit |", "|---|---|---|---|---|---|---|"]
    for result in results:
        limit = f"{result['limit']['seconds']:.3g} s" if result["limit"] else ""
        other = f"{seconds_text(result['other_seconds'])} ({result['other']})" if result["other"] else ""
        for number, one in enumerate(result["findings"]):
            cells = (result["work"], seconds_text(result["seconds"]), other, limit) if number == 0 else ("",) * 4
            met = ("yes" if one["is_met"] else "**no**") + ("*" if is_busy(result) else "")
            lines.append(f"| {cells[0]} | {one['goal']} | {one['found']} | {met} | {' | '.join(cells[1:])} |")
    return "\n".join(lines)


def _section(row: Row, result: dict[str, Any]) -> str:
    """Return what is to be said of one row: its runs, its limit, its notes."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    said = [
        f"## {result['work']} (`{result['row']}`)",
        f"{count(result['n_runs'], 'pair' if result['other'] else 'run')} on {row.data or result['source']}, "
        f"{result['taken_at'][:10]}: {_sides(row, result)}.",
    ]
    if result["limit"]:
        share = result["limit"]["seconds"] / result["seconds"]["median"]
        limit = f"{result['limit']['seconds']:.3g} s, {share:.0%} of the time taken"
        said.append(f"Limit: {result['limit']['why']}: {limit}.")
    note = NOTES / f"{result['row']}.md"
    if note.exists():
        said.append(note.read_text().rstrip())
    said.append(
        f"<sub>{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['torch_threads']} threads of torch, {machine['load_before']:g} cores busy before; "
        f"{machine['system']}, Python {machine['python']}, {versions}</sub>"
    )
    return "\n\n".join(said)


def _sides(row: Row, result: dict[str, Any]) -> str:
    """Return the seconds of each side; what it took of the machine, too, where its own process did the work."""
    ours, other = f"ours {_spread(result['seconds'])}", ""
    if result["other"]:
        other = f"; {result['other']} {_spread(result['other_seconds'])}"
    if not row.works_elsewhere:
        ours += f", {result['cores']:.1f} cores busy, peak memory {result['peak_mb']:.0f} MB"
        other += f", peak {result['other_peak_mb']:.0f} MB" if result["other"] else ""
    return ours + other


def _spread(spread: dict[str, float]) -> str:
    """Return a median with its least and largest."""
    return f"{spread['median']:.3g} s ({spread['least']:.3g} to {spread['largest']:.3g})"
