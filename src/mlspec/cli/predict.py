"""``mlspec predict``: the selected model on new rows."""

import click

from mlspec.cli._output import result, talk


@click.command(name="predict")
@click.argument("model", metavar="MODEL|SPEC", type=click.Path())
@click.argument("data", metavar="DATA", type=click.Path())
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="csv, parquet or jsonl, by its ending.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Carry a column of the data along; repeatable.")
@click.option("--device", default="cpu", show_default=True, help="What a network computes on.")
def command(model: str, data: str, output: str | None, keep: tuple[str, ...], device: str) -> None:
    """Predict new rows with a project's selected model, or with an exported one.

    MODEL|SPEC is a spec, its folder, or the folder of an exported model; DATA a file of any format that a spec can
    read. For classes, `prediction` is the one decided for (by the threshold where costs of mistakes are stated, else
    the likeliest), `to_person` says who goes to a person (where `abstain_below` is stated), and `p_CLASS` is the
    probability of each; for numbers, `prediction` is the value.
    """
    from mlspec import api
    from mlspec.diagnostics import printable

    loaded = api.load_model(model, device=device)
    frame = api.predict(loaded, data, keep=keep)
    if output is None:
        result(frame.write_csv(), form="data")
        return
    api.write_table(frame, output)
    talk(printable(f"wrote {frame.height:,} predictions to {output}"))
