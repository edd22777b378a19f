"""What docs/architecture.md says of the code is so."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text()
FOLDERS = (ROOT / "src/mlspec", ROOT / "backends/mlspec_backends")
STOP = re.compile(r"^\d+\. `(?P<file>[a-z_/]+\.py)` `(?P<name>\w+)`: .+$", re.MULTILINE)
# The most files that have to be read to follow a value.
WAYS = {"dropout": 20, "CSV cell": 15, "roc_auc at_least": 12}


@pytest.mark.parametrize("way", WAYS)
def test_the_ways_through_the_code_lead_over_what_is_there(way: str) -> None:
    drawn = PAGE.split(f"\n### {way}: ")[1].split("\n#")[0]
    stops = [(found["file"], found["name"]) for found in STOP.finditer(drawn)]
    assert len(stops) == len(re.findall(r"^\d+\. ", drawn, re.MULTILINE))
    for file, name in stops:
        path = next(folder / file for folder in FOLDERS if (folder / file).is_file())
        defined = {
            node.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert name in defined, f"{file} defines no {name}"
    assert len({file for file, _name in stops}) <= WAYS[way]


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", PAGE))
    roots = (ROOT, ROOT / "src", *FOLDERS)
    assert named
    assert [name for name in sorted(named) if not any((root / name).exists() for root in roots)] == []
