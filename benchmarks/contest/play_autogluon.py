"""AutoGluon as a contestant, with one of its presets, run by the Python of an environment of its own.

It gets all of the time for its models: its search for stacking that overfits (`dynamic_stacking`) is off.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path


def main(preset: str) -> None:
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    task = json.loads(Path("task.json").read_text(encoding="utf-8"))
    types = {task["target"]: str} if task["classes"] else None
    train, test = pd.read_csv("train.csv", low_memory=False, dtype=types), pd.read_csv("test.csv", low_memory=False)
    metric = {"rmse": "root_mean_squared_error"}.get(task["metric"], task["metric"])
    # Left out, it takes an integer target of few values for classes.
    kind = {"rmse": "regression", "roc_auc": "binary"}.get(task["metric"], "multiclass")
    label = task["target"]
    predictor = TabularPredictor(label=label, problem_type=kind, eval_metric=metric, path="models", verbosity=1)
    predictor.fit(
        train,
        time_limit=task["seconds"],
        presets=preset,
        num_cpus=task["cores"],
        num_gpus=0,
        dynamic_stacking=False,
    )
    if task["classes"]:
        predictor.predict_proba(test).to_csv("predictions.csv", index=False)
    else:
        predictor.predict(test).rename("prediction").to_csv("predictions.csv", index=False)


if __name__ == "__main__":
    if sys.argv[1] == "--version":
        names = ("autogluon.tabular", "lightgbm", "catboost", "xgboost-cpu", "torch")
        print(", ".join(f"{one} {version(one)}" for one in names))
    else:
        main(sys.argv[1])
