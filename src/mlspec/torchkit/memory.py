"""Out-of-memory errors: distinguished from other errors, and avoided by checking free memory first."""

from collections.abc import Callable

import torch

RESIDENT = 0.5  # the share of a GPU's free memory that rows may take; the rest is for the training
SIGNS = ("out of memory", "not enough memory", "can't allocate memory", "bad_alloc")


def is_exhausted(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whichever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in SIGNS)


def release(device: torch.device) -> None:
    """Give memory that nothing uses back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def lies(size: int, device: torch.device) -> torch.device:
    """Where rows of that many bytes lie: on the device if there is room beside the training, else in main memory."""
    if device.type != "cuda":
        return device
    free, _total = torch.cuda.mem_get_info(device)
    return device if size <= free * RESIDENT else torch.device("cpu")


def largest(rows: int, attempt: Callable[[int], None], device: torch.device) -> int:
    """The largest of rows / 2, rows / 4, ... for which ``attempt`` fits; 0 where not even one row does."""
    count = rows // 2
    while count:
        try:
            attempt(count)
        except (RuntimeError, MemoryError) as error:
            if not is_exhausted(error):
                raise
        else:
            return count
        release(device)
        count //= 2
    return 0
