"""The example specs with a few rows of their data each, so that thousands of specs can be judged in a minute."""

import functools
import gzip
import os
import shutil
import sqlite3
import zipfile
from pathlib import Path

from inputs import SPECS

LINES, FILES = 60, 12


@functools.cache
def small(scratch: Path) -> dict[str, Path]:
    """The folders of all examples in a scratch folder, by name."""
    home = scratch / "specs"
    found = {}
    for spec in sorted(SPECS.glob("*/project.yaml")):
        folder = home / spec.parent.name
        found[folder.name] = folder
        if folder.exists():
            continue
        made = folder.with_name(f".{folder.name}.{os.getpid()}")
        shutil.copytree(spec.parent, made, ignore=shutil.ignore_patterns(".mlspec", "data", "mlspec.results"))
        _data(spec.parent / "data", made / "data")
        os.mkfifo(made / "pipe")
        made.rename(folder)
    return found


def _data(source: Path, target: Path) -> None:
    target.mkdir()
    for path in sorted(source.iterdir()):
        if path.is_dir():
            kept = [
                p for folder in sorted({p.parent for p in path.rglob("*.*")}) for p in sorted(folder.glob("*.*"))[:3]
            ]
            for file in kept[:FILES]:
                place = target / file.relative_to(source)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)
        elif path.suffix in (".csv", ".jsonl"):
            (target / path.name).write_bytes(_lines(path.read_bytes()))
        elif path.name.endswith(".csv.gz"):
            (target / path.name).write_bytes(gzip.compress(_lines(gzip.decompress(path.read_bytes()))))
        elif path.suffix == ".zip":
            _archive(path, target / path.name)
        else:
            shutil.copyfile(path, target / path.name)
            if path.suffix == ".db":
                _database(target / path.name)


def _lines(data: bytes) -> bytes:
    """The first line, and others from all parts of the text."""
    lines = data.splitlines(keepends=True)
    return b"".join((lines[0], *lines[1 :: max(1, len(lines) // LINES)]))


def _archive(source: Path, target: Path) -> None:
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as made:
        counts: dict[str, int] = {}
        for entry in archive.infolist():
            folder = entry.filename.rpartition("/")[0]
            counts[folder] = counts.get(folder, 0) + 1
            if entry.is_dir() or counts[folder] <= 3 or entry.filename.endswith((".csv", ".jsonl")):
                made.writestr(entry, archive.read(entry))


def _database(path: Path) -> None:
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        connection.execute(f'DELETE FROM "{name}" WHERE rowid > {LINES}')
    connection.commit()
    connection.execute("VACUUM")
    connection.close()
