"""A diff as one page that needs nothing else: what changed, and both specs side by side."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from html import escape
from pathlib import Path

from mlspec.diagnostics import printable
from mlspec.diff.change import Change, Diff
from mlspec.diff.show import words

STYLE = Path(__file__).parent / "page.css"
CONTEXT = 4
Told = dict[tuple[str, int], list[Change]]
Row = tuple[int | None, int | None]


def html(diff: Diff, base: str, head: str) -> str:
    """The page. Everything that comes from a spec is in it as text; it runs no script and loads nothing."""
    style = STYLE.read_text(encoding="utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    name = _text(diff.project)
    failing = ' class="verdict failing"' if diff.failing else ' class="verdict"'
    sides = f"{_text(diff.base.label)} → {_text(diff.head.label)}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: what the change means</title>
<style>
{style}</style>
</head>
<body>
<h1>{name}: what the change means</h1>
<p class="soft"><code>{_text(diff.head.path)}</code>, {sides}</p>
<p{failing}>{_text(words.verdict(diff))}</p>
<p>{_text(words.plan(diff.impact))}</p>
{"".join(_list(diff))}
<h2>Side by side</h2>
{"".join(_sides(diff, base.splitlines(), head.splitlines()))}
</body>
</html>
"""


def _list(diff: Diff) -> Iterator[str]:
    if not diff.changes:
        return
    yield '<table class="list"><thead><tr><th>class</th><th>what</th><th>change</th><th>what it means</th></tr></thead>'
    for change in diff.changes:
        place = _text(words.place(change))
        linked = f'<a href="#{change.id}">{place}</a>' if change.head or change.base else place
        told = "<br>".join(_text(part) for part in (words.why(change), words.steps(change)) if part)
        if change.accepted is not None:
            told += f"<br><b>accepted</b>: {_text(change.accepted)}"
        yield (
            f'<tr><td class="mark {change.severity}">{change.class_}</td>'
            f"<td><code>{_text(change.path)}</code><br><small>{linked}</small></td>"
            f"<td><code>{_text(words.values(change, 400))}</code></td><td>{told}</td></tr>\n"
        )
    yield "</table>\n"


def _sides(diff: Diff, base: Sequence[str], head: Sequence[str]) -> Iterator[str]:
    told = _by_line(diff)
    run: list[Row] = []
    for rows, same in _aligned(base, head):
        if not same or any(_at(told, row) for row in rows) or len(rows) <= 2 * CONTEXT:
            run += rows
            continue
        run += rows[:CONTEXT]
        yield _table(run, base, head, told)
        hidden = rows[CONTEXT:-CONTEXT]
        folded = _table(hidden, base, head, told)
        yield f"<details><summary>{len(hidden)} lines that are the same</summary>{folded}</details>"
        run = rows[-CONTEXT:]
    if run:
        yield _table(run, base, head, told)


def _aligned(base: Sequence[str], head: Sequence[str]) -> Iterator[tuple[list[Row], bool]]:
    for tag, low, high, start, end in SequenceMatcher(None, base, head, autojunk=False).get_opcodes():
        rows: list[Row] = []
        for offset in range(max(high - low, end - start)):
            left = low + offset if low + offset < high else None
            right = start + offset if start + offset < end else None
            rows.append((left, right))
        yield rows, tag == "equal"


def _by_line(diff: Diff) -> Told:
    """The changes by the side and line that they are shown under."""
    found: Told = {}
    for change in diff.changes:
        span, side = (change.head, "head") if change.head is not None else (change.base, "base")
        if span is not None:
            found.setdefault((side, span.line - 1), []).append(change)
    return found


def _at(told: Told, row: Row) -> list[Change]:
    left, right = row
    own = [] if left is None else told.get(("base", left), [])
    return own + ([] if right is None else told.get(("head", right), []))


def _table(rows: Sequence[Row], base: Sequence[str], head: Sequence[str], told: Told) -> str:
    lines = []
    for left, right in rows:
        same = left is not None and right is not None and base[left] == head[right]
        cells = _cell(left, base, "" if same else "old") + _cell(right, head, "" if same else "new")
        lines.append(f"<tr>{cells}</tr>\n")
        for change in _at(told, (left, right)):
            said = f"<b>{change.class_}</b> <code>{_text(change.path)}</code>: {_text(words.why(change))}"
            lines.append(
                f'<tr id="{change.id}"><td colspan="4"><div class="told {change.severity}">{said}</div></td></tr>\n'
            )
    columns = '<colgroup><col class="number"><col><col class="number"><col></colgroup>'
    return f'<table class="sides">{columns}{"".join(lines)}</table>\n'


def _cell(index: int | None, lines: Sequence[str], style: str) -> str:
    if index is None:
        return '<td class="number"></td><td class="text"></td>'
    return f'<td class="number">{index + 1}</td><td class="text {style}">{_text(lines[index])}</td>'


def _text(text: str) -> str:
    return escape(printable(text.replace("\t", "    ")))
