"""Bounds on what making the model may take."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from mlspec.plugins.constraint import Check, Computing, Constraint, Context, Measured, Params, Records
from mlspec.plugins.keys import AT_LEAST, AT_MOST, Bytes, Seconds
from mlspec.plugins.verdict import Verdict, by_value, seconds, size

HOUR = 3600.0
UNITS = {"wall_time": "s", "memory": "bytes"}


class Money(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on what making the model may cost, by a stated price of an hour."""

    at_most: Annotated[
        float, Meta(description="The highest allowed cost of all steps that lead to the model.", ge=0, extra=AT_MOST)
    ]
    # A lower price lets more through.
    cpu_hour: Annotated[float, Meta(description="The price of an hour of a step on the CPU.", ge=0, extra=AT_LEAST)] = (
        0.0
    )
    gpu_hour: Annotated[float, Meta(description="The price of an hour of a step on a GPU.", ge=0, extra=AT_LEAST)] = 0.0
    unit: Annotated[str, Meta(description="The currency; shown in the report.", examples=["EUR"])] = ""


class Budget(Constraint, frozen=True, kw_only=True):
    """Bounds on the resources used to make the model: time, memory, GPUs, money.

    Why: a project that is trained repeatedly must stay within its costs; a run over its budget is stopped.

    Example:
        budget: {wall_time: 2h, gpus: 0}
    """

    rank: ClassVar[int] = 70
    by_records: ClassVar[bool] = True

    wall_time: Annotated[
        Seconds | None,
        Meta(description="Bound on the total time of all steps that lead to the model.", extra=AT_MOST),
    ] = None
    memory: Annotated[Bytes | None, Meta(description="Bound on the peak memory of any step.", extra=AT_MOST)] = None
    gpus: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="The number of GPUs that may be used; 0 forbids them.", extra=AT_MOST),
    ] = None
    gpu_hours: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="Bound on the total hours that steps spend on GPUs.", extra=AT_MOST),
    ] = None
    money: Annotated[Money | None, Meta(description="Bound on the cost, at the stated prices.")] = None

    def checks(self, context: Context) -> Iterator[Check]:
        """A gate for each bound."""
        for what in ("wall_time", "memory", "gpus", "gpu_hours"):
            bound = getattr(self, what)
            if bound is not None:
                yield Check(name=what, at=(what,), params={"what": what, "at_most": bound})
        if self.money is not None:
            price = {"cpu_hour": self.money.cpu_hour, "gpu_hour": self.money.gpu_hour, "unit": self.money.unit}
            yield Check(name="money", at=("money",), params={"what": "money", "at_most": self.money.at_most, **price})

    @classmethod
    def unit(cls, params: Params) -> str:
        """Seconds or bytes; GPUs, hours and money have none."""
        return UNITS.get(params["what"], "")

    @classmethod
    def planned(cls, params: Params, computing: Computing) -> Params:
        """With how many GPUs are used, or the steps that use one."""
        if params["what"] == "gpus":
            return {**params, "used": computing.gpus}
        if params["what"] not in ("gpu_hours", "money"):
            return params
        found = {**params, "on_gpu": list(computing.on_gpu)}
        return {**found, "gpus": dict(computing.shares)} if any(n > 1 for n in computing.shares.values()) else found

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the records of the steps, whenever they ran; one without a record leaves it open."""
        what, bound = params["what"], params["at_most"]
        if what == "gpus":
            return by_value(f"at most {bound} GPUs", params.get("used"), bound, lambda count: f"{count:g} GPUs")
        if what in ("gpu_hours", "money"):
            return _priced(params, records)
        field, show = ("seconds", seconds) if what == "wall_time" else ("peak_memory", size)
        taken = [record.get(field) for record in records.values()]
        known = [value for value in taken if value is not None]
        text = f"{'time of all steps' if what == 'wall_time' else 'peak memory of a step'} at most {show(bound)}"
        if not taken or len(known) < len(taken):
            return by_value(text, None, bound, show)
        return by_value(text, sum(known) if what == "wall_time" else max(known), bound, show)


def _priced(params: Params, records: Records) -> Verdict:
    """Hours on GPUs, or money: by the recorded time of each step, and where it ran."""
    bound, apart, several = params["at_most"], set(params.get("on_gpu", ())), params.get("gpus", {})
    in_hours = params["what"] == "gpu_hours"
    unit = " GPU hours" if in_hours else f" {params['unit']}" if params["unit"] else ""
    text = f"{'at most' if in_hours else 'cost at most'} {bound:g}{unit}"
    hours = {"cpu": 0.0, "gpu": 0.0}
    if not records or any(record.get("seconds") is None for record in records.values()):
        return by_value(text, None, bound, str)
    for step, record in records.items():
        hours["gpu" if step in apart else "cpu"] += record["seconds"] / HOUR * several.get(step, 1)
    total = hours["gpu"] if in_hours else hours["cpu"] * params["cpu_hour"] + hours["gpu"] * params["gpu_hour"]
    return by_value(text, total, bound, lambda value: f"{value:.3g}{unit}")
