"""A diff as SARIF 2.1.0: what code-scanning services read."""

from typing import Any, get_args

import msgspec

from mlspec import __version__
from mlspec.diff.change import MEANS, SEVERITY, Change, Class, Diff, Overview, Severity
from mlspec.diff.show import words

LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "notice": "note", "info": "none"}
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(*diffs: Diff) -> str:
    """The log: a rule a class, a result a change; accepted changes are suppressed with their reasons."""
    classes: tuple[Class, ...] = get_args(Class)
    rules = [
        {
            "id": name,
            "shortDescription": {"text": MEANS[name]},
            "defaultConfiguration": {"level": LEVELS[SEVERITY[name]]},
        }
        for name in classes
    ]
    driver = {"name": "mlspec diff", "version": __version__, "rules": rules}
    results = [_result(change, classes.index(change.class_), diff) for diff in diffs for change in diff.changes]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def overview(found: Overview) -> str:
    """The same of all specs of a repository; that one can't be compared is no result, but the exit code says it."""
    return sarif(*(one.diff for one in found.specs if one.diff is not None))


def _result(change: Change, rule: int, diff: Diff) -> dict[str, Any]:
    told = [f"{change.path}: {words.values(change)}", words.why(change), words.steps(change)]
    place: dict[str, Any] = {"artifactLocation": {"uri": diff.head.path}}
    span = change.head
    if span is not None and span.file == diff.head.path:
        place["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    made: dict[str, Any] = {
        "ruleId": change.class_,
        "ruleIndex": rule,
        "level": LEVELS[change.severity],
        "message": {"text": ". ".join(part for part in told if part)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"mlspecChange/v1": change.id},
    }
    if change.accepted is not None:
        made["suppressions"] = [{"kind": "external", "justification": change.accepted}]
    return made
