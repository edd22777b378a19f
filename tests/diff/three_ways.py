"""Random edits of two people to specs with profiles and comments, and what must hold of every merge of them.

What a text says is read here by other means than the merge's own: scalars by their keys, comments by their lines.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from mlspec.diagnostics import SpecError
from mlspec.diff.merge import Merged, meant
from mlspec.document import parse
from mlspec.spec.load import load
from mlspec.spec.read import with_profile

ROOT = Path(__file__).parents[2]
SPECS = [*sorted((ROOT / "specs").glob("*/project.yaml")), ROOT / "tests/diff/cases/people.yaml"]
NUMBER = re.compile(r"(?<![\w.#])\d+(?:\.\d+)?(?![\w.])")
COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")
WORDS = ["agreed, ticket 12", "for now",
         "see the wiki", "as measured in May", "odd but right", "why? asked legal", "two # signs"]  # fmt: skip
NOTES = ["mlspec-allow loosened: agreed with risk", "mlspec-allow evaluation: new split", "mlspec-allow cost: fine"]
GROWN = {
    "model:\n  candidates:\n": ["    {}: {{type: ridge, alpha: 2.5}}", "    {}: {{type: torch.mlp, epochs: 3}} # a {}",
                                "    # {} is new\n    {}:\n      type: random_forest # wide\n      trees: 70"],
    "constraints:": ["  size: {{model: 77MB}}", "  energy: {{at_most: 2}} # {}"],
    "  quality:\n": ["    - {{metric: accuracy, at_least: 0.71}} # {}", "    - {{metric: f1, at_least: 0.62}}",
                     "    # {}\n    - {{metric: rmse, at_most: 9.5}}"],
    "  expect:": ["    - {{column: {}, unique: false}}",
                  "    # by {}\n    - {{column: {}, missing: {{at_most: 0.2}}}}"],
    "tuning:": ["  {}: {{trials: 4}}"],
    "profiles:": ["  {}: {{data: {{sample: 321}}}}",
                  "  {}: # quick {}\n    data: {{sample: 123}}\n    evaluation: {{importance: false}}"],
    "  smoke:": ["    evaluation: {{slices: []}} # {}", "    project: {{goal: Try {}.}}"],
    "    data: {sample": ["    model: {{seed: 9}} # {}"],
}  # fmt: skip


class Case(Struct, frozen=True):
    """Three texts, and the candidates that the two renamed."""

    base: str
    ours: str
    theirs: str
    ours_names: dict[str, str] = {}
    theirs_names: dict[str, str] = {}


def case(seed: int) -> Case:
    """A spec with comments and profiles, and two edits of it; some edits are made on both sides."""
    chance = random.Random(seed)
    text = chance.choice(SPECS).read_text(encoding="utf-8")
    for _ in range(chance.randrange(8)):
        text, _ = step(text, chance, commented)
    base = text
    common = edited(text, chance, chance.choice([0, 0, 0, 1]), {})
    sides = [edited(common[0], chance, chance.randint(1, 5), common[1]) for _ in range(2)]
    return Case(base, sides[0][0], sides[1][0], sides[0][1], sides[1][1])


def edited(text: str, chance: random.Random, count: int, names: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A text after some edits, and what became of the names that it had at first."""
    for _ in range(count):
        text, renamed = step(text, chance)
        names = {old: renamed.get(new, new) for old, new in names.items()} | {
            old: new for old, new in renamed.items() if old not in names.values()
        }
    return text, names


def step(text: str, chance: random.Random, *ways: Callable[[str, random.Random], str]) -> tuple[str, dict[str, str]]:
    """One edit that leaves a text a spec, and how it renamed a candidate."""
    for _ in range(20):
        way = chance.choice(ways or WAYS)
        made = way(text, chance)
        names: dict[str, str] = {}
        if isinstance(made, tuple):
            made, names = made
        if made != text and not wrong(made) - wrong(text):
            return made, names
    return text, {}


def wrong(text: str) -> set[tuple[str, str]]:
    """What makes a text no spec, in itself or with one of its profiles."""
    try:
        document = parse(text, "f")
        project = load(document)
    except SpecError as error:
        return {(one.code, one.message) for one in error.diagnostics}
    found = {("tuning", name) for name in project.tuning if name not in project.model.candidates}
    for name in project.profiles:
        try:
            over = load(with_profile(document, name))
        except SpecError as error:
            found |= {(f"{name} {one.code}", one.message) for one in error.diagnostics}
        else:
            found |= {(f"tuning with {name}", one) for one in over.tuning if one not in over.model.candidates}
    return found


def number(text: str, chance: random.Random) -> str:
    """Another number somewhere, in a profile as likely as elsewhere."""
    places = [found for found in NUMBER.finditer(text) if "#" not in line_before(text, found.start())]
    if chance.random() < 0.4 and "\nprofiles:" in text:
        places = [found for found in places if found.start() > text.index("\nprofiles:")] or places
    found = chance.choice(places)
    value = float(found[0])
    new = chance.choice([value * 2, value / 2, value + 1, round(chance.random(), 3)])
    shown = f"{new:g}" if "." in found[0] else str(max(1, round(new)))
    return text[: found.start()] + shown + text[found.end() :]


def line_before(text: str, at: int) -> str:
    return text[text.rfind("\n", 0, at) + 1 : at]


def commented(text: str, chance: random.Random) -> str:
    """A comment more, beside a line or above it; some are notes."""
    lines = text.split("\n")
    at = chance.randrange(len(lines) - 1)
    words = chance.choice(NOTES if chance.random() < 0.3 else WORDS) + chance.choice(["", f" {chance.randrange(99)}"])
    if chance.random() < 0.6:
        if COMMENT.search(lines[at]) or not lines[at].strip():
            return text
        lines[at] += f" # {words}"
    else:
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines.insert(at, f"{indent}# {words}")
    return "\n".join(lines)


def recommented(text: str, chance: random.Random) -> str:
    """A comment in other words, or none any more."""
    lines = text.split("\n")
    places = [at for at, line in enumerate(lines) if COMMENT.search(line)]
    if not places:
        return text
    at = chance.choice(places)
    if chance.random() < 0.7:
        lines[at] = COMMENT.sub(lambda found: f"{found[0]}, {chance.choice(WORDS)}", lines[at])
    elif lines[at].strip().startswith("#"):
        del lines[at]
    else:
        lines[at] = COMMENT.sub("", lines[at]).rstrip()
    return "\n".join(lines)


def cut(text: str, chance: random.Random) -> str:
    """A line less, with what is below it."""
    lines = text.split("\n")
    at = chance.randrange(len(lines) - 1)
    indent = len(lines[at]) - len(lines[at].lstrip())
    end = at + 1
    while end < len(lines) and lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > indent:
        end += 1
    return "\n".join((*lines[:at], *lines[end:]))


def grown(text: str, chance: random.Random) -> str:
    """Something more: a candidate, a gate, a profile, a key of one; in several lines, with comments."""
    after = chance.choice([one for one in GROWN if one in text] or [""])
    if not after:
        return text
    new = chance.choice(GROWN[after]).replace("{}", f"x{chance.randrange(1000)}").replace("{{", "{").replace("}}", "}")
    at = text.index("\n", text.index(after) + len(after) - 1) + 1
    for _ in range(chance.randrange(3)):
        end = text.find("\n", at) + 1
        if end and text[at:end].startswith("    ") == new.startswith("    "):
            at = end
    return text[:at] + new + "\n" + text[at:]


def renamed(text: str, chance: random.Random) -> tuple[str, dict[str, str]]:
    """A candidate under another name, wherever it is named."""
    data = yaml.safe_load(text)
    if not isinstance(data["model"].get("candidates"), dict):
        return text, {}
    old = chance.choice(list(data["model"]["candidates"]))
    new = f"{old}{chance.randrange(9)}"
    return re.sub(rf"(?<![\w.#]){old}(?=:)", new, text), {old: new}


def swapped(text: str, chance: random.Random) -> str:
    """Two neighbours in the other order."""
    lines = text.split("\n")
    at = chance.randrange(len(lines) - 2)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    same = [len(line) - len(line.lstrip()) for line in lines[at : at + 2]]
    return "\n".join(lines) if same[0] == same[1] else text


def reformatted(text: str, chance: random.Random) -> str:
    """The same in another form: a unit, a mapping in brackets as a block."""
    if chance.random() < 0.3:
        return text.replace("50ms", "0.05s").replace("10m,", "600s,").replace("4GB", "4000MB")
    lines = text.split("\n")
    places = [at for at, line in enumerate(lines) if re.fullmatch(r" *\w+: \{[^{}\[\]\"#]+\}( #.*)?", line)]
    if not places:
        return text
    at = chance.choice(places)
    head, _, rest = lines[at].partition("{")
    inside, _, comment = rest.partition("}")
    indent = " " * (len(head) - len(head.lstrip()) + 2)
    lines[at : at + 1] = [f"{head.rstrip()}{comment}", *(f"{indent}{one}" for one in inside.split(", "))]
    return "\n".join(lines)


def reworded(text: str, chance: random.Random) -> str:
    """Another word in the goal or statement."""
    return re.sub(r"(goal: [^\n#]*?)\b(\w+)\b(?=\.| # |\n)", rf"\1word{chance.randrange(99)}", text, count=1)


WAYS = (number, number, number, commented, commented, recommented, cut, grown, grown, renamed, swapped, reformatted,
        reworded)  # fmt: skip
UNITS = {"0.05s": "50ms", "600s": "10m", "4000MB": "4GB"}


def facts(text: str, names: dict[str, str]) -> Counter[tuple[Any, ...]]:
    """Each scalar with its keys, places in lists left out; candidates by the names that they end up with."""
    found: Counter[tuple[Any, ...]] = Counter()

    def walk(value: Any, at: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(item, (*at, names.get(key, key) if at and at[-1] in ("candidates", "tuning") else key))
        elif isinstance(value, list):
            for item in value:
                walk(item, (*at, "*"))
        else:
            spelled = UNITS.get(value, value) if isinstance(value, str) else value
            found[(*at, spelled if not isinstance(spelled, bool) else str(spelled))] += 1

    walk(parse(text, "f").data, ())
    return found


def comments(text: str, names: dict[str, str], *, after: bool = False) -> Counter[tuple[str, str]]:
    """Each comment with the first word of what it is beside or above, or with ``after`` of the line before that."""
    found: Counter[tuple[str, str]] = Counter()
    lines = text.split("\n")
    for at, line in enumerate(lines):
        for one in COMMENT.findall(line):
            near = lines[at - 1 :: -1] if after and at else [] if after else lines[at:]
            anchor = next((bare for later in near if (bare := COMMENT.sub("", later)).strip()), "")
            words = re.findall(r"[\w.]+", anchor)[:1]
            if anchor.lstrip().startswith("- {"):  # the order of its keys says nothing
                words = sorted(re.findall(r"(\w+):", anchor))[:1]
            found[(one.rstrip(), " ".join(names.get(word, word) for word in words))] += 1
    return found


def moved(case: Case, text: str, names: dict[str, str]) -> set[str]:
    """Comments that are neither before nor after what they are near to on a side."""
    away = []
    for after in (False, True):
        ours, theirs, now = (comments(one, names, after=after) for one in (case.ours, case.theirs, text))
        away.append({comment for comment, place in now if (comment, place) not in ours | theirs})
    return away[0] & away[1]


def lost(case: Case, merged: Merged) -> list[str]:
    """What one of the sides said and the merge does not: nothing of a merge that loses nothing."""
    names = case.ours_names | case.theirs_names
    sides = ("ours", case.ours), ("theirs", case.theirs)
    found = []
    if merged.clashes:
        for (name, text), view in zip(sides, views(merged.text), strict=True):
            for what in (facts, comment_texts):
                came = what(text, names) - what(case.base, names)
                found += [f"{name}: {one}" for one in came - what(view, names)]
        return found
    if "<<<<<<<" in merged.text:
        return ["markers without a clash"]
    placed = [comments(text, names) for text in (case.base, case.ours, case.theirs)]
    # What both put in at the same place is there once.
    shared = Counter(text for text, _ in ((placed[1] - placed[0]) & (placed[2] - placed[0])).elements())
    for what in (facts, comment_texts):
        base, one, other, now = (what(text, names) for text in (case.base, case.ours, case.theirs, merged.text))
        for fact in base | one | other | now:
            mine, yours = one[fact] - base[fact], other[fact] - base[fact]
            least, most = sorted((mine + yours, max(mine, yours) if mine > 0 < yours else min(mine, yours)))
            if mine * yours <= 0:
                least = most = mine + yours
            if what is comment_texts:
                least -= shared[fact[0]]
            if not least <= now[fact] - base[fact] <= most and not is_default(
                case, fact, now[fact] - base[fact] > most
            ):
                found.append(f"{fact}: {base[fact]} -> {one[fact]}, {other[fact]} -> {now[fact]}")
    found += [f"moved: {one}" for one in sorted(moved(case, merged.text, names))]
    new = wrong(merged.text) - wrong(case.ours) - wrong(case.theirs)
    return found + [f"invalid: {one}" for one in new]


def is_default(case: Case, fact: tuple[Any, ...], stays: bool) -> bool:
    """Whether a value that a side deleted, and that stays, means nothing: the side says the same without it."""
    base, ours, theirs = (meant(text, "f").leaves for text in (case.base, case.ours, case.theirs))
    keys = [key for key in base if key[: len(fact) - 1] == fact[:-1]]
    return (
        stays
        and bool(keys)
        and any(all(key in side and base[key].value == side[key].value for key in keys) for side in (ours, theirs))
    )


def comment_texts(text: str, names: dict[str, str]) -> Counter[tuple[Any, ...]]:
    return Counter((one.rstrip(),) for line in text.split("\n") for one in COMMENT.findall(line))


def views(text: str) -> tuple[str, str]:
    """The two texts between git's markers."""
    sides: tuple[list[str], list[str]] = ([], [])
    into = (0, 1)
    for line in text.split("\n"):
        if line.startswith("<<<<<<< "):
            into = (0,)  # type: ignore[assignment]
        elif line == "=======":
            into = (1,)  # type: ignore[assignment]
        elif line.startswith(">>>>>>> "):
            into = (0, 1)
        else:
            for side in into:
                sides[side].append(line)
    return "\n".join(sides[0]), "\n".join(sides[1])


def same(one: str, other: str) -> bool:
    """Whether two texts say the same, comments included."""
    if comments(one, {}) != comments(other, {}):
        return False
    if facts(one, {}) == facts(other, {}):
        return True
    # A default may be written in one of them.
    leaves = [{key: leaf.value for key, leaf in meant(text, "f").leaves.items()} for text in (one, other)]
    profiles = [{fact for fact in facts(text, {}) if fact[0] == "profiles"} for text in (one, other)]
    return leaves[0] == leaves[1] and profiles[0] == profiles[1]


def broken(case: Case, merge: Callable[[str, str, str], Merged]) -> list[str]:
    """The laws that a merge does not keep for a case."""
    base, ours, theirs = case.base, case.ours, case.theirs
    there, back = merge(base, ours, theirs), merge(base, theirs, ours)
    turned = Case(base, theirs, ours, case.theirs_names, case.ours_names)
    found = [f"lost {one}" for one in lost(case, there)]
    found += [f"lost, the other way round, {one}" for one in lost(turned, back)]
    if {one.message for one in there.clashes} != {one.message for one in back.clashes}:
        found.append("other clashes the other way round")
    if not there.clashes and not back.clashes and not same(there.text, back.text):
        found.append("another text the other way round")
    for name, side in (("ours", ours), ("theirs", theirs)):
        laws = {
            "(b, x, b)": (base, side, base),
            "(b, b, x)": (base, base, side),
            "(b, x, x)": (base, side, side),
        }
        found += [f"{law} is not x for {name}" for law, three in laws.items() if merge(*three) != Merged(side)]
        # The same with a blank line more, so that no two texts are the same bytes.
        again = {
            "(b, x, b + blank)": (base, side, f"{base}\n"),
            "(b + blank, b, x)": (f"{base}\n", base, side),
            "(b, x, x + blank)": (base, side, f"{side}\n"),
        }
        for law, three in again.items():
            made = merge(*three)
            if made.clashes or not same(made.text, side):
                found.append(f"{law} is not x for {name}")
    return found
