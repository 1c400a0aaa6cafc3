"""Where the patches of a data set are held while a process trains: in memory, or in their file.

Imports torch: only workers that train come here.
"""

import logging

import psutil

from deepdlt.training.devices import free_device_bytes, pick_device
from deepdlt.training.patchset import PatchSet
from deepdlt.training.streaming import StreamedPatches, fits_in_memory
from tasks.shared_patches import SharedPatches

logger = logging.getLogger(__name__)


def place_patches(shared: SharedPatches, device_name: str) -> PatchSet:
    """Put patches onto a device; where they do not fit, leave them in their file and read them as they are needed.

    Parameters
    ----------
    shared : SharedPatches
        Where they lie; on a CPU that memory itself is used.
    device_name : str
        Kind of device that trainings compute on; ``auto`` for the best there is.

    Returns
    -------
    PatchSet
        The numbers of a training are the same either way.

    Raises
    ------
    DeviceMissing
        If the device is not in this machine.
    """
    device = pick_device(device_name)
    mapped, on_device = shared.map(), free_device_bytes(device)
    free = psutil.virtual_memory().available if on_device is None else on_device
    if fits_in_memory(mapped.nbytes, free):
        logger.info("%d patches in memory on %s", len(mapped), device)
        return PatchSet.from_array(mapped, device=device)
    logger.info(
        "%d patches are %.1f times the free memory of %s: read as needed", len(mapped), mapped.nbytes / free, device
    )
    return StreamedPatches.from_file(shared.descriptor, mapped, device=device)
