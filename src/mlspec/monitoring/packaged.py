"""The sketch of a package, or of a released bundle, and the digest by which the log names it."""

from pathlib import Path
from typing import NamedTuple

from mlspec.machine import safe_files
from mlspec.monitoring.errors import refused
from mlspec.steps.serving import package_format, reference
from mlspec.steps.serving.package_format import PackageError
from mlspec.steps.serving.reference import Reference

INNER = "package"  # of a bundle


class Packaged(NamedTuple):
    """A sketch with the digest of its package."""

    reference: Reference
    digest: str


def opened(folder: Path) -> Packaged:
    """The sketch in a package or bundle. Raises SpecError where there is none or it is damaged."""
    inner = folder / INNER
    package = inner if not (folder / package_format.ABOUT).exists() and inner.is_dir() else folder
    try:
        about = package_format.read_about(package)
    except PackageError as error:
        raise refused(error.code, str(error), *error.notes) from None
    listed = about.files.get(reference.FILE)
    file = (package if listed is not None else folder) / reference.FILE
    if listed is None and not (package != folder and file.is_file()):
        note = "state operation.monitor in the spec and run it again"
        raise refused("no-reference", f"'{folder}' has no {reference.FILE} to compare with", note)
    try:
        data = safe_files.read(file, reference.LARGEST)
        if listed is not None and not package_format.is_listed(listed, data):
            raise ValueError("it is not the file that was exported: its SHA-256 digest does not match")
        return Packaged(reference.decoded(data), package_format.digest(package))
    except (OSError, ValueError, LookupError) as error:
        text = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise refused("package-damaged", f"'{file}' can't be used: {text}") from None
