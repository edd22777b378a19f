"""The page that `mlspec explain` shows: of a diagnostic's code, a key, or a plug-in."""

import importlib
import inspect
from collections.abc import Iterator

from mlspec import registry
from mlspec.rules import check
from mlspec.spec import codes, reference


def find(name: str) -> str | None:
    """The page of that name; a name that several plug-ins share gives all their pages. None where there is none."""
    if name in codes.PAGES:
        return f"{name}\n\n{codes.PAGES[name]}"
    if name in check.rules():
        module = importlib.import_module(f"mlspec.rules.{name.replace('-', '_')}")
        return f"{name}\n\n{inspect.cleandoc(module.__doc__ or '')}\n"
    pages = [reference.plugin_page(kind, name) for kind in registry.KINDS if registry.has(kind, name)]
    kind, _, own = name.partition("/")
    if own and kind in registry.KINDS and registry.has(kind, own):
        pages.append(reference.plugin_page(kind, own))
    key = reference.key_page(name)
    if key is not None:
        pages.insert(0, key)
    return "\n".join(pages) or None


def names() -> Iterator[str]:
    """Every name that has a page: codes, keys, plug-ins."""
    yield from sorted({*codes.PAGES, *check.rules()})
    yield from reference.keys()
    for kind in registry.KINDS:
        yield from registry.names(kind)
