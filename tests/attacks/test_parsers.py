"""Damaged files: a few hundred seeded mutations a format, files that make the data engine panic. Each is read, or is
a diagnostic with its place; nothing ends a command in another way."""

import bz2
import gzip
import io
import json
import lzma
import random
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests import hardware

from mlspec import api
from mlspec.cli import main
from mlspec.diagnostics import SpecError

FILES = Path(__file__).parent / "files"
SPEC = """\
mlspec: 1
project: {{name: p, goal: g}}
constraints: {{quality: [{{metric: balanced_accuracy, at_least: 0.5}}]}}
data:
  sources:
{sources}
  columns: {{target: y}}
model: {{candidates: {{l: {{type: logistic_regression}}}}}}
"""
FRAME = pl.DataFrame(
    {"x": [i / 7 for i in range(50)], "y": ["uv"[i % 2] for i in range(50)], "d": ["2024-01-01"] * 50, "n": range(50)}
)
ENDS = (b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x80")


def parquet() -> bytes:
    stream = io.BytesIO()
    FRAME.write_parquet(stream, compression="zstd", row_group_size=20)
    return stream.getvalue()


def arrow() -> bytes:
    stream = io.BytesIO()
    FRAME.write_ipc(stream, compression="lz4")
    return stream.getvalue()


def sqlite() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (x REAL, y TEXT, n INT)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", FRAME.select("x", "y", "n").rows())
        connection.commit()
        found = connection.serialize()
    connection.close()
    return found


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for index in range(8):
            made.writestr(f"{'uv'[index % 2]}/{index}.txt", f"text {index}\n" * 20)
    return stream.getvalue()


def text() -> bytes:
    return FRAME.write_csv().encode()


def lines() -> bytes:
    return FRAME.write_ndjson().encode()


def zst() -> bytes:
    """A zstd frame of blocks that are not compressed."""
    content = text()
    size = (1 | len(content) << 3).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd\x00\x58" + size + content


# A format: a good file, its name, what else a source of it says, and how many of its mutations are looked at.
FORMATS: dict[str, tuple[Callable[[], bytes], str, str, int]] = {
    "parquet": (parquet, "a.parquet", "path: {name}", 200),
    "arrow": (arrow, "a.arrow", "path: {name}", 200),
    "sqlite": (sqlite, "a.db", 'connection: "sqlite:{name}", table: t', 200),
    "zip": (archive, "a.zip", "path: {name}, format: texts", 200),
    "csv": (text, "a.csv", "path: {name}", 300),
    "jsonl": (lines, "a.jsonl", "path: {name}", 300),
    "gz": (lambda: gzip.compress(text(), mtime=0), "a.csv.gz", "path: {name}", 300),
    "bz2": (lambda: bz2.compress(text()), "a.csv.bz2", "path: {name}", 300),
    "xz": (lambda: lzma.compress(text()), "a.csv.xz", "path: {name}", 300),
    "zst": (zst, "a.csv.zst", "path: {name}", 100),
    "utf-16": (lambda: text().decode().encode("utf-16"), "a.csv", "path: {name}, encoding: utf-16", 300),
    "labels.csv": (
        lambda: b"file_name,y,n\nu/a.txt,u,1\nv/b.txt,v,2\n",
        "labels.csv",
        "path: {name}, format: texts",
        200,
    ),
    "metadata.jsonl": (
        lambda: b'{"file_name": "u/a.txt", "y": "u"}\n{"file_name": "v/b.txt", "y": "v"}\n',
        "metadata.jsonl",
        "path: {name}, format: texts",
        200,
    ),
}


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A file with a few bytes changed, taken away, or put in; half of the places are near its end."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4, 10])):
        place = chance.randrange(len(data))
        if chance.random() < 0.5:
            place = max(0, len(data) - 1 - chance.randrange(min(len(data), 400)))
        how = chance.random()
        if how < 0.4:
            data[place] = chance.randrange(256)
        elif how < 0.55:
            data[place] ^= 1 << chance.randrange(8)
        elif how < 0.7:
            data[place : place + 4] = chance.choice(ENDS)
        elif how < 0.8:
            del data[place : place + chance.randrange(1, 50)]
        elif how < 0.9:
            data = data[:place] or data
        else:
            data[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 20)))
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_file_is_read_or_told_with_its_place(kind: str, tmp_path: Path) -> None:
    """All mutations of a format are the sources of one spec: a look at what can crash takes one child process."""
    make, name, source, count = FORMATS[kind]
    chance, content, sources = random.Random(7), make(), []
    for index in range(count):
        path = tmp_path / f"f{index}" / name
        path.parent.mkdir()
        path.write_bytes(mutated(content, chance))
        if name in ("labels.csv", "metadata.jsonl"):
            for inner in ("u/a.txt", "v/b.txt"):
                (path.parent / inner).parent.mkdir()
                (path.parent / inner).write_text("text")
            path = path.parent
        sources.append(f"    s{index}: {{{source.replace('{name}', path.relative_to(tmp_path).as_posix())}}}")
    (tmp_path / "project.yaml").write_text(SPEC.format(sources="\n".join(sources)))
    with pytest.raises(SpecError) as caught:
        api.validate(tmp_path / "project.yaml")
    found = [one for one in caught.value.diagnostics if one.code in ("source-unreadable", "source-not-found")]
    assert found
    for one in found:
        assert one.span is not None
        assert 6 <= one.span.line < 6 + count
        assert "panicked" not in one.message
        assert "Exception" not in one.message


@pytest.mark.parametrize("file", ["panic.parquet", "damaged-thrift.parquet"])
@pytest.mark.parametrize("command", ["validate", "compile", "run", "init", "profile"])
def test_a_file_that_makes_the_engine_panic(
    command: str, file: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(FILES / file, tmp_path / "a.parquet")
    (tmp_path / "project.yaml").write_text(SPEC.format(sources="    a: {path: a.parquet}"))
    given = str(tmp_path / ("a.parquet" if command == "init" else "project.yaml"))
    assert main([command, given, *(["-o", "-"] if command == "init" else [])]) == 2
    told = capfd.readouterr().err
    assert "error[source-unreadable]" in told
    assert "panicked" not in told
    assert "internal error" not in told


@pytest.mark.parametrize("command", ["init", "profile"])
def test_what_the_engine_writes_past_python_when_it_gives_up_is_not_shown(command: str, tmp_path: Path) -> None:
    """A file whose columns can be read and whose rows can't: the engine prints the stack of its own threads."""
    shutil.copy(FILES / "panic-in-rows.parquet", tmp_path / "a.parquet")
    start = "import sys; from mlspec.cli import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-P", "-c", start, command, "a.parquet"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error[source-unreadable]: 'a.parquet' can't be read")
    assert "panicked" not in ended.stderr
    assert "backtrace" not in ended.stderr


def test_what_libraries_write_past_python_is_shown_where_no_diagnostic_says_it(tmp_path: Path) -> None:
    start = (
        "import os, sys, mlspec.cli as cli\n"
        "def fail(*_given):\n    os.write(2, b'native \\x1b[31m text\\n'); raise RuntimeError('ours')\n"
        "cli._run = fail\nsys.exit(cli.main())"
    )
    ended = subprocess.run([sys.executable, "-P", "-c", start, "profile"], capture_output=True, text=True)
    assert ended.returncode == 70
    assert "internal error: RuntimeError: ours" in ended.stderr
    assert "native \\u{1b}[31m text\n" in ended.stderr


def test_a_crash_of_one_source_is_reported_for_that_one_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Memory that the child does not get ends it; the sources behind are looked at by another."""
    big = pl.Series("y", [0] * 1000, dtype=pl.UInt8).cat.to(pl.Enum(["a" * (8 << 20)]))
    FRAME.write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": range(1000)}).with_columns(big).write_parquet(tmp_path / "b.parquet")
    FRAME.rename({"x": "z"}).write_parquet(tmp_path / "c.parquet")
    sources = "".join(f"    {name}: {{path: {name}.parquet}}\n" for name in "abc")
    (tmp_path / "project.yaml").write_text(SPEC.format(sources=sources.rstrip()))
    assert main(["validate", str(tmp_path / "project.yaml")]) == 2
    told = capsys.readouterr().err
    assert "source 'b' can't be read as parquet" in told
    assert "source 'a' can't" not in told
    assert "source 'c' can't" not in told


@pytest.mark.parametrize("kind", ["parquet", "arrow", "zip"])
def test_damage_behind_the_first_rows_fails_the_step_that_reads_it(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(3)
    values = [chance.random() for _ in range(40_000)]
    frame = pl.DataFrame({"x": values, "z": values[::-1], "y": ["u" if v < 0.5 else "v" for v in values]})
    source = f"path: a.{kind}"
    if kind == "parquet":
        frame.write_parquet(tmp_path / "a.parquet", compression="uncompressed", row_group_size=2_000)
    elif kind == "arrow":
        frame.write_ipc(tmp_path / "a.arrow", compression="zstd", record_batch_size=2_000)
    else:
        source = "path: a.zip, format: texts"
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
            for index in range(400):
                made.writestr(f"{'uv'[index % 2]}/{index:04}.txt", f"{chance.random()} {chance.random()}")
    path = tmp_path / f"a.{kind}"
    data = bytearray(path.read_bytes())
    for start in range(len(data) // 2, len(data) * 3 // 4, 97):
        data[start : start + 40] = b"\xff" * 40
    path.write_bytes(bytes(data))
    target = "label" if kind == "zip" else "y"
    spec = SPEC.format(sources=f"    a: {{{source}}}").replace("target: y", f"target: {target}")
    (tmp_path / "project.yaml").write_text(spec)
    # Either a look at the file before the run, or the step that reads all of it, says so.
    assert main(["run", str(tmp_path / "project.yaml")]) in (2, 3)
    told = "".join(capfd.readouterr())
    assert "a: " in told or "source 'a'" in told
    assert "can't be read" in told or "damaged" in told
    assert "Traceback" not in told
    assert "PanicException" not in told


@pytest.mark.slow
def test_whatever_the_work_raises_is_that_steps_failure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A panic of a library is a BaseException, as this is."""
    (tmp_path / "own.py").write_text(
        "class Panic(BaseException):\n    pass\n\n\nclass Net:\n    def fit(self, *given, **more):\n"
        "        raise Panic('all is lost')\n\n    def predict_proba(self, rows):\n        return rows\n"
    )
    FRAME.write_csv(tmp_path / "a.csv")
    spec = SPEC.format(sources="    a: {path: a.csv}").replace(
        "type: logistic_regression", "type: python, code: 'own:Net'"
    )
    (tmp_path / "project.yaml").write_text(spec)
    assert main(["run", str(tmp_path / "project.yaml")]) == 3
    told = "".join(capfd.readouterr())
    assert "Panic: all is lost" in told
    assert "Traceback" not in told


ENCODINGS = (
    "zip", "zlib", "bz2", "hex", "base64", "rot13", "uu", "quopri", "idna", "punycode", "undefined", "unicode_escape",
    "raw_unicode_escape", "utf-7", "no-such", "\\0", "aliases", "../x",
)  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_of_anything_but_text_is_reported_at_its_place(
    encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FRAME.write_csv(tmp_path / "a.csv")
    (tmp_path / "t" / "u").mkdir(parents=True)
    (tmp_path / "t" / "u" / "a.txt").write_text("text")
    for source in ("path: a.csv", "path: t, format: texts"):
        spec = SPEC.format(sources=f'    a: {{{source}, encoding: "{encoding}"}}')
        (tmp_path / "project.yaml").write_text(spec)
        assert main(["validate", str(tmp_path / "project.yaml")]) == 2
        told = capsys.readouterr().err
        assert "error[bad-source]" in told
        assert "is not a known text encoding" in told
        assert f"project.yaml:6:{len(source) + 21}" in told


@pytest.mark.parametrize("encoding", ["cp037", "utf-16-le", "utf-32", "shift_jis", "gb18030", "latin-1", "UTF-8"])
def test_encodings_of_text_are_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(text().decode().encode(encoding))
    spec = SPEC.format(sources=f"    a: {{path: a.csv, encoding: {encoding}}}")
    (tmp_path / "project.yaml").write_text(spec)
    checked = api.validate(tmp_path / "project.yaml")
    assert [column.name for column in checked.facts.schemas["a"]] == FRAME.columns
    assert checked.facts.rows_seen == 50


HEADERS = {
    '"a""b",y': ['a"b', "y"],
    '"one\nline",y': ["one\nline", "y"],
    'x"z,y': ['x"z', "y"],
    '"a, b",y': ["a, b", "y"],
    "\ufeffx,y": ["x", "y"],
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_means_the_same_to_validate_and_to_run(header: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n" + "".join(f"{i},{'uv'[i % 2]}\n" for i in range(40)))
    (tmp_path / "project.yaml").write_text(SPEC.format(sources="    a: {path: a.csv}"))
    checked = api.validate(tmp_path / "project.yaml")
    columns = checked.facts.schemas["a"]
    assert [column.name for column in columns] == HEADERS[header]
    source = checked.project.data.sources["a"].plugin
    frames = (source.scan(tmp_path, columns), source.quick(tmp_path, columns))  # type: ignore[attr-defined]
    for frame in filter(lambda one: one is not None, frames):
        assert frame.collect().rows() == [(i, "uv"[i % 2]) for i in range(40)]


@pytest.mark.parametrize("content", ['"q" ,y\n1,u\n2,v\n', '"x,y\n1,u\n2,v\n'])
def test_a_header_that_the_engine_would_read_otherwise_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(content, newline="")
    (tmp_path / "project.yaml").write_text(SPEC.format(sources="    a: {path: a.csv}"))
    with pytest.raises(SpecError, match="can't be read as csv: "):
        api.validate(tmp_path / "project.yaml")


def test_a_cell_of_many_lines_is_no_broken_row(tmp_path: Path) -> None:
    rows = "".join(f'{i},"{"line" + chr(10)}{i}",{"uv"[i % 2]}\n' for i in range(3_000))
    (tmp_path / "a.csv").write_text(f"x,t,y\n{rows}")
    (tmp_path / "project.yaml").write_text(SPEC.format(sources="    a: {path: a.csv}"))
    assert [c.name for c in api.validate(tmp_path / "project.yaml").facts.schemas["a"]] == ["x", "t", "y"]


LINES = {
    '{"x": 1e999, "y": "u"}': "Number out of range",
    '{"x": NaN, "y": "u"}': "is not JSON",
    '{"x": -Infinity, "y": "u"}': "is not JSON",
    '{"x": "\\ud800", "y": "u"}': "is not JSON",
    '{"x": ' + "9" * 5_000 + ', "y": "u"}': "out of range",
    '{"x": ' + "9" * 400 + ', "y": "u"}': "the number of 'x' is too large",
    '{"x": ' + "[" * 200_000 + "]" * 200_000 + ', "y": "u"}': "it is nested too deeply",
}


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_a_line_of_json_that_the_engine_cannot_read(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"x": 1, "y": "u"}}\n{line}\n')
    (tmp_path / "project.yaml").write_text(SPEC.format(sources="    a: {path: a.jsonl}"))
    for command in (["validate", "project.yaml"], ["profile", "a.jsonl"], ["init", "a.jsonl", "-o", "-"]):
        assert main([command[0], str(tmp_path / command[1]), *command[2:]]) == 2
        told = capsys.readouterr().err
        assert "error[source-unreadable]" in told
        assert "line 2" in told
        assert LINES[line] in told


def test_what_validates_as_json_is_read(tmp_path: Path) -> None:
    rows = [{"x": 2**100, "y": "u"}, {"x": 1e308, "y": "\U0001f600"}, {"x": None, "y": "u"}, {"y": "u"}]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows * 10))
    (tmp_path / "project.yaml").write_text(SPEC.format(sources="    a: {path: a.jsonl}"))
    checked = api.validate(tmp_path / "project.yaml")
    source = checked.project.data.sources["a"].plugin
    frame = source.scan(tmp_path, checked.facts.schemas["a"]).collect()  # type: ignore[attr-defined]
    assert [frame["x"][at] for at in (0, 2, 3)] == [str(2**100), None, None]


@hardware.needs(sys.platform != "darwin", "its file systems take no such names")
def test_a_file_name_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source, inner in (("path: parts, format: csv", b"parts/\xff.csv"), ("path: t, format: texts", b"t/u/\xff.txt")):
        path = bytes(tmp_path) + b"/" + inner
        Path(path.rpartition(b"/")[0].decode()).mkdir(parents=True)
        with open(path, "wb") as file:
            file.write(text())
        (tmp_path / "project.yaml").write_text(SPEC.format(sources=f"    a: {{{source}}}"))
        assert main(["validate", str(tmp_path / "project.yaml")]) == 2
        told = capsys.readouterr().err
        assert "error[source-unreadable]" in told
        assert "is not UTF-8: rename it" in told


def test_no_data_engine_in_the_process_that_validates(tmp_path: Path) -> None:
    """Whatever the format: what reads it is in a child; for CSV and JSON Lines there is none."""
    kinds = {"csv": False, "jsonl": False, "gz": False, "parquet": True, "arrow": True, "sqlite": True, "zip": True}
    for kind, apart in kinds.items():
        make, name, source, _count = FORMATS[kind]
        folder = tmp_path / kind
        folder.mkdir()
        (folder / name).write_bytes(make())
        spec = SPEC.format(sources=f"    a: {{{source.replace('{name}', name)}}}")
        (folder / "project.yaml").write_text(spec.replace("target: y", "target: label") if kind == "zip" else spec)
        program = (
            "import sys; from mlspec import api; api.validate('project.yaml'); "
            "print(sorted({'polars', 'sqlite3', 'subprocess'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == str(["subprocess"] if apart else [])
