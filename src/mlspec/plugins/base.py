"""What all plug-ins have in common: small abstract classes, one for each kind.

A plug-in is one file in the package of its kind (``sources/``, ``models/``, ``constraints/``, ...) or a class that
another distribution offers. The class is frozen and typed: its fields are its YAML keys and their schema, its docstring
is its reference page (what it does; ``Why:``; ``Example:``), its methods are its behaviour. The file's name is the name
used in a spec. Heavy libraries are imported inside the methods that work, never at the top.
"""

from abc import ABCMeta
from typing import Any, ClassVar, Literal

import msgspec

ColumnType = Literal["integer", "number", "boolean", "category", "date", "datetime", "image", "code", "array", "other"]


Role = Literal["feature", "target", "sensitive", "id", "key", "weight", "unused"]


Task = Literal["binary_classification", "multiclass_classification", "regression"]


class Column(msgspec.Struct, frozen=True):
    """A column of a table: its name, its type and what it is for.

    ``image`` is the type of a picture as its file has it (PNG, JPEG, ...). ``code`` is the type of an encoded category:
    integers from 0 to ``levels`` - 1, where 0 is unknown or missing; ``array`` that of numbers which are one thing, of
    ``shape`` (of pictures height, width, channels), with ``names`` where each has one, flat in one cell.
    ``width`` is how many columns stand behind this one (one-hot), None where only fitting can tell.
    ``other`` is the type of what no model can use (a struct, a list of texts, no values at all): never a feature, read
    as whether there is a value.
    Of a source's column: ``form`` is the format of dates that are not ISO 8601, in strftime codes; ``odd`` are cells of
    text, each with its place, where all others are numbers; ``hint`` says what else to look at, and what to write.
    """

    name: str
    type: ColumnType
    role: Role = "feature"
    levels: int | None = None
    width: int | None = 1
    shape: tuple[int, ...] | None = None
    names: tuple[str, ...] = ()
    form: str = ""
    odd: tuple[tuple[str, str], ...] = ()
    hint: str = ""


Schema = tuple[Column, ...]


FOLD, FOLDS = "__fold__", 5  # the column of a training row's fold, and how many there are


OUTCOME = "__outcome_{}__"  # the columns of what a supervised step may measure: a value, or 1 for a row of the class


State = dict[str, Any]


Part = Literal["train", "validation", "test"]


class _PluginMeta(msgspec.StructMeta, ABCMeta):
    """Structs with abstract methods."""


class Plugin(msgspec.Struct, metaclass=_PluginMeta, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The common ground of all plug-ins.

    ``version`` changes when the behaviour does: it is part of the fingerprint of every step that uses the plug-in.
    ``libraries`` are the distributions whose version changes results (part of the fingerprint too), ``extra`` the extra
    of ours that installs them.
    """

    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = "run"


class PluginRef(msgspec.Struct, frozen=True):
    """A plug-in as a spec uses it: its name there, and the plug-in with its fields filled."""

    name: str
    plugin: Plugin
