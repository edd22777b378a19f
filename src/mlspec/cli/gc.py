"""``mlspec gc``: frees the space of results that nobody needs any more."""

import click

from mlspec.cli import _options
from mlspec.cli._output import result


@click.command(name="gc")
@_options.spec
@click.option("--keep", type=click.IntRange(min=0), default=1, show_default=True, metavar="N", help="Runs to keep.")
def command(spec: str | None, keep: int) -> None:
    """Remove stored results but those of the last N runs and of mlspec.lock, and say what was freed.

    The runs' own folders, with their reports and models, stay.
    """
    from pathlib import Path

    from mlspec.engine.collect import collect
    from mlspec.report import words
    from mlspec.specfile import find

    done = collect(Path(find(spec)).parent, runs=keep)
    result(f"removed {words.count(done.results, 'result')}, freed {words.size(done.bytes)}")
