"""What a run's folder, which can be copied or committed, must not pass off as made here."""

from collections.abc import Sequence
from pathlib import Path

from mlspec.cli._output import talk
from mlspec.diagnostics import printable
from mlspec.specfile import find

MOST_NAMED = 3


def tell(spec: str | None, runs: Sequence[str]) -> None:
    """Say which of the runs that are shown were not made here."""
    from mlspec.report.runs import stored

    root = Path(find(spec)).parent
    others = [run for run in runs if not stored.is_ours(root, run)]
    if others:
        named = ", ".join(others[:MOST_NAMED]) + (f" and {len(others) - MOST_NAMED} more" * (len(others) > MOST_NAMED))
        talk(printable(f"note: not computed in this folder, or changed since: {named} (mlspec verify --store --adopt)"))
