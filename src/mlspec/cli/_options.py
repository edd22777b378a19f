"""What several commands share: how a spec is named and what is laid over it."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

spec = click.argument("spec", required=False, metavar="[SPEC]", type=click.Path())


def overlays(command: Command) -> Command:
    """``--profile``, ``--set``, ``--backend`` and ``--large``."""
    for option in reversed(
        (
            click.option("--profile", metavar="NAME", help="Lay a profile of the spec over the rest."),
            click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override one value; repeatable."),
            click.option(
                "--backend",
                metavar="NAME",
                help="Who carries the steps out, and on what: cpu, gpu, multi-gpu, a name of the spec, an engine.",
            ),
            click.option("--large", is_flag=True, help="Read a spec of more than 1 MiB."),
        )
    ):
        command = option(command)
    return command


def formats(*names: str) -> Callable[[Command], Command]:
    """``--format`` with these choices, the first by default."""
    return click.option(
        "--format", "form", type=click.Choice(names), default=names[0], show_default=True, help="What to print."
    )


allow_outside = click.option(
    "--allow-outside", is_flag=True, help="Read files outside the repository too, as `mlspec run` does."
)

output = click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Write to a file in place of stdout.")
