"""docs/tutorial.md: its commands, run one after the other as they are, print what the page says."""

import doctest
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from tests.e2e.conftest import COMMAND, ROOT, copy

BLOCK = re.compile(r"^```(sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIKE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MARK = "@@ {}"


def commands(page: str) -> list[tuple[str, str]]:
    """Each command with what it prints; the installation, which comes first, is left out."""
    found: list[tuple[str, str]] = []
    for kind, text in BLOCK.findall(page)[1:]:
        if kind == "sh":
            found.append((text, ""))
            continue
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            found.append((command, printed))
    return found


@pytest.mark.slow
def test_the_tutorial(tmp_path: Path) -> None:
    page = (ROOT / "docs/tutorial.md").read_text()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clone = tmp_path / "mlspec"
    (clone / "specs").mkdir(parents=True)
    copy("penguins", clone / "specs")
    steps = commands(page.replace(":8080", f":{port}").replace("mlspec serve ", f"mlspec serve --port {port} "))
    assert len(steps) > 20
    script = "".join(f"echo; echo '{MARK.format(number)}'\n{command}\n" for number, (command, _) in enumerate(steps))
    path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        cwd=clone,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=600,
    )
    for number, (command, wanted) in enumerate(steps):
        _, _, rest = done.stdout.partition(MARK.format(number) + "\n")
        printed = rest.partition("\n" + MARK.format(number + 1))[0]
        like = doctest.OutputChecker().check_output(wanted, printed, LIKE)
        assert like, f"$ {command}\n{printed}\n--- but the page says\n{wanted}"
