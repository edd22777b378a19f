"""Patterns that values are expected to match, and the other short texts of a spec: durations, sizes, paths."""

import json
from pathlib import Path
from random import Random

import projects
import wild

from targets.spec import judged

SHARE, TRACED = 120, False
PIECES = (
    "(", ")", "[", "]", "{", "}", "*", "+", "?", "|", "^", "$", ".", "\\d", "\\p{L}", "\\Z", "(?i)", "(?:", "(?P<n>",
    "(?P=n)", "(?=", "(?<=", "{3}", "{1,999}", "{99999999999}", "a", "é", "\\1", "\\x00", "[^a-z]", "(?#",
    "\\N{DIGIT ONE}", "(?-i:",
)  # fmt: skip
WAYS = {
    "matches": lambda text: {"data": {"expect": [{"column": "island", "matches": text}]}},
    "path": lambda text: {"data": {"sources": {"birds": {"path": f"data/{text}.csv"}}}},
    "duration": lambda text: {"constraints": {"latency": {"p95": text}}},
    "size": lambda text: {"constraints": {"size": {"model": text}}},
    "since": lambda text: {"data": {"expect": [{"column": "island", "freshness": {"within": text}}]}},
    "holds": lambda text: {"data": {"expect": [{"holds": text}]}},
    "derive": lambda text: {"data": {"derive": {"made": text}}},
    "filter": lambda text: {"data": {"filter": text}},
}
BASE = {
    "mlspec": 1,
    "project": {"name": "p", "goal": "g"},
    "constraints": {"quality": [{"metric": "balanced_accuracy", "at_least": 0.5}]},
    "data": {"sources": {"birds": {"path": "data/penguins.csv"}}, "columns": {"target": "species"}},
    "model": {"candidates": {"linear": {"type": "logistic_regression"}}},
}


def seeds() -> list[bytes]:
    """A way and a text each."""
    texts = ("[A-Za-z]+", "*", "5ms", "20MB", "2d", "flipper_length_mm > 1", "(a|b)*c")
    return [f"{way} {text}".encode() for way in WAYS for text in texts]


def mutate(data: bytes, chance: Random) -> bytes:
    """The text made of other pieces."""
    way, _, text = data.decode("utf-8", "replace").partition(" ")
    if chance.random() < 0.15:
        way = chance.choice(tuple(WAYS))
    for _ in range(chance.choice((1, 2, 4, 12))):
        at = chance.randrange(len(text) + 1)
        piece = chance.choice(PIECES) if chance.random() < 0.9 else chance.choice(wild.TEXTS)
        text = text[:at] + piece * chance.choice((1, 1, 1, 1, 2, 200)) + text[at + chance.randrange(3) :]
    return f"{way} {text[:20_000]}".encode("utf-8", "surrogatepass")


def one(data: bytes, scratch: Path) -> str:
    """Judge a spec that says it."""
    way, _, text = data.decode("utf-8", "replace").partition(" ")
    spec = json.loads(json.dumps(BASE))
    for key, value in WAYS.get(way, WAYS["matches"])(text).items():
        spec[key] |= value
    return judged(json.dumps(spec).encode(), projects.small(scratch)["penguins"])
