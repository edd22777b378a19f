"""Personal columns from source to prediction: nothing that a run leaves holds what the spec says is not kept."""

import random
from pathlib import Path

import polars as pl
import pytest

from .conftest import Mlspec

KEY = "0123456789abcdef0123"
SPEC = """\
mlspec: 1
project: {name: people}
constraints:
  privacy:
    direct_identifiers: forbid
    k_anonymity: {columns: [age, postcode], k: 5}
    l_diversity: {columns: [age], sensitive: notes, l: 3}
    membership: {at_most: 0.6}
data:
  sources: {people: {path: people.csv}}
  columns: {target: churn, id: name}
  split: {by: group, column: customer}
  personal:
    name: {kind: direct_identifier, action: {mask: 0}}
    email: {kind: direct_identifier, action: drop}
    customer: {kind: direct_identifier, action: {hash: PEOPLE_KEY}}
    postcode: {kind: quasi_identifier, action: {prefix: 1}}
    age: {kind: quasi_identifier, action: {bins: [30, 45, 60]}}
    born: {kind: quasi_identifier, action: {truncate: year}}
    notes: {kind: public}
model:
  candidates:
    linear: {type: logistic_regression}
"""
SECRETS = ("Zaphod", "zq.mail", "Cust-77", "QZX")


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    draw = random.Random(1)
    lines = ["name,email,customer,postcode,born,age,notes,churn"]
    for index in range(600):
        age, who = draw.randint(18, 90), index // 2
        born = f"{2020 - age}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        churn = "yes" if draw.random() < age / 100 else "no"
        note = draw.choice(["ok", "late", "calls"])
        place = f"{draw.choice('NSEW')}1 QZX{who}"
        lines.append(f"Zaphod {who},zq.mail{who}@example.org,Cust-77{who},{place},{born},{age},{note},{churn}")
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "project.yaml").write_text(SPEC)
    monkeypatch.setenv("PEOPLE_KEY", KEY)
    return tmp_path


def leaks(folder: Path) -> list[str]:
    """The files below a folder that hold a secret, tables and the key included."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        text = pl.read_parquet(path).write_csv().encode() if data[:4] == b"PAR1" else b""
        if any(secret.encode() in one for secret in (*SECRETS, KEY) for one in (data, text)):
            found.append(path.relative_to(folder).as_posix())
    return found


def test_nothing_that_a_run_leaves_holds_them(people: Path, mlspec: Mlspec) -> None:
    done = mlspec("run", cwd=people)
    for text in (
        "pass  no cell names a person",
        "pass  at least 5 rows share each combination of age and postcode",
        "pass  at least 3 values of notes for each combination of age",
        "pass  training rows told apart by the model's answers with a ROC AUC of at most 0.6",
    ):
        assert text in done.stdout
    mlspec("predict", ".", "people.csv", "--output", "out.csv", cwd=people)
    assert pl.read_csv(people / "out.csv").height == 600
    assert leaks(people) == ["people.csv"]
    page = next((people / ".mlspec" / "runs").glob("*/report.html")).read_text()
    assert "What columns tell of people" in page
    assert "prefix length: 1" in page
    # The same model answers rows as they come and rows as it was tested alike: its package treats them.
    assert "nothing to do" in mlspec("run", cwd=people).stderr


def test_another_key_makes_everything_anew(people: Path, mlspec: Mlspec, monkeypatch: pytest.MonkeyPatch) -> None:
    mlspec("run", cwd=people)
    monkeypatch.setenv("PEOPLE_KEY", "another key, as long")
    shown = mlspec("compile", cwd=people).stdout
    assert "source.people" in shown
    assert "runs" in shown.splitlines()[0]


def test_no_message_shows_a_cell(people: Path, mlspec: Mlspec) -> None:
    rows = (people / "people.csv").read_text()
    last = rows.splitlines()[-1].split(",")
    broken = ",".join([*last[:5], "Zaphod-years", *last[6:]])
    (people / "people.csv").write_text(rows * 2 + broken + "\n")
    lines = (people / "people.csv").read_text().splitlines()
    (people / "people.csv").write_text("\n".join([lines[0], *(x for x in lines[1:] if x != lines[0])]) + "\n")
    done = mlspec("run", cwd=people, code=3)
    assert "row 1201 has another value" in done.stderr
    assert not any(secret in done.stderr + done.stdout for secret in SECRETS)
    assert leaks(people) == ["people.csv"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("prefix: 1", "prefix: 7"), "fail  at least 5 rows share each combination of age and postcode"),
        (("l: 3", "l: 4"), "fail  at least 4 values of notes for each combination of age"),
        (("customer: {kind: direct_identifier, action: {hash: PEOPLE_KEY}}", "customer: {kind: public}"), None),
        (("email: {kind: direct_identifier, action: drop}", "email: {kind: public}"), "fail  no cell names a person"),
        (
            ("{type: logistic_regression}", "{type: random_forest, min_samples_leaf: 1}"),
            "fail  training rows told apart by the model's answers",
        ),
    ],
    ids=["k_anonymity", "l_diversity", "not a pattern", "direct_identifiers", "membership"],
)
def test_gates_reject(people: Path, mlspec: Mlspec, change: tuple[str, str], told: str | None) -> None:
    spec = people / "project.yaml"
    assert change[0] in spec.read_text()
    spec.write_text(spec.read_text().replace(*change))
    done = mlspec("run", cwd=people, code=0 if told is None else 1)
    assert told is None or told.replace("  ", " ") in " ".join(done.stdout.split())


def test_a_column_that_names_people_is_no_feature_by_another_name(tmp_path: Path, mlspec: Mlspec) -> None:
    (tmp_path / "a.csv").write_text("k,x,y\n" + "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(60)))
    (tmp_path / "b.csv").write_text("k,mail\n" + "".join(f"{i},zq.mail{i}@example.org\n" for i in range(60)))
    (tmp_path / "project.yaml").write_text(
        "project: {name: joined}\n"
        "data:\n"
        "  sources: {a: {path: a.csv}, b: {path: b.csv}}\n"
        "  join: [{source: b, keys: k, prefix: b_}]\n"
        "  columns: {target: y}\n"
        "  personal: {mail: {kind: direct_identifier, action: {mask: 0}}}\n"
        "model: {candidates: {linear: {type: logistic_regression}}}\n"
    )
    assert "mail" not in mlspec("compile", "--explain", "prepare.linear", cwd=tmp_path).stdout
    mlspec("run", cwd=tmp_path)
    assert leaks(tmp_path) == ["b.csv"]
