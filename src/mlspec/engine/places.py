"""Where a project's results lie: everything is in the folder ``.mlspec`` beside the spec."""

from pathlib import Path

from mlspec.machine import whole_files

HOME = ".mlspec"


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
    return home / "previous.json"


def prepare(home: Path) -> None:
    """Make the folder; version control is told to leave it alone."""
    home.mkdir(parents=True, exist_ok=True)
    ignore = home / ".gitignore"
    if not ignore.exists():
        whole_files.replace(ignore, b"*\n", sync=False)
