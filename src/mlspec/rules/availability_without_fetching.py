"""A source that is read where it lies says how it is to be fetched.

Why: `retries`, `timeout` and `fallback` are about databases, addresses and functions; a file beside the spec is there
or not, and the key would only look as if it did something.

Instead: delete the key; `fresh_within`, `minimum_rows` and `on_change` hold for files too.
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
