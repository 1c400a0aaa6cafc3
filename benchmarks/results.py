"""Results of rows as JSON files: everything that the table and the document are made of."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.pairs import Pairs, Spread
from benchmarks.row import Finding, Limit, Row

FOLDER = Path(__file__).parent / "results"


def write_result(
    row: Row, pairs: Pairs, findings: list[Finding], limit: Limit | None, *, machine: dict[str, Any], source: str
) -> dict[str, Any]:
    """Write what a row found, and return it."""
    result = {
        "row": row.name,
        "work": row.work,
        "other": row.other_name if pairs.other else None,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": source,
        "machine": machine,
        "n_runs": len(pairs.ours),
        "seconds": asdict(pairs.seconds),
        "other_seconds": asdict(pairs.other_seconds) if pairs.other else None,
        "ratio": asdict(pairs.speed_up) if pairs.other else None,
        "cores": round(pairs.cores, 2),
        "peak_mb": Spread.of([one.peak_mb for one in pairs.ours]).largest,
        "other_peak_mb": Spread.of([one.peak_mb for one in pairs.other]).largest if pairs.other else None,
        "findings": [asdict(finding) for finding in findings],
        "limit": asdict(limit) if limit else None,
        "runs": {"ours": [asdict(one) for one in pairs.ours], "other": [asdict(one) for one in pairs.other]},
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{row.name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return result


def read_results() -> dict[str, dict[str, Any]]:
    """Return every result that is kept, by row."""
    files = sorted(FOLDER.glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in files}
