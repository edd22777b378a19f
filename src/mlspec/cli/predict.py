"""``mlspec predict``: the selected model on new rows."""

import os
import shlex
from typing import Any

import click

from mlspec.cli._options import reading
from mlspec.cli._output import result, talk


@click.command(name="predict")
@click.argument("model", metavar="MODEL|SPEC", type=click.Path())
@click.argument("data", metavar="DATA", type=click.Path())
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="FILE",
    help="The output file; its ending decides the format: csv, parquet or jsonl. CSV to stdout if left out.",
)
@click.option("--keep", multiple=True, metavar="COLUMN", help="Copy a column of the data to the output; repeatable.")
@click.option(
    "--on-error",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="What rows that can't be predicted do: stop, with all of them listed, or be left out (exit code 1).",
)
@click.option(
    "--refused",
    type=click.Path(),
    metavar="FILE",
    help="With --on-error skip, the file for the rows that were left out; OUTPUT.refused.ENDING if left out.",
)
@reading
@click.option("--device", default="cpu", show_default=True, help="The device for networks.")
@click.option("--trust-code", is_flag=True, help="Load the model in this process, and run the code that it contains.")
def command(model: str, data: str, output: str | None, **options: Any) -> None:
    """Predict new rows with a project's selected model, or with an exported one.

    MODEL|SPEC is a spec, its folder, or the folder of an exported model; DATA is a file of any format that a spec can
    read. For classes, `prediction` is the predicted class (by the threshold if the spec states costs of errors, else
    the most probable class), `to_person` marks rows that go to a person (if `abstain_below` is set), and `p_CLASS` is
    the probability of each class; for numbers, `prediction` is the value.

    Rows with cells that do not fit the model end the command with exit code 2, each with its line, column and value,
    before anything is written. With --on-error skip they are left out and written to a file of their own with the
    reasons; exit code 1 says that there were some, 0 that there were none.

    A model's folder may come from anyone: its files are checked, and it is loaded in a separate process. A model of
    `type: python` contains code, which runs only with --trust-code; that option lists the code files with their
    digests.
    """
    from mlspec import api
    from mlspec.api import tables
    from mlspec.diagnostics import SpecError, printable

    keep, skips = options["keep"], options["on_error"] == "skip"
    refused = _refused_file(output, options["refused"], skips=skips)
    for path in (output, refused):
        if path is not None:
            tables.table_format(path)
    try:
        loaded = api.load_model(model, device=options["device"], trust_code=options["trust_code"])
        found = api.predict_file(loaded, data, keep=keep, on_error=options["on_error"], settings=options["settings"])
    except SpecError as error:
        raise _with_ways(error, model, data, output, options) from None
    for note in found.notes:
        talk(printable(f"note: {note}"))
    if refused is not None:
        api.write_table(found.refused, refused, [data, *([] if output is None else [output])])
    if output is None:
        result(found.rows.write_csv(), form="data")
    else:
        api.write_table(found.rows, output, [data])
        count = found.rows.height
        talk(printable(f"wrote {'1 prediction' if count == 1 else f'{count:,} predictions'} to {output}"))
    if refused is not None:
        count = found.refused.height
        rows = "1 row" if count == 1 else f"{count:,} rows"
        talk(printable(f"refused {rows}: see {refused}" if count else "refused no row"))
        click.get_current_context().exit(1 if count else 0)


def _refused_file(output: str | None, stated: str | None, *, skips: bool) -> str | None:
    """The file for refused rows, None where there are none."""
    from pathlib import Path

    if not skips:
        if stated is not None:
            raise click.UsageError("--refused needs --on-error skip")
        return None
    if stated is None and output is None:
        raise click.UsageError("--on-error skip needs -o FILE, or --refused FILE for the rows that are left out")
    if stated is not None and output is not None and os.path.realpath(stated) == os.path.realpath(output):
        raise click.UsageError("-o and --refused name the same file")
    return stated if stated is not None else str(Path(str(output)).with_suffix(f".refused{Path(str(output)).suffix}"))


def _with_ways(error: Any, model: str, data: str, output: str | None, options: dict[str, Any]) -> Any:
    """The error with the command that gets further."""
    import msgspec

    from mlspec.diagnostics import SpecError

    stated = {**options, "output": output}
    trusted = _line(model, data, {**stated, "trust_code": True})
    names = {"output": "predictions.csv"} if output is None else {}
    skipped = _line(model, data, {**stated, **names, "on_error": "skip"})
    found = list(error.diagnostics)
    for index, one in enumerate(found):
        if one.code == "package-brings-code":
            notes = (*one.notes[:-1], f"if you trust it: {trusted}")
            found[index] = msgspec.structs.replace(one, notes=notes)
        elif one.code == "row-refused" and one.notes:
            notes = (*one.notes, f"to predict the others: {skipped}")
            found[index] = msgspec.structs.replace(one, notes=notes)
    return SpecError(found, error.texts)


def _line(model: str, data: str, stated: dict[str, Any]) -> str:
    """The command with these options."""
    found = {name: stated[name] for name in ("trust_code", "output", "keep", "on_error", "refused")}
    found |= {**stated["settings"], "device": stated["device"]}
    parts = ["mlspec", "predict"]
    for name, value in found.items():
        option = "-o" if name == "output" else f"--{name.replace('_', '-')}"
        if value is True:
            parts.append(option)
        elif value is False and name == "header":
            parts.append("--no-header")
        elif value not in (None, False, ()) and (name, value) not in (("on_error", "stop"), ("device", "cpu")):
            values = value if isinstance(value, tuple) else (value,)
            parts += [part for one in values for part in (option, str(one))]
    return shlex.join([*parts, "--", model, data])
