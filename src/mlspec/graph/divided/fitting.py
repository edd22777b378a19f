"""Preparations of divided rows: what they are fitted by is measured in each part and merged, in as many rounds as
columns take steps that measure; then each part is transformed."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from msgspec.structs import replace

from mlspec import registry
from mlspec.graph.divided.steps import Tables, beside, gathering, numbered, part
from mlspec.graph.step import Input, Step
from mlspec.plugins.transform import Transform

BOTH = ("train", "validation")


def prepare(step: Step, tables: Tables) -> Iterator[Step]:
    """A preparation that is fitted on the training rows."""
    read = step.inputs["train"].step
    of = [{name: Input(one.step, other.output) for name, other in step.inputs.items()} for one in tables[read]]
    yield from _prepared(step, of, ("train",), Input(f"{read}.rows", "starts"))


def refit(step: Step, tables: Tables) -> Iterator[Step]:
    """The second fit: the preparations that the package uses are fitted on training and validation rows."""
    of = [{name: Input(one.step, name) for name in BOTH} for one in tables["split"]]
    rows = {name: step.inputs[name] for name in BOTH}
    candidates: dict[str, dict[str, Any]] = step.params["candidates"]
    inputs = {name: read for name, read in step.inputs.items() if name not in BOTH}
    starts = Input(f"{step.id}.rows", "starts")
    if any(map(_supervised, candidates.values())):
        yield beside(step, starts.step, "count_rows", {}, rows, (starts.output,))
    made: list[Step] = []
    for name, params in candidates.items():
        one = next((known for known in made if known.params == params), None)
        if one is None:
            one = Step(
                id=f"{step.id}.{name}",
                kind="prepare",
                params=params,
                inputs=rows,
                outputs=("state", *BOTH),
                path=step.path,
                part_of=step.id,
            )
            made.append(one)
            users = [other for other, same in candidates.items() if same == params]
            package = {"model": step.inputs["model"]}
            yield from _prepared(one, of, BOTH, starts, {"candidates": users}, package)
        inputs |= {f"{output}.{name}": Input(one.id, output) for output in one.outputs}
    yield replace(step, inputs=inputs, whole=step.inputs)


def _prepared(
    step: Step,
    of: Sequence[dict[str, Input]],
    fitted: tuple[str, ...],
    starts: Input,
    asks: dict[str, Any] | None = None,
    asked: dict[str, Input] | None = None,
) -> Iterator[Step]:
    """A preparation of the rows ``of`` each part; ``fitted``: those that it is fitted on. ``asks`` are params, and
    ``asked`` inputs, of what begins it."""
    used = sorted({pair[0] for column in step.params["columns"] for pair in column["steps"]})
    rounds = _rounds(step.params)
    whole = {name: step.inputs[name] for name in fitted}
    state = Input(f"{step.id}.round.0", "state")

    def fit(number: int, params: dict[str, Any], inputs: dict[str, Input]) -> Step:
        about = {"last": number == rounds, "transforms": used, **params}
        return beside(step, f"{step.id}.round.{number}", "fit", about, {**inputs, **whole}, ("state",))

    yield fit(0, {"preparation": step.params, **(asks or {})}, asked or {})
    for number in range(1, rounds + 1):
        measuring = [
            beside(
                step,
                f"{step.id}.round.{number}.part.{place}",
                "fit_part",
                {"transforms": used},
                {"state": state, **{name: one[name] for name in fitted}},
                ("measured",),
            )
            for place, one in numbered(of)
        ]
        yield from measuring
        measured = {f"measured.{place}": Input(one.id, "measured") for place, one in numbered(measuring)}
        yield fit(number, {}, {"state": state, **measured})
        state = Input(f"{step.id}.round.{number}", "state")
    supervised = _supervised(step.params)
    both = {"fitted": list(fitted)} if len(fitted) > 1 else {}
    preparing = [
        part(
            step,
            place,
            "prepare_part",
            {"transforms": used, **both, **({"place": place} if supervised else {})},
            {"state": state, **one, **({"starts": starts} if supervised else {})},
            tuple(one),
        )
        for place, one in numbered(of)
    ]
    yield from preparing
    yield gathering(step, dict.fromkeys(of[0], preparing), {"state": state})


def _supervised(params: dict[str, Any]) -> bool:
    return any(_transform(name).supervised for column in params["columns"] for name, _settings in column["steps"])


def _rounds(params: dict[str, Any]) -> int:
    """How often something is measured at most: each column takes its steps one after the other."""
    return max((sum(_measures(name) for name, _settings in one["steps"]) for one in params["columns"]), default=0)


def _measures(name: str) -> bool:
    kind = _transform(name)
    return kind.supervised or kind.statistics is not Transform.statistics


def _transform(name: str) -> type[Transform]:
    return cast(type[Transform], registry.plugin("transforms", name))
