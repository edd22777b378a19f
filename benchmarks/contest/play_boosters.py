"""Single boosters as contestants: CatBoost, LightGBM and scikit-learn's HistGradientBoosting, as they are usually run.

A learning rate of 0.05, up to 2,000 trees, 50 rounds of patience on a fifth of the training rows, all else at its
default; categories as the library takes them. All stop where the time ends.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

RATE, TREES, PATIENCE = 0.05, 2000, 50


def main(name: str) -> None:
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import train_test_split

    task = json.loads(Path("task.json").read_text(encoding="utf-8"))
    types = {task["target"]: str} if task["classes"] else None
    train, test = pd.read_csv("train.csv", low_memory=False, dtype=types), pd.read_csv("test.csv", low_memory=False)
    classes, target = np.unique(train.pop(task["target"]), return_inverse=True) if task["classes"] else ([], None)
    if target is None:
        target = train.pop(task["target"]).to_numpy()
    texts = [column for column in train if not pd.api.types.is_numeric_dtype(train[column])]
    parts = train_test_split(
        train, target, test_size=0.2, random_state=task["seed"], stratify=target if task["classes"] else None
    )
    fit = {"catboost": catboost, "lightgbm": lightgbm, "hgb": hgb}[name]
    found = fit(parts, test, texts, task)
    made = pd.DataFrame(found, columns=classes if task["classes"] else ["prediction"])
    made.to_csv("predictions.csv", index=False)


def catboost(parts: Any, test: Any, texts: list[str], task: dict[str, Any]) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor

    words = [{t: frame[t].astype(object).fillna("").astype(str) for t in texts} for frame in (parts[0], parts[1], test)]
    frames = [frame.assign(**text) for frame, text in zip((parts[0], parts[1], test), words, strict=True)]
    model = (CatBoostClassifier if task["classes"] else CatBoostRegressor)(
        iterations=TREES,
        learning_rate=RATE,
        thread_count=task["cores"],
        random_seed=task["seed"],
        cat_features=texts,
        early_stopping_rounds=PATIENCE,
        verbose=False,
        allow_writing_files=False,
    )
    model.fit(frames[0], parts[2], eval_set=(frames[1], parts[3]), callbacks=[Clock(task["seconds"])])
    return model.predict_proba(frames[2]) if task["classes"] else model.predict(frames[2])


class Clock:
    """Ends training when the time is up."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def after_iteration(self, _info: Any) -> bool:
        """Whether to go on; CatBoost asks after each tree."""
        return time.monotonic() < self.end


def lightgbm(parts: Any, test: Any, texts: list[str], task: dict[str, Any]) -> Any:
    import lightgbm as lgb

    frames = categories((parts[0], parts[1], test), texts)
    model = (lgb.LGBMClassifier if task["classes"] else lgb.LGBMRegressor)(
        n_estimators=TREES, learning_rate=RATE, n_jobs=task["cores"], random_state=task["seed"], verbose=-1
    )
    clock = Clock(task["seconds"])

    def stop(env: Any) -> None:
        if not clock.after_iteration(env):
            raise lgb.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    stopping = [lgb.early_stopping(PATIENCE, verbose=False), stop]
    model.fit(frames[0], parts[2], eval_set=[(frames[1], parts[3])], callbacks=stopping)
    return model.predict_proba(frames[2]) if task["classes"] else model.predict(frames[2])


def hgb(parts: Any, test: Any, texts: list[str], task: dict[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    frames = categories((parts[0], parts[1], test), texts)
    for text in texts:
        if len(frames[0][text].cat.categories) > 255:  # as many as it takes
            for frame in frames:
                frame[text] = frame[text].cat.codes.astype(float)
    model = (HistGradientBoostingClassifier if task["classes"] else HistGradientBoostingRegressor)(
        warm_start=True,
        learning_rate=RATE,
        early_stopping=True,
        n_iter_no_change=PATIENCE,
        categorical_features="from_dtype",
        random_state=task["seed"],
    )
    clock = Clock(task["seconds"])
    for trees in range(50, TREES + 1, 50):
        model.set_params(max_iter=trees).fit(frames[0], parts[2], X_val=frames[1], y_val=parts[3])
        if model.n_iter_ < trees or not clock.after_iteration(None):
            break
    return model.predict_proba(frames[2]) if task["classes"] else model.predict(frames[2])


def categories(frames: Any, texts: list[str]) -> Any:
    """Texts as categories of the training rows; a value that they lack is missing."""
    import pandas as pd

    kinds = {text: pd.CategoricalDtype(sorted(frames[0][text].dropna().astype(str).unique())) for text in texts}
    return [
        frame.assign(**{t: frame[t].astype(str).where(frame[t].notna()).astype(kind) for t, kind in kinds.items()})
        for frame in frames
    ]


if __name__ == "__main__":
    if sys.argv[1] == "--version":
        print(", ".join(f"{one} {version(one)}" for one in ("catboost", "lightgbm", "scikit-learn")))
    else:
        main(sys.argv[1])
