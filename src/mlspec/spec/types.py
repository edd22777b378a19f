"""The spellings of values that YAML has no type for, and how a field is read where its type alone can't say.

``Meta.extra`` keys understood by the reader and the schema writer (``shape.py``):

``unit``      ``duration`` (``5ms``, ``10m`` -> seconds) or ``bytes`` (``20MB`` -> bytes, decimal; ``MiB`` binary).
``plugin``    the plug-in kind a mapping chooses from (``models``), with ``key`` the discriminator (``type``).
``plugin_list`` the entries are plug-ins of that kind, each a name or a mapping of one name to its settings.
``presets``   names that mean a whole mapping (``backend: gpu``).
``named``     the top-level key whose entries are such names too (``backends``).
``one``       a list that may be written as its only entry (``group: sex``).
``column``    the value names a column of the data.
``plugin_keys`` the field holds what is stated below the keys that plug-ins of that kind add to its mapping.
``bound``     which way a constraint's bound points (``plugins/keys.py``).
``prose``     the value changes no result: no fingerprint reads it.
"""

from typing import Annotated

from msgspec import Meta

from mlspec.plugins.base import PluginRef
from mlspec.plugins.keys import Bytes as Bytes
from mlspec.plugins.keys import ColumnName as ColumnName
from mlspec.plugins.keys import Columns as Columns
from mlspec.plugins.keys import Seconds as Seconds
from mlspec.plugins.keys import Share as Share

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
