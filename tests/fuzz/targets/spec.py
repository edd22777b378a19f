"""Specs beside the data of the examples: read, checked, shown and planned, as ``validate`` and ``compile`` do."""

import json
from pathlib import Path
from random import Random

import here
import mutate as mutations
import projects
import schemas
import wild
import yaml
from inputs import SPECS, refused, shown

from mlspec.diagnostics import SpecError
from mlspec.document import parse
from mlspec.engine.planning import plan_graph
from mlspec.graph.build import compile_graph
from mlspec.machine import allowed_reads
from mlspec.rules.check import check, facts
from mlspec.spec.load import load
from mlspec.spec.read import with_profile
from mlspec.spec.resolve import resolve

SHARE, TRACED = 250, True
HEAD = b"# in: "
# Those whose data is looked at quickly come up more often.
EXAMPLES = (*("penguins", "adult-income", "seattle-weather", "diamonds-price") * 4, "adult-fair", "seattle-forecast",
            "census-sqlite", "digits-images", "review-sentiment")  # fmt: skip


def seeds() -> list[bytes]:
    """The example specs."""
    return [HEAD + name.encode() + b"\n" + (SPECS / name / "project.yaml").read_bytes() for name in EXAMPLES]


def mutate(data: bytes, chance: Random) -> bytes:
    """Changed as a value, by lines, by typos or by bytes."""
    head, _, body = data.partition(b"\n")
    return head + b"\n" + mutated(body, chance)


def mutated(body: bytes, chance: Random) -> bytes:
    """A spec's text with changes."""
    try:
        if chance.random() < 0.75:
            spec = schemas.changed(yaml.load(body, Loader=yaml.CSafeLoader), chance)
            made = (
                json.dumps(spec)
                if chance.random() < 0.5
                else yaml.dump(spec, Dumper=yaml.CSafeDumper, allow_unicode=True)
            )
            body = made.encode("utf-8", "surrogatepass")
            if chance.random() < 0.9:
                return body
        text = body.decode()
    except (ValueError, RecursionError, yaml.YAMLError, TypeError):
        return wild.raw(body, chance)
    if chance.random() < 0.5:
        lines = text.splitlines(keepends=True)
        words = mutations.words(text) if lines else []
        if words:
            line, column, word = chance.choice(words)
            row = lines[line - 1]
            lines[line - 1] = row[: column - 1] + mutations.typo(word, chance) + row[column - 1 + len(word) :]
            return "".join(lines).encode("utf-8", "surrogatepass")
    made_of = mutations.mutate(text, chance) if text.strip() else text
    return made_of.encode("utf-8", "surrogatepass") if isinstance(made_of, str) else made_of


def one(data: bytes, scratch: Path) -> str:
    """Judge a spec in the folder of the example that its first line names."""
    head, _, _ = data.partition(b"\n")
    known = projects.small(scratch)
    root = known.get(head.removeprefix(HEAD).decode("utf-8", "replace").strip(), known["penguins"])
    return judged(data, root)


def judged(data: bytes, root: Path) -> str:
    """What ``validate`` finds, and for a valid spec what ``compile`` makes of it."""
    try:
        with here.looks():
            return _judged(data, root)
    except SpecError as error:
        return f"refused {refused(error, {'project.yaml': data.decode('utf-8', 'replace')})}"


def _judged(data: bytes, root: Path) -> str:
    document = parse(data, "project.yaml")
    project = load(document)
    for name in list(project.profiles)[:1]:
        load(with_profile(document, name))
    known, found = facts(project, document, root, allowed_reads.around(root))
    project = resolve(project, known.schemas, known.target_levels)
    found += check(project, document, known)
    told = shown(found, dict(document.texts))
    if any(one.severity == "error" for one in found):
        return f"wrong {told}"
    plan = plan_graph(compile_graph(project, known, document, lambda _change: None))
    return f"valid {len(plan.steps)}"
