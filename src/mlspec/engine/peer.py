"""A process of a training on another node than its step's: it compares versions with the driver's (``pool.py``), then
does its part (``steps/training/member.py``)."""

import os
import socket
import sys
from pathlib import Path

import msgspec

from mlspec.engine import handshake
from mlspec.engine.pool import Terms
from mlspec.machine import child_process, safe_files
from mlspec.steps.training import member

NODE = "SLURMD_NODENAME"


def command(root: Path) -> list[str]:
    """What starts one on a machine that shares the pool's folder ``root``."""
    return child_process.command("mlspec.engine.peer", str(root))


def main() -> None:
    """Be one of the processes, if this node can do what the driver's machine does."""
    root = Path(sys.argv[1])
    node = os.environ.get(NODE) or socket.gethostname()
    try:
        terms = msgspec.json.decode(
            safe_files.read(root / "pool.json"), type=Terms, dec_hook=lambda _type, value: Path(value)
        )
    except OSError:
        member.refuse(f"the node {node} does not see the folder '{root}', which a training on several nodes needs")
        return
    different = handshake.differences(terms.versions, handshake.own(terms.versions))
    if different:
        member.refuse(f"the node {node} has other versions than this machine: {different}")
    else:
        member.main()


if __name__ == "__main__":
    main()
