"""What several commands share: how a spec is named and what is applied to it."""

from collections.abc import Callable
from typing import Any, TypeVar

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


allow_outside = click.option(
    "--allow-outside", is_flag=True, help="Also read files outside the repository, as `mlspec run` does."
)

output = click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Write to a file instead of stdout.")
