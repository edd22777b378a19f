"""From a file to prepared training, validation and test rows: mlspec itself beside duckdb, polars, and pandas with
scikit-learn.

    pip install duckdb pandas pyarrow
    python benchmarks/prepare_peers.py [--rows 5000000] [--source csv|parquet] [--ways mlspec,polars,duckdb,sklearn]

All take the same table (20 columns: 8 numbers with gaps, 3 integers, 5 categories with 4 to 10,000 levels, a moment,
an id, a flag, a target), put its last tenths by time aside, learn means, deviations and levels from the training rows
alone, impute and scale 11 columns, one-hot three categories, code two, and write Parquet. mlspec is `mlspec run
--only` as a user calls it: it digests the source, writes the typed table and the three parts to its store, too, and
checks what it writes; the second line is the run after an edit of one preparation step, where the rest is there
already. Printed are wall and CPU seconds (with all child processes) and the peak memory of the largest process.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from prepare import NUMBERS, ONE_HOT, ORDINAL, generate

LAST = 800_000_000  # the moment at which the rows that are put aside begin: about a fifth of them
SPEC = """\
mlspec: 1
project: {name: prepare}
data:
  sources: {rows: {path: NAME}}
  columns: {target: y, id: id, drop: [flag]}
  split: {by: time, column: when, test: 0.1, validation: 0.1}
preprocessing:
  columns:
EACH
model:
  candidates: {trees: {type: hist_gradient_boosting}}
"""


def spec(name: str, impute: str) -> str:
    """The spec of the job."""
    number, one_hot = f"[impute: {impute}, scale: standard]", "[encode: one_hot]"
    lines = [f"    {column}: {number}" for column in NUMBERS]
    lines += [f"    {column}: {one_hot}" for column in ONE_HOT]
    lines += [f"    {column}: [encode: ordinal]" for column in ORDINAL]
    return SPEC.replace("NAME", name).replace("EACH", "\n".join(lines))


def run_mlspec(source: Path, folder: Path, impute: str = "mean") -> None:
    """The command, in a folder that is kept for the run after an edit."""
    (folder / "project.yaml").write_text(spec(source.name, impute))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("mlspec")), "run", "--only", "prepare.trees"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def run_polars(source: Path, folder: Path) -> None:
    """As somebody who knows polars would write it, streamed."""
    import polars as pl

    frame = pl.scan_csv(source) if source.suffix == ".csv" else pl.scan_parquet(source)
    train = frame.filter(pl.col("when") < LAST)
    means = train.select(pl.col(NUMBERS).mean()).collect(engine="streaming").row(0, named=True)
    filled = {n: pl.col(n).cast(pl.Float64).fill_null(means[n]) for n in NUMBERS}
    spreads = [expression.std(ddof=0).alias(n) for n, expression in filled.items()]
    spread = train.select(spreads).collect(engine="streaming").row(0, named=True)
    levels = train.select(pl.col(n).unique().drop_nulls().sort().implode() for n in [*ONE_HOT, *ORDINAL])
    found = {n: v[0].to_list() for n, v in levels.collect(engine="streaming").to_dict().items()}
    made = [((e - means[n]) / (spread[n] or 1.0)).cast(pl.Float32).alias(n) for n, e in filled.items()]
    made += [pl.col(n).eq_missing(pl.lit(v)).cast(pl.UInt8).alias(f"{n}={v}") for n in ONE_HOT for v in found[n]]
    for name in ORDINAL:
        codes = list(range(1, len(found[name]) + 1))
        made.append(pl.col(name).replace_strict(found[name], codes, default=0, return_dtype=pl.Int32))
    rows = frame.select(*made, "y", pl.col("when") < LAST)
    rows.sink_parquet(folder / "polars.parquet", compression="zstd", compression_level=1)


def run_duckdb(source: Path, folder: Path) -> None:
    """The same in SQL."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    train = f"(SELECT * FROM '{source}' WHERE \"when\" < {LAST})"
    asked = [f"avg({n})" for n in NUMBERS]
    asked += [f"list_sort(list(DISTINCT {n}) FILTER ({n} IS NOT NULL))" for n in [*ONE_HOT, *ORDINAL]]
    row = connection.execute(f"SELECT {', '.join(asked)} FROM {train}").fetchone()
    assert row is not None
    means = dict(zip(NUMBERS, row, strict=False))
    found = dict(zip([*ONE_HOT, *ORDINAL], row[len(NUMBERS) :], strict=True))
    spreads = [f"stddev_pop(coalesce({n}, {means[n]!r}))" for n in NUMBERS]
    spread = connection.execute(f"SELECT {', '.join(spreads)} FROM {train}").fetchone()
    assert spread is not None
    made = [
        f"CAST((coalesce({n}, {means[n]!r}) - {means[n]!r}) / {s!r} AS FLOAT) AS {n}"
        for n, s in zip(NUMBERS, spread, strict=True)
    ]
    made += [f"CAST({n} IS NOT DISTINCT FROM '{v}' AS UTINYINT) AS \"{n}={v}\"" for n in ONE_HOT for v in found[n]]
    for name in ORDINAL:
        codes = f"SELECT unnest(?) AS level, unnest(range(1, {len(found[name]) + 1})) AS code"
        connection.execute(f"CREATE TABLE t_{name} AS {codes}", [found[name]])
        made.append(f"coalesce(t_{name}.code, 0) AS {name}")
    joins = " ".join(f"LEFT JOIN t_{n} ON rows.{n} = t_{n}.level" for n in ORDINAL)
    columns = ", ".join(made)
    connection.execute(
        f"COPY (SELECT {columns}, y, \"when\" < {LAST} AS train FROM '{source}' AS rows {joins}) "
        f"TO '{folder / 'duckdb.parquet'}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    )


def run_sklearn(source: Path, folder: Path) -> None:
    """pandas and scikit-learn's ColumnTransformer."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    frame = pd.read_csv(source, engine="pyarrow") if source.suffix == ".csv" else pd.read_parquet(source)
    changed = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
            ("one_hot", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ONE_HOT),
            ("codes", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ORDINAL),
        ]
    )
    changed.fit(frame[frame["when"] < LAST])
    made = pd.DataFrame(changed.transform(frame), columns=changed.get_feature_names_out())
    made["y"], made["train"] = frame["y"], frame["when"] < LAST
    made.to_parquet(folder / "sklearn.parquet", compression="zstd")


def make(table: Path, rows: int) -> None:
    """Write the table, as its ending says."""
    import polars as pl

    if table.suffix == ".parquet":
        generate(table, rows)
        return
    generate(table.with_suffix(".parquet"), rows)
    pl.scan_parquet(table.with_suffix(".parquet")).sink_csv(table)
    table.with_suffix(".parquet").unlink()


def measured(way: str, source: Path, folder: Path, threads: int) -> dict[str, float]:
    """Wall and CPU seconds and peak memory (MB) of one way, in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--table", str(source), "--folder", str(folder)]
    environment = {**os.environ, "POLARS_MAX_THREADS": str(threads)}
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, env=environment)
    if done.returncode:
        sys.exit(f"{way} failed")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])  # duckdb draws a bar first
    return told


def main() -> None:
    """Make the table once, then one way after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--source", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--ways", default="mlspec,mlspec-edit,polars,duckdb,sklearn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--way")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.way == "table":
        make(options.table, options.rows)
        return
    if options.way:
        began = time.perf_counter()
        ways = {"polars": run_polars, "duckdb": run_duckdb, "sklearn": run_sklearn, "mlspec": run_mlspec}
        if options.way == "mlspec-edit":
            run_mlspec(options.table, options.folder, "median")
        else:
            ways[options.way](options.table, options.folder)
        mine, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime
        peak = max(mine.ru_maxrss, children.ru_maxrss) / 1024
        print(json.dumps({"wall": time.perf_counter() - began, "cpu": cpu, "peak": peak}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table = folder / f"table.{options.source}"
        # In a process of its own: a child's peak memory begins with what its parent holds.
        making = [sys.executable, __file__, "--way", "table", "--table", str(table), "--rows", str(options.rows)]
        subprocess.run(making, check=True)
        print(f"{options.rows:,} x 20 from {options.source}, {table.stat().st_size / 1e6:,.0f} MB")
        for way in options.ways.split(","):
            found = measured(way, table, folder, options.threads)
            print(
                f"{way:12} wall {found['wall']:6.2f} s  CPU {found['cpu']:6.2f} s  peak {found['peak']:6,.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
