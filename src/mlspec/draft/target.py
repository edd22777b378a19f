"""The column to predict: as stated, by a name that says so, or the last column; refused where nothing speaks."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.draft import survival, words
from mlspec.draft.natures import is_index, is_text, is_unique_text
from mlspec.draft.table import NUMBERS, TIMES, Given, Seen, Table

SAYS, STRONG, LIKELY, LAST, FIRST, LEAST = 100, 80, 30, 30, 15, 50
CLEAR = 55
MOST_LEVELS = 200
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
    scores = {column.name: _score(column, at, columns) for at, column in enumerate(columns)}
    why_not = {column.name: unfit(column) for column in columns}
    censored = survival.pair(table)
    if censored is not None and censored[0].name in scores:
        scores[censored[0].name] = max(scores[censored[0].name], STRONG)
    fit = [column for column in columns if not why_not[column.name]]
    ranked = sorted(fit, key=lambda column: (-scores[column.name], -columns.index(column)))
    if ranked and scores[ranked[0].name] >= LEAST:
        others_too = [column.name for column in ranked[1:4] if scores[column.name] >= LEAST]
        more = f"; perhaps {words.listed(others_too)}" if others_too else ""
        return Target(ranked[0], f"a guess by its name{more}: --target COLUMN chooses another")
    last = columns[-1]
    if not why_not[last.name] and words.plain(last.name) in words.RARELY:
        why_not[last.name] = "is rarely what is predicted"
    if not why_not[last.name]:
        return Target(last, f"{LAST_COLUMN}, no name says what to predict; --target COLUMN chooses another")
    raise refused(last, ranked, why_not[last.name])


def refused(last: Seen, ranked: Sequence[Seen], why: str) -> SpecError:
    """What asks for the target, as the last column is unlikely to be it."""
    likely = [column.name for column in ranked if column.name != last.name and not unfit(column)][:3]
    asked = f"likely: --target {' or --target '.join(likely)}" if likely else "no other column can be one either"
    message = f"no column's name says what to predict, and the last one, '{last.name}', {why}"
    return _refused(message, f"state the target with --target; {asked}")


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
    if whole == "y" and len(columns) > 3 and any(one.name.lower() == "x" for one in columns):
        return place  # a coordinate
    if whole in words.TARGET:
        return SAYS + place - (20 if whole == "class" else 0)
    if whole in words.STRONG:
        return STRONG + place - (5 if whole == "price" else 0)
    if words.RELATIVE.intersection(found[1:-1]):
        return place
    if found[:1] and found[0] in words.NOT_THE_WHOLE:
        return (LIKELY if last[0] in words.STRONG | words.LIKELY else 0) + place
    if found[:1] == ["default"] or any("_".join(found[-n:]) in words.STRONG for n in (1, 2)):
        return STRONG - 15 + place
    if last and last[0] in words.TARGET and len(last[0]) > 1:
        return STRONG - 10 + place
    if whole in words.CLEAR:
        return CLEAR + place
    if whole in words.LIKELY or (last and last[0] in words.LIKELY):
        return LIKELY + place
    return place


def _refused(message: str, *notes: str) -> SpecError:
    return SpecError([Diagnostic(code="task-unclear", message=re.sub(r"\s+", " ", message), notes=notes)])
