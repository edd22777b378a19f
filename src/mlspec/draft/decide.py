"""Decides what a spec for a table is to say: each column's role, the task, the split, what is left as features."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.draft import afterwards, models, people, roles, survival, words
from mlspec.draft import split as splits
from mlspec.draft import target as targets
from mlspec.draft import task as tasks
from mlspec.draft.afterwards import Leak
from mlspec.draft.table import Because, Given, Seen, Table
from mlspec.plugins.base import Schema, Task


class Rows(Protocol):
    """What can be asked of all rows."""

    def leaks(self, target: str, kind: Task, features: list[str]) -> list[Leak]:
        """The features that tell the target."""

    def parts(self, stated: dict[str, Any], target: str, *, classes: bool) -> tuple[str, tuple[int, ...]] | None:
        """What a split comes to: why it can't be, and the rows of its parts; None if that is unknown."""

    def same_within(self, thing: str) -> Collection[str]:
        """The columns that have one value in all rows of each value of a column."""

    def recurs(self, thing: str, moment: str) -> bool | None:
        """Whether most values of a column have rows at several moments; None if that is unknown."""


class Unknown:
    """Where only the first rows are seen, nothing can be asked of all of them."""

    def leaks(self, target: str, kind: Task, features: list[str]) -> list[Leak]:
        """None are known."""
        return []

    def parts(self, stated: dict[str, Any], target: str, *, classes: bool) -> None:
        """Unknown."""
        return

    def same_within(self, thing: str) -> Collection[str]:
        """Unknown."""
        return ()

    def recurs(self, thing: str, moment: str) -> None:
        """Unknown."""
        return


class Decided(Struct, frozen=True, kw_only=True):
    """What a spec is to say. ``names``: the columns that identify rows, the ``id`` among them; ``drop``: columns that
    no model gets, each with the reason; ``features``: the columns that are left; ``notes``: plain words about the
    task."""

    target: targets.Target
    task: tasks.Task
    id: str | None
    names: tuple[str, ...]
    drop: tuple[Because, ...]
    people: people.People
    split: splits.Split
    preparation: roles.Preparation
    features: tuple[str, ...]
    models: models.Models
    notes: tuple[str, ...]

    @property
    def hidden(self) -> set[str]:
        """The columns whose values are not to be shown."""
        return {*self.people.sensitive, *(one.column for one in self.people.personal)}

    @property
    def never(self) -> set[str]:
        """The columns that no step reads."""
        return {one.column for one in self.drop} | self.people.deleted


def demand_known(given: Given, columns: Schema) -> None:
    """Raises SpecError for a stated column that the data does not have, and for one that is stated twice."""
    from mlspec.spec import suggest

    known = [column.name for column in columns]
    one_each = [("--target", given.target), ("--time", given.time), ("--group", given.group), ("--id", given.id)]
    stated = [*one_each, *(("--drop", name) for name in dict.fromkeys(given.drop))]
    wrong = [
        Diagnostic(
            code="unknown-column", message=f"the data has no column '{name}'", notes=(suggest.label(name, known).text,)
        )
        for _option, name in stated
        if name is not None and name not in known
    ]
    uses: dict[str, list[str]] = {}
    for option, name in stated:
        if name is not None:
            uses.setdefault(name, []).append(option)
    for name, options in uses.items():
        if len(options) > 1:
            message = f"'{name}' can't be used for {' and for '.join(options)}"
            wrong.append(Diagnostic(code="column-with-two-roles", message=message))
    if wrong:
        raise SpecError(wrong)


def decided(table: Table, given: Given, rows: Rows) -> Decided:
    """What a spec for this table is to say. Raises SpecError where nothing can be predicted of it."""
    aim = targets.chosen(table, given)
    if aim.is_last:
        thing = splits.entity([c for c in table.columns if c.name != aim.column.name and c.name not in given.drop])
        if thing is not None:
            aim = targets.of_each(aim, table, thing, rows.same_within(thing))
    task = tasks.of(aim.column, given)
    target = aim.column.name
    columns = [c for c in table.columns if c.name != target and c.name not in table.not_features]
    stated = {name for name in (given.time, given.group) if name is not None}
    drop = [Because(name, "as stated") for name in given.drop]
    if "" not in given.drop and any(not c.name for c in table.columns):
        drop.append(Because("", "it has no name, as the index that pandas or R writes"))
    drop += [one for one in table.unusable if one.column not in given.drop]
    about = people.found(columns, target, {*given.drop, *stated, *([given.id] if given.id else [])})
    known = {*given.drop, *stated, given.id, *about.direct}
    drop += [one for one in roles.nothing(columns) if one.column not in known]
    used = _without(columns, drop)
    names = _names([c for c in used if c.name not in stated | about.direct], table, given)
    drop += names.others
    about = about.without({one.column for one in drop} | {names.id or ""})
    used = [c for c in _without(used, drop) if c.name != names.id and c.name not in about.deleted]

    def parts(split: dict[str, Any]) -> tuple[str, tuple[int, ...]] | None:
        return rows.parts(split, target, classes=task.kind != "regression")

    unfit = {c.name for c in table.columns} - {c.name for c in used} | about.all
    split = splits.of(table, aim.column, task, given, unfit, parts, rows.recurs)
    free = [c for c in used if c.name != split.stated.get("column") and c.name not in about.sensitive]
    found = _leaks(rows, free, aim.column, task, table)
    alone = next((leak.columns[0] for leak in found if len(leak.columns) == 1 and not leak.is_made_of_it), None)
    if aim.is_last and alone is not None and len(free) > 1:
        raise targets.refused(aim.column, columns, f"follows from '{alone}'")
    told = _told(found)
    things = {split.group} if split.stated["by"] != "group" and split.group is not None else set()
    clear = [c for c in _without(free, told) if c.name not in about.all]
    prepared = roles.preparation(clear, things)
    wide = models.wide(table, prepared.steps)
    prepared = prepared._replace(steps={name: one for name, one in prepared.steps.items() if name not in wide})
    left = _without(free, [*told, *prepared.drop])
    notes = [*task.notes, *survival.notes(table, aim.column)]
    if left:
        drop += [*told, *prepared.drop]
    elif free:
        left = free
        if told:
            named = words.listed([one.column for one in told])
            notes.append(f"{named}, {told[0].why}; but nothing else is there to predict from")
    elif split.time is not None:
        left = [table.column(split.time)]
        notes.append(f"only '{split.time}' is there to predict from; earlier values can be joined (data.join, as_of)")
    elif about.sensitive:
        left = [c for c in used if c.name in about.sensitive]
        notes.append(f"{words.listed(about.sensitive)}: about people, but nothing else is there to predict from")
        about = about._replace(sensitive=())
    else:
        message = f"no column is left to predict '{target}' from"
        note = "each other column identifies rows, has one value, or is left out; --target chooses another target"
        raise SpecError([Diagnostic(code="empty-features", message=message, notes=(note,))])
    features = tuple(sorted((c.name for c in left), key=lambda name: name not in prepared.steps))
    return Decided(
        target=aim,
        task=task,
        id=names.id,
        names=tuple(name for name in (names.id, *(one.column for one in names.others)) if name is not None),
        drop=tuple(drop),
        people=about,
        split=split,
        preparation=prepared,
        features=features,
        models=models.of(table, task, split, len(left), wide, train_time=given.train_time),
        notes=tuple(notes),
    )


def _without(columns: Sequence[Seen], gone: Sequence[Because]) -> list[Seen]:
    names = {one.column for one in gone}
    return [column for column in columns if column.name not in names]


def _names(columns: Sequence[Seen], table: Table, given: Given) -> roles.Names:
    """The columns that identify rows; of files, their path does."""
    found = roles.names(columns)
    stated = given.id or ("path" if "path" in table.not_features else None)
    if len(columns) == 1 and found.id is not None and not words.ends_in(found.id, words.IDS):
        found = roles.Names(None, ())  # there is nothing else to predict from
    if stated is None or found.id in (None, stated):
        others = tuple(one for one in found.others if one.column != stated)
        return found if stated is None else roles.Names(stated, others)
    first = Because(str(found.id), "each row has its own value, as in the id")
    return roles.Names(stated, (first, *(one for one in found.others if one.column != stated)))


def _leaks(rows: Rows, free: Sequence[Seen], aim: Seen, task: tasks.Task, table: Table) -> list[Leak]:
    """Features that tell the target."""
    found = afterwards.by_name(free, aim.name) + survival.leaks(table, free, aim)
    return found + rows.leaks(aim.name, task.kind, [c.name for c in free])


def _told(found: Sequence[Leak]) -> list[Because]:
    """The columns of leaks, each with all evidence."""
    told: dict[str, str] = {}
    for leak in found:
        for column in leak.columns:
            told[column] = f"{told[column]}; {leak.why}" if column in told else leak.why
    return [Because(column, f"a leak: {why}") for column, why in told.items()]


def retyped(table: Table, types: dict[str, str]) -> Table:
    """The table with the types that a spec states; how a number is written as text is not known."""
    columns = tuple(
        replace(c, type=types[c.name], **({"levels": (), "has_all_levels": False} if c.type == "number" else {}))
        if c.name in types
        else c
        for c in table.columns
    )
    return replace(table, columns=columns)
