"""mlspec as a contestant: `auto` (the portfolio, blended, within the time) or `init` (what `mlspec init` proposes).

The test rows have no target here. A run needs one, so they get values drawn from the training rows; the scores that the
run prints for them mean nothing, and `mlspec predict` predicts the rows without them.
"""

import csv
import json
import random
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

TASKS = {"roc_auc": "binary_classification", "log_loss": "multiclass_classification", "rmse": "regression"}


def spec(name: str, drafted: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    """The spec to run, from the one that `init` writes for the training rows: same rows and columns as the others.

    init: its models, preparation and cross-validation, selected by the metric of the contest, which the others know;
    sensitive columns are used, as the others use them. auto: what `init --train-time` proposes, the portfolio.
    """
    source, columns, model = drafted["data"]["sources"]["train"], drafted["data"]["columns"], drafted["model"]
    columns.pop("sensitive", None)
    for key in ("by", "column"):
        model.get("cross_validation", {}).pop(key, None)
    data: dict[str, Any] = {
        "sources": {
            "train": {**source, "path": "train.csv", "part": "train"},
            "test": {**source, "path": "answered.csv", "part": "test"},
        },
        "columns": columns,
        "split": {"by": "given", "validation": 0.2, "seed": task["seed"]},
    }
    made: dict[str, Any] = {
        "mlspec": drafted["mlspec"],
        "project": {"name": "contest", "task": TASKS[task["metric"]]},
        "data": data,
    }
    if name == "init":
        data |= {key: drafted["data"][key] for key in ("derive",) if key in drafted["data"]}
        kept = {key: drafted[key] for key in ("preprocessing", "tuning") if key in drafted}
        return {**made, **kept, "model": {**model, "select": {"metric": task["metric"]}, "seed": task["seed"]}}
    data["columns"] = {key: columns[key] for key in ("target", "types") if key in columns}
    model = {**model, "select": {"metric": task["metric"]}, "checks": "off", "seed": task["seed"]}
    evaluation = {"metrics": [task["metric"]], "baselines": [], "confidence": {"resamples": 200}}
    return {**made, "model": model, "evaluation": evaluation}


def mlspec(*words: str) -> None:
    done = subprocess.run([str(Path(sys.executable).with_name("mlspec")), *words])
    if done.returncode > 1:  # 1: a gate does not hold, which says nothing here
        sys.exit(f"mlspec {' '.join(words)}: exit code {done.returncode}")


def answered(target: str, seed: int) -> None:
    """Write the test rows with drawn values of the target."""
    with open("train.csv", newline="", encoding="utf-8") as lines:
        values = [row[target] for row in csv.DictReader(lines)]
    with open("test.csv", newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(lines)
    drawn = random.Random(seed).choices(values, k=len(rows))
    with open("answered.csv", "w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([[*header, target], *([*row, one] for row, one in zip(rows, drawn, strict=True))])


def main(name: str) -> None:
    task = json.loads(Path("task.json").read_text(encoding="utf-8"))
    words = ("--target", task["target"], "--task", TASKS[task["metric"]], "--no-trial", "-o", "drafted.yaml")
    words += ("--train-time", f"{task['seconds']}s") if name == "auto" else ()
    mlspec("init", "train.csv", *words)
    drafted = yaml.safe_load(Path("drafted.yaml").read_text(encoding="utf-8"))
    Path("project.yaml").write_text(yaml.safe_dump(spec(name, drafted, task)), encoding="utf-8")
    answered(task["target"], task["seed"])
    mlspec("run")
    mlspec("predict", ".", "test.csv", "-o", "predicted.csv")
    with open("predicted.csv", newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(lines)
    kept = [k for k, one in enumerate(header) if (one == "prediction" if not task["classes"] else one[:2] == "p_")]
    with open("predictions.csv", "w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows(
            [[header[k].removeprefix("p_") for k in kept], *([r[k] for k in kept] for r in rows)]
        )


if __name__ == "__main__":
    if sys.argv[1] == "--version":
        print(", ".join(f"{one} {version(one)}" for one in ("lightgbm", "catboost", "scikit-learn", "torch")))
    else:
        main(sys.argv[1])
