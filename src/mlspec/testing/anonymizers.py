"""What every treatment of a personal column has to do: say what is left, and treat each cell by itself."""

# ruff: noqa: D102 (the name of a test is its sentence)

from collections.abc import Iterator
from typing import ClassVar, cast

import polars as pl
import pytest

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column, ColumnType
from mlspec.testing import columns
from mlspec.testing.plugins import PluginSuite

KEY = "a key of the conformance suite"


class AnonymizerSuite(PluginSuite):
    """Tests for treatments of personal columns: inherit, and set ``names``. Each is tested on every type that it
    accepts; the key that it reads, if any, is set."""

    kind: ClassVar[str] = "anonymizers"

    @pytest.fixture(autouse=True)
    def _key(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        if "plugin" in request.fixturenames and (variable := request.getfixturevalue("plugin").secret()):
            monkeypatch.setenv(variable, KEY)

    def test_what_it_leaves_is_the_column_that_it_says(self, plugin: Anonymizer) -> None:
        for column, rows in cases(plugin):
            left = plugin.output(column)
            if left is None:
                continue
            assert (left.name, left.role) == (column.name, column.role)
            for made in (plugin.apply(column), plugin.apply_new(column)):
                cells = rows.select(made.alias(column.name))
                assert columns.fits(cells[column.name].dtype, left.type), (column.type, cells.schema)

    def test_each_cell_of_new_rows_is_treated_by_itself(self, plugin: Anonymizer) -> None:
        for column, rows in cases(plugin):
            if plugin.output(column) is None:
                continue
            whole = rows.select(plugin.apply_new(column).alias(column.name))
            assert rows.reverse().select(plugin.apply_new(column).alias(column.name)).equals(whole.reverse()), (
                column.type
            )
            assert rows[5:6].select(plugin.apply_new(column).alias(column.name)).equals(whole[5:6]), column.type
            assert rows[:0].select(plugin.apply_new(column).alias(column.name)).schema == whole.schema, column.type

    def test_the_same_data_are_treated_the_same_way_and_missing_cells_stay_missing(self, plugin: Anonymizer) -> None:
        for column, rows in cases(plugin):
            if plugin.output(column) is None:
                continue
            treat = plugin.apply(column).alias(column.name)
            whole = rows.select(treat)
            assert rows.select(treat).equals(whole), column.type
            missing = rows[column.name].is_null()
            assert whole.filter(missing)[column.name].null_count() == missing.sum(), column.type


def cases(plugin: Anonymizer) -> Iterator[tuple[Column, pl.DataFrame]]:
    """A column of each type that a treatment accepts, with cells."""
    for kind in sorted((plugin.accepts or columns.DTYPES.keys()) & columns.DTYPES.keys()):
        column = Column("x", cast(ColumnType, kind))
        if not plugin.mistake(column):
            yield column, columns.sample(kind)
