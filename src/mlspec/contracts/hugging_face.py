"""Hugging Face datasets: ``dataset_infos.json``, ``dataset_info.json``, or the front matter of a dataset's card."""

from collections.abc import Mapping
from typing import Any

from mlspec.contracts.contract import Contract, Field, Reading, listing, mapping, show, text
from mlspec.plugins.base import ColumnType

NAME = "Hugging Face dataset"


def fits(data: Mapping[str, Any]) -> bool:
    """Whether a document describes features."""
    return bool(_infos(data))


def _infos(data: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The configurations that have features, by name: a card's, a folder's, or a file of several."""
    message = data.get("dataset_info")
    if message is not None:
        listed = [mapping(message)] if isinstance(message, dict) else [mapping(one) for one in listing(message)]
        found = [(text(one.get("config_name")), one) for one in listed]
    elif "features" in data:
        found = [(text(data.get("config_name")), dict(data))]
    else:
        found = [(name, mapping(one)) for name, one in data.items() if isinstance(one, dict)]
    return [(name, one) for name, one in found if isinstance(one.get("features"), dict | list)]


def read(data: Mapping[str, Any]) -> Contract:
    """The features of its first configuration."""
    found = Reading()
    (name, first), *others = _infos(data)
    for other, _one in others:
        found.lacks(f"configuration {show(other)}: a description is read as one table, the first")
    features = first["features"]
    if isinstance(features, dict):
        named = [(str(key), mapping(one)) for key, one in features.items()]
    else:
        named = [(text(mapping(one).get("name")), mapping(one)) for one in features]
    for column, one in named:
        if column:
            _feature(column, one, found)
    title = data.get("pretty_name") or first.get("dataset_name") or name
    return found.done(NAME, title, first.get("description"))


def _feature(column: str, given: Mapping[str, Any], found: Reading) -> None:
    said = given.get("dtype")
    label = mapping(mapping(said).get("class_label")) if isinstance(said, dict) else {}
    names = label.get("names") if label else given.get("names") if given.get("_type") == "ClassLabel" else None
    kind: ColumnType | None = None
    if names is not None:
        # Labels are stored as their place in the list.
        count = len(names) if isinstance(names, dict | list) else 0
        found.fields[column] = Field(name=column, type="integer", description=f"classes {show(names)}")
        if count:
            found.add({"column": column}, allowed=list(range(count)))
        return
    if given.get("_type", "Value") == "Value" and isinstance(said, str):
        kind = _kind(said)
    if kind is None:
        found.lacks(f"{column}: a feature {show(dict(given))}")
    found.fields[column] = Field(name=column, type=kind)


def _kind(dtype: str) -> ColumnType | None:
    for start, kind in (
        ("int", "integer"), ("uint", "integer"), ("float", "number"), ("decimal", "number"), ("bool", "boolean"),
        ("string", "category"), ("large_string", "category"), ("date", "date"), ("timestamp", "datetime"),
    ):  # fmt: skip
        if dtype.startswith(start):
            return kind  # type: ignore[return-value]
    return None
