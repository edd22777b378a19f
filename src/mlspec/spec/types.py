"""The spellings of values that YAML has no type for, and how a field is read where its type alone can't say.

``Meta.extra`` keys understood by the reader and the schema writer (``shape.py``):

``unit``      ``duration`` (``5ms``, ``10m`` -> seconds) or ``bytes`` (``20MB`` -> bytes, decimal; ``MiB`` binary).
``plugin``    the plug-in kind a mapping chooses from (``models``), with ``key`` the discriminator (``type``).
``plugin_list`` the entries are plug-ins of that kind, each a name or a mapping of one name to its settings.
``presets``   names that mean a whole mapping (``backend: gpu``).
``named``     the top-level key whose entries are such names too (``backends``).
``one``       a list that may be written as its only entry (``group: sex``).
``column``    the value names a column of the data.
``prose``     the value changes no result: no fingerprint reads it.
"""

from typing import Annotated

from msgspec import Meta

from mlspec.plugins.base import PluginRef

Seconds = Annotated[float, Meta(extra={"unit": "duration"}, examples=["5ms", "30s", "10m", "2h"])]
Bytes = Annotated[int, Meta(extra={"unit": "bytes"}, examples=["20MB", "4GB", "512KiB"])]
ColumnName = Annotated[str, Meta(extra={"column": True}, min_length=1)]
Columns = Annotated[tuple[ColumnName, ...], Meta(extra={"one": True}, min_length=1, max_length=3)]
Share = Annotated[float, Meta(ge=0, le=1)]
TransformRef = Annotated[PluginRef, Meta(extra={"plugin_list": "transforms"})]
MetricRef = Annotated[PluginRef, Meta(extra={"plugin_list": "metrics"})]
BaselineRef = Annotated[PluginRef, Meta(extra={"plugin_list": "baselines"})]
SourceUse = Annotated[PluginRef, Meta(extra={"plugin": "sources", "key": "format"})]
ModelUse = Annotated[PluginRef, Meta(extra={"plugin": "models", "key": "type"})]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$",
        description="Letters, digits, _ and -, starting with a letter.",
    ),
]
