"""Specs as the two readers take them: mlspec's own and the published JSON Schema accept and refuse the same ones."""

import functools
import json
from pathlib import Path
from random import Random
from typing import Any

from mlspec.diagnostics import SpecError
from mlspec.document import parse
from mlspec.spec import schema, schema_check, units
from mlspec.spec.load import load
from targets import regex, spec

SHARE, TRACED = 250, True


def seeds() -> list[bytes]:
    """The example specs, and small ones with a pattern, a path, a time or a size."""
    return [*spec.seeds(), *(b"# \n" + _small(one) for one in regex.seeds())]


def _small(text: bytes) -> bytes:
    way, _, value = text.decode("utf-8", "replace").partition(" ")
    made = json.loads(json.dumps(regex.BASE))
    for key, more in regex.WAYS[way](value).items():
        made[key] |= more
    return json.dumps(made).encode()


def mutate(data: bytes, chance: Random) -> bytes:
    """As specs are, or another small one."""
    if chance.random() < 0.2:
        made = regex.mutate(chance.choice(regex.seeds()), chance)
        if made.partition(b" ")[0].decode() in regex.WAYS:
            return b"# \n" + _small(made)
    return spec.mutate(data, chance)


@functools.cache
def published() -> dict[str, Any]:
    """The published schema."""
    return schema.schema()


def one(data: bytes, _scratch: Path) -> str:
    """Read it both ways."""
    try:
        document = parse(data.partition(b"\n")[2], "project.yaml")
    except SpecError:
        return "no YAML"
    found = [one.message for one in schema_check.violations(document, published(), "schema-violation")]
    try:
        load(document)
        refused = []
    except SpecError as error:
        refused = [one.message for one in error.diagnostics]
    if not found:  # neither what a name refers to nor how much a text with a unit says is of the structure
        endings = (" is not a valid backend", *units.BOUNDS.values())
        refused = [one for one in refused if not one.endswith(endings)]
    assert bool(refused) == bool(found), f"of two readers one refuses it: {refused or found}"
    return "refused by both" if refused else "accepted by both"
