"""What can be wrong with a stored result."""

import errno

from mlspec.diagnostics import StoreError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DamagedError(StoreError):
    """The content under a digest is missing or is not what the digest says; it has been thrown away."""

    def __init__(self, digest: str, what: str) -> None:
        self.digest = digest
        super().__init__(f"stored result {digest[:12]} {what}")


def describe(error: OSError) -> str:
    """A system's error in plain words, with the file that it is about."""
    if error.errno in FULL:
        return "no space is left on the disk"
    text = (error.strerror or str(error) or type(error).__name__).lower()
    return text if error.filename is None else f"'{error.filename}': {text}"
