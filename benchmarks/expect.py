"""Expectations on 5,000,000 rows of 20 columns, beside the same checks written by hand in polars: CPU seconds and peak
memory, each in a process of its own. ``python benchmarks/expect.py [ROWS]``

Beside them, where they are installed (``pip install duckdb 'pandera[polars]' dataframely``), duckdb's SQL and the same
checks as a pandera and a dataframely schema; these two have no check of a mean or of a number of values, which are one
query more.
"""

import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKS = [
    {"rows": {"at_least": 1}},
    {"column": "id", "missing": {"at_most": 0}},
    {"column": "f0", "between": [-1000, 1000]},
    {"column": "f1", "missing": {"at_most": 0.5}},
    {"column": "i0", "between": [0, 10_000_000]},
    {"column": "c0", "allowed": [f"v{i}" for i in range(4)]},
    {"column": "c1", "matches": "v[0-9]+"},
    {"column": "f2", "mean": {"at_least": -1, "at_most": 1}},
    {"column": "c2", "distinct": {"at_most": 60}},
]


PEERS = ("duckdb", "pandera", "dataframely")


def table(path: Path, rows: int) -> None:
    """A table of an id, ten floats with gaps, three integers and six categories."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(0)
    columns: dict[str, object] = {"id": np.arange(rows)}
    for i in range(10):
        values = pl.Series(random.normal(size=rows))
        columns[f"f{i}"] = values.set(pl.Series(random.random(rows) < i * 0.03), None)
    for i in range(3):
        columns[f"i{i}"] = random.integers(0, 10 ** (i + 3), rows)
    for i, levels in enumerate((4, 12, 50, 1_000, 10_000, 2)):
        names = pl.Series([f"v{j}" for j in range(levels)])
        columns[f"c{i}"] = names.gather(random.integers(0, levels, rows))
    pl.DataFrame(columns).write_parquet(path, compression="zstd", row_group_size=262_144)


def ours(path: Path) -> None:
    """The step itself."""
    from mlspec.steps.data import expect
    from mlspec.steps.job import Job

    folder = path.parent
    expect.run(
        Job(
            id="expect",
            kind="expect",
            params={"expectations": CHECKS},
            inputs={"table.rows": path},
            outputs={"report": folder / "report", "verdict": folder / "verdict"},
            scratch=folder,
            root=folder,
        )
    )


def by_hand(path: Path) -> None:
    """The same in one query."""
    import polars as pl

    col = pl.col
    found = pl.scan_parquet(path).select(
        rows=pl.len(),
        id=col("id").null_count(),
        f0=(~col("f0").is_between(-1000, 1000)).sum(),
        f1=col("f1").null_count(),
        i0=(~col("i0").is_between(0, 10_000_000)).sum(),
        c0=(~col("c0").is_in(CHECKS[5]["allowed"])).sum(),
        c1=(~col("c1").str.contains("^(?:v[0-9]+)$")).sum(),
        f2=col("f2").mean(),
        c2=col("c2").n_unique(),
    )
    assert found.collect(engine="streaming").height == 1


def by_duckdb(path: Path) -> None:
    """The same in SQL."""
    import duckdb

    allowed = ", ".join(f"'{level}'" for level in CHECKS[5]["allowed"])
    found = duckdb.sql(
        f"""SELECT count(*), count(*) - count(id), count(*) FILTER (f0 NOT BETWEEN -1000 AND 1000),
        count(*) - count(f1), count(*) FILTER (i0 NOT BETWEEN 0 AND 10000000), count(*) FILTER (c0 NOT IN ({allowed})),
        count(*) FILTER (NOT regexp_full_match(c1, 'v[0-9]+')), avg(f2), count(DISTINCT c2) FROM '{path}'"""
    ).fetchall()
    assert len(found) == 1


def _two_more(path: Path) -> None:
    import polars as pl

    query = pl.scan_parquet(path).select(
        pl.len(), pl.col("f1").null_count(), pl.col("f2").mean(), pl.col("c2").n_unique()
    )
    assert query.collect(engine="streaming").height == 1


def by_pandera(path: Path) -> None:
    """As a pandera schema over polars."""
    import pandera.polars as pa
    import polars as pl

    columns = {
        "id": pa.Column(pl.Int64, nullable=False),
        "f0": pa.Column(pl.Float64, pa.Check.in_range(-1000, 1000), nullable=True),
        "i0": pa.Column(pl.Int64, pa.Check.in_range(0, 10_000_000)),
        "c0": pa.Column(pl.String, pa.Check.isin(CHECKS[5]["allowed"])),
        "c1": pa.Column(pl.String, pa.Check.str_matches("^(?:v[0-9]+)$")),
    }
    pa.DataFrameSchema(columns, strict=False).validate(pl.read_parquet(path, columns=list(columns)), lazy=True)
    _two_more(path)


def by_dataframely(path: Path) -> None:
    """As a dataframely schema."""
    import dataframely as dy
    import polars as pl

    class Rows(dy.Schema):
        id = dy.Int64(nullable=False)
        f0 = dy.Float64(min=-1000, max=1000, nullable=True)
        i0 = dy.Int64(min=0, max=10_000_000, nullable=False)
        c0 = dy.String(check=lambda cell: cell.is_in(CHECKS[5]["allowed"]), nullable=False)
        c1 = dy.String(regex="^(?:v[0-9]+)$", nullable=False)

    Rows.validate(pl.read_parquet(path, columns=list(Rows.column_names())))
    _two_more(path)


def measured(what: str, path: Path) -> dict[str, float]:
    """CPU seconds, wall seconds and peak memory (MB) of one way, its imports aside."""
    found: dict[str, float] = json.loads(run_alone(what, str(path)).splitlines()[-1])  # duckdb draws a bar first
    return found


def run_alone(*arguments: str) -> str:
    """What one way prints, in a process of its own."""
    code = f"import runpy, sys; sys.argv = {['', *arguments]!r}; runpy.run_path({__file__!r}, run_name='one')"
    return subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Three rounds, the ways in turn; the least of each."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        # In a process of its own: a child's peak memory begins with what its parent holds.
        run_alone("table", str(path), str(rows))
        found: dict[str, list[dict[str, float]]] = {"by_hand": [], "ours": []}
        for peer in PEERS:
            if importlib.util.find_spec(peer) is not None:
                found[f"by_{peer}"] = []
        for _round in range(3):
            for what, results in found.items():
                results.append(measured(what, path))
    print(f"{len(CHECKS)} checks of {rows:,} rows from Parquet")
    for what, results in found.items():
        best = min(results, key=lambda result: result["cpu"])
        print(f"{what:14}  {best['cpu']:5.2f} s CPU  {best['wall']:5.2f} s  {best['peak']:6.0f} MB")
    ratio = min(r["cpu"] for r in found["ours"]) / min(r["cpu"] for r in found["by_hand"])
    print(f"ratio           {ratio:.2f} (budget 1.5)")


if __name__ == "__main__":
    main()
elif __name__ == "one":
    import polars as _polars  # noqa: F401

    _began, _wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    globals()[sys.argv[1]](Path(sys.argv[2]), *map(int, sys.argv[3:]))
    _ended = resource.getrusage(resource.RUSAGE_SELF)
    _cpu = _ended.ru_utime + _ended.ru_stime - _began.ru_utime - _began.ru_stime
    print(json.dumps({"cpu": _cpu, "wall": time.perf_counter() - _wall, "peak": _ended.ru_maxrss / 1024}))
