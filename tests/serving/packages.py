"""Packages of a few rows, made without a run."""

import datetime
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlspec import registry
from mlspec.plugins.model import Model, Training
from mlspec.steps import results
from mlspec.steps.data import preparation
from mlspec.steps.serving import package_format

KINDS = {
    "age": "integer", "pay": "number", "debt": "number", "town": "category", "size": "category", "job": "category",
    "member": "boolean", "since": "date", "seen": "datetime",
}  # fmt: skip
STEPS: dict[str, list[Any]] = {
    "age": [["clip", {"lower": 18, "upper_quantile": 0.95}], ["scale", {"method": "standard"}]],
    "pay": [["impute", {"strategy": "median"}], ["log", {}], ["scale", {"method": "robust"}]],
    "debt": [["power", {}], ["quantile", {"shape": "normal", "points": 20}]],
    "town": [["group_rare", {"min_count": 3}], ["encode", {"method": "one_hot"}]],
    "size": [["order", {"levels": ["S", "M", "L"]}], ["scale", {"method": "minmax"}]],
    "job": [["impute", {"strategy": "most_frequent"}], ["encode", {"method": "ordinal"}]],
    "member": [["encode", {"method": "ordinal"}]],
    "since": [["date_parts", {"parts": ["year", "weekday", "days_since_1970"]}], ["scale", {"method": "standard"}]],
    "seen": [["cyclical", {"cycles": ["day", "year"]}]],
}
OF = {"pay / debt": ["ratio", ["pay", "debt"]], "age * pay": ["product", ["age", "pay"]]}


def rows(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Rows as a request has them, with missing cells, unseen categories and numbers that no training row had."""
    said = random.Random(seed)

    def one(*usual: Any) -> Any:
        return said.choice([None, *usual, *usual, *usual])

    def day() -> str:
        return str(datetime.date(1950, 1, 1) + datetime.timedelta(days=said.randrange(30_000)))

    return [
        {
            "age": one(said.randint(18, 90), 2**53, -1, 40.0),
            "pay": one(said.lognormvariate(7, 2), -5.5, 1e30, 0, -0.0),
            "debt": one(said.gauss(0, 1e4), 0.0, 7),
            "town": one("Bonn", "Köln", "Bad Ems", "", "(other)"),
            "size": one("S", "M", "L", "XL"),
            "job": one("nurse", "cook", "pilot"),
            "member": one(True, False),
            "since": one(day(), day().replace("-", "/")),
            "seen": one(f"{day()}T23:59:59", f"{day()} 07:30"),
        }
        for _ in range(count)
    ]


def frame(count: int, seed: int = 1) -> pl.DataFrame:
    """The same rows as the data engine reads them."""
    made = pl.DataFrame(rows(count, seed), schema={name: _dtype(kind) for name, kind in KINDS.items()}, strict=False)
    plain = pl.col("since", "seen").str.replace_all("/", "-")
    made = made.with_columns(plain)
    time = pl.col("seen").str.replace("T", " ")
    return made.with_columns(
        pl.col("since").str.to_date("%Y-%m-%d"),
        pl.coalesce(time.str.to_datetime(form, strict=False) for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")),
    )


def _dtype(kind: str) -> Any:
    return {"integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean}.get(kind, pl.String)


def write(folder: Path, name: str = "lightgbm", *, classes: int = 2, **more: Any) -> Path:
    """The package of a model of 300 such rows, of the class (0: the number) that follows from them."""
    known = frame(300).with_columns(pl.col("pay", "debt").fill_null(1.0).clip(-1e6, 1e6), pl.col("age").clip(18, 90))
    total = pl.col("pay").clip(0, 1000) + pl.col("age").fill_null(0)
    answer = ("x" + (total.rank("ordinal") * classes // 301).cast(pl.String)) if classes else total.cast(pl.Float64)
    table = known.with_columns(answer.alias("answer"))
    columns: list[Mapping[str, Any]] = [{"name": n, "type": t, "steps": STEPS[n]} for n, t in KINDS.items()]
    columns += [{"name": n, "type": "number", "of": of, "steps": []} for n, of in OF.items()]
    task: Any = "binary_classification" if classes == 2 else "multiclass_classification" if classes else "regression"
    kind = "category" if classes else "number"
    params = {"columns": columns, "target": ["answer", kind], "task": task, "positive": None}
    state = preparation.fit(table.lazy(), params)
    prepared = preparation.apply(table.lazy(), state).collect()
    features, truth = preparation.features(prepared, state), preparation.target(prepared, state)
    settings = {"trees": 20} if name == "lightgbm" else {}
    model = msgspec.convert(settings, registry.plugin("models", name))
    assert isinstance(model, Model)
    (folder / "model").mkdir(parents=True)
    training = Training(
        features=features, target=truth, validation=features, validation_target=truth, task=task, classes=classes,
        seed=0, device="cpu", threads=1, checkpoints=folder / "checkpoints", progress=lambda *_: None,
    )  # fmt: skip
    model.fit(training, folder / "model")
    results.write_json(folder / "state.json", state)
    stated = {"classes": tuple(state["target"]["classes"]) if classes else None, "positive": None, **more}
    about = package_format.About(
        candidate="c", model=(name, msgspec.to_builtins(model)), columns=tuple(KINDS.items()),  # type: ignore[arg-type]
        target="answer", target_type=kind, task=task, **stated,
    )  # fmt: skip
    package_format.write_about(folder, about)
    return folder
