"""Three versions of a spec merged, and two of them compared, all forms of the diff included."""

import json
from pathlib import Path
from random import Random

from inputs import SPECS, fresh, refused

from mlspec.diagnostics import SpecError, printable
from mlspec.diff.between import Options, between
from mlspec.diff.change import encode
from mlspec.diff.merge import merge
from mlspec.diff.show.github import github
from mlspec.diff.show.html import html
from mlspec.diff.show.markdown import markdown
from mlspec.diff.show.sarif import sarif
from mlspec.diff.show.text import text
from mlspec.diff.version import Version
from targets.spec import mutated

SHARE, TRACED = 30, True
DATA = b"island,bill,sex,year,species\n" + b"".join(
    b"%s,%d,%s,2007,%s\n" % (b"ab"[i % 2 : i % 2 + 1], i, b"mf"[i % 2 : i % 2 + 1], (b"u", b"v", b"w")[i % 3])
    for i in range(30)
)


def seeds() -> list[bytes]:
    """An example thrice."""
    texts = [(SPECS / name / "project.yaml").read_text() for name in ("penguins", "adult-income", "seattle-weather")]
    cases = [(Path(__file__).parents[2] / "diff/cases/people.yaml").read_text()]
    return [json.dumps([one, one, one]).encode() for one in (*texts, *cases)]


def mutate(data: bytes, chance: Random) -> bytes:
    """One of the three changed; a change may be taken over to another."""
    try:
        three = [str(one) for one in json.loads(data)][:3]
    except (ValueError, TypeError):
        three = []
    while len(three) < 3:
        three.append(three[-1] if three else (SPECS / "penguins/project.yaml").read_text())
    at = chance.randrange(3)
    if chance.random() < 0.1:
        three[at] = chance.choice(three)
    else:
        three[at] = mutated(three[at].encode("utf-8", "surrogatepass"), chance).decode("utf-8", "replace")
    return json.dumps(three).encode()


def one(data: bytes, scratch: Path) -> str:
    """Merge the three, and compare the first two."""
    try:
        base, ours, theirs = (str(one) for one in json.loads(data))
    except (ValueError, TypeError, RecursionError):
        base = ours = theirs = data.decode("utf-8", "replace")
    told = []
    try:
        merged = merge(base, ours, theirs)
        told.append(f"clashes {min(3, len(merged.clashes))}")
    except SpecError as error:
        told.append(f"refused {refused(error, {'project.yaml': ''})}")
    root = fresh(scratch / "merge")
    (root / "data").mkdir()
    (root / "data/penguins.csv").write_bytes(DATA)
    try:
        sides = [
            Version(label, "project.yaml", side.encode("utf-8", "surrogatepass"), root)
            for label, side in (("one", base), ("two", ours))
        ]
        found = between(*sides, Options())
    except SpecError as error:
        return " ".join((*told, refused(error, {"project.yaml": ours})))
    shown = [text(found)]
    html(found, base, ours)
    for form in (markdown, sarif, github, encode):
        made = form(found)
        (made if isinstance(made, bytes) else made.encode())
    for line in "\n".join(shown).split("\n"):
        assert printable(line) == line, f"raw characters are printed: {line!r}"
    return " ".join((*told, *sorted({change.kind for change in found.changes})))
