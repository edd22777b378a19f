"""Columns about people: proposed where both their names and their values speak for it."""

import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from mlspec.draft import words
from mlspec.draft.natures import is_text
from mlspec.draft.table import NUMBERS, TIMES, Seen

COARSER: dict[str, tuple[str, Any]] = {
    "date": ("truncate", "year"),
    "datetime": ("truncate", "year"),
    "category": ("prefix", 3),
    "integer": ("prefix", 3),
}
MOST_GROUPS, DISTINCT, LONG_NUMBER, SENTENCE = 300, 0.02, 1e8, 2.5
HARD_TO_MISTAKE = ("address of mail", "card number", "account number", "social security number")


class Personal(NamedTuple):
    """A column that may identify people, what is done to it, and why it is thought so."""

    column: str
    kind: str
    action: Any
    why: str


class People(NamedTuple):
    """Columns about people; ``signs``: what speaks for people at all; ``doubts``: names alone that are not believed."""

    sensitive: tuple[str, ...]
    personal: tuple[Personal, ...]
    signs: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def direct(self) -> set[str]:
        """The columns that identify people."""
        return {one.column for one in self.personal if one.kind == "direct_identifier"}

    @property
    def deleted(self) -> set[str]:
        """The columns that are never read."""
        return {one.column for one in self.personal if one.action == "drop"}

    @property
    def all(self) -> set[str]:
        """The columns that something is proposed for."""
        return {*self.sensitive, *(one.column for one in self.personal)}

    def without(self, columns: Collection[str]) -> "People":
        """The same without what is proposed for some columns."""
        return self._replace(
            sensitive=tuple(name for name in self.sensitive if name not in columns),
            personal=tuple(one for one in self.personal if one.column not in columns),
            doubts=tuple(name for name in self.doubts if name not in columns),
        )


def found(columns: Sequence[Seen], target: str, skipped: Collection[str]) -> People:
    """What columns say of people; ``skipped`` ones, and the target, are not looked at, but count as signs."""
    personal = [
        one for c in columns if c.name != target and c.name not in skipped and (one := _direct(c, columns)) is not None
    ]
    signs = [c.name for c in columns if _is_sign(c)]
    signs += [one.column for one in personal if one.kind == "direct_identifier" and one.column not in signs]
    known = {one.column for one in personal} | {target, *skipped}
    sensitive: list[str] = []
    doubts: list[str] = []
    for column in columns:
        if column.name in known or not words.holds(column.name, words.SENSITIVE):
            continue
        others = [name for name in signs if name != column.name]
        fits = _fits_group(column)
        (sensitive if fits and others else doubts).append(column.name)
    if signs:
        known |= set(sensitive)
        personal += [one for c in columns if c.name not in known and (one := _indirect(c)) is not None]
    return People(tuple(sensitive), tuple(personal), tuple(signs), tuple(doubts))


def _is_sign(column: Seen) -> bool:
    """Whether a column is one that tables about people have: by its name, and its values where these can tell."""
    found = words.parts(column.name)
    if found[-1:] == ["age"]:
        return column.least is not None and column.least >= 0 and (column.greatest or 0) <= 122
    if found and found[0] in ("sex", "gender") and not _fits_group(column):
        return False
    if "_".join(found) in ("sex", "gender"):
        return False  # animals have one too
    return words.holds(column.name, words.PEOPLE - words.SENSITIVE) or (
        words.holds(column.name, words.SENSITIVE - {"sex", "race", "orientation"}) and _fits_group(column)
    )


def _fits_group(column: Seen) -> bool:
    """Whether the values can be groups of people."""
    if column.distinct > MOST_GROUPS or column.distinct < 2:
        return False
    if words.holds(column.name, ("sex", "gender")):
        return all(level.value.strip().lower() in words.SEXES for level in column.levels)
    return column.type in ("category", "boolean") or (column.type == "integer" and column.distinct <= 20)


def _direct(column: Seen, columns: Sequence[Seen]) -> Personal | None:
    """A column of names, addresses and numbers of people; or a text that has some in it."""
    from mlspec.anonymizers._identifiers import by_name, by_values, in_text

    values = _texts(column)
    if not values:
        return None
    looks = by_values(values)
    if looks == "street address" and (is_text(column) or not _person_like(column.name)):
        looks = None  # the title of a film may look like one
    if looks is not None:
        return Personal(column.name, "direct_identifier", "drop", f"most values are {words.a(looks)}")
    if by_name(column.name) == "direct_identifier" and _fits_identifier(column, values):
        return Personal(column.name, "direct_identifier", "drop", "by its name and values")
    if column.type != "category":
        return None
    # Codes may look like telephone numbers now and then, sentences do not.
    least = len(values) // 5 if column.words < SENTENCE else 1
    held = {kind: n for kind, n in in_text(values).items() if n >= (1 if "mail" in kind else least)}
    held = {kind: n for kind, n in held.items() if kind in HARD_TO_MISTAKE or n >= len(values) / 50}
    if not _person_like(column.name) and not any(_is_sign(one) for one in columns):
        held = {kind: n for kind, n in held.items() if kind in HARD_TO_MISTAKE}
    if not held:
        return None
    counted = ", ".join(f"{count} hold{'s' * (count == 1)} {words.a(kind)}" for kind, count in held.items())
    return Personal(column.name, "sensitive", "redact", f"of {len(values):,} values, {counted}")


def _texts(column: Seen) -> tuple[str, ...]:
    """The values that may hold identifiers: texts, and integers that are long enough."""
    if column.type == "integer":
        return column.values if max(abs(column.least or 0), abs(column.greatest or 0)) >= LONG_NUMBER else ()
    return column.values if column.type == "category" and any(len(v) > 3 for v in column.values[:20]) else ()


def _person_like(name: str) -> bool:
    return words.holds(name, ("address", "street", "customer", "client", "patient", "home", "mailing", "contact"))


def _fits_identifier(column: Seen, values: tuple[str, ...]) -> bool:
    """Whether the values can be what such a name says: telephone numbers have digits, mail addresses an @."""
    if column.distinct < max(5, DISTINCT * column.present):
        return False

    def most(fits: "re.Pattern[str]") -> bool:
        return sum(fits.search(value) is not None for value in values) > len(values) / 2

    name = words.plain(column.name)
    if re.search(r"phone|mobile|fax|cell", name):
        return most(re.compile(r"^\D{0,3}(\d\D{0,3}){7,15}$"))
    if re.search(r"mail", name) and "address" not in name.replace("mail_address", ""):
        return most(re.compile("@"))
    if "address" in name:
        return most(re.compile(r"\d.*[^\W\d]|[^\W\d].*\d|@|\d+\.\d+\.\d+"))
    if name.endswith("name"):
        return most(re.compile(r"^[^\W\d_][^\d_]*$"))
    return column.distinct > column.present / 2


def _indirect(column: Seen) -> Personal | None:
    """Postcodes and dates of birth, and what a person may want to keep private."""
    from mlspec.anonymizers._identifiers import by_name

    kind = by_name(column.name)
    if kind == "quasi_identifier" and column.type in COARSER and column.distinct > 20:
        is_code = "zip" in words.plain(column.name) or "post" in words.plain(column.name)
        fits = column.type in (*TIMES, *NUMBERS) or (is_code and 3 <= column.characters <= 10)
        if fits:
            name, setting = COARSER[column.type]
            return Personal(column.name, kind, {name: setting}, "by its name and values, beside others about people")
    return None
