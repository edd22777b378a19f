"""What every command has in common: exit codes, streams, colour, completion, and what it prints."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import jsonschema
import pytest
from tests import hardware

from mlspec.cli import main
from mlspec.cli._commands import Commands, commands
from mlspec.cli._output import wrapped
from mlspec.cli._reference import COMMON, topics
from mlspec.diagnostics import Diagnostic, Span, render
from mlspec.machine import accelerators

ROOT = Path(__file__).parents[2]
COMMAND = Path(sysconfig.get_path("scripts")) / "mlspec"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "penguins"
    shutil.copytree(ROOT / "specs/penguins", folder, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
    monkeypatch.chdir(folder)
    return folder


def test_every_command_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert isinstance(commands, Commands)
    for name in ("init", "validate", "compile", "run", "show", "report", "runs", "predict", "verify", "gc", "schema"):
        assert re.search(rf"^  {name} +[A-Z]\w", shown, re.MULTILINE), name
        assert main([name, "--help"]) == 0
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.endswith("mlspec 0.1.0 (mlspec-compiler)\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["validat"], "no command 'validat'; did you mean 'validate'?"),
        (["validate", "--fromat", "json"], "--format"),
        (["compile", "--format", "pdf"], "'pdf' is not one of"),
        (["compile", "--trace", "--resolved"], "cannot be combined"),
        (["compile", "--explain", "train.liner"], "did you mean 'train.linear'?"),
        (["run", "--only", "splt"], "did you mean 'split'?"),
        (["validate", "--profile", "smoke"], "error[unknown-profile]: there is no profile 'smoke'"),
        (["validate", "--set", "model.candidates.linear.C=-1"], "1 | -1"),
        (["validate", "--set", "nothing"], "--set takes KEY=VALUE, not 'nothing'"),
        (["validate", "--backend", "cluster"], "cluster"),
        (["validate", "nowhere.yaml"], "nowhere.yaml can't be read"),
        (["show"], "there are no runs here yet"),
        (["predict", ".", "x.csv"], "no run of this project has selected a model"),
        (["explain", "unknown-colum"], "did you mean 'unknown-column'?"),
        (["init", "data/penguins.csv"], "project.yaml exists already"),
        (["init", "data/penguins.csv", "-o", "-", "--target", "specis"], "did you mean 'species'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("project")
def test_what_is_wrong_with_a_command_or_spec_is_exit_2_and_goes_to_stderr(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert told in err
    assert out == ""
    assert "Traceback" not in err


def test_a_spec_is_found_in_a_parent_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project / "data")
    assert main(["validate"]) == 0
    assert capsys.readouterr().err == "valid: ../project.yaml (penguins): 1 requirement, 100% bound to a check\n"


def test_there_is_no_spec_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compile"]) == 2
    assert "no project.yaml here or in a parent folder" in capsys.readouterr().err


def test_several_specs_are_checked_and_all_mistakes_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, old, new in (("a", "goal:", "gaol:"), ("b", "target: species", "target: specie")):
        (project / f"{name}.yaml").write_text((project / "project.yaml").read_text().replace(old, new))
    assert main(["validate", "project.yaml", "a.yaml", "b.yaml", "--format", "json"]) == 2
    shown = json.loads(capsys.readouterr().out)
    jsonschema.validate(shown, json.loads((ROOT / "schema/diagnostics.schema.json").read_text()))
    assert [(d["code"], d["span"]["file"], d["span"]["line"]) for d in shown["diagnostics"]] == [
        ("unknown-key", "a.yaml", 5),
        ("unknown-column", "b.yaml", 12),
    ]
    assert main(["validate", "b.yaml", "--format", "github"]) == 2
    assert capsys.readouterr().out == (
        "::error title=unknown-column,file=b.yaml,line=12,col=21,endLine=12,endColumn=27::"
        "source 'birds' has no column 'specie'%0Adid you mean 'species'?"
        "%0Athe columns are read from data/penguins.csv (8 columns)\n"
    )


def test_fix_writes_what_is_certain_and_keeps_all_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = (project / "project.yaml").read_text()
    wrong = good.replace("{target: ", "{traget: ").replace("balanced_accuracy", "balanced_acuracy")
    wrong = wrong.replace("\n", "\r\n")
    (project / "project.yaml").write_bytes(b"\xef\xbb\xbf" + wrong.encode())
    assert main(["validate", "--fix"]) == 0
    assert (project / "project.yaml").read_bytes() == b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode()
    shown = capsys.readouterr().err.splitlines()
    assert shown[:5] == [
        "project.yaml:8: -     - {metric: balanced_acuracy, at_least: 0.85}",
        "project.yaml:8: +     - {metric: balanced_accuracy, at_least: 0.85}",
        "project.yaml:12: -   columns: {traget: species}",
        "project.yaml:12: +   columns: {target: species}",
        "fixed project.yaml: 2 lines changed",
    ]
    (project / "project.yaml").write_text(good.replace("target: species", "target: bill_mm"))
    assert main(["validate", "--fix", "--format", "json"]) == 2
    fixes = json.loads(capsys.readouterr().out)["diagnostics"][0]["fixes"]
    assert [fix["title"] for fix in fixes] == ["replace bill_mm by bill_depth_mm", "replace bill_mm by bill_length_mm"]


def test_compile_says_the_same_from_its_cache_and_notices_every_change(project: Path) -> None:
    old = (project / "data/penguins.csv").stat().st_mtime_ns - 10**10
    for path in (project / "data/penguins.csv", project / "project.yaml"):
        os.utime(path, ns=(old, old))

    def shown() -> str:
        command = [COMMAND, "compile", "--format", "json"]
        return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout

    first = shown()
    assert shown() == first
    data = project / "data/penguins.csv"
    assert list((project / ".mlspec/cache/compile").iterdir())
    data.write_text(data.read_text().replace("39.1", "39.2", 1))
    os.utime(data, ns=(old - 1, old - 1))
    other = shown()
    digests = [json.loads(text)["steps"][0]["files"]["data/penguins.csv"] for text in (first, other)]
    assert digests[0] != digests[1]
    cache = project / ".mlspec/cache/compile"
    for entry in cache.iterdir():
        entry.write_bytes(entry.read_bytes()[:-20] + b"x" * 20)
    assert shown() == other


@pytest.mark.usefixtures("project")
def test_detailed_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "--detailed-exitcode"]) == 4
    assert main(["compile", "--detailed-exitcode", "--set", "data.splt=1"]) == 2
    assert main(["compile"]) == 0
    capsys.readouterr()


@pytest.mark.usefixtures("project")
def test_resolved_is_a_spec_that_means_the_same(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    assert main(["compile", "--format", "json"]) == 0
    before = json.loads(capsys.readouterr().out)["steps"]
    assert main(["compile", "--resolved", "-o", "all.yaml"]) == 0
    assert "metrics: [accuracy" in (project / "all.yaml").read_text()
    assert main(["compile", "all.yaml", "--format", "json"]) == 0
    after = json.loads(capsys.readouterr().out)["steps"]
    assert [step["identity"] for step in after] == [step["identity"] for step in before]


@pytest.mark.usefixtures("project")
def test_a_dry_run_runs_nothing(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    assert main(["run", "--dry-run"]) == 0
    assert capsys.readouterr().out.endswith("Plan: 14 run; time unknown\n")
    assert not (project / ".mlspec/store").exists()


def test_an_unexpected_mistake_of_ours_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("not\nfound out")

    monkeypatch.setattr(Commands, "invoke", broken)
    assert main(["doctor"]) == 70
    told = "internal error: RuntimeError: not found out (MLSPEC_TRACEBACK=1 shows where; please report it)\n"
    assert capsys.readouterr().err == told
    monkeypatch.setenv("MLSPEC_TRACEBACK", "1")
    assert main(["doctor"]) == 70
    shown = capsys.readouterr().err
    assert "Traceback (most recent call last):" in shown
    assert shown.endswith(told)


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    script = f"{COMMAND} compile --format html | head -c 10; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], cwd=project, capture_output=True, check=False)
    assert done.stderr == b""
    assert done.returncode in (0, 141)


def test_colour_only_on_a_terminal_that_wants_it(project: Path) -> None:
    def on_a_terminal(**extra: str) -> bytes:
        ours, theirs = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")} | {
            "TERM": "xterm",
            **extra,
        }
        with subprocess.Popen(
            [COMMAND, "compile"], cwd=project, stdout=theirs, stderr=theirs, env=environment
        ) as running:
            os.close(theirs)
            shown = b""
            while True:
                try:
                    part = os.read(ours, 65536)
                except OSError:
                    break
                if not part:
                    break
                shown += part
            running.wait()
        os.close(ours)
        return shown

    assert b"\x1b[1;33m" in on_a_terminal()
    assert b"\x1b[" not in on_a_terminal(NO_COLOR="1")
    assert b"\x1b[" not in on_a_terminal(TERM="dumb")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_and_their_answers(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_MLSPEC_COMPLETE" in capsys.readouterr().out
    if shell == "bash":
        environment = {**os.environ, "_MLSPEC_COMPLETE": "bash_complete", "COMP_WORDS": "mlspec val", "COMP_CWORD": "1"}
        done = subprocess.run([COMMAND], capture_output=True, text=True, check=False, env=environment)
        assert done.stdout == "plain,validate\n"


def test_diagnostics_are_wrapped_between_words() -> None:
    span = Span("project.yaml", 1, 9, 1, 16)
    long = "there is no metric of that name, and none that is near it in any of the lists"
    found = Diagnostic(code="unknown-plugin", message=long, span=span, label=long, notes=(long,))
    for color in (False, True):
        text = wrapped(render([found], {"project.yaml": "metric: roc_acu"}, color=color), 60)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert max(map(len, plain.splitlines())) <= 60
        words = " ".join(line.lstrip(" |") for line in plain.splitlines())
        assert words.count(long) == 3
    assert "  |         ^^^^^^^ there is no metric of that name, and\n  |                 none that is near" in plain


def test_explain_lists_topics_by_kind_and_finds_them_by_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    groups = capsys.readouterr().out.split("\n\n")
    assert groups[0].startswith("errors:\n  ")
    assert "keys of data:\n  data\n" in groups[4]
    assert "transforms:\n" in "\n".join(groups)
    assert {topic for topics in COMMON.values() for topic in topics} <= {*topics()}
    assert main(["explain", "churn"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "topics about 'churn':"
    assert any(line.startswith("  data.columns.positive ") for line in lines)
    assert main(["explain", "zebra"]) == 2


def test_schemas_and_reference_pages_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["schema", "--check"]) == 0


def test_every_code_has_a_page() -> None:
    from mlspec.cli import _reference

    used = set()
    for file in (ROOT / "src").rglob("*.py"):
        used.update(re.findall(r'code="([a-z-]+)"', file.read_text()))
    assert used
    assert not [code for code in used if _reference.code_page(code) is None]
    for code in _reference.codes():
        page = _reference.code_page(code)
        assert page is not None
        assert "\nInstead: " in page, code


def test_init_writes_a_spec_that_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(ROOT / "specs/penguins/data/penguins.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["init", "penguins.csv", "--target", "species", "--no-trial"]) == 0
    assert main(["validate"]) == 0
    text = (tmp_path / "project.yaml").read_text()
    assert "task: multiclass_classification  # from 3 values: Adelie, Chinstrap, Gentoo" in text
    capsys.readouterr()


def test_init_proposes_what_to_do_with_columns_about_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("Anna Karenina", "Peter Pan", "Li Wei", "Maria Cano")
    notes = ("late again", "ok", "call +44 20 7946 0958", "ok")
    lines = [
        f"{i},u{i},{names[i % 4]},44051401359,4111111111111111,{notes[i % 4]},{10000 + i},{20 + i % 50},{'ynn'[i % 3]}"
        for i in range(120)
    ]
    (tmp_path / "people.csv").write_text("id,uuid,who,pesel,paid_by,notes,zip,age,churn\n" + "\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "people.csv", "--no-trial"]) == 0
    text = (tmp_path / "project.yaml").read_text()
    personal = text[text.index("  personal:") : text.index("  expect:")].splitlines()[1:]
    assert personal == [
        "    who: {kind: direct_identifier, action: drop}  # most values are a name",
        "    pesel: {kind: direct_identifier, action: drop}  # most values are a national identity number",
        "    paid_by: {kind: direct_identifier, action: drop}  # most values are a card number",
        "    notes: {kind: sensitive, action: redact}  # of 3 values, 1 holds a telephone number",
        "    zip: {kind: quasi_identifier, action: {prefix: 3}}  # by its name and values, beside others about people",
    ]
    assert "Karenina" not in text
    assert main(["validate"]) == 0
    capsys.readouterr()


def test_the_doctor_says_what_this_machine_can_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--format", "json"]) == 0
    found = {entry["what"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert found["python"]["text"].startswith(".".join(map(str, sys.version_info[:3])))
    assert found["core libraries"]["state"] == "ok"
    assert found["cores"]["text"].split()[0].isdigit()
    assert {"engine local", "engine inline"} <= set(found)


@hardware.needs(not accelerators.has_nvidia(), "there is a GPU")
def test_the_doctor_says_of_each_backend_why_it_cannot_be_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "project.yaml").write_text(
        "project: {name: small}\n"
        "data: {sources: {people: {path: people.csv}}, columns: {target: income}}\n"
        "model: {candidates: {one: {type: ridge}}}\n"
        "backends:\n"
        "  two: {processes: 2, precision: bf16, compile: true}\n"
        "  far: {store: 'nowhere://team/results'}\n"
        "  odd: {precision: tf32}\n"
        "  gpu: {device: 'cuda:3'}\n"
        "  near: {processes: 4, nodes: 2}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--format", "json"]) == 0
    found = {entry["what"]: entry for entry in json.loads(capsys.readouterr().out)}
    told = {name.removeprefix("backend "): (f["state"], f["text"]) for name, f in found.items() if "backend " in name}
    assert told["cpu"] == ("ok", "engine local, networks on the CPU")
    assert told["two"] == ("ok", "engine local, networks on the CPU, in bf16, compiled, 2 processes each")
    assert told["near"] == ("missing", "nodes: 2 needs a cluster, but the engine 'local' has this machine alone")
    no_gpu = "needs an NVIDIA GPU, but this machine has none"
    assert told["gpu"] == ("missing", f"backend device 'cuda:3' {no_gpu}")
    assert told["multi-gpu"] == ("missing", f"backend device 'cuda' {no_gpu}")
    assert told["dvc-gpu"][1].endswith(f"backend device 'cuda' {no_gpu}")
    assert told["odd"] == ("missing", "tf32 needs an NVIDIA GPU, but the device is 'cpu'")
    assert told["far"][1].endswith("fsspec does not know the protocol 'nowhere'")


@hardware.needs(os.path.exists("/dev/full"), "there is no device that is always full")
@pytest.mark.parametrize("arguments", [["compile"], ["compile", "--format", "json"], ["runs", "--format", "json"]])
def test_output_on_a_full_disk_is_reported_in_one_line(project: Path, arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "error: the output can't be written: no space left on device\n")
