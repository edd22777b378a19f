"""What every source has to do: state its columns without a data engine, and read the rows that are there."""

# ruff: noqa: D102 (the name of a test is its sentence)

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec
import polars as pl
import pytest

from mlspec import registry
from mlspec.plugins.base import Column
from mlspec.plugins.source import Source, Wanted
from mlspec.testing import columns
from mlspec.testing.plugins import ENGINES, PluginSuite

LOOKS = """
import json, sys
from pathlib import Path
import msgspec
from mlspec import registry
source = msgspec.convert(json.loads(sys.argv[2]), registry.plugin("sources", sys.argv[1]))
root = Path(sys.argv[3])
for column in source.columns(root):
    source.values(root, column.name)
print(*sys.modules)
"""


class SourceSuite(PluginSuite):
    """Tests for one source: inherit, set ``name``, and write ``given``, which makes something that it can read."""

    kind: ClassVar[str] = "sources"
    name: ClassVar[str]

    def given(self, folder: Path) -> tuple[dict[str, Any], pl.DataFrame]:
        """Put rows into a folder, the spec's; the keys by which a spec names them, and the rows, their columns in the
        order and of the types that the source states. Two rows at least, of two columns at least."""
        raise NotImplementedError(f"{type(self).__name__}.given")

    def every(self) -> tuple[str]:
        """The one."""
        return (self.name,)

    def test_its_settings_are_plain_json(self, tmp_path: Path) -> None:  # type: ignore[override]
        source, _rows = self.source(tmp_path)
        assert msgspec.convert(json.loads(msgspec.json.encode(source)), type(source)) == source

    def test_it_gives_exactly_the_rows_and_columns_that_are_asked_for(self, tmp_path: Path) -> None:
        source, rows = self.source(tmp_path)
        schema = self.columns(source, tmp_path)
        if not schema:
            return  # known only once it is fetched
        assert [column.name for column in schema] == rows.columns
        assert all(columns.fits(rows[column.name].dtype, column.type) for column in schema), (schema, rows.schema)
        if source.is_fetched:
            return
        assert source.scan(tmp_path, schema).collect().equals(rows)
        assert source.scan(tmp_path, schema[::-1]).collect().equals(rows.select(rows.columns[::-1]))
        assert source.scan(tmp_path, schema[1:2]).collect().equals(rows.select(rows.columns[1:2]))
        quick = source.quick(tmp_path, schema)
        assert quick is None or quick.collect().equals(rows)

    def test_its_first_values_are_those_of_the_first_rows(self, tmp_path: Path) -> None:
        source, rows = self.source(tmp_path)
        for name in rows.columns if not source.is_fetched else ():
            seen = source.values(tmp_path, name)
            if seen is None or rows[name].dtype not in (pl.String, pl.Int64):
                continue
            cells = [str(cell) for cell in rows[name].drop_nulls()]
            assert list(seen[0]) == (cells if seen[1] else cells[: len(seen[0])]), name

    def test_a_look_at_it_imports_no_engine(self, tmp_path: Path) -> None:
        source, _rows = self.source(tmp_path)
        if source.is_fetched or source.is_probed_apart(tmp_path):
            return
        settings = msgspec.json.encode(source).decode()
        command = [sys.executable, "-c", LOOKS, self.name, settings, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert not ENGINES & set(done.stdout.split())

    def test_what_is_not_there_or_no_such_file_is_an_error_of_the_agreed_kind(self, tmp_path: Path) -> None:
        source, _rows = self.source(tmp_path)
        files = source.files(tmp_path)
        assert all(file.is_relative_to(tmp_path) for file in files.values())
        for file in files.values():
            if file.is_file():
                file.write_bytes(b"\x00\xff\xfe no such format \x80" * 9)
        if not files or not all(file.is_file() for file in files.values()):
            return
        try:
            source.columns(tmp_path)
        except (OSError, ValueError, LookupError):
            pass
        for file in files.values():
            file.unlink()
        with pytest.raises(OSError):  # noqa: PT011 (any of them)
            source.columns(tmp_path)

    def test_what_it_fetches_can_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "spec").mkdir()
        (tmp_path / "fetched").mkdir()
        source, rows = self.source(tmp_path / "spec")
        if not source.is_fetched:
            return
        found = source.fetch(tmp_path / "spec", tmp_path / "fetched", Wanted(), "")
        assert found is not None
        assert found.path.is_relative_to(tmp_path / "fetched")
        reader = cast(Any, registry.plugin("sources", found.format or self.name))(path=found.path.name)
        read = reader.scan(tmp_path / "fetched", reader.columns(tmp_path / "fetched")).collect()
        assert read.select(rows.columns).equals(rows)
        if found.mark:
            assert source.fetch(tmp_path / "spec", tmp_path / "fetched", Wanted(), found.mark) is None

    def source(self, folder: Path) -> tuple[Source, pl.DataFrame]:
        """The source of what ``given`` makes, and its rows."""
        settings, rows = self.given(folder)
        return cast(Source, msgspec.convert(settings, registry.plugin(self.kind, self.name))), rows

    def columns(self, source: Source, root: Path) -> tuple[Column, ...]:
        """What it states about its columns; for a fetched source, what the spec states."""
        try:
            return source.columns(root)
        except LookupError:
            assert source.is_fetched
            return tuple(Column(name, cast(Any, kind)) for name, kind in source.stated().items())
