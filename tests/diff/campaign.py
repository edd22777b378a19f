"""Many random changes of specs.

    python tests/diff/campaign.py --count 5000 --seed 1
    python tests/diff/campaign.py merge --count 5000 --seed 1

diff: mutated specs are compared with what they were. Numbers and words are changed, lines deleted, doubled and
swapped, so that most are still specs; every pair ends in a diff that all forms can show, or in diagnostics.
merge: two random edits of specs with profiles and comments are merged, and the laws of ``three_ways.py`` held to.
"""

import argparse
import importlib
import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from msgspec.structs import replace

from mlspec.diagnostics import SpecError, render
from mlspec.diff.between import Options, between
from mlspec.diff.change import encode
from mlspec.diff.merge import merge
from mlspec.diff.show.github import github
from mlspec.diff.show.html import html
from mlspec.diff.show.markdown import MOST, markdown
from mlspec.diff.show.sarif import sarif
from mlspec.diff.show.text import text
from mlspec.diff.version import Version, versions

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))
three_ways = importlib.import_module("three_ways")
SPECS = [*sorted((ROOT / "specs").glob("*/project.yaml")), ROOT / "tests/diff/cases/people.yaml"]
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
NUMBER = re.compile(r"(?<![\w.])\d+(\.\d+)?")


def mutated(spec: str, chance: random.Random, words: list[str]) -> str:
    """The spec with a few edits."""
    for _ in range(chance.randint(1, 2)):
        lines = spec.split("\n")
        at = chance.randrange(len(lines))
        way = chance.randrange(6)
        if way == 0:
            del lines[at]
        elif way == 1:
            lines.insert(at, lines[chance.randrange(len(lines))])
        elif way == 2:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif way == 3:
            lines[at] = WORD.sub(lambda found: chance.choice(words) if chance.random() < 0.3 else found[0], lines[at])
        else:
            places = list(NUMBER.finditer(spec))
            if places:
                found = chance.choice(places)
                new = chance.choice(["0", "1", "2", "0.5", "100", "1e-3", str(chance.randrange(10**6))])
                spec = spec[: found.start()] + new + spec[found.end() :]
            continue
        spec = "\n".join(lines)
    return spec


def run(count: int, seed: int) -> Counter[str]:
    """Compare that many mutations; what is wrong raises."""
    chance = random.Random(seed)
    tally: Counter[str] = Counter()
    texts = {path: path.read_text(encoding="utf-8") for path in SPECS}
    words = sorted({word for spec in texts.values() for word in WORD.findall(spec)})
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(count):
            path = chance.choice(SPECS)
            new = mutated(texts[path], chance, words)
            folder = path.parent
            head = Path(scratch) / "head.yaml"
            head.write_text(new, encoding="utf-8")
            sides = [version_of(path, folder), version_of(head, folder)]
            try:
                found = between(sides[0], sides[1], Options(fail_on=("error",)))
            except SpecError as error:
                tally["refused" if render(error.diagnostics, error.texts) else "refused without a word"] += 1
                continue
            assert len(markdown(found)) <= MOST
            for form in (text, sarif, encode):
                assert form(found)
            assert bool(github(found)) == bool(found.changes)
            html(found, texts[path], new)
            tally["impact unknown" if found.impact.unknown else "compared"] += 1
            tally["changes"] += len(found.changes)
            tally["without steps"] += sum(change.steps is None for change in found.changes)
            tally["merge clashes" if merge(texts[path], texts[path] + "# a comment\n", new).clashes else "merged"] += 1
    return tally


def run_merges(count: int, seed: int) -> Counter[str]:
    """Merge that many pairs of edits; a law that is broken is printed with its case's number, and counted."""
    tally: Counter[str] = Counter()
    for number in range(seed * 1_000_000, seed * 1_000_000 + count):
        case = three_ways.case(number)
        merged = merge(case.base, case.ours, case.theirs)
        messages = [clash.message for clash in merged.clashes]
        tally["conflicts" if messages else "merged cleanly"] += 1
        tally["conflicts: could not be written"] += any("can't be written" in message for message in messages)
        tally["conflicts: invalid together"] += any("each side is valid" in message for message in messages)
        broken = three_ways.broken(case, merge)
        tally["cases with something lost"] += any(law.startswith("lost") for law in broken)
        tally["cases that break a law"] += bool(broken)
        if broken:
            print(number, broken)
    return tally


def version_of(path: Path, folder: Path) -> Version:
    """A file as a version beside other data."""
    one, _ = versions(str(path), str(path), None)
    return replace(one, root=folder, repository=None, path="project.yaml")


def main() -> None:
    """Run, and print what became of the mutations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=("diff", "merge"), default="diff")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = (run_merges if options.what == "merge" else run)(options.count, options.seed)
    for name, count in sorted(found.items()):
        print(f"{name}: {count:,}")
    sys.exit(1 if found["cases that break a law"] else 0)


if __name__ == "__main__":
    main()
