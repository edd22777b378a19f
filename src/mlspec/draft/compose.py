"""Writes what was decided down as a spec of plain values, with a reason beside each."""

import os
import re
from pathlib import Path
from typing import Any

from mlspec.document import Path as Place
from mlspec.draft import decide, expectations, folders, models, text, words
from mlspec.draft.decide import Decided
from mlspec.draft.proposal import Proposal
from mlspec.draft.source import Opened
from mlspec.draft.table import TIMES, Table

MOST_DROPPED, MANY_DAYS = 60, 60
ORDER = ("mlspec", "project", "constraints", "data", "preprocessing", "model", "evaluation", "profiles")


class _Draft:
    """A spec that is being written: its values, the comments beside them, the lines above them."""

    def __init__(self) -> None:
        self.spec: dict[str, Any] = {"mlspec": 1}
        self.comments: dict[Place, str] = {}
        self.above: dict[Place, tuple[str, ...]] = {}

    def put(self, place: Place, value: Any, why: str = "", *lines: str) -> None:
        """A value at its place, with its comment and the lines above it."""
        inner: Any = self.spec
        for part in place[:-1]:
            inner = inner.setdefault(part, {})
        inner[place[-1]] = value
        if why:
            self.comments[place] = why
        if lines:
            self.above[place] = (*self.above.get(place, ()), *lines)


def proposal(read: Opened, table: Table, found: Decided, data: Path, folder: Path) -> Proposal:
    """The spec that says what was decided, in ``folder``, of the file ``data``."""
    draft = _Draft()
    _head(draft, read, table, found, data, folder)
    _constraints(draft, found)
    _columns(draft, table, found)
    _people(draft, found)
    _derived(draft, table, found)
    _expected(draft, table, found)
    by_folders = read.is_files and any(column.name == "split" for column in table.columns)
    if by_folders:
        draft.put(("data", "split"), {"by": "given", "column": "split"}, "as stated by the folders")
    else:
        draft.put(("data", "split"), found.split.stated, "", found.split.why, *found.split.lines)
    _preparation(draft, read, found, data)
    _models(draft, read, table, found)
    spec = {key: draft.spec[key] for key in ORDER if key in draft.spec}
    return Proposal(
        spec=spec, features=found.features, comments=draft.comments, above=draft.above, found=tuple(read.notes)
    )


def _head(draft: _Draft, read: Opened, table: Table, found: Decided, data: Path, folder: Path) -> None:
    if table.is_all:
        looked = f"all {table.rows:,} rows"
    elif table.rows > table.looked_at:
        looked = f"{table.looked_at:,} of {table.rows:,} rows, evenly spread,"
    else:
        looked = f"the first {table.rows:,} rows"
    draft.above["mlspec",] = (
        f"Written by `mlspec init` from {looked} of {table.name}.",
        "Check it, correct wrong guesses, then: mlspec run --profile quick, and mlspec run",
    )
    own = folder.resolve().name
    target, why = found.target.column.name, found.task.why
    draft.put(("project", "name"), key(own) if own else key(data.stem))
    draft.put(("project", "goal"), f"Predict {target}.", "say what the prediction is for; shown in the report")
    draft.put(("project", "task"), found.task.kind, why if why == "as stated" else f"from {why}", *found.notes)
    path = os.path.relpath(data.resolve(), folder.resolve()).replace(os.sep, "/")
    source: dict[str, Any] = {"path": path, **read.settings}
    if read.is_files:
        source["format"] = read.kind
    draft.put(("data", "sources", key(data.stem.split(".")[0])), source, "", *read.notes)


def _constraints(draft: _Draft, found: Decided) -> None:
    draft.put(("constraints", "quality"), [{"metric": found.models.gate, "beats": "baseline"}])
    draft.comments["constraints",] = "what must hold; each becomes a gate that passes or fails"
    draft.comments["constraints", "quality", 0] = found.models.why
    if found.models.lines:
        draft.above["constraints", "quality", 0] = found.models.lines


def _columns(draft: _Draft, table: Table, found: Decided) -> None:
    at: Place = ("data", "columns")
    task = found.task
    draft.put((*at, "target"), found.target.column.name, found.target.why)
    if task.positive is not None:
        draft.put((*at, "positive"), task.positive, "the last one in sorted order if left out")
    if task.log:
        draft.put((*at, "transform"), "log", "above zero and right-skewed: errors count as shares")
    if found.split.time in found.features:
        draft.put((*at, "features"), list(found.features))
    if found.id is not None:
        draft.put((*at, "id"), found.id, "it identifies rows, and a model would memorise it")
    if found.drop:
        many = len(found.drop) > MOST_DROPPED
        why = f"{len(found.drop):,} columns: {found.drop[0].why}, and the like" if many else ""
        draft.put((*at, "drop"), [one.column for one in found.drop], why)
        draft.comments |= {} if many else {(*at, "drop", index): one.why for index, one in enumerate(found.drop)}
    if found.people.sensitive:
        own = found.people.sensitive
        others = words.listed([sign for sign in found.people.signs if sign not in own] or own, 3)
        why = f"by names and values, beside {others}; no model uses them unless use_sensitive lists them"
        draft.put((*at, "sensitive"), list(own), why)
    types = _types(table, found)
    if types:
        draft.put((*at, "types"), types, "codes and classes: their order means nothing")
    doubts = found.people.doubts
    if doubts:
        said = f"{words.listed(doubts)}: neither the values nor other columns say that rows are people"
        draft.above[at] = (f"{said}; if they are: sensitive: [{', '.join(map(text.scalar, doubts))}]",)


def _types(table: Table, found: Decided) -> dict[str, str]:
    types = {**table.types} | {name: "category" for name in found.preparation.codes if name in found.features}
    if found.task.type is not None:
        types[found.target.column.name] = found.task.type
    return {name: kind for name, kind in types.items() if text.is_writable_key(name)}


def _people(draft: _Draft, found: Decided) -> None:
    personal = [one for one in found.people.personal if text.is_writable_key(one.column)]
    for one in personal:
        draft.put(("data", "personal", one.column), {"kind": one.kind, "action": one.action}, one.why)
    if personal:
        said = "columns that may identify people; decide on each: mlspec explain data.personal"
        draft.comments["data", "personal"] = said


def _derived(draft: _Draft, table: Table, found: Decided) -> None:
    """The month of the time that rows are split by, which is no feature itself."""
    time = found.split.time
    if time is None or time in found.features or '"' in time:
        return
    if table.column(time).type not in TIMES or table.column(time).distinct < MANY_DAYS:
        return
    names = {column.name for column in table.columns}
    if any(words.holds(name, ("month", "mnth", "season", "quarter")) for name in names) or len(time) > 100:
        return
    quoted = time if re.fullmatch(r"[a-z_][a-z0-9_]*", time) else f'"{time}"'
    why = "the season, which the time of a row alone does not show"
    draft.put(("data", "derive"), {f"{time}_month": f"EXTRACT(MONTH FROM {quoted})"}, why)


def _expected(draft: _Draft, table: Table, found: Decided) -> None:
    typed = decide.retyped(table, _types(table, found))
    names = [name for name in found.names if name == found.id or name not in found.never]
    target = typed.column(found.target.column.name)
    stated, beyond = expectations.proposed(typed, target, names, found.hidden, found.never)
    if stated:
        why = "bounds for the next delivery, from these rows with some tolerance; warn: only reported"
        draft.put(("data", "expect"), [entry for entry, _comment in stated], why)
        draft.comments |= {("data", "expect", at): said for at, (_entry, said) in enumerate(stated) if said}
    if beyond:
        draft.above["data", "split"] = (f"{beyond:,} more columns: `mlspec profile` shows what they hold",)


def _preparation(draft: _Draft, read: Opened, found: Decided, data: Path) -> None:
    if read.is_files:
        draft.put(("preprocessing",), *folders.preparation(read.kind, read.source, data))
        return
    for name, (steps, why) in found.preparation.steps.items():
        if name in found.features and text.is_writable_key(name):
            draft.put(("preprocessing", "columns", name), steps, why)


def _models(draft: _Draft, read: Opened, table: Table, found: Decided) -> None:
    chosen = found.models
    candidates = chosen.candidates
    quick = models.quick(table, found.task, chosen, len(found.features))
    if read.is_files:
        candidates = folders.candidates(read.kind, models.LINEAR[found.task.kind])
        quick["model"] = {"candidates": folders.quick(read.kind)}
    if "time" in chosen.keys and not read.is_files:
        draft.put(("model", "candidates"), "auto", "linear models, trees and networks: mlspec explain model.candidates")
    else:
        draft.put(("model", "candidates"), candidates, "the simpler one first")
        draft.comments |= {
            ("model", "candidates", name): why for name, why in chosen.comments.items() if name in candidates
        }
    if chosen.select is not None:
        draft.put(("model", "select"), {"metric": chosen.select})
    for name, (value, why) in () if read.is_files else chosen.keys.items():
        draft.put(("model", name), value, why)
    draft.put(("evaluation", "metrics"), list(chosen.metrics))
    if chosen.baselines:
        draft.put(("evaluation", "baselines"), list(chosen.baselines))
    draft.put(("profiles", "quick"), quick, "a first try: mlspec run --profile quick")


def key(name: str) -> str:
    """A name that the language takes, from any text."""
    made = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:64]
    return made if made and made[0].isalpha() else f"data-{made}".strip("-")[:64]
