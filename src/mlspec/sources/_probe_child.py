"""The program that looks at sources whose readers can crash: a line of JSON for each, in their order."""

import os
import sys
from pathlib import Path
from typing import cast

import msgspec

from mlspec import registry
from mlspec.machine import confined
from mlspec.plugins.source import Source
from mlspec.sources import _bounds, _probe


def main() -> None:
    """Answer the request on standard input, within limits."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=_probe.Request)
    confined.confine(request.parent, memory=_bounds.MEMORY)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no reply
    root = Path(request.root)
    for kind, settings in request.sources:
        confined.more_cpu(_bounds.CPU_SECONDS)
        source = cast(Source, msgspec.convert(settings, registry.plugin("sources", kind)))
        replies.write(_probe.reply_of(_probe.here(source, root, request.column)))
        replies.flush()


if __name__ == "__main__":
    main()
    # Threads of libraries need not end first.
    sys.stdout.flush()
    os._exit(0)
