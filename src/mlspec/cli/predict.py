"""``mlspec predict``: the selected model on new rows."""

import shlex

import click

from mlspec.cli._output import result, talk


@click.command(name="predict")
@click.argument("model", metavar="MODEL|SPEC", type=click.Path())
@click.argument("data", metavar="DATA", type=click.Path())
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="csv, parquet or jsonl, by its ending.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Carry a column of the data along; repeatable.")
@click.option("--device", default="cpu", show_default=True, help="What a network computes on.")
@click.option("--trust-code", is_flag=True, help="Load the model into this process, and run code that it brings along.")
def command(model: str, data: str, output: str | None, keep: tuple[str, ...], device: str, trust_code: bool) -> None:
    """Predict new rows with a project's selected model, or with an exported one.

    MODEL|SPEC is a spec, its folder, or the folder of an exported model; DATA a file of any format that a spec can
    read. For classes, `prediction` is the one decided for (by the threshold where costs of mistakes are stated, else
    the likeliest), `to_person` says who goes to a person (where `abstain_below` is stated), and `p_CLASS` is the
    probability of each; for numbers, `prediction` is the value.

    A model's folder may come from anybody: its files are checked, and it is loaded in a process of its own. A model of
    `type: python` brings code along: that is run with --trust-code alone, which lists its files with their digests.
    """
    import msgspec

    from mlspec import api
    from mlspec.diagnostics import SpecError, printable

    try:
        loaded = api.load_model(model, device=device, trust_code=trust_code)
    except SpecError as error:
        options = [*(("-o", output) if output else ()), *(part for name in keep for part in ("--keep", name))]
        options += ["--device", device] if device != "cpu" else []
        line = shlex.join(["mlspec", "predict", "--trust-code", *options, "--", model, data])
        hints = {"package-brings-code": f"if you trust it: {line}"}
        raise SpecError(
            [
                msgspec.structs.replace(one, notes=(*one.notes[:-1], hints[one.code])) if one.code in hints else one
                for one in error.diagnostics
            ],
            error.texts,
        ) from None
    frame = api.predict(loaded, data, keep=keep)
    if output is None:
        result(frame.write_csv(), form="data")
        return
    api.write_table(frame, output, [data])
    talk(printable(f"wrote {frame.height:,} predictions to {output}"))
