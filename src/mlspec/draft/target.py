"""The column to predict: as stated, by a name that says so, or the last column; refused where nothing speaks."""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.draft import survival, words
from mlspec.draft.natures import is_index, is_text, is_unique_text
from mlspec.draft.split import entity
from mlspec.draft.table import NUMBERS, TIMES, Given, Seen, Table

SAYS, STRONG, LIKELY, LAST, FIRST, LEAST = 100, 80, 30, 30, 15, 50
CLEAR, NAMED, SHORTEST, TIER = 55, 62, 4, 19
MOST_LEVELS, MOST_ASKED, FEW, FEW_LEVELS = 200, 5, 20, 10
LAST_COLUMN = "a guess: the last column"


class Target(NamedTuple):
    """The column to predict, and why it was chosen."""

    column: Seen
    why: str

    @property
    def is_last(self) -> bool:
        """Whether nothing but its place speaks for it."""
        return self.why.startswith(LAST_COLUMN)


def chosen(table: Table, given: Given) -> Target:
    """The target of a table. Raises SpecError where it is to be stated."""
    if given.target is not None:
        return Target(table.column(given.target), "as stated")
    others = {*table.not_features, table.content, *given.drop, given.id, given.time, given.group}
    columns = [column for column in table.columns if column.name not in others]
    if not columns:
        note = "put them in folders named by label, or add a table labels.csv with a column file_name next to them"
        raise _refused("these files have no labels to predict", note)
    named = [column for column in columns if not is_index(column)] or columns
    scores = {column.name: _score(column, at, named) for at, column in enumerate(named)}
    scores = {column.name: scores.get(column.name, 0) for column in columns}
    why_not = {column.name: unfit(column) for column in columns}
    for at, (event, _time) in enumerate(survival.endpoints(table)):
        if event.name in scores:
            main = SAYS - at + (4 if words.is_death(event.name) else 0)
            scores[event.name] = max(scores[event.name], main)
    fit = [column for column in columns if not why_not[column.name]]
    about = [column.name for column in fit if _is_named_by(table.name, column.name)]
    if len(about) == 1:
        scores[about[0]] = max(scores[about[0]], NAMED)
    ends = [column.name for column in fit if words.ends_in(column.name, words.ENDS_CLEAR)]
    if len(ends) == 1:
        scores[ends[0]] = max(scores[ends[0]], LEAST)
    ranked = sorted(fit, key=lambda column: (-scores[column.name], -columns.index(column)))
    if ranked and scores[ranked[0].name] >= LEAST:
        others_too = [column.name for column in ranked[1:4] if scores[column.name] >= LEAST]
        more = f"; perhaps {words.listed(others_too)}" if others_too else ""
        file = " and the file's" if scores[ranked[0].name] == NAMED else ""
        return Target(ranked[0], f"a guess by its name{file}{more}: --target COLUMN chooses another")
    last = columns[-1]
    if not why_not[last.name] and (why := _describes(last, columns)):
        why_not[last.name] = why
        numbers = [c for c in fit if c.type in NUMBERS and c.distinct > FEW_LEVELS and not _describes(c, columns)]
        numbers = [c for c in numbers if not words.holds(c.name, words.DURATIONS)]
        if len(numbers) == 1:
            return Target(numbers[0], "a guess: the only number that may be measured; --target COLUMN chooses another")
    if not why_not[last.name]:
        return Target(last, f"{LAST_COLUMN}, no name says what to predict; --target COLUMN chooses another")
    raise refused(last, ranked, why_not[last.name], scores)


def of_each(aim: Target, table: Table, thing: str, same: Collection[str]) -> Target:
    """The target where a guessed one is the ``same`` in all rows of a thing: the only number that is not.

    Raises SpecError where there are several.
    """
    if not aim.is_last or aim.column.name not in same:
        return aim
    others = [c for c in table.columns if c.name not in {*same, thing, *table.not_features} and not unfit(c)]
    others = [c for c in others if not _describes(c, table.columns)]
    numbers = [c for c in others if c.type in NUMBERS and c.distinct > FEW]
    if len(numbers) == 1:
        return Target(
            numbers[0], f"a guess: the only number that changes within a '{thing}'; --target COLUMN chooses another"
        )
    raise refused(aim.column, others, f"is the same in all rows of a '{thing}'")


def refused(last: Seen, ranked: Sequence[Seen], why: str, scores: Mapping[str, int] | None = None) -> SpecError:
    """What asks for the target, as the last column is unlikely to be it: candidates, each with what speaks for it."""
    known = scores or {}
    others = [c for c in ranked if c.name != last.name and not unfit(c)]
    likely = [c for c in others if not _describes(c, (*others, last))] or others
    likely = sorted(likely, key=lambda c: -known.get(c.name, 0))[:MOST_ASKED]
    message = f"no column's name says what to predict, and the last one, '{last.name}', {why}"
    if not likely:
        return _refused(message, "state the target with --target; no other column can be one either")
    reasons = [f"--target {shlex.quote(c.name)}: {_speaks(c, known.get(c.name, 0))}" for c in likely]
    return _refused(message, "state the target with --target; candidates:", *reasons)


def _describes(column: Seen, columns: Sequence[Seen]) -> str:
    """Whether it is what tables describe things by, and rarely what is predicted; empty if not."""
    if entity([column]) is not None:
        return "names things that have several rows"
    if _is_coordinate(column, columns):
        return "is a coordinate"
    rarely = words.plain(column.name) in words.RARELY or not words.KEYS.isdisjoint(words.parts(column.name))
    return "is rarely what is predicted" if rarely else ""


def _speaks(column: Seen, score: int) -> str:
    """What speaks for a candidate."""
    what = f"{column.distinct:,} different numbers" if column.type in NUMBERS else f"{column.distinct:,} values"
    if column.distinct == 2:
        what = "two values"
    if words.ends_in(column.name, words.COUNTS):
        return f"by its name it counts something, {what}"
    if score in (FIRST, LIKELY + FIRST):
        return f"the first column, {what}"
    return f"its name may be that of an outcome, {what}" if score >= LIKELY else what


def _is_verdict(column: Seen) -> bool:
    """Whether its two values say how something ended: good and bad."""
    values = {level.value.lower() for level in column.levels}
    return column.type == "category" and column.distinct == 2 and values <= words.VERDICTS


def _is_named_by(file: str, name: str) -> bool:
    """Whether a file is named after a column, or after the whole of which its name says the total: `sleep_total` in
    msleep.csv, `bwght` in birthweight.csv."""
    stem, found = words.parts(file.split(".")[0]), words.parts(name)
    if len(found) == 2 and found[1] in words.WHOLE:
        found = found[:1]
    whole = "".join(found)
    if len(found) > 2 or len(whole) < SHORTEST or whole in words.RARELY | words.THINGS:
        return False
    return any(
        part.removesuffix("s").endswith(whole.removesuffix("s")) or _shortens(whole, part)
        for part in (*stem, "".join(stem))
    )


def _shortens(short: str, long: str) -> bool:
    """Whether one is the other without some letters, the first and the last ones kept."""
    left = iter(long)
    ends = (short[0], short[-1]) == (long[:1], long[-1:])
    return ends and len(short) > len(long) / 3 and all(letter in left for letter in short)


def _is_coordinate(column: Seen, columns: Sequence[Seen]) -> bool:
    """Whether it is an x or y beside its other."""
    names = {one.name.strip().lower() for one in columns} | {column.name.strip().lower()}
    return column.name.strip().lower() in ("x", "y") and {"x", "y"} <= names and len(names) > 3


def unfit(column: Seen) -> str:
    """Why a column is unlikely to be what has to be predicted; empty if it may be."""
    if not column.present:
        return "is empty"
    if column.distinct < 2:
        return "has only one value"
    if column.type in TIMES:
        return "is a date"
    if column.type not in (*NUMBERS, "boolean", "category"):
        return f"is {words.a(column.type)}"
    if words.plain(column.name) in words.PARTS and column.distinct <= 3 and column.type == "category":
        return "states the part of each row"
    if is_index(column) or (words.ends_in(column.name, words.IDS) and column.distinct == column.present > 20):
        return "identifies rows"
    if is_text(column) or is_unique_text(column) or (column.type == "category" and column.distinct > MOST_LEVELS):
        return f"has {column.distinct:,} different texts"
    return ""


def _score(column: Seen, at: int, columns: "list[Seen]") -> int:
    """How much a column's name and place say that it is what has to be predicted."""
    found = words.parts(column.name)
    if found and found[0] in words.PREFIXES:
        found = found[1:]
    whole, last = "_".join(found), found[-1:]
    place = LAST if at == len(columns) - 1 else FIRST if at == 0 else 0
    if whole == "y" and column.name.strip().lower() != "y":
        return place
    if _is_coordinate(columns[at], columns):
        return place
    if (whole in words.EVENTS or whole == "case") and column.distinct != 2:
        return place + (LIKELY if whole in words.LIKELY else 0)
    if whole == "class" and column.type in NUMBERS and column.distinct > FEW:
        return place
    if whole in words.TARGET:
        return SAYS + place - (20 if whole == "class" else 0)
    if whole in words.STRONG or "".join(found) in words.STRONG or _is_verdict(column):
        return STRONG + min(place, TIER) - (5 if whole == "price" else 0)
    if "per" in found[1:-1]:
        # A price per room is a price.
        head = found[found.index("per") - 1]
        return (LEAST if head in words.STRONG and found[0] not in words.NOT_THE_WHOLE - words.MEAN else 0) + place
    if words.RELATIVE.intersection(found[1:-1]):
        return place
    if found[:1] and found[0] in words.WHOLE and last[0] in words.LIKELY:
        return min(CLEAR + place, STRONG - 1)
    if found[:1] and found[0] in words.NOT_THE_WHOLE:
        return (LIKELY if last[0] in words.STRONG | words.LIKELY else 0) + place
    if found[:1] == ["default"] or any("_".join(found[-n:]) in words.STRONG for n in (1, 2)):
        return STRONG - 15 + min(place, TIER - 5)
    if last and last[0] in words.TARGET - {"class"} and len(last[0]) > 1:
        return STRONG - 10 + min(place, TIER - 10)
    if last == ["class"]:
        return LEAST + min(place, TIER // 2)
    if whole in words.CLEAR:
        return min(CLEAR + place, STRONG - 1)
    if whole in words.LIKELY or (last and last[0] in words.LIKELY):
        return LIKELY + place
    return place


def _refused(message: str, *notes: str) -> SpecError:
    return SpecError([Diagnostic(code="task-unclear", message=re.sub(r"\s+", " ", message), notes=notes)])
