"""Groups with models of their own: used where they are shown to be better, and nowhere else."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

Mlspec = Callable[..., CompletedProcess[str]]
MODELS = {
    "lightgbm": "{type: lightgbm, trees: 60, learning_rate: 0.1}",
    "torch": "{type: torch.mlp, hidden: [32], epochs: 25, bins: 8, learning_rate: 0.02}",
    "linear": "{type: ridge}",
}
SLOPES = {"ann-7": 1.0, "bob-7": 1.0, "cy-7": 1.0, "dee-7": -2.0, "eve-7": 0.0}


def written(folder: Path, model: str, personalization: str, *, task: str = "regression") -> Path:
    """Shops alike but for dee and eve; fay has too few rows, and is like the mean of all: no error is far out."""
    random = np.random.default_rng(0)
    names = np.concatenate([np.repeat(list(SLOPES), 300), np.repeat("fay-7", 30)])
    x, z = random.uniform(-1, 1, (2, len(names)))
    slopes = np.array([{**SLOPES, "fay-7": 0.2}[name] for name in names])
    y = slopes * x + 0.5 * z + random.normal(0, 0.1, len(names))
    said = [f"{value:.4f}" for value in y] if task == "regression" else np.where(y > 0, "yes", "no")
    lines = [f"{a:.4f},{b:.4f},{name},{c}" for a, b, name, c in zip(x, z, names, said, strict=True)]
    (folder / "rows.csv").write_text("\n".join(["x,z,shop,y", *lines]) + "\n")
    (folder / "project.yaml").write_text(
        f"""\
project: {{name: shops, task: {task}}}
constraints: {{quality: [{{metric: {"rmse" if task == "regression" else "log_loss"}, beats: global}}]}}
data:
  sources: {{rows: {{path: rows.csv}}}}
  columns: {{target: y}}
  split: {{by: random, validation: 0.25, seed: 1}}
model:
  candidates: {{one: {MODELS[model]}}}
  checks: "off"
  personalization: {{key: shop, min_group_size: 100, {personalization}}}
"""
    )
    return folder


def shown(mlspec: Mlspec, folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    return facts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "strategy", "task"),
    [
        ("lightgbm", "level: user, strategy: finetune", "regression"),
        ("torch", "level: user, strategy: finetune, parts: 1", "binary_classification"),
        ("torch", "level: group, strategy: embedding", "regression"),
        ("lightgbm", "level: group, strategy: shared", "binary_classification"),
    ],
)
def test_who_differs_is_answered_by_an_own_model(
    tmp_path: Path, mlspec: Mlspec, model: str, strategy: str, task: str
) -> None:
    folder = written(tmp_path, model, strategy, task=task)
    done = mlspec("run", cwd=folder)
    facts = shown(mlspec, folder)
    table = facts["evaluation"]["personalization"]
    if "level: user" in strategy:
        told = [
            path.read_text()
            for path in (folder / facts["folder"]).rglob("*")
            if path.suffix in (".html", ".json", ".jsonl", ".md")
        ]
        assert len(told) > 5
        assert not [name for name in (*SLOPES, "fay-7") if any(name in text for text in told)], "users are named"
    own = {group["train_rows"]: group["answered_by"] for group in table["groups"]}
    assert sum(group["answered_by"] == "own" for group in table["groups"]) >= 1
    assert own[min(own)] == "global", "a group of too few rows has a model of its own"
    assert {gate["gate"]: gate["verdict"] for gate in facts["gates"]}["gate.personalization"] == "pass", done.stdout
    assert "beats global" in done.stdout

    rows = [f"0.9,0,{name}" for name in ("ann-7", "dee-7", "fay-7", "nobody", "")]
    (folder / "new.csv").write_text("\n".join(["x,z,shop", *rows]) + "\n")
    column = 0 if task == "regression" else -1
    answers = mlspec("predict", ".", "new.csv", cwd=folder).stdout.splitlines()[1:]
    ann, dee, fay, nobody, missing = (float(line.split(",")[column]) for line in answers)
    assert ann > dee + 0.3, "a row is not answered by the model of its group"
    assert fay == nobody == missing, "who has no model of their own is not answered by the one model"
    assert dee < nobody
    assert mlspec("run", cwd=folder).stderr.startswith("nothing to do")


@pytest.mark.slow
def test_a_group_that_gains_nothing_is_left_to_the_one_model(tmp_path: Path, mlspec: Mlspec) -> None:
    """The shared model gets the shop as a feature, so models of groups have nothing left to learn."""
    folder = written(tmp_path, "lightgbm", "level: group")
    spec = (
        (folder / "project.yaml")
        .read_text()
        .replace("trees: 60", "trees: 400")
        .replace("metric: rmse, beats: global", "metric: mae, at_most: 9")
    )
    (folder / "project.yaml").write_text(spec)
    done = mlspec("run", cwd=folder)
    facts = shown(mlspec, folder)
    reasons = {group["group"]: group["reason"] for group in facts["evaluation"]["personalization"]["groups"]}
    assert reasons["fay-7"] == "fewer than 100 training rows"
    assert reasons["ann-7"] == "no proven gain"
    assert "every group uses the shared model" in json.dumps(facts["gates"])
    page = (folder / facts["report"]).read_text()
    card = (folder / facts["model"] / "README.md").read_text()
    evidence = (folder / facts["folder"] / "evidence.jsonl").read_text()
    for text in (page, card):
        assert "fewer than 100 training rows" in text
    assert '"requirement":"personalization"' in evidence, done.stdout


@pytest.mark.slow
def test_clarity_tells_much_of_a_diamond(tmp_path: Path, mlspec: Mlspec) -> None:
    data = Path(__file__).parents[2] / "specs" / "diamonds-price" / "data" / "diamonds.csv.gz"
    (tmp_path / "project.yaml").write_text(
        f"""\
project: {{name: stones}}
constraints: {{quality: [{{metric: rmse_log, beats: global, by: 0.03}}]}}
data:
  sources: {{diamonds: {{path: {data}}}}}
  columns: {{target: price, transform: log}}
  sample: 6000
  split: {{by: random, validation: 0.2}}
model:
  candidates: {{trees: {{type: hist_gradient_boosting, max_iter: 100}}}}
  select: {{metric: rmse_log}}
  checks: "off"
  personalization: {{level: group, key: clarity, strategy: shared, min_group_size: 200}}
"""
    )
    done = mlspec("run", cwd=tmp_path)
    facts = shown(mlspec, tmp_path)
    answered = {g["group"]: g["answered_by"] for g in facts["evaluation"]["personalization"]["groups"]}
    assert sum(by == "own" for by in answered.values()) >= 5, done.stdout
    assert {gate["verdict"] for gate in facts["gates"]} == {"pass"}
