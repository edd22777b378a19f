"""FLAML as a contestant, with its defaults, run by the Python of an environment of its own."""

import json
import sys
from importlib.metadata import version
from pathlib import Path


def main() -> None:
    import pandas as pd
    from flaml import AutoML

    task = json.loads(Path("task.json").read_text(encoding="utf-8"))
    types = {task["target"]: str} if task["classes"] else None
    train, test = pd.read_csv("train.csv", low_memory=False, dtype=types), pd.read_csv("test.csv", low_memory=False)
    automl = AutoML()
    automl.fit(
        dataframe=train,
        label=task["target"],
        task="classification" if task["classes"] else "regression",
        metric=task["metric"],
        time_budget=task["seconds"],
        n_jobs=task["cores"],
        seed=task["seed"],
        verbose=0,
    )
    if task["classes"]:
        made = pd.DataFrame(automl.predict_proba(test), columns=automl.classes_)
    else:
        made = pd.DataFrame({"prediction": automl.predict(test)})
    made.to_csv("predictions.csv", index=False)


if __name__ == "__main__":
    if sys.argv[1] == "--version":
        print(", ".join(f"{one} {version(one)}" for one in ("flaml", "lightgbm", "catboost", "xgboost")))
    else:
        main()
