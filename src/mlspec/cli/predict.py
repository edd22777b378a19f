"""``mlspec predict``: the selected model on new rows."""

import shlex

import click

from mlspec.cli._output import result, talk


@click.command(name="predict")
@click.argument("model", metavar="MODEL|SPEC", type=click.Path())
@click.argument("data", metavar="DATA", type=click.Path())
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="FILE",
    help="The output file; its ending decides the format: csv, parquet or jsonl.",
)
@click.option("--keep", multiple=True, metavar="COLUMN", help="Copy a column of the data to the output; repeatable.")
@click.option("--device", default="cpu", show_default=True, help="The device for networks.")
@click.option("--trust-code", is_flag=True, help="Load the model in this process, and run the code that it contains.")
def command(model: str, data: str, output: str | None, keep: tuple[str, ...], device: str, trust_code: bool) -> None:
    """Predict new rows with a project's selected model, or with an exported one.

    MODEL|SPEC is a spec, its folder, or the folder of an exported model; DATA is a file of any format that a spec can
    read. For classes, `prediction` is the predicted class (by the threshold if the spec states costs of errors, else
    the most probable class), `to_person` marks rows that go to a person (if `abstain_below` is set), and `p_CLASS` is
    the probability of each class; for numbers, `prediction` is the value.

    A model's folder may come from anyone: its files are checked, and it is loaded in a separate process. A model of
    `type: python` contains code, which runs only with --trust-code; that option lists the code files with their
    digests.
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
