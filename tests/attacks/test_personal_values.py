"""Values of personal columns, planted where a run could keep them: models, vocabularies, reports, profiles, contracts.

What a treatment takes away is found nowhere but in the sources. What a model keeps of columns that the spec keeps, and
of free text, is as docs/privacy.md says.
"""

import io
import random
import re
import struct
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from mlspec.cli import main

KEY = "0123456789abcdef0123"
SPEC = r"""
mlspec: 1
project: {name: people, task: binary_classification}
constraints:
  quality: [{metric: roc_auc, at_least: 0.5}]
  privacy:
    direct_identifiers: forbid
    k_anonymity: {columns: [age, postcode], k: 90}
data:
  sources: {people: {path: people.csv}}
  columns: {target: churn, id: name, types: {born: date}}
  split: {by: group, column: customer, seed: 1}
  personal:
    name: {kind: direct_identifier, action: {mask: 0}}
    email: {kind: direct_identifier, action: drop}
    customer: {kind: direct_identifier, action: {hash: PEOPLE_KEY}}
    postcode: {kind: quasi_identifier, action: {prefix: 1}}
    born: {kind: quasi_identifier, action: {truncate: year}}
    age: {kind: quasi_identifier, action: {bins: [30, 45, 60]}}
    income: {kind: sensitive, action: {round: 1000000}}
    wealth: {kind: sensitive, action: {top_code: 5000}}
    salary: {kind: sensitive, action: {noise: 2000}}
    notes: {kind: sensitive, action: {redact: {also: ['CODE\w+']}}}
    diagnosis: {kind: sensitive, action: {keep: The advice depends on it.}}
    region: {kind: quasi_identifier, action: {keep: Prices differ.}}
  expect:
    - {column: notes, length: {at_most: 3}, severity: warn}
    - {column: postcode, matches: 'x+', severity: warn}
    - {column: income, between: [0, 10], severity: warn}
    - {column: salary, between: [0, 10], severity: warn}
    - {column: salary, anomalies: {at_most: 0.0, reach: 0.1}, severity: warn}
    - {column: town, unseen: {at_most: 0.5}, severity: warn}
    - {column: height, drift: {}, severity: warn}
preprocessing:
  columns:
    notes: [tf_idf: 500]
    comment: [tf_idf: 500]
    town: [group_rare: {min_count: 3}, encode: one_hot]
    region: [encode: one_hot]
    diagnosis: [target_encode: 5]
    income: [impute: median, quantile: normal]
    salary: [clip: {lower_quantile: 0.01, upper_quantile: 0.99}, scale: standard]
evaluation:
  baselines: [majority]
  slices: [age, diagnosis]
operation: {monitor: {drift: {psi: {at_most: 0.1}, unseen: {at_most: 0.1}}}}
model:
  checks: "off"
  candidates:
    linear: {type: logistic_regression}
    trees: {type: lightgbm}
    forest: {type: random_forest, trees: 5}
"""
if find_spec("catboost") is not None:
    SPEC += "    cat: {type: catboost, trees: 10}\n"
TREATED = ("Zqname", "zqmail", "Zqcust", "QZX", "zqnote", "CODEzq", KEY)
NUMBERS = ("age", "income", "wealth", "salary")
DAY = re.compile(r"(19|20)\d\d-03-1[79]")


def rows() -> Iterator[tuple[str, ...]]:
    draw = random.Random(3)
    for i in range(240):
        who, age = i // 2, round(draw.uniform(18, 90), 5)
        rare = (
            (f"Zqdiagnosis{i}", "south")
            if i % 50 == 5
            else ("flu", f"Zqregion{i}")
            if i % 50 == 7
            else ("flu", "south")
        )
        note = f"called zqnote.{who}@example.org about Mr. Zqname{who} CODEzq{who} {draw.choice(['late', 'ok'])}"
        said = draw.choice(["good", "bad"]) + {3: " zqonce", 4: " zqpair", 6: " zqpair", 9: " zqpair"}.get(i, "")
        yield (
            *(f"Zqname {who}", f"zqmail{who}@example.org", f"Zqcust-77{who}", f"{draw.choice('NS')}1 QZX{who}"),
            f"{draw.randint(1940, 2003)}-03-{draw.choice((17, 19))}",
            *(str(age), str(draw.randint(1_000_000, 90_000_000)), str(round(draw.uniform(6_000, 9_000_000), 2))),
            *(str(round(draw.uniform(20_000, 90_000), 3)), note, *rare),
            *("Zqtown" if i == 11 else draw.choice(["Aa", "Bb"]), said, f"{draw.uniform(1.5, 2):.4f}"),
            "yes" if draw.random() < age / 100 else "no",
        )


COLUMNS = "name email customer postcode born age income wealth salary notes diagnosis region town comment height churn"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project that has been run."""
    root = tmp_path_factory.mktemp("people")
    pl.DataFrame(list(rows()), schema=COLUMNS.split(), orient="row").write_csv(root / "people.csv")
    (root / "project.yaml").write_text(SPEC)
    (root / "other.yaml").write_text(SPEC.replace("min_count: 3", "min_count: 4"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PEOPLE_KEY", KEY)
        patch.chdir(root)
        assert main(["run", "--backend", "inline"]) == 1
        yield root


def contents(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """What a file holds, as it is and out of what packs it: tables as CSV, members of archives."""
    yield name, data
    if data[:4] == b"PAR1":
        frame = pl.read_parquet(io.BytesIO(data))
        flat = [pl.col(n) if not t.is_nested() else pl.col(n).hash() for n, t in frame.schema.items()]
        yield f"{name} as CSV", frame.select(flat).write_csv().encode()
    elif data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from contents(archive.read(member), f"{name}!{member}")


def raw(root: Path) -> dict[str, set[str]]:
    frame = pl.read_csv(root / "people.csv", infer_schema=False)
    return {name: {value.rstrip("0").rstrip(".") for value in frame[name]} for name in NUMBERS}


def found(data: bytes, name: str, numbers: dict[str, set[str]]) -> Iterator[str]:
    """Where treated values are, as text, as numbers in text, and as binary numbers."""
    for part, content in contents(data, name):
        text = content.decode("latin-1")
        yield from (f"{part}: {word}" for word in TREATED if word.lower() in text.lower())
        if DAY.search(text):
            yield f"{part}: a day of birth"
        written = {word.rstrip("0").rstrip(".") for word in re.findall(r"\d+\.?\d*", text)}
        for column, values in numbers.items():
            packed = [struct.pack(form, float(value)) for value in values for form in ("<d", "<f")]
            binary = column in ("age", "wealth", "salary") and any(one in content for one in packed)
            if values & written or binary:
                yield f"{part}: {column}"


def test_what_a_treatment_takes_away_is_in_no_file(project: Path) -> None:
    numbers = raw(project)
    assert list(found((project / "people.csv").read_bytes(), "people.csv", numbers))
    files = [path for path in project.rglob("*") if path.is_file() and path.name != "people.csv"]
    assert len(files) > 60
    leaks = [leak for path in files for leak in found(path.read_bytes(), str(path.relative_to(project)), numbers)]
    assert leaks == []


COMMANDS = (
    *(("report", "--format", form) for form in ("html", "markdown", "json", "card")),
    *(("profile", ".", "--format", form) for form in ("text", "json", "html")),
    *(("contract", "export", "--format", form) for form in ("odcs", "croissant", "pandera", "great_expectations")),
    *(("compile", "--format", form) for form in ("json", "html")),
    *(("compile", "--resolved"), ("compile", "--explain", "prepare.linear"), ("show",), ("runs",)),
    ("diff", "project.yaml", "other.yaml", "--format", "json"),
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_what_a_treatment_takes_away_is_printed_nowhere(
    arguments: tuple[str, ...], project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    shown = capfd.readouterr()
    assert list(found((shown.out + shown.err).encode(), " ".join(arguments), raw(project))) == []


def test_a_profile_tells_no_value_of_what_is_kept_either(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "--format", "json"]) == 0
    shown = capfd.readouterr().out
    assert "Zqdiagnosis" not in shown
    assert "Zqregion" not in shown
    assert "Zqtown" in shown


def test_what_the_model_keeps_is_what_the_docs_say(project: Path) -> None:
    """Levels of kept columns, each of one row here; words of free text in two rows; no level that is grouped away."""
    (model,) = project.glob(".mlspec/runs/*/model")
    content = b"".join(path.read_bytes() for path in model.rglob("*") if path.is_file()).decode("latin-1")
    assert "Zqregion" in content
    assert "Zqdiagnosis" in content
    assert "zqpair" in content
    assert "zqonce" not in content
    assert "Zqtown" not in content


def test_reports_name_no_level_of_one_person(project: Path) -> None:
    (run,) = project.glob(".mlspec/runs/*")
    for path in (run / "report.html", run / "summary.md", run / "facts.json", run / "evidence.jsonl"):
        for word in ("Zqregion", "Zqdiagnosis"):
            assert word not in path.read_text(), path.name
    # What mlspec.lock pins of a category that no one calls personal are its values.
    assert "Zqregion" not in (project / "mlspec.lock").read_text()
    assert "Zqdiagnosis" not in (project / "mlspec.lock").read_text()
    assert "Zqtown" in (project / "mlspec.lock").read_text()
