"""What every plug-in owes: one class in a file of its name, a page, described keys, and a light import."""

import subprocess
import sys

import msgspec
import pytest

from mlspec import registry

EVERY = [(kind, name) for kind in registry.KINDS for name in registry.names(kind)]
HEAVY = ("torch", "polars", "sklearn", "numpy", "pandas", "scipy", "skops", "safetensors")


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=lambda value: value)
def test_its_page_says_what_why_and_how(kind: str, name: str) -> None:
    cls = registry.plugin(kind, name)
    page = cls.__doc__ or ""
    assert len(page.split("\n\n")[0]) > 20
    assert "Why:" in page
    assert "Example:" in page


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=lambda value: value)
def test_it_is_frozen_and_every_key_is_described(kind: str, name: str) -> None:
    cls = registry.plugin(kind, name)
    assert cls.__struct_config__.frozen
    assert cls.__struct_config__.forbid_unknown_fields
    assert isinstance(cls.version, int)
    for field in msgspec.structs.fields(cls):
        shown = msgspec.json.schema(field.type)
        assert "description" in str(shown), f"{name}.{field.name} has no description"


@pytest.mark.parametrize("kind", registry.KINDS)
def test_there_are_at_least_two_of_each_kind(kind: str) -> None:
    assert len(registry.names(kind)) >= 2


def test_importing_all_plugins_imports_no_engine() -> None:
    code = (
        "import sys; from mlspec import registry\n"
        "for kind in registry.KINDS:\n"
        "    for name in registry.names(kind): registry.plugin(kind, name)\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
