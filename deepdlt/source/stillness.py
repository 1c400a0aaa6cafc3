"""Which files are still being written: looked at twice, so that no clock has to be believed."""

import time
from collections.abc import Iterable
from pathlib import Path

STILL_S = 5.0
"""Seconds for which a file must have stayed as it is; a file older than that is not looked at twice."""

Stamp = tuple[int, int, int] | None


def unsettled_files(paths: Iterable[Path], *, still_s: float = STILL_S) -> frozenset[Path]:
    """Return the files that change while one looks at them.

    Only where a file was changed less than `still_s` ago does this wait, once, for the rest of that time. A file
    dated in the future, on a machine whose clock was set back, counts as just changed.

    Parameters
    ----------
    paths : iterable of Path
        Files; those that are not there are left out.
    still_s : float
        Seconds without a change; 0 asks nothing.

    Returns
    -------
    frozenset of Path
        Those whose size, time or identity differs at the second look, or that are gone by then.
    """
    now = time.time()
    before = {path: _stamp(path) for path in paths} if still_s > 0 else {}
    ages_s = {path: max(0.0, now - stamp[1] / 1e9) for path, stamp in before.items() if stamp is not None}
    young = [path for path, age_s in ages_s.items() if age_s < still_s]
    if not young:
        return frozenset()
    time.sleep(still_s - min(ages_s[path] for path in young))
    return frozenset(path for path in young if _stamp(path) != before[path])


def _stamp(path: Path) -> Stamp:
    """Return size, time of the last change and number of a file; None where it is not there."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_size, seen.st_mtime_ns, seen.st_ino
