"""``mlspec gc``: frees the space of results that are no longer needed."""

import click

from mlspec.cli import _options
from mlspec.cli._output import result


@click.command(name="gc")
@_options.spec
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Runs to keep; storage.keep, or 1, if left out.")
def command(spec: str | None, keep: int | None) -> None:
    """Delete stored results, except those of the last N runs and of mlspec.lock, old snapshots that are not pinned, and
    what killed runs have left on a cluster; print how much space was freed.

    The folders of runs, with their reports and models, are kept unless the spec has `storage.keep`.
    """
    from mlspec import formatting
    from mlspec.api.keeping import collect

    done = collect(spec, runs=keep)
    result(f"removed {formatting.count(done.results, 'result')}, freed {formatting.size(done.bytes)}")
