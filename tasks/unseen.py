"""Which images of a night the champion has to look at. Light: every night asks this."""

from typing import Any

from lake import Lake
from lake.statements import load


def images_to_look_at(lake: Lake, night_id: str) -> tuple[dict[str, Any], list[str]]:
    """Return the champion that looks at a night's new images, and these; empty where there is none to look.

    Parameters
    ----------
    lake : Lake
    night_id : str

    Returns
    -------
    champion : dict
        A row of the statement ``drift_of_night``.
    images : list of str
    """
    champion = lake.query(load("drift_of_night"), [night_id])
    if champion.is_empty():
        return {}, []
    row = champion.row(0, named=True)
    wanted = {name: row[name] for name in ("dataset_id", "split_id", "source")}
    return row, lake.query(load("images_not_looked_at"), wanted)["image_id"].to_list()
