"""Treats personal columns: as a source is read, and in rows that are to be predicted."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import polars as pl

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.machine.environment import key_mark
from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column, ColumnType

Stated = Sequence[Any]  # [name, type as read, [treatment, settings]]


def treated(stated: Sequence[Stated], *, new: bool = False) -> "list[pl.Expr]":
    """The treated columns, each under its name; ``new`` for rows that are to be predicted.

    Raises StepError if an anonymiser needs a key that the environment lacks.
    """
    found = []
    for name, kind, (treatment, settings) in stated:
        action = cast(Anonymizer, msgspec.convert(settings, registry.plugin("anonymizers", treatment)))
        column = Column(name, cast(ColumnType, kind))
        found.append((action.apply_new(column) if new else action.apply(column)).alias(name))
    return found


def same_keys(marks: dict[str, str]) -> None:
    """Raises StepError where a key in the environment is not the one that the model's rows were treated with."""
    for variable, mark in marks.items():
        if key_mark(variable) != mark:
            what = (
                "is not set"
                if not key_mark(variable)
                else ("contains another key than the one the model was made with")
            )
            raise StepError(f"${variable} {what}: pseudonyms would not be those that the model knows")
