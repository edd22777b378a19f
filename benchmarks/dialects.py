"""CSV files as people and programs damage them: who reads them right, who refuses, who is silently wrong.

    pip install duckdb pandas
    python benchmarks/dialects.py [--only "late text,CR"] [--rows 1500]

Each reader is called as an ordinary user calls it, with its defaults: `polars.read_csv(f)`, `pandas.read_csv(f)`,
`duckdb.read_csv(f)`. mlspec is tried twice: with the settings that `mlspec init` finds in the file, and without any,
as a spec written by hand. All files come from the same table of known values (benchmarks/tables/damage.py).

right      all values are the true ones; a date that is kept as its text counts, a number that is text does not
refused    an error; "at line" if it names the line or row
text       nothing is lost, but numbers are texts
WRONG      no error, and a value, a row or a column is not the true one

Exits with 1 if mlspec is WRONG anywhere.
"""

import argparse
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "tables"))
from damage import DAMAGES, Damaged, Table

Read = Callable[[Path], Mapping[str, Sequence[Any]]]
PLACE = re.compile(r"\b(line|row)s? ?(number)?:? ?#?\d|Line: \d", re.IGNORECASE)
ABSENT = {"", "n/a", "na", "nan", "none", "null", "?", "-"}


def base(rows: int) -> Table:
    """A table of an id, two numbers (one with gaps), a class and a name."""
    random = Random(15)
    return Table(
        ("order", "weight", "height", "kind", "name"),
        tuple(
            (
                str(n + 1),
                f"{random.uniform(1, 90):.2f}",
                "" if random.random() < 0.03 else f"{random.gauss(170, 9):.1f}",
                random.choice("abc"),
                f"{random.choice(('Ada', 'Grace', 'Emmy'))} {n % 31}",
            )
            for n in range(rows)
        ),
    )


def by_polars(file: Path) -> Mapping[str, Sequence[Any]]:
    import polars as pl

    return pl.read_csv(file).to_dict(as_series=False)


def by_pandas(file: Path) -> Mapping[str, Sequence[Any]]:
    import warnings

    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = pd.read_csv(file)
    return {str(name): rows[name].tolist() for name in rows.columns}


def by_duckdb(file: Path) -> Mapping[str, Sequence[Any]]:
    import duckdb

    with duckdb.connect() as connection:
        found = connection.read_csv(str(file))
        rows = found.fetchall()
        return {name: [row[n] for row in rows] for n, name in enumerate(found.columns)}


def by_mlspec(file: Path, *, found: bool) -> Mapping[str, Sequence[Any]]:
    """All rows as a run reads them; ``found``: with the settings that `init` finds and writes."""
    from mlspec.sources import _sniff
    from mlspec.spec.units import source_at
    from mlspec.steps.data import raw_rows

    kind = source_at(str(file)) or ""
    settings = _sniff.sniff(kind, file, {}).settings if found else {}
    source: Any = _sniff.source(kind, file.name, settings)
    with raw_rows.reading(file.name, file.parent, source):
        columns = source.settled(file.parent, source.columns(file.parent))
        return source.scan(file.parent, columns).collect().to_dict(as_series=False)  # type: ignore[no-any-return]


READERS: dict[str, Read] = {
    "polars": by_polars,
    "pandas": by_pandas,
    "duckdb": by_duckdb,
    "mlspec init": lambda file: by_mlspec(file, found=True),
    "mlspec": lambda file: by_mlspec(file, found=False),
}


def plain(cell: Any) -> Any:
    """A cell without its library's type: moments in UTC without a zone, missing as None."""
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, float) and math.isnan(cell):
        return None
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).replace(tzinfo=None) if cell.tzinfo else cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, int | float | str):
        return cell
    return cell.item() if hasattr(cell, "item") else str(cell)


def same(cell: Any, true: Any) -> bool:
    if isinstance(true, tuple):
        return any(same(cell, one) for one in true)
    if isinstance(cell, str) and isinstance(true, str):
        return cell.strip() == true
    if isinstance(cell, bool) or isinstance(true, bool) or isinstance(cell, str) != isinstance(true, str):
        return cell is true
    if isinstance(cell, float) and isinstance(true, float):
        return math.isclose(cell, true, rel_tol=1e-12)
    return bool(cell == true)


def kept_as_text(cell: Any, true: Any) -> bool:
    """Whether the cell is the file's own text for a value that is no text."""
    if true is None or isinstance(true, tuple):
        return same(cell, true) or (isinstance(cell, str) and (true is not None or cell.strip().lower() in ABSENT))
    return same(cell, true) or (isinstance(cell, str) and not isinstance(true, str))


def verdict(read: Read, file: Path, damaged: Damaged) -> tuple[str, str]:
    """A word, and what was seen."""
    try:
        found = {re.sub(r"\s+", " ", k).strip(): [plain(c) for c in v] for k, v in read(file).items()}
    except Exception as error:  # whatever a reader raises is a refusal
        said = " ".join(str(getattr(error, "diagnostics", [error])[0]).split())
        if hasattr(error, "diagnostics"):
            said = error.diagnostics[0].message
        return ("refused at line" if PLACE.search(said) else "refused"), said
    if not damaged.expected:
        return "WRONG", f"read without a word: {len(next(iter(found.values()), []))} rows"
    text = ""
    for name, true in damaged.expected.items():
        name = re.sub(r"\s+", " ", name).strip()
        if name not in found:
            return "WRONG", f"no column '{name}' among {list(found)[:4]}"
        cells = found[name]
        if len(cells) != len(true):
            return "WRONG", f"{len(cells)} rows, not {len(true)}"
        for n, (cell, right) in enumerate(zip(cells, true, strict=True)):
            if same(cell, right):
                continue
            if not kept_as_text(cell, right):
                return "WRONG", f"'{name}' of row {n + 1} is {cell!r}, not {right!r}"
            text = text or f"'{name}' of row {n + 1} is {cell!r}"
    return ("text" if text else "right"), text


def compare(rows: int, only: Sequence[str] = ()) -> dict[str, dict[str, tuple[str, str]]]:
    """The verdict on each reader, by damage."""
    made = base(rows)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, damage) in enumerate(DAMAGES.items()):
            if only and name not in only:
                continue
            damaged = damage(made)
            file = Path(folder, str(number), f"data.{damaged.ending}")
            file.parent.mkdir()
            file.write_bytes(damaged.content)
            results[name] = {reader: verdict(read, file, damaged) for reader, read in READERS.items()}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of damages, separated by commas")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--details", action="store_true", help="what each reader said or got wrong")
    asked = parser.parse_args()
    os.environ.setdefault("NO_COLOR", "1")
    results = compare(asked.rows, [name for name in asked.only.split(",") if name])
    print(f"{'damage':22}" + "".join(f"{reader:17}" for reader in READERS))
    for name, row in results.items():
        print(f"{name:22}" + "".join(f"{row[reader][0]:17}" for reader in READERS))
        for reader in READERS if asked.details else ():
            if row[reader][1]:
                print(f"    {reader:12} {row[reader][1][:200]}")
    print()
    for word in ("right", "text", "refused at line", "refused", "WRONG"):
        print(
            f"{word:22}" + "".join(f"{sum(r[reader][0] == word for r in results.values()):<17}" for reader in READERS)
        )
    wrong = [name for name, row in results.items() if any(row[r][0] == "WRONG" for r in READERS if "mlspec" in r)]
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
