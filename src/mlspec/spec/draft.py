"""A first spec from a look at the data: what `mlspec init` writes, every guess with its reason."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlspec import registry
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.plugins.base import Column, PluginRef, Schema
from mlspec.plugins.source import Source
from mlspec.sources import _probe, _sniff
from mlspec.spec.resolve import METRICS, infer_task
from mlspec.spec.units import source_at

TARGETS = (
    "target",
    "label",
    "class",
    "outcome",
    "response",
    "income",
    "species",
    "price",
    "churn",
    "default",
    "survived",
    "y",
)
GATES = {"binary_classification": "roc_auc", "multiclass_classification": "accuracy", "regression": "rmse"}
IDS = re.compile(r"(^|_)(id|uuid|key|index)$|^(id|uuid|row)_?", re.IGNORECASE)
SENSITIVE = re.compile(
    r"(^|_)(sex|gender|race|ethnicity|religion|nationality|disability|orientation|marital|pregnan\w*)(_|$)",
    re.IGNORECASE,
)
COARSER = {"date": "truncate: year", "datetime": "truncate: year", "category": "prefix: 3", "integer": "prefix: 3"}
MODELS = {
    "binary_classification": "logistic_regression",
    "multiclass_classification": "logistic_regression",
    "regression": "ridge",
}


Propose = Callable[[str, list[str], list[str], set[str]], Sequence[str]]
"""Lines of expectations, from the target, the row names, the sensitive columns, and the unused ones."""


def draft(
    data: Path,
    folder: Path,
    target: str | None = None,
    propose: Propose | None = None,
    found: _sniff.Sniffed | None = None,
) -> str:
    """The text of a spec that is in ``folder`` and reads ``data``; ``propose`` gives what it expects of the rows, and
    ``found`` is how the file has to be read.

    Raises SpecError where the file can't be read, has no such column, or nothing can be predicted of it.
    """
    found_settings = {} if found is None else found.settings
    kind, source = _source(data, found_settings)
    seen_of = _probe.probe({kind: PluginRef(kind, source)}, Path(), None)[kind]
    if isinstance(seen_of, OSError):
        raise _refused("source-not-found", f"'{data}' can't be read: {(seen_of.strerror or str(seen_of)).lower()}")
    if isinstance(seen_of, ImportError):
        raise SpecError([_probe.lacking(f"reading '{data}'", source, seen_of)])
    if isinstance(seen_of, Exception):
        raise _refused("source-unreadable", f"'{data}' can't be read as {kind}: {seen_of}")
    seen = seen_of.values
    columns = tuple(c for c in seen_of.columns if c.type != "other")
    unusable = [c for c in seen_of.columns if c.type == "other"]
    index = [c.name for c in columns if c.role == "unused"]
    content = getattr(source, "content", None)
    chosen, why = _target(tuple(c for c in columns if c.name not in source.not_features and c != content), target)
    values = {name: one[0] for name, one in seen.items()}
    looked_at = [seen.get(c.name) for c in columns if c.type != "image"]
    everything = all(one is not None and one[1] for one in looked_at)
    by_name = {c.name: c for c in columns}
    task = infer_task(by_name[chosen].type, tuple(sorted(set(values.get(chosen, ())))) or None)
    if task is None:
        note = "choose another column with --target"
        raise _refused("task-unclear", f"the task cannot be inferred from '{chosen}' ({by_name[chosen].type})", note)
    ids = [c.name for c in columns if c.name not in (chosen, *index) and _is_id(c, values.get(c.name, ()))]
    of_files = "path" in source.not_features
    written = f", format: {kind}" if of_files else _sniff.written(found_settings)
    if of_files:
        ids = ["path"]
    personal = _personal(columns, values, chosen)
    ids = [name for name in ids if name not in personal]
    sensitive = [
        c.name
        for c in columns
        if SENSITIVE.search(c.name) and c.name != chosen and c.name not in ids and c.name not in personal
    ]
    dates = [c.name for c in columns if c.type in ("date", "datetime")]
    if len(ids) + len(sensitive) + 1 >= len(columns):
        sensitive = []
    rows = max((len(v) for v in values.values()), default=0)
    path = os.path.relpath(data.resolve(), folder.resolve()).replace(os.sep, "/")
    lines = [
        f"# Written by `mlspec init` from {'all' if everything else 'the first'} {rows:,} rows of {data.name}.",
        "# Check it, correct wrong guesses, then: mlspec run",
        "mlspec: 1",
        "project:",
        f"  name: {_name(folder, data)}",
        f"  goal: Predict {chosen}.  # say what the prediction is for; shown in the report",
        f"  task: {task}  # from {_seen(by_name[chosen], values.get(chosen, ()))}",
        "constraints:  # what must hold; each becomes a gate that passes or fails",
        "  quality:",
        f"    - {{metric: {GATES[task]}, beats: baseline}}  # or at_least / at_most, once you know what is needed",
        "data:",
        "  sources:",
        *(f"    # {note}" for note in (() if found is None else found.notes)),
        f"    {_key(data.stem.split('.')[0])}: {{path: {_text(path)}{written}}}",
        "  columns:",
        f"    target: {_text(chosen)}  # {why}",
    ]
    if ids:
        lines.append(f"    id: {_text(ids[0])}  # no duplicates: it identifies rows, and a model would memorise it")
    if len(ids) > 1 or unusable:
        lines.append(f"    drop: [{', '.join(map(_text, [*ids[1:], *(c.name for c in unusable)]))}]")
        lines += [f"      # {', '.join(map(_text, ids[1:]))}: these also identify rows"] if len(ids) > 1 else []
        lines += [f"      # {_plain(f'{c.name}: {c.hint}')}" for c in unusable]
    if sensitive:
        lines.append(
            f"    sensitive: [{', '.join(map(_text, sensitive))}]  # by their names; "
            "no model uses them unless use_sensitive lists them"
        )
    if personal:
        lines.append("  personal:  # columns that may identify people; decide on each: mlspec explain data.personal")
        lines += [f"    {_text(name)}: {written}" for name, written in personal.items()]
    gone = {
        *ids[1:],
        *(c.name for c in unusable),
        *index,
        *(name for name, written in personal.items() if "action: drop}" in written),
    }
    proposed = propose(chosen, ids, [*sensitive, *personal], gone) if propose is not None else ()
    if proposed:
        lines.append("  expect:  # from all rows, with some tolerance: a broken delivery would violate these")
        lines += [f"    {line}" for line in proposed]
    split = "stratified" if task != "regression" else "random"
    if of_files and "split" in by_name:
        lines.append("  split: {by: given, column: split}  # as stated by the folders")
    else:
        lines.append(f"  split: {{by: {split}, test: 0.2, validation: 0.1, seed: 0}}")
    if dates:
        lines.append(f"  # if rows are ordered in time: split: {{by: time, column: {_text(dates[0])}}}")
    both = [f"    linear: {{type: {MODELS[task]}}}", "    trees: {type: hist_gradient_boosting}"]
    if of_files:
        from mlspec.spec import draft_folder

        lines += draft_folder.preparation(kind, source, data)
        both = draft_folder.candidates(kind, MODELS[task])
    lines += [
        "model:",
        "  candidates:  # the simpler one first",
        *both,
        "evaluation:",
        f"  metrics: [{', '.join(METRICS[task])}]",
    ]
    return "\n".join(lines) + "\n"


def _source(data: Path, settings: Mapping[str, Any]) -> tuple[str, Source]:
    kind = source_at(str(data))
    if kind is None:
        known = ", ".join(registry.names("sources"))
        raise _refused(
            "format-unclear",
            f"the format of '{data}' cannot be inferred from its name",
            f"the ending of a file states its format: {known}",
        )
    try:
        return kind, _sniff.source(kind, str(data), settings)
    except ValueError as error:
        raise _refused("bad-source", f"'{data}' can't be read as {kind}: {error}") from None


def _target(columns: Schema, wanted: str | None) -> tuple[str, str]:
    names = [c.name for c in columns]
    if not names:
        note = "put them in folders named by label, or add a table labels.csv with a column file_name next to them"
        raise _refused("task-unclear", "these files have no labels to predict", note)
    if wanted is not None:
        if wanted not in names:
            from mlspec.spec import suggest

            raise _refused("unknown-column", f"the data has no column '{wanted}'", suggest.label(wanted, names))
        return wanted, "as asked"
    for name in TARGETS:
        match = next((n for n in names if n.lower() == name), None)
        if match is not None:
            return match, "by its name"
    return names[-1], "the last column: a guess"


def _is_id(column: Column, values: tuple[str, ...]) -> bool:
    if len(values) < 2 or len(set(values)) < len(values) or column.type not in ("integer", "category"):
        return False
    return bool(IDS.search(column.name)) or (column.type == "category" and len(values) > 50)


def _personal(columns: Schema, values: dict[str, tuple[str, ...]], target: str) -> dict[str, str]:
    """The columns that say who somebody is, each with what should be done to it, and why it is thought so."""
    from mlspec.anonymizers._identifiers import by_name, by_values, in_text

    found = {}
    for column in columns:
        if column.name == target:
            continue
        seen = values.get(column.name, ())
        looks = by_values(seen) if column.type in ("category", "integer") else None
        kind = "direct_identifier" if looks is not None else by_name(column.name)
        if kind == "direct_identifier":
            why = f"most values are a{'n' if looks[0] in 'aeiouI' else ''} {looks}" if looks else "by its name"
            found[column.name] = f"{{kind: direct_identifier, action: drop}}  # {why}"
        elif kind == "quasi_identifier" and column.type in COARSER:
            found[column.name] = f"{{kind: quasi_identifier, action: {{{COARSER[column.type]}}}}}  # by its name"
        elif column.type == "category" and (held := in_text(seen)):
            words = ", ".join(
                f"{count} hold a{'n' if kind[0] in 'aeiouI' else ''} {kind}" for kind, count in held.items()
            )
            found[column.name] = f"{{kind: sensitive, action: redact}}  # of the first values, {words}"
    return found


def _seen(column: Column, values: tuple[str, ...]) -> str:
    levels = sorted(set(values))
    if column.type in ("integer", "number") and len(levels) > 20:
        return f"{len(levels)} distinct numbers seen"
    shown = ", ".join(levels[:5]) + (", ..." if len(levels) > 5 else "")
    return _plain(f"{len(levels)} values seen: {shown}")


def _plain(text: str) -> str:
    """A text that stays on one line of a comment."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _name(folder: Path, data: Path) -> str:
    return _key(folder.resolve().name) if folder.resolve().name else _key(data.stem)


def _key(text: str) -> str:
    """A name that the language takes, from any text."""
    made = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:64]
    return made if made and made[0].isalpha() else f"data-{made}".strip("-")[:64]


def _text(value: str) -> str:
    """A value as YAML: quoted where it would be read as something else."""
    if re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./-]*", value) and value.lower() not in ("true", "false", "null"):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)


def _refused(code: str, message: str, *notes: str) -> SpecError:
    return SpecError([Diagnostic(code=code, message=message, notes=notes)])
