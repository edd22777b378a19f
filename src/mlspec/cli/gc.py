"""``mlspec gc``: frees the space of results that nobody needs any more."""

import click

from mlspec.cli import _options
from mlspec.cli._output import result


@click.command(name="gc")
@_options.spec
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Runs to keep: storage.keep, or 1.")
def command(spec: str | None, keep: int | None) -> None:
    """Remove stored results but those of the last N runs and of mlspec.lock, snapshots of fetched sources that are
    neither among the last nor pinned, and say what was freed.

    The runs' own folders, with their reports and models, stay where the spec states no `storage.keep`.
    """
    from mlspec import formatting
    from mlspec.api.keeping import collect

    done = collect(spec, runs=keep)
    result(f"removed {formatting.count(done.results, 'result')}, freed {formatting.size(done.bytes)}")
