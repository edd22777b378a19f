"""Nodes that a run does without: what they have is not what this machine has, or nothing starts there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlspec_backends import _slurm_commands as commands
from mlspec_backends._slurm_commands import SlurmError

EXCLUDE = "--exclude="
MOST = 10  # nodes that are tried where none of them can be used


@dataclass
class Nodes:
    """What is known of the nodes of a partition; ``good`` where one of them could be used."""

    partition: str | None
    good: bool = False
    left_out: dict[str, str] = field(default_factory=dict)
    unsaid: list[str] = field(default_factory=list)

    def leave_out(self, node: str, cause: str) -> bool:
        """Do without a node from now on; False where that was so already."""
        if node in self.left_out:
            return False
        self.left_out[node] = cause
        self.unsaid.append(node)
        return True

    def note(self) -> str:
        """What is to be said of nodes that were left out since this was last asked, in words; empty where none was."""
        causes = [self.left_out[node] for node in self.unsaid]
        self.unsaid.clear()
        return "; ".join(f"{cause}; the run did without this node" for cause in causes)

    def hopeless(self) -> str:
        """Why no node can be used, in words; empty where one may be."""
        if not self.left_out:
            return ""
        first = next(iter(self.left_out.values()))
        if not self.good and len(self.left_out) >= MOST:
            return f"{first}; none of {MOST} nodes could be used"
        try:
            left = set(commands.names_of_nodes(self.partition)) - self.left_out.keys()
        except SlurmError:
            return ""
        return "" if left else first + ("; no other node could be used" if len(self.left_out) > 1 else "")

    def options(self, given: Sequence[str]) -> list[str]:
        """The options of sbatch that a user has given, without these nodes."""
        if not self.left_out:
            return list(given)
        stated = [option.partition("=")[2] for option in given if option.startswith(EXCLUDE)]
        rest = [option for option in given if not option.startswith(EXCLUDE)]
        # Of two such options sbatch reads the last one alone.
        return [*rest, f"{EXCLUDE}{','.join([*stated, *self.left_out])}"]

    def said(self) -> str:
        """The nodes that are left out, in words; empty where none is."""
        return f" (left out: {', '.join(self.left_out)})" if self.left_out else ""
