"""What every transform has to do: say its columns without fitting, keep plain JSON, and treat each row by itself."""

# ruff: noqa: D102 (the name of a test is its sentence)

import json
from collections.abc import Iterator
from typing import Any, ClassVar, cast, get_args

import msgspec
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mlspec import registry
from mlspec.onnxkit import reading
from mlspec.onnxkit.graph import Graph, NoOnnxForm
from mlspec.plugins.base import FOLD, FOLDS, OUTCOME, Column, ColumnType, State
from mlspec.plugins.transform import Transform
from mlspec.steps.data import by_cell, merging
from mlspec.steps.serving import to_onnx
from mlspec.testing import columns
from mlspec.testing.plugins import PluginSuite


class TransformSuite(PluginSuite):
    """Tests for preparation steps: inherit, and set ``names``. Each is tested on every type that it accepts."""

    kind: ClassVar[str] = "transforms"

    def test_it_accepts_types_that_there_are(self, plugin: Transform) -> None:
        assert plugin.accepts
        assert plugin.accepts <= set(get_args(ColumnType))
        assert not plugin.shorthand or plugin.shorthand in plugin.__struct_fields__

    def test_it_makes_the_columns_that_it_says_without_fitting(self, plugin: Transform) -> None:
        for column, train in cases(plugin):
            said = plugin.output(column)
            made = applied(plugin, column, fitted(plugin, column, train), train)
            if all(one.width == 1 or one.type == "array" for one in said):
                assert list(made.columns) == [one.name for one in said], column.type
                assert all(columns.fits(made[one.name].dtype, one.type) for one in said), (column.type, made.schema)
            elif all(one.width is not None for one in said):
                assert made.width == sum(one.width or 0 for one in said), column.type

    def test_its_state_is_plain_json(self, plugin: Transform) -> None:
        for column, train in cases(plugin):
            state = fitted(plugin, column, train)
            read = json.loads(json.dumps(state, allow_nan=False))
            assert applied(plugin, column, read, train).equals(applied(plugin, column, state, train)), column.type

    def test_each_row_is_treated_by_itself(self, plugin: Transform) -> None:
        for column, train in cases(plugin):
            state = fitted(plugin, column, train)
            whole = applied(plugin, column, state, train)
            # How many rows are taken at once changes the last digit of some functions.
            assert_frame_equal(applied(plugin, column, state, train.reverse()), whole.reverse())
            assert_frame_equal(applied(plugin, column, state, train[5:6]), whole[5:6])

    def test_parts_of_the_rows_give_the_state_of_all(self, plugin: Transform) -> None:
        for column, train in cases(plugin):
            merges = {} if plugin.supervised else plugin.merging(column)
            values = train.select(**plugin.statistics(column)).row(0, named=True) if merges else {}
            assert merges.keys() <= values.keys()
            for name, how in merges.items():
                total = None
                for part in (train[4:], train[:0], train[:4]):
                    measured = part.select(merging.measure(how).alias(name))[name][0]
                    total = merging.added(how, total, json.loads(json.dumps(merging.written(how, measured))))
                values[name] = merging.finished(how, total)
            if merges:
                made = applied(plugin, column, plugin.fit(column, values), train)
                assert_frame_equal(made, applied(plugin, column, fitted(plugin, column, train), train))

    def test_it_takes_what_no_training_row_has(self, plugin: Transform) -> None:
        for column, train in cases(plugin):
            state = fitted(plugin, column, train)
            made = applied(plugin, column, state, train)
            assert applied(plugin, column, state, train[:0]).schema == made.schema, column.type
            if column.type != "image":
                nothing = pl.DataFrame({column.name: [None] * 3}, schema=train.schema)
                assert applied(plugin, column, state, nothing).schema == made.schema, column.type
            if column.type == "category":
                strange = pl.DataFrame({column.name: ["never seen", ""]})
                assert applied(plugin, column, state, strange).schema == made.schema

    def test_a_single_value_is_treated_as_in_a_table(self, plugin: Transform) -> None:
        for column, train in cases(plugin):
            state = json.loads(json.dumps(fitted(plugin, column, train)))
            found = plugin.by_cell(column, state)
            if found is None:
                continue
            table = pl.concat(
                [train, pl.DataFrame({"x": pl.Series(columns.EXTREME[column.type], dtype=train["x"].dtype)})]
            )
            after, treated = found
            assert list(after) == [made for made, _expression in plugin.apply(column, state)], column.type
            whole = applied(plugin, column, state, table).rows()
            for cell, row in zip(table["x"].to_list(), whole, strict=True):
                assert repr(_floats(treated(cell))) == repr(_floats(row)), (column.type, cell)

    def test_its_onnx_form_gives_what_a_single_value_gives(self, plugin: Transform) -> None:
        pytest.importorskip("onnxruntime")
        for column, train in cases(plugin):
            state = json.loads(json.dumps(fitted(plugin, column, train)))
            table = pl.concat(
                [train, pl.DataFrame({"x": pl.Series(columns.EXTREME[column.type], dtype=train["x"].dtype)})]
            )
            cells = [*dict.fromkeys(cell for cell in table["x"].to_list() if cell == cell)]
            cells += ["never seen before", ""] if column.type == "category" else []
            entry: dict[str, Any] = {
                "name": "x",
                "type": column.type,
                "stages": [[_name(plugin), _settings(plugin), [state]]],
            }
            if any(made.type in ("category", "boolean") for made, _expression in plugin.apply(column, state)):
                known = [cell for cell in train["x"].to_list() if cell is not None]
                levels = {"levels": sorted({str(cell).lower() if cell in (True, False) else cell for cell in known})}
                entry["stages"].append(["encode", {"method": "ordinal"}, [levels]])
            graph, kind = Graph(["x"]), type(plugin)
            named = {"x": graph.input("x", text=column.type == "category")} if column.type != "image" else {"x": "x"}
            if kind.to_onnx is Transform.to_onnx and not kind.by_level:
                with pytest.raises(NoOnnxForm, match=f"'x' is prepared by '{_name(plugin)}'"):
                    list(to_onnx.tensors_of(entry, graph, named))
                continue
            made = to_onnx.tensors_of(entry, graph, named)
            wide = [name[1:] if name.startswith("\0") else graph.wide([name]) for name, _width in made]
            content = graph.written({"values": (graph.beside(wide), "float64", ["rows", None])}, {})
            session = onnxruntime_session(content)
            rows = [{"x": cell} for cell in cells]
            (found,) = session.run(None, reading.feed((("x", column.type),), rows))
            of = by_cell.cells_of(entry)
            expected = [[np.nan if one is None else float(one) for one in of(row)] for row in rows]
            np.testing.assert_allclose(found, np.array(expected), rtol=1e-12, atol=1e-12, err_msg=column.type)


def _name(plugin: Transform) -> str:
    return next(name for name in registry.names("transforms") if registry.plugin("transforms", name) is type(plugin))


def _settings(plugin: Transform) -> dict[str, Any]:
    return dict(msgspec.to_builtins(plugin))


def onnxruntime_session(content: bytes) -> Any:
    """What runs a file that was written here."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _floats(cells: tuple[Any, ...]) -> list[Any]:
    """Numbers to the last bit, whatever type they have."""
    return [float(cell) if isinstance(cell, int | float) else cell for cell in cells]


def cases(plugin: Transform) -> Iterator[tuple[Column, pl.DataFrame]]:
    """A column of each type that a transform accepts, with training rows."""
    for kind in sorted(plugin.accepts & columns.DTYPES.keys()):
        column = Column("x", cast(ColumnType, kind))
        if not plugin.mistake(column):
            yield column, columns.sample(kind)


def fitted(plugin: Transform, column: Column, train: pl.DataFrame) -> State:
    """The state that it is fitted to on these rows."""
    asked = plugin.measures(column, 1) if plugin.supervised else plugin.statistics(column)
    rows = train.with_row_index(FOLD).with_columns(pl.col(FOLD).cast(pl.Int64) % FOLDS)
    rows = rows.with_columns((pl.col(FOLD) % 2).cast(pl.Float64).alias(OUTCOME.format(0)))
    values: dict[str, Any] = rows.select(**asked).row(0, named=True) if asked else {}
    return plugin.fit(column, values)


def applied(plugin: Transform, column: Column, state: State, rows: pl.DataFrame) -> pl.DataFrame:
    """The columns that take the place of ``column``."""
    return rows.select(made.alias(after.name) for after, made in plugin.apply(column, state))
