"""Mutated specs: every one must end in located diagnostics or be truly valid, fast, and never in another exception.

    python tests/fuzz/mutate.py --count 10000 --seed 1

For single typos (one character deleted, added, swapped or changed in a key or in a value that is a name) it also counts
whether the first diagnostic stands at the mutated word, and whether it suggests the original one.
"""

import argparse
import random
import re
import string
import sys
import time
from collections import Counter
from pathlib import Path

from mlspec.diagnostics import Diagnostic, SpecError, render
from mlspec.document import parse
from mlspec.rules.check import check, facts
from mlspec.spec.load import load
from mlspec.spec.resolve import resolve

SPECS = Path(__file__).parents[2] / "specs"
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
FREE = ("name", "goal", "owners")  # what follows these keys is anybody's choice
WILD = (
    *("\t", "[", "]", "{", "}", '"', "'", ": ", "- ", "&a ", "*a", "!!x ", "<<: ", "@", "`", "|", ">", "%", "#"),
    *("\x00", "\ufeff", "---\n", "? "),
)


def judge(text: str | bytes, root: Path) -> tuple[list[Diagnostic], float]:
    """Everything that is wrong with a spec, and the CPU seconds that it took to tell."""
    began = time.process_time()
    try:
        document = parse(text, "project.yaml")
        project = load(document)
        known, found = facts(project, document, root)
        project = resolve(project, known.schemas, known.target_levels)
        found = [*found, *check(project, document, known)]
        render(found, document.texts)
    except SpecError as error:
        found = list(error.diagnostics)
        render(found, {"project.yaml": text if isinstance(text, str) else ""})
    return found, time.process_time() - began


def typo(word: str, chooser: random.Random) -> str:
    """The word with one slip of the finger in it."""
    at = chooser.randrange(len(word))
    letter = chooser.choice(string.ascii_lowercase)
    way = chooser.randrange(4)
    if way == 0 and len(word) > 2:
        return word[:at] + word[at + 1 :]
    if way == 1:
        return word[:at] + letter + word[at:]
    if way == 2 and at + 1 < len(word):
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + letter + word[at + 1 :]


def words(text: str) -> list[tuple[int, int, str]]:
    """The words that the language or the data know: keys, and values that are names (line, column, word)."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        code = line.split(" #")[0]
        if code.lstrip().startswith("#"):
            continue
        free = re.match(rf"\s*({'|'.join(FREE)}):", code)
        for match in WORD.finditer(code):
            if free and match.start() > free.end(1):
                continue
            quoted = code[: match.start()].count('"') % 2 == 1
            if not quoted and "/" not in code[max(0, match.start() - 6) : match.end() + 8] and len(match[0]) > 2:
                found.append((number, match.start() + 1, match[0]))
    return found


def known_words(root: Path, text: str) -> set[str]:
    """Words whose slip must be noticed: everything but the names that a spec gives itself."""
    document = parse(text, "project.yaml")
    data = document.data
    own = {*data["data"]["sources"], *data["model"]["candidates"], *data.get("profiles", {}), *map(str, (0, 1))}
    return {word for _line, _column, word in words(text)} - own - {"train", "test"}


def mutate(text: str, chooser: random.Random) -> str | bytes:
    """One of the other mutations: deleted, moved, doubled or mistyped lines, wild YAML, random bytes."""
    lines = text.splitlines(keepends=True)
    way, at = chooser.randrange(8), chooser.randrange(len(lines))
    if way == 0:
        del lines[at]
    elif way == 1:
        lines.insert(chooser.randrange(len(lines)), lines.pop(at))
    elif way == 2:
        lines.insert(at, lines[at])
    elif way == 3:
        wrong = chooser.choice(["[1, 2]", "{a: 1}", "null", "true", "-1", "1e99", "text", "''", "yes", "3.5", ".nan"])
        lines[at] = re.sub(r":\s+\S+", lambda _m: f": {wrong}", lines[at], count=1)
    elif way == 4:
        place = chooser.randrange(len(lines[at]))
        lines[at] = lines[at][:place] + chooser.choice(WILD) + lines[at][place:]
    elif way == 5:
        lines[at] = " " * chooser.randrange(1, 6) + lines[at]
    elif way == 6:
        raw = bytearray(text.encode())
        for _byte in range(chooser.randrange(1, 5)):
            raw[chooser.randrange(len(raw))] = chooser.randrange(256)
        return bytes(raw)
    else:
        return bytes(chooser.randrange(256) for _byte in range(chooser.randrange(1, 200)))
    return "".join(lines)


def run(count: int, seed: int) -> tuple[Counter[str], float, list[str]]:
    """The tally over so many mutated specs, the slowest one's CPU seconds, and what was missed."""
    chooser = random.Random(seed)
    bases = [(folder.parent, folder.read_text()) for folder in sorted(SPECS.glob("*/project.yaml"))]
    places = {root: [w for w in words(text) if w[2] in known_words(root, text)] for root, text in bases}
    tally: Counter[str] = Counter()
    slowest, missed = 0.0, []
    for _mutation in range(count):
        root, text = chooser.choice(bases)
        if chooser.random() < 0.5:
            line, column, word = chooser.choice(places[root])
            slip = typo(word, chooser)
            lines = text.splitlines(keepends=True)
            row = lines[line - 1]
            lines[line - 1] = row[: column - 1] + slip + row[column - 1 + len(word) :]
            found, seconds = judge("".join(lines), root)
            errors = [d for d in found if d.severity == "error"]
            if slip == word or not errors:
                tally["typo: still valid"] += 1
            else:
                tally["typo"] += 1
                # Within what is marked: a word of a path, say.
                here = [
                    d
                    for d in errors
                    if d.span and d.span.line == line == d.span.end_line and d.span.column <= column < d.span.end_column
                ]
                here += [d for d in errors if any((a.span.line, a.span.column) == (line, column) for a in d.also)]
                tally["typo: right place"] += bool(here)
                suggested = any(re.search(rf"'([^']*\W)?{re.escape(word)}'", f"{d.label} {d.message}") for d in here)
                tally["typo: right suggestion"] += suggested
                if not (here and suggested):
                    told = "; ".join(f"{d.code} {d.span}: {d.message} [{d.label}]" for d in errors[:2])
                    missed.append(f"{word} -> {slip} ({line}:{column}): {told}")
        else:
            found, seconds = judge(mutate(text, chooser), root)
            tally["other: refused" if any(d.severity == "error" for d in found) else "other: valid"] += 1
        tally["without a place"] += any(d.span is None and d.code not in ("file-too-large",) for d in found)
        slowest = max(slowest, seconds)
    return tally, slowest, missed


def main() -> None:
    """Run, print the tally, exit 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="print so many of the misses")
    options = parser.parse_args()
    tally, slowest, missed = run(options.count, options.seed)
    for name, number in sorted(tally.items()):
        print(f"{name:24} {number:7,}")
    place = tally["typo: right place"] / max(1, tally["typo"])
    suggestion = tally["typo: right suggestion"] / max(1, tally["typo"])
    print(f"right place {place:.2%}, right suggestion {suggestion:.2%}, slowest {slowest:.3f} s, no other exception")
    print("\n".join(missed[: options.show]))
    sys.exit(0 if place >= 0.98 and suggestion >= 0.95 and slowest < 1 and not tally["without a place"] else 1)


if __name__ == "__main__":
    main()
