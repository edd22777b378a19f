"""Values of ``--set``, applied to an example."""

import json
from pathlib import Path
from random import Random

import projects
import schemas
import wild
from inputs import SPECS, refused

from mlspec.diagnostics import SpecError
from mlspec.document import parse
from mlspec.spec.load import load
from mlspec.spec.read import with_setting

SHARE, TRACED = 100, True
TEXT = (SPECS / "penguins/project.yaml").read_text()
PLACES = (
    "project.name",
    "data.split.seed",
    "model.candidates.linear.C",
    "backend",
    "constraints.quality",
    "data.columns",
)


def seeds() -> list[bytes]:
    """A few that are right."""
    return [f"{place}={value}".encode() for place in PLACES for value in ("1", "x", "[1, {a: b}]", '"y"', "null")]


def mutate(data: bytes, chance: Random) -> bytes:
    """Another key, another value, or other bytes."""
    where, _, value = data.decode("utf-8", "replace").partition("=")
    way = chance.randrange(4)
    if way == 0:
        where = ".".join(chance.choice(schemas.keys()) for _ in range(chance.randrange(1, 5)))
    elif way == 1:
        value = json.dumps(chance.choice(wild.VALUES))
    elif way == 2:
        value = wild.text(value, chance)
    else:
        return wild.raw(data, chance)
    return f"{where}={value}".encode("utf-8", "surrogatepass")


def one(data: bytes, scratch: Path) -> str:
    """Lay it over and read the spec; a command line's bytes come as the operating system gives them."""
    projects.small(scratch)
    setting = data.decode("utf-8", "surrogateescape")
    try:
        load(with_setting(parse(TEXT, "project.yaml"), setting))
    except SpecError as error:
        return f"refused {refused(error, {})}"
    return "valid"
