"""Where a project's results are: everything is in the folder ``.mlspec`` beside the spec."""

import os
from pathlib import Path

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import whole_files

HOME = ".mlspec"
# Folders with more folders that are written to and swept.
CLUSTERS = ("slurm", "ray")  # engines with folders of their own
INNER = ("store", "cache", "runs", "scratch", "snapshots", "logs", "retrain", *CLUSTERS)


def home(root: Path) -> Path:
    """The folder of all that mlspec keeps for the specs in ``root``."""
    return root / HOME


def store(home: Path) -> Path:
    """The stored results."""
    return home / "store"


def scratch(home: Path) -> Path:
    """What unfinished steps keep to go on from, a folder a fingerprint."""
    return home / "scratch"


def runs(home: Path) -> Path:
    """The runs, a folder each."""
    return home / "runs"


def previous(home: Path) -> Path:
    """What each step was made of last time."""
    return home / "previous"


def prepare(home: Path) -> None:
    """Make the folder; version control ignores it. Raises as ``demand_no_links``."""
    demand_no_links(home)
    home.mkdir(parents=True, exist_ok=True)
    ignore = home / ".gitignore"
    if not os.path.lexists(ignore):
        whole_files.replace(ignore, b"*\n", sync=False)


def demand_no_links(home: Path) -> None:
    """Raises SpecError where the folder, or one in it, is a link, which git can carry: what is written there, or
    removed as no longer needed, would be in a folder that is not ours."""
    for path in (home, *_links(home), *(link for name in INNER for link in _links(home / name))):
        demand_no_link(path)


def demand_no_link(path: Path) -> None:
    """Raises SpecError where a folder that mlspec writes into is a link."""
    if path.is_symlink():
        message = f"'{path}' is a link: what mlspec keeps stays in the folder of the spec"
        note = "remove the link, or put a folder in its place"
        raise SpecError([Diagnostic(code="state-is-a-link", message=message, notes=(note,))])


def _links(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            return [Path(entry.path) for entry in found if entry.is_symlink()]
    except OSError:
        return []
