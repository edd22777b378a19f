"""Places steps in columns from left to right, so that every edge points to the right and few of them cross."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from mlspec.graph.graph import Graph

if TYPE_CHECKING:
    from mlspec.graph.nx import nx

CHARACTER, PADDING, HEIGHT = 7.3, 24.0, 40.0
LEAST = 112.0
COLUMN_GAP, ROW_GAP, LANE = 56.0, 16.0, 14.0
SWEEPS = 6

# A step, or a lane: where the edges of a step pass through a column.
Node = str | tuple[str, int]


class Box(Struct, frozen=True):
    """Where a step is drawn: its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Line(Struct, frozen=True):
    """A curve from one column to the next, of an edge that leaves ``source``; ``target`` is None on the way there."""

    source: str
    target: str | None
    x1: float
    y1: float
    x2: float
    y2: float


class Layout(Struct, frozen=True):
    """A drawing: boxes by step id, lines, and the size of the whole."""

    boxes: Mapping[str, Box]
    lines: Sequence[Line]
    width: float
    height: float


def layout(graph: Graph) -> Layout:
    """The drawing of a graph. The same graph always gives the same drawing."""
    segments, columns = _lanes(graph.reduced, _columns(graph.reduced))
    before: dict[Node, list[Node]] = {}
    after: dict[Node, list[Node]] = {}
    for left, right in segments:
        after.setdefault(left, []).append(right)
        before.setdefault(right, []).append(left)
    _order(columns, before, after)
    centers = _rows(columns, before, after)
    return _draw(columns, segments, centers)


def _columns(steps: "nx.DiGraph[str]") -> dict[str, int]:
    """The column of each step: behind all that it reads, and as near to its readers as that allows."""
    from mlspec.graph.nx import nx

    levels = list(nx.topological_generations(steps))
    column = {step_id: index for index, level in enumerate(levels) for step_id in level}
    for step_id in reversed(column):
        if steps.out_degree(step_id) and steps.in_degree(step_id) <= 1:
            column[step_id] = min(column[reader] for reader in steps.successors(step_id)) - 1
    return column


def _lanes(steps: "nx.DiGraph[str]", column_of: Mapping[str, int]) -> tuple[list[tuple[Node, Node]], list[list[Node]]]:
    """Edges cut into pieces from one column to the next; all edges of one step share their lane through a column."""
    columns: list[list[Node]] = [[] for _column in range(1 + max(column_of.values(), default=-1))]
    for step_id in steps:
        columns[column_of[step_id]].append(step_id)
    segments: dict[tuple[Node, Node], None] = {}
    laid: set[Node] = set()
    for source, target in steps.edges:
        at: Node = source
        for column in range(column_of[source] + 1, column_of[target]):
            lane: Node = (source, column)
            if lane not in laid:
                laid.add(lane)
                columns[column].append(lane)
            segments[at, lane] = None
            at = lane
        segments[at, target] = None
    return list(segments), columns


def _order(columns: list[list[Node]], before: Mapping[Node, list[Node]], after: Mapping[Node, list[Node]]) -> None:
    """Sorts each column by the mean place of its neighbours, back and forth."""
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        neighbours = before if forward else after
        for index in range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1):
            fixed = {node: place for place, node in enumerate(columns[index - 1 if forward else index + 1])}
            scale = len(fixed) / max(1, len(columns[index]))
            wanted = {
                node: _mean([fixed[other] for other in neighbours.get(node, ())], place * scale)
                for place, node in enumerate(columns[index])
            }
            columns[index].sort(key=wanted.__getitem__)


def _rows(
    columns: list[list[Node]], before: Mapping[Node, list[Node]], after: Mapping[Node, list[Node]]
) -> dict[Node, float]:
    """The height of each node's middle: near its neighbours', in order, with room between."""
    center: dict[Node, float] = {}
    for column in columns:
        center.update(zip(column, _offsets(column), strict=True))
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = [
                _mean([center[other] for other in (*before.get(node, ()), *after.get(node, ()))], center[node])
                for node in column
            ]
            offsets = _offsets(column)
            free = _isotonic([want - offset for want, offset in zip(wanted, offsets, strict=True)])
            for node, place, offset in zip(column, free, offsets, strict=True):
                center[node] = place + offset
    return center


def _offsets(column: Sequence[Node]) -> list[float]:
    """How far each node's middle must lie below the first one's at least."""
    offsets: list[float] = []
    at = 0.0
    for index, node in enumerate(column):
        half = _half(node)
        at += half + (ROW_GAP + _half(column[index - 1]) if index else 0.0)
        offsets.append(at)
    return offsets


def _half(node: Node) -> float:
    return HEIGHT / 2 if isinstance(node, str) else LANE / 2


def _isotonic(values: Sequence[float]) -> list[float]:
    """The nearest values (least squares) that never fall: blocks that would are put at their mean."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        total, count = value, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / count:
            last_total, last_count = blocks.pop()
            total, count = total + last_total, count + last_count
        blocks.append((total, count))
    return [total / count for total, count in blocks for _item in range(count)]


def _draw(columns: list[list[Node]], segments: Sequence[tuple[Node, Node]], center: Mapping[Node, float]) -> Layout:
    boxes: dict[str, Box] = {}
    span: dict[Node, tuple[float, float]] = {}
    top = min((center[node] - _half(node) for column in columns for node in column), default=0.0) - PADDING
    x = PADDING
    for column in columns:
        width = max(
            (max(len(node) * CHARACTER + PADDING, LEAST) for node in column if isinstance(node, str)), default=0.0
        )
        for node in column:
            span[node] = (x, x + width)
            if isinstance(node, str):
                boxes[node] = Box(x, center[node] - HEIGHT / 2 - top, width, HEIGHT)
        x += width + COLUMN_GAP
    lines: list[Line] = []
    for left, right in segments:
        source = left if isinstance(left, str) else left[0]
        target = right if isinstance(right, str) else None
        lines.append(Line(source, target, span[left][1], center[left] - top, span[right][0], center[right] - top))
    for node, (start, end) in span.items():
        if not isinstance(node, str):
            lines.append(Line(node[0], None, start, center[node] - top, end, center[node] - top))
    bottom = max((center[node] + _half(node) for column in columns for node in column), default=0.0) - top + PADDING
    return Layout(boxes, lines, max(x - COLUMN_GAP, 0.0) + PADDING, bottom)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
