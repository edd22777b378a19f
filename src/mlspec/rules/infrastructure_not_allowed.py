"""The project would run on infrastructure that its constraints do not allow.

Why: data that must not leave a kind of machine, a licence for one platform, a device that production does not have:
this is found before anything runs.

Instead: choose another backend, or extend `constraints.infrastructure` deliberately.
"""

import sys
from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Engine and device against what is allowed; this machine too, where a run is about to start on it."""
    allowed = view.project.constraints.infrastructure
    if allowed is None:
        return
    at = ("constraints", "infrastructure")
    backend = view.project.backend
    asked = [("engines", "engine", backend.engine)]
    if backend.device != "auto":
        asked.append(("devices", "device", backend.device.partition(":")[0]))
    if view.running:
        import platform

        asked += [("platforms", "platform", sys.platform), ("machines", "machine", platform.machine())]
    for key, word, value in asked:
        listed = getattr(allowed, key)
        if listed is not None and value not in listed:
            message = f"the {word} is '{value}', but only {', '.join(listed) or 'none'} is allowed"
            yield view.diagnostic("infrastructure-not-allowed", (*at, key), message)
