"""What grows, hangs or never ends while a spec and its sources are looked at: each is a located diagnostic, and the
process that looks keeps within the memory that it is given here."""

import bz2
import gzip
import lzma
import os
import resource
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.suites import later

from mlspec.cli import main

MEMORY = 400 << 20  # of the process that validates, in bytes; what it starts has its own, smaller limit
MIB = 1 << 20
SPEC = """\
mlspec: 1
project: {name: p, goal: g}
constraints: {quality: [{metric: balanced_accuracy, at_least: 0.5}]}
data:
  sources: {a: {path: d.csv}}
  columns: {target: y}
model: {candidates: {l: {type: logistic_regression}}}
"""
ROWS = "x,c,y\n" + "".join(f"{i},{'abc'[i % 3]},{'uv'[i % 2]}\n" for i in range(40))


def endless(folder: Path) -> str:
    """A line of 200 MB, compressed."""
    (folder / "d.csv.gz").write_bytes(gzip.compress(b"x,y\n" + b"a" * (200 * MIB), 1))
    return "path: d.csv.gz"


def endless_bz2(folder: Path) -> str:
    (folder / "d.csv.bz2").write_bytes(bz2.compress(b"x,y\n" + b"a" * (40 * MIB), 1))
    return "path: d.csv.bz2"


def endless_xz(folder: Path) -> str:
    packed = lzma.compress(b"x,y\n" + b"a" * (100 * MIB), preset=0)
    (folder / "d.csv.xz").write_bytes(packed)
    return "path: d.csv.xz"


def endless_zst(folder: Path) -> str:
    """The same as a zstd frame: a block with a header, and blocks of 128 KiB that say which byte they repeat."""

    def block(kind: int, size: int, content: bytes, last: int = 0) -> bytes:
        return (last | kind << 1 | size << 3).to_bytes(3, "little") + content

    header = b"\x28\xb5\x2f\xfd" + b"\x00\x58"
    blocks = [block(0, 4, b"x,y\n"), *[block(1, MIB // 8, b"a")] * 8_000, block(1, 1, b"a", last=1)]
    (folder / "d.csv.zst").write_bytes(header + b"".join(blocks))
    return "path: d.csv.zst"


def empty_parts(folder: Path) -> str:
    """A gzip file of a million parts that hold nothing."""
    (folder / "d.csv.gz").write_bytes(gzip.compress(b"") * 1_000_000)
    return "path: d.csv.gz"


def endless_name(folder: Path) -> str:
    """A gzip header with a file name of 50 MB."""
    (folder / "d.csv.gz").write_bytes(b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"n" * (50 * MIB))
    return "path: d.csv.gz"


def one_line(folder: Path) -> str:
    (folder / "d.jsonl").write_bytes(b'{"x": "' + b"a" * (200 * MIB))
    return "path: d.jsonl"


def wide(folder: Path) -> str:
    names = ",".join(f"c{i}" for i in range(300_000))
    (folder / "d.csv").write_text(f"{names},y\n" + "1," * 300_000 + "u\n")
    return "path: d.csv"


def long_name(folder: Path) -> str:
    (folder / "d.csv").write_text("x" * 100_000 + ",y\n1,u\n2,v\n")
    return "path: d.csv"


def wide_lines(folder: Path) -> str:
    keys = ", ".join(f'"k{i}": 1' for i in range(60_000))
    (folder / "d.jsonl").write_text(f"{{{keys}}}\n")
    return "path: d.jsonl"


def deep_lines(folder: Path) -> str:
    (folder / "d.jsonl").write_text('{"x": ' + "[" * 200_000 + "]" * 200_000 + "}\n")
    return "path: d.jsonl"


def texts(folder: Path) -> str:
    """Texts of 100 MB each in an archive of some hundred kB."""
    with zipfile.ZipFile(folder / "t.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for index in range(2):
            archive.writestr(f"{'uv'[index]}/{index}.txt", b"a" * (100 * MIB))
    return "path: t.zip, format: texts"


def entries(folder: Path) -> str:
    """An archive of 400,000 files."""
    with zipfile.ZipFile(folder / "t.zip", "w") as archive:
        archive.writestr("u/a.txt", b"a")
    packed = (folder / "t.zip").read_bytes()
    start = packed.index(b"PK\x01\x02")
    end = packed.index(b"PK\x05\x06")
    entry, size = packed[start:end], (end - start) * 400_000
    tail = bytearray(packed[end:])
    tail[12:16] = size.to_bytes(4, "little")
    (folder / "t.zip").write_bytes(packed[:start] + entry * 400_000 + tail)
    return "path: t.zip, format: texts"


def wide_table(folder: Path) -> str:
    """A table beside texts whose header is long and whose rows are short."""
    for label in "uv":
        (folder / "t" / label).mkdir(parents=True)
        (folder / "t" / label / "a.txt").write_text("a")
    names = ",".join(f"c{i}" for i in range(300_000))
    (folder / "t" / "labels.csv").write_text(f"file_name,{names}\n" + "u/a.txt,1\n" * 1_000)
    return "path: t, format: texts"


def computed(folder: Path) -> str:
    """A column that SQLite computes: 40 MB a row."""
    return database(folder, ["y TEXT AS (hex(zeroblob(20000000))) VIRTUAL"])


def computed_in_pieces(folder: Path) -> str:
    """The same, each value within what a value may have."""
    return database(folder, [f"c{i} TEXT AS (hex(zeroblob(2000000))) VIRTUAL" for i in range(200)])


def database(folder: Path, columns: list[str]) -> str:
    """A table of a thousand rows with such columns; nothing is computed to make it."""
    with sqlite3.connect(folder / "d.db") as connection:
        connection.execute("CREATE TABLE t (x INT)")
        connection.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(1000)])
        connection.execute("PRAGMA writable_schema = ON")
        text = f"CREATE TABLE t (x INT, {', '.join(columns)})"
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 't'", (text,))
    connection.close()
    return 'connection: "sqlite:d.db", table: t'


def endless_query(folder: Path) -> str:
    """A view of endless rows by the name of the table."""
    with sqlite3.connect(folder / "d.db") as connection:
        endless = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT max(x) AS y FROM r"
        connection.execute(f"CREATE VIEW t AS {endless}")
    connection.close()
    return 'connection: "sqlite:d.db", table: t'


def dictionary(folder: Path) -> str:
    """One text of 8 MB in every row of a Parquet file, which has it once."""
    repeated().write_parquet(folder / "d.parquet", compression="zstd")
    return "path: d.parquet"


def arrow(folder: Path) -> str:
    repeated().write_ipc(folder / "d.arrow", compression="zstd")
    return "path: d.arrow"


def repeated() -> pl.DataFrame:
    """A thousand rows with the same long text."""
    text = pl.Series("y", [0] * 1000, dtype=pl.UInt8).cat.to(pl.Enum(["a" * (8 * MIB)]))
    return pl.DataFrame({"x": range(1000)}).with_columns(text)


def deep_folders(folder: Path) -> str:
    """A pattern that asks for the same folder again and again, and a tree that has it as often."""
    deep = folder.joinpath(*["a"] * 60)
    deep.mkdir(parents=True)
    (deep / "b.csv").write_text("x\n")
    return f"path: '{'**/a/' * 30}c.csv'"


BOMBS: list[Callable[[Path], str]] = [
    endless, endless_bz2, endless_xz, endless_zst, empty_parts, endless_name, one_line, wide, long_name, wide_lines,
    deep_lines, texts, entries, wide_table, computed, computed_in_pieces, endless_query, dictionary,
    arrow, deep_folders,
]  # fmt: skip
SLOW = (entries, texts, dictionary, empty_parts, one_line, endless_xz, arrow, endless_name)


@pytest.mark.parametrize("bomb", later(BOMBS, SLOW.__contains__), ids=lambda bomb: bomb.__name__)
def test_a_look_at_a_source_is_bounded(bomb: Callable[[Path], str], tmp_path: Path) -> None:
    source = bomb(tmp_path)
    target = "text" if bomb is texts else "y"
    spec = SPEC.replace("path: d.csv", source).replace("target: y", f"target: {target}")
    (tmp_path / "project.yaml").write_text(spec)
    code, told = validate(tmp_path)
    assert code in (0, 2), told
    assert "Traceback" not in told
    assert "internal error" not in told
    assert code == 0 or "project.yaml:5:" in told or "project.yaml:6:" in told


def validate(folder: Path) -> tuple[int, str]:
    """``mlspec validate`` as a program that may take no more than so much memory."""
    start = "import sys; from mlspec.cli import main; sys.exit(main(['validate']))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", start],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),
    )
    return done.returncode, done.stdout + done.stderr


def refused(spec: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a spec that is wrong."""
    (folder / "d.csv").write_text(ROWS)
    (folder / "project.yaml").write_text(spec)
    assert main(["validate", str(folder / "project.yaml")]) == 2
    told = capsys.readouterr().err
    assert "internal error" not in told
    return told


PATTERNS = {
    "(" * 900: "nested too deeply",
    "(" * 3_000: "longer than 1,000 characters",
    "a{99999999999999999999}": "'{' is for repetitions",
    "(?:a{1000}){1000}": "the repeated part is too large",
    "((((a{1,200}){1,200}){1,200}){1,200})": "the repeated part is too large",
    "\\\\w{400}": "the repeated part is too large",
    "(?<!b)a": "lookaround, back-references and comments",
    "(?P<n>a)(?P=n)": "lookaround, back-references and comments",
    "(?x)a # b": "lookaround, back-references and comments",
    "a)|(b": "there is no '(' before this ')'",
    "a**(": "a ')' is missing",
    "[a": "a ']' is missing",
    "[z-a]": "this range is invalid or reversed",
    "\\\\Z": "is not supported by both engines",
    "\\\\p{Foo}": "unknown character property",
    "a\\\\": "is not supported",
}


@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
def test_a_pattern_that_cannot_be_run_is_reported_at_its_place(
    pattern: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SPEC.replace("target: y}", f'target: y}}\n  expect:\n    - {{column: c, matches: "{pattern}"}}')
    told = refused(spec, tmp_path, capsys)
    assert "error[expectation-without-check]: this is not a valid regular expression" in told
    assert PATTERNS[pattern] in told
    assert "project.yaml:8:28" in told


EXPRESSIONS = {
    "x > 1e999": "too large for a number",
    "x > " + "9" * 3_000: "a number may have at most 30 characters",
    "9223372036854775808 > x": "too large for an integer",
    "١ > x": "is not valid here",
    "x > 1 -- 2": "'--' starts a comment",
    "CAST('a' AS DATE) > DATE '2024-13-45'": "DATE is written as '2024-01-31'",
    "ROUND(x, 99999999999) > 1": "ROUND takes a number from 0 to 300",
    "(" * 40 + "x" + ")" * 40 + " > 1": "nested too deeply",
    "x > 1" + " + 1" * 600: "more than 400 signs",
    "x > " * 2_000: "longer than 4,000 characters",
}


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=range(len(EXPRESSIONS)))
def test_an_expression_that_cannot_be_run_is_reported_at_its_place(
    expression: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SPEC.replace("target: y}", f'target: y}}\n  filter: "{expression}"')
    told = refused(spec, tmp_path, capsys)
    assert "error[bad-expression]" in told
    assert EXPRESSIONS[expression] in told
    assert "project.yaml:7:" in told


NUMBERS = {
    "1" + "0" * 309: "... is too large for an integer",
    "9" * 6_000: "... is too large for an integer",
    "0x" + "f" * 6_000: "... is too large for an integer",
    "9223372036854775808": "9223372036854775808 is too large for an integer",
    "1e999": "1e999 is too large for a number",
}


@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
def test_a_number_that_nothing_can_hold_is_reported_at_its_place(
    number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in ("data: {split: {seed: @}}", "data: {expect: [{rows: {at_least: @}}]}", "evaluation: {slices: [@]}"):
        key, _, rest = place.partition(": {")
        spec = SPEC.replace("data:\n", f"data:\n  {rest[:-1]}\n") if key == "data" else f"{SPEC}{place}\n"
        told = refused(spec.replace("@", number), tmp_path, capsys)
        assert "error[not-a-number]" in told
        assert NUMBERS[number] in told


@pytest.mark.parametrize("unit", ["9" * 400 + "d", "9" * 300 + "d", "1" + "0" * 30 + "s"])
def test_a_time_that_never_ends_is_none(unit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(SPEC.replace("path: d.csv", f"path: d.csv, timeout: {unit}"), tmp_path, capsys)
    assert "error[out-of-range]: 'data.sources.a.timeout' must be more than 0 s and at most 1e10 s" in told


def test_a_large_spec_with_a_slip_is_explained_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Python's own scanner took ten seconds for this; the library's words have to do."""
    keys = "".join(f"k{index}: 1\n" for index in range(90_000))
    assert "error[syntax]" in refused(f"{keys}@", tmp_path, capsys)
