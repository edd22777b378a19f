"""``mlspec explain``: the reference page of a code, a key or a plug-in."""

import click

from mlspec.cli._exit_codes import WRONG
from mlspec.cli._output import nearest, result, talk
from mlspec.diagnostics import printable


@click.command(name="explain")
@click.argument("topic", required=False, metavar="[CODE|KEY|PLUG-IN]")
def command(topic: str | None) -> int:
    """Print the page of an error code, a key or a plug-in; without a topic, list all topics.

    \b
    mlspec explain unknown-column
    mlspec explain constraints.latency
    mlspec explain impute
    """
    from mlspec.cli import _reference

    if topic is None:
        result("\n".join(_reference.topics()))
        return 0
    found = _reference.find(topic)
    if not found:
        hint = nearest(topic, _reference.topics())
        more = f"; did you mean '{hint}'?" if hint else ": mlspec explain lists the topics"
        talk(printable(f"there is no page about '{topic}'{more}"))
        return WRONG
    result("\n".join(found))
    return 0
