"""``mlspec accept``: names the run that later ones are compared with."""

import click

from mlspec.cli import _options
from mlspec.cli._output import result


@click.command(name="accept")
@_options.spec
@click.option("--from", "revision", metavar="REVISION", help="Accept the run in mlspec.lock of a git revision.")
def command(spec: str | None, revision: str | None) -> None:
    """Accept the run in mlspec.lock: the baseline `previous` and guardrails compare later runs with it.

    Its lock is copied to accepted.lock, to be committed, and mlspec.lock records the digest.

    \b
    mlspec accept
    mlspec accept --from origin/main
    """
    from mlspec import api

    done = api.accept(spec, revision)
    open_gates = [name for name, verdict in done.verdicts.items() if verdict != "pass"]
    state = "accepted" if done.changed else "was accepted before"
    held = f"; these gates do not hold in it: {', '.join(open_gates)}" if open_gates else ""
    result(f"{state}: {done.path}, {len(done.verdicts)} gates{held}")
