"""What rows are about to stand on: it may have been forgotten since they were begun."""

from deepdlt.errors import DeepdltError
from lake import Transaction
from lake.statements import load


class DatasetForgotten(DeepdltError):
    """A data set was taken out of the lake while a night went on with it."""

    def __init__(self, dataset_id: str) -> None:
        self.dataset_id = dataset_id
        super().__init__(
            f"data set {dataset_id} is not in the lake any more, since an image of it was forgotten meanwhile: nothing "
            "that stands on it is stored; run the night again, it goes on without that image"
        )


def snapshot_of_dataset(transaction: Transaction, dataset_id: str) -> int:
    """Return the snapshot that a data set was frozen in, as sure as this transaction's rows stand on it.

    Parameters
    ----------
    transaction : Transaction
        The one that writes them.
    dataset_id : str

    Raises
    ------
    DatasetForgotten
        If it is not there.
    """
    found = transaction.query(load("dataset_by_id"), [dataset_id])
    if found.is_empty():
        raise DatasetForgotten(dataset_id)
    return int(found.item(0, "snapshot_id"))
