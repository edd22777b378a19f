"""What an editor shows: pure functions of a text, a place in it, and what the data and the last run say."""

import random
import shutil
from pathlib import Path

import pytest

from mlspec.document import LARGEST
from mlspec.editor import hover, lenses, names, positions
from mlspec.editor.completion import completion
from mlspec.editor.scan import cursor
from mlspec.editor.state import Opened, is_spec, opened
from mlspec.edits import applied

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*/project.yaml"))
SPEC = """\
mlspec: 1
project: {name: birds, goals: [{name: reach, metric: balanced_accuracy, at_least: 0.8}]}
constraints:
  quality:
    - {metric: balanced_accuracy, at_least: 0.85}
  waivers:
    - {requirement: goals.reach, reason: not yet}
    - {requirement: quality.balanced_accuracy, reason: not yet}
data:
  sources:
    birds: {path: data/penguins.csv} # a comment
    more: {path: data/penguins.csv}
  join: [{source: more, keys: year, columns: [sex], prefix: m_}]
  columns: {target: species}
model:
  candidates:
    linear: {type: logistic_regression}
tuning:
  linear: {trials: 3}
profiles:
  quick:
    model: {candidates: {linear: {C: 0.5}}}
    tuning: {linear: null}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("birds")
    shutil.copytree(ROOT / "specs/penguins", folder, ignore=shutil.ignore_patterns(".mlspec"), dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def birds(folder: Path) -> Opened:
    return opened(str(folder / "project.yaml"), SPEC)


def offered(birds: Opened, text: str) -> list[str]:
    """What is offered where "|" is."""
    before = text.partition("|")[0]
    now = opened(birds.file, text.replace("|", ""), birds)
    _, found = completion(now, before.count("\n"), len(before.rsplit("\n", 1)[-1]))
    return [one.text for one in found]


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("|", ["project", "data", "model"], ["type"]),
        ("mlspec: 1\nproject: {|", ["name", "goal", "task"], ["data"]),
        ("model:\n  |", ["candidates", "select"], ["name"]),
        ("model:\n  candidates:\n    a: {type: |", ["logistic_regression", "lightgbm"], ["ridge"]),
        ("model:\n  candidates:\n    a:\n      type: torch.mlp\n      |", ["dropout", "epochs"], ["type", "C"]),
        ("data:\n  columns: {target: |", ["species", "year"], ["metric"]),
        ("data:\n  columns:\n    target: species\n    drop: [year, |", ["island", "bill_length_mm"], []),
        ("constraints:\n  quality:\n  - metric: |", ["balanced_accuracy", "log_loss"], ["rmse"]),
        ("constraints:\n  quality: [{metric: f1_macro, beats: |", ["baseline", "majority"], ["mean"]),
        ("constraints: {waivers: [{requirement: |", ["goals.reach", "quality.balanced_accuracy"], []),
        ("constraints: {latency: {p95: |", ["5ms"], []),
        ("evaluation: {metrics: [|", ["accuracy", "f1_macro"], ["rmse"]),
        ("evaluation:\n  baselines:\n    - |", ["majority"], ["mean"]),
        ("model: {candidates: {flat: {type: sgd}}}\ntuning:\n  |", ["flat"], ["linear"]),
        ("data:\n  join: [{source: |", ["birds", "more"], []),
        ("preprocessing:\n  columns:\n    year: [impute: |", ["median"], []),
        ("preprocessing:\n  columns: {|", ["year"], []),
        ("backend: |", ["cpu", "gpu"], []),
        ("data:\n  split: {by: |", ["stratified", "time"], []),
        ("profiles:\n  quick:\n    |", ["model", "data"], ["profiles"]),
        ("profiles:\n  quick:\n    model: {candidates: {linear: {|", ["C"], ["dropout"]),
        ("project:\n  goal: >\n    some: text\n  |", ["owners"], ["some"]),
    ],
)
def test_what_is_offered(birds: Opened, text: str, wanted: list[str], unwanted: list[str]) -> None:
    found = offered(birds, text)
    assert [name for name in wanted if name not in found] == []
    assert [name for name in unwanted if name in found] == []


def test_a_column_comes_from_the_lock_where_the_text_was_never_read(folder: Path) -> None:
    now = opened(str(folder / "project.yaml"), "data:\n  columns: {target: ")
    assert [one.text for one in completion(now, 1, 99)[1]][:2] == ["bill_depth_mm", "bill_length_mm"]


def test_what_is_said_of_a_place(birds: Opened) -> None:
    def said(text: str, more: int = 1) -> str:
        line = next(index for index, row in enumerate(SPEC.split("\n")) if text in row)
        found = hover.hover(birds, line, SPEC.split("\n")[line].index(text) + more)
        return "" if found is None else found[0]

    assert "`species`: category, the target" in said("species")
    assert said("target") == "The column to predict.\n\ntext; required; for example `income`"
    assert "at least 1" in said("trials")
    assert "default `20`" in said("trials")
    assert "last run: balanced_accuracy at least 0.85: 0.98 [0.87, 1.00], pass" in said(
        "{metric: balanced_accuracy, at_least: 0.85"
    )
    assert "pass" in said("{metric: balanced_accuracy, at_least: 0.85")
    assert said("logistic_regression").startswith("**logistic_regression**: ")
    assert said("# a comment", 4) == ""


def test_a_name_is_found_and_renamed_everywhere(birds: Opened) -> None:
    rows = SPEC.split("\n")
    line = rows.index("  linear: {trials: 3}")
    assert [span.line for span in names.definitions(birds, line, 4)] == [
        rows.index("    linear: {type: logistic_regression}") + 1
    ]
    assert len(names.references(birds, line, 4)) == 4
    edits = names.renamed(birds, line, 4, "plain")
    assert not isinstance(edits, str)
    after = applied(SPEC, edits)
    assert after == SPEC.replace("linear:", "plain:")
    assert opened(birds.file, after).diagnostics == birds.diagnostics
    goal = names.renamed(birds, 1, SPEC.split("\n")[1].index("reach"), "range")
    assert not isinstance(goal, str)
    assert applied(SPEC, goal) == SPEC.replace("reach", "range")
    source = names.renamed(birds, rows.index("    more: {path: data/penguins.csv}"), 5, "extra")
    assert not isinstance(source, str)
    assert applied(SPEC, source) == SPEC.replace("more:", "extra:").replace("source: more", "source: extra")
    assert names.renamed(birds, line, 4, "a b") == "'a b' is no name: letters, digits, _ and -, starting with a letter"
    gate = rows.index("    - {requirement: quality.balanced_accuracy, reason: not yet}")
    assert [span.line for span in names.definitions(birds, gate, 22)] == [5]


def test_what_the_last_run_said_is_at_its_gate(birds: Opened) -> None:
    shown = [(one.span.line, one.text) for one in lenses.lenses(birds)]
    assert shown == [(5, "last run: balanced_accuracy at least 0.85: 0.98 [0.87, 1.00], pass")]
    inlays = {one.span.line: one.text for one in lenses.inlays(birds, 0, 99)}
    assert "sampler: tpe" in inlays[19]
    outline = lenses.symbols(birds)
    assert [one.name for one in outline][:3] == ["mlspec", "project", "constraints"]
    assert [one.name for one in outline[3].below] == ["sources", "join", "columns"]


def test_what_was_known_stays_while_the_text_is_broken(birds: Opened) -> None:
    broken = opened(birds.file, SPEC.replace("candidates:\n", "candidates: {\n"), birds)
    assert [one.code for one in broken.diagnostics] == ["syntax"]
    assert broken.known == birds.known
    assert not broken.is_current
    assert list(lenses.lenses(broken)) == []


@pytest.mark.parametrize(
    ("line", "character", "column"),
    [
        ("a😀b", 0, 0),
        ("a😀b", 1, 1),
        ("a😀b", 2, 1),
        ("a😀b", 3, 2),
        ("a😀b", 4, 3),
        ("a😀b", 99, 3),
        ("é", -5, 0),
        ("", 7, 0),
    ],
)
def test_places_are_counted_in_utf_16(line: str, character: int, column: int) -> None:
    assert positions.column(line, character) == column
    assert positions.character("a😀b", 2) == 3


def test_hostile_texts_are_answered(birds: Opened) -> None:
    large = opened(birds.file, "a: b\n" * (LARGEST // 4), birds)
    assert [one.code for one in large.diagnostics] == ["file-too-large"]
    assert completion(large, 10**9, 10**9)[1] != []
    for text in (
        "[" * 5000,
        "{a: " * 5000,
        "- " * 5000,
        "a:\n" + " " * 5000 + "b: ",
        '"' * 5000,
        "&a [*a",
        "\u2028a: b",
    ):
        now = opened(birds.file, text, birds)
        assert now.diagnostics != ()
        for place in ((0, 0), (0, 10**9), (-1, -1), (10**9, 3)):
            completion(now, *place)
            hover.hover(now, *place)
    outside = SPEC.replace("path: data/penguins.csv} #", "path: /etc/passwd, format: csv} #")
    found = opened(birds.file, outside, birds)
    assert [one.code for one in found.diagnostics] == ["file-outside"]
    assert "root" not in str(found.known.columns)


def test_only_specs_are_checked() -> None:
    assert is_spec("x/project.yaml", "")
    assert is_spec("x/other.yaml", "# about\nmlspec: 1\n")
    assert not is_spec("x/other.yaml", "jobs:\n  mlspec: 1\n")


@pytest.mark.slow
def test_every_prefix_of_a_sample_is_answered(tmp_path: Path) -> None:
    """The corpus of edits, sampled; benchmarks/editor.py types all of it."""
    chosen = random.Random(0)
    for spec in SPECS:
        text = spec.read_text()
        now: Opened | None = None
        for end in sorted(chosen.sample(range(len(text)), 60)):
            now = opened(str(spec), text[:end], now)
            line, column = text.count("\n", 0, end), end - text.rfind("\n", 0, end) - 1
            completion(now, line, column)
            hover.hover(now, line, max(column - 1, 0))
            names.references(now, line, column)
            [*lenses.lenses(now), *lenses.inlays(now, 0, 10**6), *lenses.symbols(now)]


def test_a_cursor_is_placed_by_indentation_and_brackets() -> None:
    here = cursor("a:\n- b: {c: [1, {d: x\n", 1, 99)
    assert (here.path, here.prefix) == (("a", 0, "b", "c", 1, "d"), "x")
    here = cursor('"a b": {\'c\': "d: }", e: ', 0, 99)
    assert (here.path, here.values[("a b", "c")]) == (("a b", "e"), "d: }")
