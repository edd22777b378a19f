"""What a run says of its data in mlspec.lock, so that a review shows what changed in it without reading it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.graph.graph import Graph
from mlspec.spec import pinned
from mlspec.spec.pinned import DataSummary

if TYPE_CHECKING:
    import polars as pl

FEW = 5  # rows: a smaller count may identify a person
LEAST = 0.01
MOST_CLASSES = 20
OTHER = "(other)"


def summaries(graph: Graph, tables: Mapping[str, str], path: Callable[[str], Path]) -> dict[str, DataSummary]:
    """The summaries of sources, by name. ``tables``: the digest of each source's table; ``path``: where the table with
    a digest is. What mlspec.lock has of the same table is used again; other tables are read once."""
    before = pinned.locked_sources(Path(graph.facts.root))
    found = {}
    for name, digest in tables.items():
        known = before[name].summary if name in before else None
        found[name] = known if known is not None and known.of == digest else _summary(graph, name, digest, path(digest))
    return found


def _summary(graph: Graph, name: str, digest: str, table: Path) -> DataSummary:
    import polars as pl

    columns = graph.project.data.columns
    step = graph.steps[f"source.{name}"]
    hidden = {*step.params.get("personal", ()), *columns.sensitive, columns.id}
    frame = pl.scan_parquet(table)
    kinds = frame.collect_schema()
    shown = [column for column in kinds if column not in hidden]
    counts = frame.select(pl.len().alias("#rows"), pl.col(shown).null_count()).collect(engine="streaming").row(0)
    rows = int(counts[0])
    shares = {column: count / rows for column, count in zip(shown, counts[1:], strict=True) if count >= FEW}
    target = columns.target if columns.target in shown else None
    return DataSummary(
        of=digest,
        rows=rows,
        target={} if target is None else _target(frame.select(target), kinds[target].is_numeric(), rows),
        missing={column: round(share, 3) for column, share in shares.items() if share >= LEAST},
    )


def _target(frame: "pl.LazyFrame", is_number: bool, rows: int) -> dict[str, float]:
    """The share of each class, rare ones together; or the mean of a number."""
    import polars as pl

    column = pl.first()
    if is_number:
        mean = frame.select(column.mean()).collect(engine="streaming").item()
        return {} if mean is None or rows < FEW else {"mean": float(f"{mean:.4g}")}
    name = frame.collect_schema().names()[0]
    counted = frame.drop_nulls().group_by(column.cast(pl.String)).len().collect(engine="streaming")
    counts = dict(zip(counted[name].to_list(), counted["len"].to_list(), strict=True))
    total = sum(counts.values())
    kept = {label: count for label, count in counts.items() if count >= FEW}
    if not total or len(kept) > MOST_CLASSES:
        return {}
    other = total - sum(kept.values())
    shares = {label: round(count / total, 3) for label, count in sorted(kept.items())}
    return shares | ({OTHER: round(other / total, 3)} if other >= FEW else {})
