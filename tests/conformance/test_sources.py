"""All our own sources run through the suite of ``mlspec.testing``."""

import io
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image
from tests import workbooks

from mlspec import registry
from mlspec.testing.sources import SourceSuite

ROWS = pl.DataFrame(
    {"n": [1, 2, None, 4], "x": [0.5, None, 1.25, 8.0], "word": ["a", "b b", None, "ä"], "on": [date(2020, 1, 31)] * 4}
)


class TestCsv(SourceSuite):
    name = "csv"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        ROWS.write_csv(folder / "rows.csv")
        return {"path": "rows.csv"}, ROWS


class TestJsonl(SourceSuite):
    name = "jsonl"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        ROWS.write_ndjson(folder / "rows.jsonl")
        return {"path": "rows.jsonl"}, ROWS


class TestJson(SourceSuite):
    name = "json"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        ROWS.write_json(folder / "rows.json")
        return {"path": "rows.json"}, ROWS


class TestParquet(SourceSuite):
    name = "parquet"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        ROWS.write_parquet(folder / "rows.parquet")
        return {"path": "rows.parquet"}, ROWS


class TestArrow(SourceSuite):
    name = "arrow"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        ROWS.write_ipc(folder / "rows.arrow")
        return {"path": "rows.arrow"}, ROWS


class TestExcel(SourceSuite):
    name = "excel"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        workbooks.write(folder / "rows.xlsx", first=[ROWS.columns, *ROWS.rows()])
        return {"path": "rows.xlsx"}, ROWS


class TestImages(SourceSuite):
    name = "images"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        rows = []
        for label, colour in (("cat", 10), ("dog", 200)):
            (folder / "pets" / label).mkdir(parents=True)
            file = io.BytesIO()
            Image.new("L", (2, 2), colour).save(file, "PNG")
            (folder / "pets" / label / "one.png").write_bytes(file.getvalue())
            rows.append({"path": f"{label}/one.png", "label": label, "image": file.getvalue()})
        return {"path": "pets"}, pl.DataFrame(rows)


class TestTexts(SourceSuite):
    name = "texts"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        for label in ("bad", "good"):
            (folder / "reviews" / label).mkdir(parents=True)
            (folder / "reviews" / label / "one.txt").write_text(f"rather {label}\n")
        texts = ["rather bad\n", "rather good\n"]
        paths, labels = ["bad/one.txt", "good/one.txt"], ["bad", "good"]
        return {"path": "reviews"}, pl.DataFrame({"path": paths, "label": labels, "text": texts})


class TestSql(SourceSuite):
    name = "sql"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        rows = ROWS.select("n", "x", "word")
        with sqlite3.connect(folder / "shop.db") as connection:
            connection.execute("CREATE TABLE sales (n INTEGER, x REAL, word TEXT)")
            connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows.rows())
        connection.close()
        schema = {"n": "integer", "x": "number", "word": "category"}
        query = "SELECT * FROM sales ORDER BY rowid"
        return {"connection": "sqlite:shop.db", "query": query, "schema": schema}, rows


class TestPython(SourceSuite):
    name = "python"

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        code = "import polars\n\ndef rows():\n    return polars.DataFrame({'n': [1, 2], 'w': ['a', 'b']})\n"
        (folder / "our_rows.py").write_text(code)
        settings = {"code": "our_rows:rows", "schema": {"n": "integer", "w": "category"}}
        return settings, pl.DataFrame({"n": [1, 2], "w": ["a", "b"]})


def test_every_source_is_held_to_the_suite() -> None:
    held = {value.name for value in globals().values() if isinstance(value, type) and value.__name__.startswith("Test")}
    assert held == set(registry.names("sources"))
