"""The installed distributions that a model needs, with exact versions, licences and what each needs itself."""

import re
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from msgspec import Struct

from mlspec.machine import python_paths
from mlspec.machine.environment import normalised

OWN = "mlspec-compiler"
ALWAYS = ("numpy", "polars", "scikit-learn", "skops")  # what loading any package imports
ONNX = ("onnx", "onnxruntime")  # what `mlspec serve --format onnx` imports
SERVING = "serve"  # the extra that `mlspec serve` needs
LONGEST_LICENCE = 60


class Distribution(Struct, frozen=True):
    """A distribution: its name as indexes write it, its version, its licence ("" where it states none), and the names
    of those that it needs."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def needed(libraries: Iterable[str]) -> tuple[Distribution, ...]:
    """mlspec, these libraries, and all that they need and that is installed here, sorted by name."""
    from packaging.requirements import InvalidRequirement, Requirement

    installed: dict[str, metadata.Distribution] = {}
    for found in metadata.distributions(path=python_paths.own()):
        installed.setdefault(normalised(found.name), found)
    waiting = [(OWN, frozenset({SERVING})), *((normalised(name), frozenset[str]()) for name in (*ALWAYS, *libraries))]
    seen: set[tuple[str, frozenset[str]]] = set()
    needs: dict[str, set[str]] = {}
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen or name not in installed:
            continue
        seen.add((name, extras))
        own = needs.setdefault(name, set())
        for text in installed[name].requires or ():
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            wanted = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            )
            other = normalised(requirement.name)
            if wanted and other in installed:
                own.add(other)
                waiting.append((other, frozenset(requirement.extras)))
    return tuple(
        Distribution(name, installed[name].version, _licence(installed[name]), tuple(sorted(own)))
        for name, own in sorted(needs.items())
    )


def pinned(found: Iterable[Distribution], python: str) -> str:
    """The text of ``environment.txt``, as ``pip install -r`` takes it."""
    return "".join((f"# Python {python}\n", *(f"{one.name}=={one.version}\n" for one in found)))


def _licence(found: metadata.Distribution) -> str:
    stated: dict[str, Any] = found.metadata.json
    if stated.get("license_expression"):
        return str(stated["license_expression"])
    named = [
        text.rpartition(" :: ")[2]
        for text in stated.get("classifier", ())
        if text.startswith("License :: ") and text != "License :: OSI Approved"
    ]
    text = str(stated.get("license", "")).strip()
    return " or ".join(named) or (text if re.fullmatch(r"[ -~]+", text) and len(text) <= LONGEST_LICENCE else "")
