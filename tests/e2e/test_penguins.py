"""A newcomer's way: run, run again, break the file, change it, look at what came of it."""

import json
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import jsonschema
import pytest

from mlspec import api

Done = CompletedProcess[str]
Mlspec = Callable[..., Done]
BROKEN = """
class Broken:
    def fit(self, rows, target):
        raise RuntimeError("no bird left")

    def predict_proba(self, rows):
        return rows
"""
COMMAND = Path(sysconfig.get_path("scripts")) / "mlspec"
SCHEMAS = Path(__file__).parents[2] / "schema"


def edit(folder: Path, old: str, new: str) -> None:
    spec = folder / "project.yaml"
    text = spec.read_text()
    assert old in text
    spec.write_text(text.replace(old, new))


def finished(done: Done) -> set[str]:
    """The steps that a run did."""
    return set(re.findall(r"^(\S+): done in", done.stderr, re.MULTILINE))


def test_the_first_run_shows_gates_metrics_with_baselines_and_the_report(ran_once: tuple[Path, Done]) -> None:
    folder, done = ran_once
    assert re.search(
        r"^pass  balanced_accuracy at least 0.85  0\.\d+ \[0\.\d+, [01]\.\d+\]  69$", done.stdout, re.MULTILINE
    )
    assert re.search(r"^accuracy +0\.\d+ \[0\.\d+, 1\.000\] +0\.4348$", done.stdout, re.MULTILINE)
    assert "The one constraint holds" in done.stdout
    page = folder / re.findall(r"^report: (.+)$", done.stdout, re.MULTILINE)[0]
    assert "balanced_accuracy at least 0.85" in page.read_text()
    assert (folder / "mlspec.lock").is_file()
    assert "train.linear" in finished(done)


def test_the_second_run_has_nothing_to_do(ran: Path, mlspec: Mlspec) -> None:
    runs = list((ran / ".mlspec/runs").iterdir())
    done = mlspec("run", cwd=ran)
    assert done.stderr == "nothing to do: the results of all 14 steps are stored\n"
    assert "The one constraint holds" in done.stdout
    assert list((ran / ".mlspec/runs").iterdir()) == runs
    assert mlspec("compile", "--detailed-exitcode", cwd=ran).stdout.endswith("Plan: 14 cached; nothing to do\n")


def test_what_has_nothing_to_do_imports_no_networkx(ran: Path, mlspec: Mlspec) -> None:
    edit(ran, "at_least: 0.85}", "at_least: 0.85}\n  budget: {wall_time: 1h}")
    assert finished(mlspec("run", cwd=ran)) == {"gate.budget.wall_time"}

    def imports(command: str) -> str:
        line = [sys.executable, "-X", "importtime", COMMAND, command]
        return subprocess.run(line, cwd=ran, capture_output=True, text=True, check=True).stderr

    # An answer is kept once the files that it was made from are two seconds old.
    shown = [imports("compile")]
    while " networkx\n" in shown[-1] and len(shown) < 100:
        shown.append(imports("compile"))
    assert " networkx\n" in shown[0]
    for command in ("run", "compile", "validate"):
        told = imports(command)
        assert " mlspec.cli\n" in told
        assert " networkx\n" not in told, command
        # msgspec imports typing_extensions where it finds it (torch brings it along), and with it inspect.
        assert command == "run" or not re.search(r" inspect$", told, re.MULTILINE), command


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("goal: Tell", "goal: Guess"),
        ("name: penguins", "name: birds\n  owners: [field-team]"),
        ("mlspec: 1\n", "mlspec: 1  # the first version\n"),
    ],
    ids=["goal", "name and owner", "comment"],
)
def test_prose_changes_no_result(ran: Path, mlspec: Mlspec, old: str, new: str) -> None:
    edit(ran, old, new)
    assert mlspec("run", cwd=ran).stderr == "nothing to do: the results of all 14 steps are stored\n"


def test_a_data_file_that_was_touched_is_not_read_again(ran: Path, mlspec: Mlspec) -> None:
    data = ran / "data/penguins.csv"
    data.write_bytes(data.read_bytes())
    assert finished(mlspec("run", cwd=ran)) == set()


@pytest.mark.slow
def test_other_metrics_train_nothing(ran: Path, mlspec: Mlspec) -> None:
    with (ran / "project.yaml").open("a") as spec:
        spec.write("evaluation:\n  metrics: [balanced_accuracy, log_loss]\n")
    planned = json.loads(mlspec("compile", "--format", "json", cwd=ran).stdout)
    done = finished(mlspec("run", cwd=ran))
    assert done
    assert not {step for step in done if step.startswith(("train", "prepare", "predict", "split", "source"))}
    assert done <= {step["id"] for step in planned["steps"] if step["plan"]["action"] != "cached"}


def test_a_changed_setting_is_reported_as_the_reason(ran: Path, mlspec: Mlspec) -> None:
    told = mlspec("compile", "--set", "model.candidates.linear.C=0.5", cwd=ran).stdout
    assert "parameter C: 1 -> 0.5" in told
    assert re.search(r"train\.linear +runs", told)
    assert re.search(r"prepare\.linear +cached", told)


def test_a_broken_spec_is_reported_where_and_how_to_fix_it(penguins: Path, mlspec: Mlspec) -> None:
    edit(penguins, "target: species", "target: specie")
    done = mlspec("run", cwd=penguins, code=2)
    assert done.stdout == ""
    assert done.stderr == (
        "error[unknown-column]: source 'birds' has no column 'specie'\n"
        "  --> project.yaml:12:21\n"
        "   |\n"
        "12 |   columns: {target: specie}\n"
        "   |                     ^^^^^^ did you mean 'species'?\n"
        "   = the columns are read from data/penguins.csv (8 columns)\n"
        "   = see: mlspec explain unknown-column\n"
        "\n"
        "1 error\n"
    )
    assert not (penguins / ".mlspec").exists()


def test_a_gate_that_fails_is_exit_1_and_the_others_are_still_measured(ran: Path, mlspec: Mlspec) -> None:
    gates = ["balanced_accuracy, at_least: 0.999999", "log_loss, at_most: 0.0001", "accuracy, at_least: 0.6"]
    stated = "\n".join(f"    - {{metric: {gate}}}" for gate in gates)
    edit(ran, "    - {metric: balanced_accuracy, at_least: 0.85}", stated)
    done = mlspec("run", cwd=ran, code=1)
    verdicts = re.findall(r"^(pass|fail|unknown) +(\S+)", done.stdout, re.MULTILINE)
    assert verdicts == [("fail", "balanced_accuracy"), ("unknown", "log_loss"), ("pass", "accuracy")]
    assert "1 of 3 constraints does not hold, 1 cannot be decided" in done.stdout


@pytest.mark.slow
def test_a_step_that_fails_names_its_place_and_the_others_go_on(penguins: Path, mlspec: Mlspec) -> None:
    (penguins / "broken.py").write_text(BROKEN)
    edit(penguins, "    linear:", "    mine: {type: python, code: 'broken:Broken'}\n    linear:")
    done = mlspec("run", cwd=penguins, code=3)
    assert "error[step-failed]: step 'train.mine' failed: RuntimeError: no bird left" in done.stderr
    assert "--> project.yaml:16:" in done.stderr
    log = re.findall(r"= log: (.+)$", done.stderr, re.MULTILINE)[0]
    assert "Traceback" in (penguins / log).read_text()
    assert "train.linear" in finished(done)
    assert "1 step failed" in done.stdout


def test_json_is_events_and_the_run_and_follows_the_published_schemas(ran: Path, mlspec: Mlspec) -> None:
    lines = mlspec("run", "--force", "--only", "evaluate", "--format", "json", cwd=ran).stdout.splitlines()
    events, last = [json.loads(line) for line in lines[:-1]], json.loads(lines[-1])
    published = {name: json.loads((SCHEMAS / f"{name}.schema.json").read_text()) for name in ("events", "run", "plan")}
    for event in events:
        jsonschema.validate(event, published["events"])
    assert [events[0]["event"], events[-1]["event"]] == ["run_started", "run_finished"]
    jsonschema.validate(last, published["run"])
    jsonschema.validate(json.loads(mlspec("show", "--format", "json", cwd=ran).stdout), published["run"])
    jsonschema.validate(json.loads(mlspec("compile", "--format", "json", cwd=ran).stdout), published["plan"])


def test_show_runs_and_report_tell_of_the_last_run(ran: Path, mlspec: Mlspec) -> None:
    assert "balanced_accuracy at least 0.85" in mlspec("show", cwd=ran).stdout
    listed = mlspec("runs", cwd=ran).stdout.splitlines()
    assert len(listed) == 2
    assert "passed" in listed[1]
    assert mlspec("report", cwd=ran).stdout.startswith("<!doctype html>")
    assert "| ✅ pass | balanced_accuracy at least 0.85 |" in mlspec("report", "--format", "markdown", cwd=ran).stdout
    assert "there is no run '1999'" in mlspec("show", "1999", cwd=ran, code=2).stderr


@pytest.mark.parametrize(
    "ending", ["csv", *(pytest.param(ending, marks=pytest.mark.slow) for ending in ("jsonl", "parquet"))]
)
def test_predict_gives_a_class_and_probabilities_for_new_rows(ran: Path, mlspec: Mlspec, ending: str) -> None:
    import polars as pl

    rows = ["island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year"]
    rows += ["Torgersen,39.1,18.7,181.0,3750.0,male,2007", "Biscoe,46.1,13.2,211.0,4500.0,female,2007", "Moon,,,,,,"]
    (ran / "new.csv").write_text("\n".join(rows) + "\n")
    mlspec("predict", ".", "new.csv", "-o", f"out.{ending}", "--keep", "island", cwd=ran)
    read = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[ending]
    table = read(ran / f"out.{ending}")
    assert table.columns == ["island", "prediction", "p_Adelie", "p_Chinstrap", "p_Gentoo"]
    assert table["prediction"].to_list()[:2] == ["Adelie", "Gentoo"]
    shares = table.select(pl.sum_horizontal("p_Adelie", "p_Chinstrap", "p_Gentoo")).to_series()
    assert shares.to_list() == pytest.approx([1, 1, 1])


def test_predict_names_the_columns_that_are_missing(ran: Path, mlspec: Mlspec) -> None:
    (ran / "new.csv").write_text("island\nBiscoe\n")
    told = mlspec("predict", ".", "new.csv", cwd=ran, code=2).stderr
    assert "'new.csv' has no column 'bill_length_mm', which the model needs: a number" in told


@pytest.mark.slow
def test_verify_makes_everything_again_and_finds_what_differs(ran: Path, mlspec: Mlspec) -> None:
    assert "identical: all 14 steps gave the results in mlspec.lock" in mlspec("verify", cwd=ran).stdout
    edit(ran, "seed: 7", "seed: 8")
    told = mlspec("verify", cwd=ran, code=1).stdout
    assert re.search(r"^train of split +[0-9a-f]{12} +[0-9a-f]{12}$", told, re.MULTILINE)


@pytest.mark.slow
def test_a_flipped_byte_in_the_store_is_found_and_repaired(ran: Path, mlspec: Mlspec) -> None:
    assert "none is damaged" in mlspec("verify", "--store", cwd=ran).stdout
    stored = max((ran / ".mlspec/store/objects").iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.chmod(0o644)
    stored.write_bytes(content)
    assert f"objects/{stored.name}" in mlspec("verify", "--store", cwd=ran, code=1).stdout
    mlspec("run", "--force", "--only", "gate.quality.balanced_accuracy", cwd=ran)
    mlspec("run", "--force", cwd=ran)
    assert "none is damaged" in mlspec("verify", "--store", cwd=ran).stdout


@pytest.mark.slow
def test_gc_keeps_what_the_lock_names(ran: Path, mlspec: Mlspec) -> None:
    mlspec("run", "--set", "model.candidates.linear.C=0.5", cwd=ran)
    assert re.search(r"removed [1-9]\d* results, freed", mlspec("gc", "--keep", "0", cwd=ran).stdout)
    assert "nothing to do" in mlspec("run", cwd=ran).stderr


@pytest.mark.slow
def test_the_same_spec_elsewhere_gives_the_same_bytes(ran: Path, mlspec: Mlspec, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "entirely"
    shutil.copytree(ran, other, ignore=shutil.ignore_patterns(".mlspec"))
    mlspec("run", cwd=other)
    one, two = (json.loads((folder / "mlspec.lock").read_text()) for folder in (ran, other))
    assert {name: step["outputs"] for name, step in one["steps"].items()} == {
        name: step["outputs"] for name, step in two["steps"].items()
    }
    assert one["metrics"] == two["metrics"]


def test_the_api_offers_the_same(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ran)
    assert api.validate().project.project.task == "multiclass_classification"
    assert not api.compile().plan.pending()
    run = api.run()
    assert (run.outcome, run.counts) == ("passed", {"cached": 14})
    table = api.predict(api.load_model(), "data/penguins.csv", keep=["species"])
    assert (table["species"] == table["prediction"]).mean() > 0.9
    assert api.report(form="markdown").startswith("## penguins: The one constraint holds")
    assert run.model is not None
    assert api.report(form="card") == (Path(run.model) / "README.md").read_text()


@pytest.mark.slow
def test_runs_are_compared_on_the_same_rows(ran: Path, mlspec: Mlspec) -> None:
    mlspec("run", "--set", "model.candidates.linear.C=0.001", cwd=ran, code=None)
    mlspec("run", "--set", "data.split.seed=8", cwd=ran, code=None)
    listed = json.loads(mlspec("runs", "--format", "json", cwd=ran).stdout)
    third, second, first = (run["id"] for run in listed["runs"])
    shown = json.loads(mlspec("runs", first, second, third, "--format", "json", cwd=ran).stdout)
    jsonschema.validate(shown, json.loads((SCHEMAS / "comparison.schema.json").read_text()))
    right = next(metric for metric in shown["metrics"] if metric["metric"] == "accuracy")
    weak, elsewhere = right["apart"]
    assert weak["verdict"] == "worse"
    assert weak["value"] == pytest.approx(right["values"][1]["value"] - right["values"][0]["value"])
    assert weak["low"] < weak["value"] < weak["high"] < 0
    assert (elsewhere["verdict"], elsewhere["reason"]) == ("unknown", "the test rows are not the same")
    assert {change["key"]: change["values"] for change in shown["changed"]} == {
        "data.split.seed": [7, 7, 8],
        "model.candidates.linear.C": [1.0, 0.001, 1.0],
    }
    told = mlspec("runs", first, second, cwd=ran).stdout
    assert re.search(r"^accuracy .* -\d\.\d+ \[-\d\.\d+, -\d\.\d+\] +worse$", told, re.MULTILINE)
    assert "can't be compared with itself" in mlspec("runs", third, cwd=ran, code=2).stderr


@pytest.mark.slow
def test_an_interrupt_is_exit_130_and_the_next_run_goes_on(penguins: Path, mlspec: Mlspec) -> None:
    with subprocess.Popen(
        [COMMAND, "run", "--format", "json"], cwd=penguins, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        for line in running.stdout:
            if json.loads(line)["event"] == "step_started":
                running.send_signal(signal.SIGINT)
                break
        rest = [json.loads(line) for line in running.stdout]
        told = running.stderr.read()
    assert running.returncode == 130
    stopped, last = told.strip().split("\n")
    assert re.fullmatch(
        r"stopped: results of \d+ of \d+ steps are kept, and checkpoints of trainings; "
        "the same command goes on from there",
        stopped,
    )
    assert last == "interrupted"
    assert (rest[-1]["event"], rest[-1]["status"]) == ("run_finished", "interrupted")
    assert "The one constraint holds" in mlspec("run", cwd=penguins).stdout
