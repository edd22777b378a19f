"""A source of local files has settings for fetching.

Why: `retries`, `timeout` and `fallback` are for databases, addresses and functions; for a local file they would have no
effect.

Instead: delete the key; `fresh_within`, `minimum_rows` and `on_change` also apply to files.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.plugins.source import Source
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Each source that is not fetched."""
    for name, use in view.project.data.sources.items():
        source = use.plugin
        if not isinstance(source, Source) or source.is_fetched:
            continue
        for key in ("retries", "timeout", "fallback"):
            if getattr(source, key) is not None:
                message = f"source '{name}' is a local file, so '{key}' has no effect"
                path = ("data", "sources", name, key)
                yield view.diagnostic("availability-without-fetching", path, message, "delete it", key=True)
