"""``mlspec serve``: a model as a service."""

from typing import Any

import click

from mlspec.cli._output import talk


def _unit(unit: str) -> Any:
    def convert(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | int | None:
        from mlspec.spec import units

        if value is None:
            return None
        found = units.parse(unit, value)
        if found is None:
            raise click.BadParameter(f"'{value}' is not {units.WORDS[unit]}, {units.BOUNDS[unit]}")
        return found

    return convert


@click.command(name="serve")
@click.argument("model", metavar="MODEL|BUNDLE|SPEC|STAGE", type=click.Path())
@click.option("--registry", type=click.Path(), metavar="FOLDER", help="The releases that have STAGE.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen at.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 for any.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that answer.")
@click.option("--token-file", type=click.Path(), metavar="FILE", help="A file with a token in each line.")
@click.option("--without-token", is_flag=True, help="Listen at an address of the network without asking for a token.")
@click.option("--log", type=click.Path(), metavar="FOLDER", help="Log requests there, as `operation.log` says.")
@click.option("--labels", type=click.Path(), metavar="FOLDER", help="Keep labels of POST /feedback there.")
@click.option("--max-rows", type=click.IntRange(min=1), help="The largest number of rows in a request.")
@click.option("--max-body", callback=_unit("bytes"), metavar="SIZE", help="The largest body of a request.")
@click.option("--timeout", callback=_unit("duration"), metavar="TIME", help="How long a request may take.")
@click.option("--concurrency", type=click.IntRange(min=1), help="Requests that are answered at the same time.")
@click.option(
    "--format",
    type=click.Choice(["native", "onnx"]),
    default="native",
    show_default=True,
    help="What answers; onnx: the ONNX file of BUNDLE.",
)
@click.option("--trust-code", is_flag=True, help="Run the code that the model contains.")
def command(model: str, **options: Any) -> None:
    """Serve a model over HTTP: POST /predict, and the Open Inference Protocol, version 2.

    MODEL is the folder of an exported model, BUNDLE that of a release, SPEC a spec whose last run selected one. STAGE
    is a stage of this project's releases, or of --registry: its bundle is served, and the next one without a restart as
    soon as the stage is given another. A body of POST /predict is a row, or an array of rows: objects with a value for
    each column. What does not fit is refused, with its row and field. / is a page for people, /openapi.json describes
    the service, /metrics is for Prometheus, /v2/health/ready for load balancers.

    Limits are those of `operation.serve`, unless an option states them. SIGTERM ends it when all requests are answered.
    """
    from mlspec import api
    from mlspec.diagnostics import printable

    names = ("max_rows", "max_body", "timeout", "concurrency")
    limits = {name: options[name] for name in names if options[name] is not None}
    address = api.Address(options["host"], options["port"], options["without_token"])
    code = api.serve(
        model,
        address,
        registry=options["registry"],
        workers=options["workers"],
        token_file=options["token_file"],
        log=options["log"],
        labels=options["labels"],
        limits=limits,
        trust_code=options["trust_code"],
        format=options["format"],
        say=lambda text: talk(printable(text)),
    )
    click.get_current_context().exit(code)
