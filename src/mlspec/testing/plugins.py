"""What every plug-in has to be, of whatever kind: one class in a file of its name, a page, described keys, a light
import."""

# ruff: noqa: D102 (the name of a test is its sentence)

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from mlspec import registry
from mlspec.plugins.base import Plugin

ENGINES = frozenset({"torch", "polars", "sklearn", "numpy", "pandas", "scipy", "skops", "safetensors"})
IMPORTS = """
import sys
from mlspec import registry
for name in sys.argv[2:]:
    registry.plugin(sys.argv[1], name)
print(*sys.modules)
"""


class PluginSuite:
    """Tests for plug-ins of one kind: inherit from the suite of the kind, and set ``names`` to the plug-ins' names.

    ``settings``: by name, the keys that a plug-in is tested with, where its defaults are not enough.
    """

    kind: ClassVar[str]
    names: ClassVar[Sequence[str]]
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each test that takes a ``plugin`` runs for each of the names, and so does one that takes its ``cls``."""
        names = self.every()
        if "cls" in metafunc.fixturenames:
            metafunc.parametrize("cls", [registry.plugin(self.kind, name) for name in names], ids=names)
        if "plugin" in metafunc.fixturenames:
            metafunc.parametrize("plugin", [self.made(name) for name in names], ids=names)

    def every(self) -> Sequence[str]:
        """The names of the plug-ins that are tested."""
        return self.names

    def made(self, name: str) -> Plugin:
        """The plug-in of that name, with its settings."""
        try:
            return msgspec.convert(self.settings.get(name, {}), registry.plugin(self.kind, name))
        except msgspec.ValidationError as error:
            raise LookupError(
                f"`settings` of {type(self).__name__} says nothing fitting of '{name}': {error}"
            ) from None

    def test_its_page_says_what_why_and_how(self, cls: type[Plugin]) -> None:
        page = cls.__doc__ or ""
        assert page.split("Why:")[0].strip().endswith("."), "the page begins with what it does"
        assert "Why:" in page
        assert "Example:" in page

    def test_it_is_frozen_and_every_key_is_described(self, cls: type[Plugin]) -> None:
        assert cls.__struct_config__.frozen
        assert cls.__struct_config__.forbid_unknown_fields
        assert isinstance(cls.version, int)
        assert all(isinstance(library, str) for library in cls.libraries)
        for field in msgspec.structs.fields(cls):
            assert "description" in str(msgspec.json.schema(field.type)), f"{field.name} has no description"

    def test_its_settings_are_plain_json(self, plugin: Plugin) -> None:
        plain = json.loads(msgspec.json.encode(plugin))
        assert msgspec.convert(plain, type(plugin)) == plugin

    def test_importing_it_imports_no_engine(self) -> None:
        command = [sys.executable, "-c", IMPORTS, self.kind, *self.every()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert not ENGINES & set(done.stdout.split())
