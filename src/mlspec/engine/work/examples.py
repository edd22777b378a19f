"""Puts the example requests to the exported model."""

from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import StepError
from mlspec.engine.job import Job

if TYPE_CHECKING:
    from mlspec.engine.package import Package


def run(job: Job) -> None:
    """``model`` (the package) -> ``answers``: for each example its row, what was expected, what the model answered, and
    whether that is right."""
    from mlspec.engine import package, results

    loaded = package.load(job.inputs["model"], job.device, root=job.root)
    answers = [_asked(loaded, example, number) for number, example in enumerate(job.params["examples"], start=1)]
    results.write_json(job.outputs["answers"], {"answers": answers})


def _asked(loaded: "Package", example: dict[str, Any], number: int) -> dict[str, Any]:
    import polars as pl

    row = {name: example["row"].get(name) for name, _ in loaded.about.columns}
    texts = {name for name, kind in loaded.about.columns if kind in ("category", "date", "datetime")}
    given = {name: [None if value is None else str(value) if name in texts else value] for name, value in row.items()}
    try:
        predicted = loaded.predict(pl.DataFrame(given))
    except StepError as error:
        raise StepError(f"example {number}: {error}") from None
    classes = loaded.about.classes
    if classes is None:
        answer, value = None, float(predicted[0])
    else:
        answer = str(classes[int(loaded.decide(predicted)[0])])
        value = float(predicted[0, 1]) if len(classes) == 2 else float(predicted[0].max())
    expected = {key: example[key] for key in ("answer", "at_least", "at_most") if example.get(key) is not None}
    right = (
        expected.get("answer", answer) == answer
        and value >= expected.get("at_least", value)
        and value <= expected.get("at_most", value)
    )
    return {"row": example["row"], "expected": expected, "answer": answer, "value": value, "right": right}
