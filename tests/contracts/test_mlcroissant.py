"""MLCommons' own reader of Croissant takes what we write: the same fields, types and rows as ours.

It brings pandas, so it runs in an environment of its own, whose Python MLSPEC_TEST_CROISSANT names.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlspec import api
from mlspec.contracts import reading

SPECS = Path(__file__).parents[2] / "specs"
PYTHON = os.environ.get("MLSPEC_TEST_CROISSANT")
READ = """
import itertools, json, sys
import mlcroissant
found = mlcroissant.Dataset(jsonld=sys.argv[1])
(rows,) = found.metadata.record_sets
plain = lambda cell: cell.decode() if isinstance(cell, bytes) else cell
print(json.dumps({
    "errors": list(found.metadata.ctx.issues.errors),
    "fields": {field.name: str(field.data_types[0]).rpartition("/")[2] for field in rows.fields},
    "files": [file.encoding_formats[0] for file in found.metadata.file_objects],
    "rows": [] if len(sys.argv) == 2 else [
        {name.partition("/")[2]: plain(cell) for name, cell in row.items()}
        for row in itertools.islice(found.records("rows"), 3)
    ],
}, default=str))
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PYTHON is None, reason="no Python with mlcroissant: set MLSPEC_TEST_CROISSANT"),
]


def read(path: Path, *with_rows: str) -> dict[str, Any]:
    assert PYTHON is not None
    done = subprocess.run([PYTHON, "-c", READ, str(path), *with_rows], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ["penguins", "adult-income", "diamonds-price"])
def test_what_is_written_is_read_with_the_same_types_and_rows(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(SPECS / name, folder, ignore=shutil.ignore_patterns(".mlspec", "model*"))
    text, _lacking = api.export_contract("croissant", folder)
    (folder / "croissant.json").write_text(text)
    theirs = read(folder / "croissant.json", "rows")
    assert theirs["errors"] == []
    assert set(theirs["files"]) == {"text/csv"}, "also of compressed tables"
    ours = reading.read(text.encode(), "croissant").fields
    kinds = {"Text": "category", "Integer": "integer", "Float": "number", "Boolean": "boolean", "Date": "date"}
    assert {field: kinds[kind] for field, kind in theirs["fields"].items()} == {
        field.name: field.type for field in ours
    }
    assert len(theirs["rows"]) == 3
    assert all(set(row) == set(theirs["fields"]) for row in theirs["rows"])


def test_an_archive_of_files_is_described_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "review-sentiment"
    shutil.copytree(SPECS / "review-sentiment", folder, ignore=shutil.ignore_patterns(".mlspec", "model*"))
    (folder / "croissant.json").write_text(api.export_contract("croissant", folder)[0])
    theirs = read(folder / "croissant.json")
    assert (theirs["errors"], theirs["files"]) == ([], ["application/zip"])
