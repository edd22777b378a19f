"""Nothing that comes from a spec, from data or from an argument does anything on a terminal or in a log of CI."""

import csv
import html.parser
import io
import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.cli import main
from mlspec.cli._streams import safe, safe_json
from mlspec.diagnostics import SpecError
from mlspec.document import parse
from mlspec.spec.load import load

ROOT = Path(__file__).parents[2]
COMMANDS = "\n::error::PWN\r::set-output name=a::b\n##[error]PWN ##vso[task.x]y\nsection_start:1:x\r\x1b[0K"
CONTROLS = "\x1b]0;t\x07\x1b[31m\x1b[2J\u202e\u2066\u2028\u2029\x9b31m\x85\x7f\x08"
MARKUP = "'><img src=x onerror=alert(1)></script><script>alert(1)</script></style>--> ]]> [a](javascript:b) | `c` @d"
EVIL, GOOD = f"evil{COMMANDS}{CONTROLS}{MARKUP}", "good"
SPEC = """mlspec: 1
project: {{name: p, goal: {text}, owners: [{text}, "@x"]}}
constraints: {{quality: [{{metric: balanced_accuracy, at_least: {floor}}}]}}
data:
  sources: {{a: {{path: d.csv}}}}
  columns: {{target: y, positive: {value}, drop: [{column}]}}
  expect: [{{column: {column}, allowed: [a, {text}]}}]
model: {{candidates: {{linear: {{type: logistic_regression}}}}}}
"""
BROKEN = {
    "a path with its format": ("path: d.csv", "path: {}, format: csv"),
    "a target": ("target: y", "target: {}"),
    "a metric": ("metric: balanced_accuracy", "metric: {}"),
    "a model": ("type: logistic_regression", "type: {}"),
    "a candidate": ("linear:", "{}:"),
    "a source": ("sources: {{a:", "sources: {{{}:"),
    "a key": ("goal:", "{}: 1, goal:"),
    "an encoding": ("path: d.csv", "path: d.csv, encoding: {}"),
    "a license": ("name: p,", "name: p, license: {},"),
}
TEXT = (
    ["compile"],
    ["compile", "--trace"],
    ["compile", "--explain", "train.linear"],
    ["compile", "--explain", EVIL],
    ["compile", "--resolved"],
    ["compile", "--format", "dot"],
    ["compile", "--format", "mermaid"],
    ["compile", "--format", "codeowners"],
    ["compile", "--profile", EVIL],
    ["compile", "--backend", EVIL],
    ["compile", "-o", f"o{COMMANDS}{CONTROLS}"],
    ["validate", EVIL],
    ["validate", f"--{EVIL}"],
    ["validate", "--set", f"{EVIL}=1"],
    ["validate", "--set", f"model={EVIL}"],
    ["validate", "--requirements"],
    ["run", "--dry-run", "--only", EVIL],
    ["diff", "project.yaml", "new.yaml"],
    ["diff", "project.yaml", "new.yaml", "--format", "markdown"],
    ["diff", "project.yaml", "new.yaml", "--allow", f"loosened={EVIL}"],
    ["diff", "project.yaml", "new.yaml", "--allow", EVIL],
    ["diff", "--textconv", "project.yaml"],
    ["diff", "--textconv", "d.csv"],
    ["diff", EVIL, EVIL],
    ["profile", "d.csv"],
    ["profile", EVIL],
    ["init", "d.csv", "-o", "-", "--no-trial"],
    ["contract", "export"],
    ["contract", "import", EVIL],
    ["explain", EVIL],
    ["show", EVIL],
    ["predict", EVIL, EVIL],
    ["verify", EVIL],
    [EVIL],
)


def write(folder: Path, text: str) -> None:
    # Line breaks that some readers of CSV take for the end of a row are another test's matter.
    cell = re.sub("[\r\u2028\u2029\x85]", "", text)
    rows = io.StringIO()
    table = csv.writer(rows)
    table.writerow(["x", f"{cell} c", "y"])
    table.writerows([i, cell, cell if i % 2 else "n"] for i in range(40))
    (folder / "d.csv").write_text(rows.getvalue(), encoding="utf-8", newline="")
    named = {"text": json.dumps(text), "value": json.dumps(cell), "column": json.dumps(f"{cell} c")}
    (folder / "project.yaml").write_text(SPEC.format(**named, floor=0.9))
    (folder / "new.yaml").write_text(SPEC.format(**named, floor=0.5))


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, EVIL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    return tmp_path


def assert_safe(shown: str) -> None:
    assert {char for char in shown if unicodedata.category(char) in ("Cc", "Zl", "Zp")} <= {"\n", "\t"}
    assert not re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)
    assert not re.search(r"^\s*::", shown, re.MULTILINE)
    assert not re.search(r"##\w*\[", shown)


@pytest.mark.parametrize("arguments", TEXT, ids=lambda arguments: " ".join(arguments)[:40].encode("unicode_escape"))
@pytest.mark.usefixtures("hostile")
def test_nothing_of_it_acts_in_a_log(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) in (0, 1, 2)
    out, err = capsys.readouterr()
    assert out + err
    assert_safe(out + err)


@pytest.mark.parametrize(("old", "new"), BROKEN.values(), ids=BROKEN)
def test_nor_in_a_diagnostic(old: str, new: str, hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (hostile / "project.yaml").read_text()
    old, new = old.replace("{{", "{"), new.replace("{{", "{").replace("{}", json.dumps(EVIL))
    assert old in text
    (hostile / "project.yaml").write_text(text.replace(old, new, 1))
    assert main(["validate"]) == 2
    shown = capsys.readouterr().err
    assert "evil\\u{a}::error::PWN" in shown
    assert_safe(shown)
    assert main(["validate", "--format", "github"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(re.fullmatch(r"::(error|warning) title=[^:,]*(,[a-zA-Z]+=[^:,]*)*::.*", line) for line in lines)
    assert all(line.isprintable() for line in lines)
    assert main(["validate", "--format", "json"]) == 2
    shown = capsys.readouterr().out
    assert_safe(shown)
    assert any(EVIL in diagnostic["message"] + diagnostic["label"] for diagnostic in json.loads(shown)["diagnostics"])


@pytest.mark.usefixtures("hostile")
def test_workflow_commands_are_written_where_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "project.yaml", "new.yaml", "--format", "github"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error"]


def test_data_stays_as_it_is_for_programs_and_in_files(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (hostile / "project.yaml").write_text(
        (hostile / "project.yaml").read_text().replace("owners: [", "owners: ['a ##[b]', ")
    )
    assert main(["compile", "--resolved", "-o", "all.yaml"]) == 0
    assert "a ##[b]" in (hostile / "all.yaml").read_text()


class Structure(html.parser.HTMLParser):
    """The elements of a page with their attributes' names, and what can run code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _value in attrs)))
        assert not any(name.startswith("on") for name, _value in attrs)
        assert not any((value or "").strip().lower().startswith("javascript:") for _name, value in attrs)

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", ()))


@pytest.mark.parametrize(
    "arguments",
    [
        ["compile", "--format", "html"],
        ["compile", "--format", "svg"],
        ["profile", "d.csv", "--format", "html"],
        ["diff", "project.yaml", "new.yaml", "--format", "html"],
    ],
    ids=" ".join,
)
def test_a_page_has_the_same_elements_whatever_the_texts_are(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for text in (GOOD, EVIL):
        folder = tmp_path / text[:4]
        folder.mkdir()
        write(folder, text)
        monkeypatch.chdir(folder)
        assert main([*arguments, "-o", "page.html"]) == 0
        found.append(Structure((folder / "page.html").read_text(encoding="utf-8")).found)
    assert found[0] == found[1]
    assert found[0]


ODD = st.text(st.sampled_from(":#[]\\ \t\n\rmverosx\x1b0123;\u202e\u2028\x85\x9b\ud800") | st.characters())


@given(ODD, st.booleans(), st.booleans())
def test_a_safe_text_is_safe_and_stays_what_it_is(text: str, color: bool, data: bool) -> None:
    shown = safe(text, color=color, data=data)
    assert_safe(re.sub("\x1b\\[(0|1|2|(1;)?3[1-6])m", "", shown) if color else shown)
    assert safe(shown, color=color, data=data) == shown


@given(st.lists(ODD.filter(lambda text: not re.search("[\ud800-\udfff]", text))))
def test_safe_json_is_the_same_value(value: list[str]) -> None:
    shown = safe_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(shown) == value
    assert_safe(shown)


# Where a spec has a key or a value that must match a pattern, with one that does.
NAMED = {
    "project: {name: NAME}": "reach",
    "project: {license: NAME}": "MIT",
    "project: {goals: [{name: NAME}]}": "reach",
    "data: {sources: {NAME: {path: d.csv}}}": "a",
    "model: {candidates: {NAME: {type: logistic_regression}}}": "linear",
    "profiles: {NAME: {}}": "small",
    "backends: {NAME: {engine: local}}": "own",
    "backend: {device: NAME}": "cuda:0",
    "storage: {keep: NAME}": "3 runs",
    "storage: {encrypt: NAME}": "KEY",
    "model: {candidates: {m: {type: python, code: NAME}}}": "a.b:C",
    "data: {sources: {s: {format: python, code: NAME}}}": "a.b:C",
}


@pytest.mark.parametrize(("where", "name"), NAMED.items(), ids=NAMED)
def test_no_name_ends_in_a_line_break(where: str, name: str) -> None:
    def wrong(value: str) -> list[str]:
        try:
            load(parse(where.replace("NAME", json.dumps(value)), "project.yaml"))
        except SpecError as error:
            return [d.code for d in error.diagnostics]
        return []

    assert "bad-name" not in wrong(name)
    assert "bad-name" in wrong(f"{name}\n")
