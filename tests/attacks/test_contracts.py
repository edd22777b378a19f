"""Hostile data contracts: `mlspec contract import` ends soon, with a diagnostic, in little memory."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MEMORY = 600 << 20  # bytes of address space
ODCS = {"kind": "DataContract", "apiVersion": "v3.1.0", "id": "a", "version": "1", "status": "active"}


def odcs(**more: Any) -> bytes:
    return json.dumps({**ODCS, **more}).encode()


def nested(inner: dict[str, Any], levels: int) -> dict[str, Any]:
    """A column of columns of columns, which the standard's schema asks about again at each level."""
    column = {"name": "x", **inner}
    for _ in range(levels):
        column = {"name": "x", "logicalType": "object", "properties": [column]}
    return column


def wide(count: int) -> bytes:
    return json.dumps({"fields": [{"name": f"c{i}", "type": "integer"} for i in range(count)]}).encode()


CONTENTS: dict[str, tuple[bytes, str]] = {
    "deep YAML": (b"kind: DataContract\napiVersion: v3.1.0\nx: " + b"[" * 100_000, "too-deep"),
    "deep JSON": (b'{"fields": ' + b"[" * 500_000, "too-deep"),
    "deep whole JSON": (b'{"fields": ' + b"[" * 100 + b"]" * 100 + b"}", "contract-unreadable"),
    "alias bomb": (
        b"kind: DataContract\napiVersion: v3.1.0\na: &a [x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b", ".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 112)),
        "too-many-aliases",
    ),
    "large": (b"# " + b"a" * (2 << 20), "contract-unreadable"),
    "deep columns": (odcs(schema=[{"name": "t", "properties": [nested({"required": "yes"}, 28)]}]), "contract-invalid"),
    "many violations": (odcs(schema=[{"name": "t", "properties": [{"nam": 1}] * 20_000}]), "contract-invalid"),
    "long text for a pattern": (odcs(tags=[], id="a", schema=[{"id": "/" * 900_000}]), "contract-invalid"),
    "unequal entries": (odcs(tags=[[str(i)] for i in range(50_000)]), "contract-invalid"),
    "text of a terminal": (odcs(**{"\x1b]0;x\x07": 1}), "contract-invalid"),
}


def imported(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    program = "import sys; from mlspec.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "contract", "import", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120, preexec_fn=limited
    )


@pytest.mark.parametrize("name", CONTENTS)
def test_a_hostile_document_is_a_diagnostic(name: str, tmp_path: Path) -> None:
    content, code = CONTENTS[name]
    (tmp_path / "c.yaml").write_bytes(content)
    done = imported(tmp_path, "c.yaml")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr[-2000:]
    assert done.stderr.startswith(f"error[{code}]: "), done.stderr[:2000]
    assert "\x1b" not in done.stderr
    assert "too large or too deeply nested to be checked" not in done.stderr  # it was checked, in little time
    if code != "contract-unreadable":
        assert "--> c.yaml:" in done.stderr


FILES: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "a file of the kernel": lambda path: path.symlink_to("/proc/self/environ"),
    "folder": Path.mkdir,
    "link to itself": lambda path: path.symlink_to(path),
    "ten gigabytes": lambda path: (path.touch(), os.truncate(path, 10 << 30)),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_ordinary_file_is_refused(name: str, tmp_path: Path) -> None:
    FILES[name](tmp_path / "c.yaml")
    done = imported(tmp_path, "c.yaml")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr[-2000:]
    assert done.stderr.startswith("error[contract-unreadable]: 'c.yaml' can't be read: ")


def test_too_many_columns_are_not_added_to_a_spec_which_stays_as_it_was(tmp_path: Path) -> None:
    spec = "project: {name: p}\ndata: {sources: {a: {path: d.csv}}, columns: {target: y}}\n"
    (tmp_path / "c.json").write_bytes(wide(501))
    (tmp_path / "project.yaml").write_text(spec)
    done = imported(tmp_path, "c.json", "--write", "project.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("error[contract-too-large]: the contract states 501 things; at most 500 can be added")
    assert (tmp_path / "project.yaml").read_text() == spec
    assert imported(tmp_path, "c.json").stdout.count(": integer") == 501


def test_a_spec_is_replaced_whole_and_only_where_it_is_a_file(tmp_path: Path) -> None:
    spec = "project: {name: p}\ndata: {sources: {a: {path: d.csv}}, columns: {target: y}}\n"
    (tmp_path / "c.json").write_bytes(wide(2))
    os.mkfifo(tmp_path / "pipe.yaml")
    assert imported(tmp_path, "c.json", "--write", "pipe.yaml").returncode in (2, 3)
    (tmp_path / "project.yaml").write_text(spec)
    assert imported(tmp_path, "c.json", "--write", "project.yaml").returncode == 0
    assert "c1: integer" in (tmp_path / "project.yaml").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.json", "pipe.yaml", "project.yaml"]
