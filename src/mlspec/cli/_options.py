"""What several commands share: how a spec is named and what is applied to it."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

Command = TypeVar("Command", bound=Callable[..., Any])

spec = click.argument("spec", required=False, metavar="[SPEC]", type=click.Path())


def overlays(command: Command) -> Command:
    """``--profile``, ``--set``, ``--backend`` and ``--large``."""
    for option in reversed(
        (
            click.option("--profile", metavar="NAME", help="Apply a profile of the spec."),
            click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override one value; repeatable."),
            click.option(
                "--backend",
                metavar="NAME",
                help="The execution backend: cpu, gpu, multi-gpu, a backend that the spec names, or an engine.",
            ),
            click.option("--large", is_flag=True, help="Accept a spec larger than 1 MiB."),
        )
    ):
        command = option(command)
    return command


def formats(*names: str) -> Callable[[Command], Command]:
    """``--format`` with these choices, the first by default."""
    return click.option(
        "--format", "form", type=click.Choice(names), default=names[0], show_default=True, help="Output format."
    )


def reading(command: Command) -> Command:
    """How a file of delimited text is read, as a dict in ``settings`` with what was stated."""

    @functools.wraps(command)
    def with_settings(**given: Any) -> Any:
        settings = {key: given.pop(key) for key in READING}
        stated = {key: value for key, value in settings.items() if value not in (None, ())}
        return command(settings=stated, **given)

    found: Any = with_settings
    for key, kind, metavar, text in reversed(
        (
            ("separator", str, "CHARACTER", "The separator between cells, if not as found."),
            ("decimal", str, "CHARACTER", "The decimal separator of numbers, if not as found."),
            ("thousands", str, "CHARACTER", "The character between thousands, if not as found."),
            ("encoding", str, "NAME", "The text encoding, if not as found: utf-8, latin-1, cp1252, utf-16."),
            ("quote", str, "CHARACTER", "The quote around cells; empty for none."),
            ("skip", click.IntRange(min=0), "LINES", "Lines above the header that are no data."),
            ("footer", click.IntRange(min=0), "ROWS", "Rows at the end that are no data."),
        )
    ):
        found = click.option(f"--{key}", type=kind, metavar=metavar, help=text)(found)
    found = click.option(
        "--missing", multiple=True, metavar="TEXT", help="A cell that is a missing value; repeatable."
    )(found)
    header = click.option("--header/--no-header", default=None, help="Whether the first line holds names.")
    return cast(Command, header(found))


def duration(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """The seconds of an option such as 90s, 5m or 1h30m."""
    from mlspec.spec import units

    if text is None:
        return None
    found = units.parse("duration", text)
    if found is None:
        raise click.BadParameter(f"'{text}' is no duration: write 90s, 5m or 1h30m")
    return float(found)


READING = ("separator", "decimal", "thousands", "encoding", "quote", "skip", "footer", "missing", "header")


allow_outside = click.option(
    "--allow-outside", is_flag=True, help="Also read files outside the repository, as `mlspec run` does."
)

output = click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Write to a file instead of stdout.")
