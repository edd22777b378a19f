"""The check of the data: what each part of the rows can be measured for by itself."""

from collections.abc import Iterator

from msgspec.structs import replace

from mlspec.graph.divided.steps import Tables, numbered, part
from mlspec.graph.step import Input, Step
from mlspec.spec.expect import measured_by_parts, needs_all_rows

LEFT_OUT = ("dropped", "quarantine")


def expect(step: Step, tables: Tables) -> Iterator[Step]:
    """Expectations of divided rows. The step itself merges what the parts have measured; it reads all rows only for
    what can't be merged."""
    whole = [name for name in step.inputs if name.startswith("table.")]
    of = tables.get(step.inputs[whole[0]].step, ()) if len(whole) == 1 else ()
    of_rows = [(index, one) for index, one in enumerate(step.params["expectations"]) if "source" not in one]
    mine = [[index, one] for index, one in of_rows if measured_by_parts(one)]
    if not of or not mine:
        yield step
        return
    rest = {name: read for name, read in step.inputs.items() if name not in whole}
    known = {f"source.{one['refers_to']['source']}" for _index, one in mine if "refers_to" in one}
    left = [one for _index, one in of_rows if one.get("on_fail", "stop") != "stop"]
    leaves = bool(left) and not any(map(needs_all_rows, left))
    parts = [
        part(
            step,
            place,
            "expect_part",
            {**step.params, "expectations": mine},
            {whole[0]: table, **{name: rest[name] for name in sorted(known)}},
            ("measured", *(LEFT_OUT if leaves else ())),
        )
        for place, table in numbered(of)
    ]
    yield from parts
    inputs = rest | {f"{name}.{place}": Input(one.id, name) for place, one in numbered(parts) for name in one.outputs}
    if any(needs_all_rows(one) for _index, one in of_rows) or (left and not leaves):
        inputs[whole[0]] = step.inputs[whole[0]]
    yield replace(step, inputs=inputs, whole=step.inputs)
