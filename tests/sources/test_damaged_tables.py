"""CSV files as people and programs damage them: read right or refused, never wrong without a word."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.suites import later

FOLDER = Path(__file__).parents[2] / "benchmarks"
ROWS = 1150  # more than the rows that types are first guessed from
QUICK = {"short row", "late zeros", "missing words", "Total row", "stray byte"}
REFUSED = {  # what has no right reading, or none that can be known
    "late text",
    "gzip as .csv",
    "zip as .csv",
    "cut gzip",
    "long row",
    "short row",
    "cut row",
    "stray byte",
}


@pytest.fixture(scope="module")
def dialects() -> Any:
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("dialects")
    sys.path.remove(str(FOLDER))


def names() -> list[str]:
    sys.path.insert(0, str(FOLDER / "tables"))
    try:
        return list(importlib.import_module("damage").DAMAGES)
    finally:
        sys.path.remove(str(FOLDER / "tables"))


@pytest.mark.parametrize("name", later(names(), lambda name: name not in QUICK))
def test_a_damaged_table_is_read_right_or_refused(name: str, dialects: Any, tmp_path: Path) -> None:
    damaged = dialects.DAMAGES[name](dialects.base(ROWS))
    file = tmp_path / f"data.{damaged.ending}"
    file.write_bytes(damaged.content)
    word, said = dialects.verdict(dialects.READERS["mlspec init"], file, damaged)
    wanted = {"refused", "refused at line"} if name in REFUSED else {"right"}
    assert word in wanted, said
    word, said = dialects.verdict(dialects.READERS["mlspec"], file, damaged)
    assert word != "WRONG", said


def test_the_hint_for_a_stray_byte_is_no_encoding(dialects: Any, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(dialects.DAMAGES["stray byte"](dialects.base(60)).content)
    _word, said = dialects.verdict(dialects.READERS["mlspec"], tmp_path / "data.csv", dialects.Damaged(b"", {}))
    assert said.endswith("not UTF-8 text: line 60, although the rest is: correct that cell")
