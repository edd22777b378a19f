"""``mlspec explain``: the reference page of a code, a key or a plug-in."""

import click

from mlspec.cli._exit_codes import WRONG
from mlspec.cli._output import nearest, result, talk
from mlspec.diagnostics import printable

MOST = 40  # topics that mention a word


@click.command(name="explain")
@click.argument("topic", required=False, metavar="[CODE|KEY|PLUG-IN]")
def command(topic: str | None) -> int:
    """Print the page of an error code, a key or a plug-in; of another word, the topics that mention it; without a
    topic, all topics.

    \b
    mlspec explain unknown-column
    mlspec explain constraints.latency
    mlspec explain impute
    """
    from mlspec.cli import _reference

    if topic is None:
        parts = ("\n".join([f"{title}:", *(f"  {name}" for name in names)]) for title, names in _reference.grouped())
        result("\n\n".join(parts))
        return 0
    found = _reference.find(topic)
    if not found:
        listed = list(_reference.mentions(topic))
        if listed:
            wide = max(len(name) for name, _ in listed[:MOST])
            lines = [f"topics about '{topic}':", *(f"  {name:<{wide}}  {said}" for name, said in listed[:MOST])]
            left = len(listed) - MOST
            result("\n".join(map(printable, [*lines, *([f"  and {left} more"] if left > 0 else [])])))
            return 0
        hint = nearest(topic, _reference.topics())
        more = f"; did you mean '{hint}'?" if hint else ": mlspec explain lists the topics"
        talk(printable(f"there is no page about '{topic}'{more}"))
        return WRONG
    result("\n".join(found))
    return 0
