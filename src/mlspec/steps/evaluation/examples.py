"""Puts the example requests to the exported model."""

from datetime import date, datetime
from typing import Any

import polars as pl

from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.job import Job
from mlspec.steps.serving import package
from mlspec.steps.serving.package import Package


def run(job: Job) -> None:
    """``model`` (the package) -> ``answers``: for each example its row, what was expected, what the model answered, and
    whether that is right."""
    loaded = package.load(job.inputs["model"], job.device)
    answers = [_asked(loaded, example, number) for number, example in enumerate(job.params["examples"], start=1)]
    results.write_json(job.outputs["answers"], {"answers": answers})


def _asked(loaded: "Package", example: dict[str, Any], number: int) -> dict[str, Any]:
    given = {name: [_cell(example["row"].get(name), kind)] for name, kind in loaded.about.raw_columns()}
    try:
        rows = loaded.treat(pl.DataFrame(given))
        predicted = loaded.predict(rows)
    except StepError as error:
        raise StepError(f"example {number}: {error}") from None
    classes = loaded.about.classes
    if classes is None:
        answer, value = None, float(predicted[0])
    else:
        answer = str(classes[int(loaded.decide(predicted, rows)[0])])
        value = float(predicted[0, 1]) if len(classes) == 2 else float(predicted[0].max())
    expected = {key: example[key] for key in ("answer", "at_least", "at_most") if example.get(key) is not None}
    right = (
        expected.get("answer", answer) == answer
        and value >= expected.get("at_least", value)
        and value <= expected.get("at_most", value)
    )
    images = {name for name, kind in loaded.about.raw_columns() if kind == "image"}
    row = {name: f"{len(value):,} characters" if name in images else value for name, value in example["row"].items()}
    return {"row": row, "expected": expected, "answer": answer, "value": value, "right": right}


def _cell(value: Any, kind: str) -> Any:
    """A value as the column's type has it; the spec writes dates as text."""
    if value is None:
        return None
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "datetime":
        return datetime.fromisoformat(value)
    return str(value) if kind == "category" else value
