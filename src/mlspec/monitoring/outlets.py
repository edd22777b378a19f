"""Where verdicts go beside stdout: a text file of Prometheus, and a webhook."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from mlspec.monitoring import shown
from mlspec.monitoring.errors import refused
from mlspec.monitoring.findings import Monitored

SECONDS = 5.0
MOST_ALARMS = 50
NUMBERS = {"fail": 0, "unknown": 0.5, "pass": 1}


def prometheus(found: Monitored) -> str:
    """The text of a file for the textfile collector of Prometheus' node exporter."""
    lines: list[str] = []

    def metric(name: str, what: str, values: list[tuple[dict[str, str], float]]) -> None:
        lines.extend((f"# HELP {name} {what}", f"# TYPE {name} gauge"))
        for labels, value in values:
            said = ",".join(f'{key}="{_escaped(text)}"' for key, text in ({"model": found.model[:12]} | labels).items())
            lines.append(f"{name}{{{said}}} {value:.10g}")

    def each(name: str, what: str, field: str) -> None:
        known = [(one, getattr(one, field)) for one in found.findings]
        metric(name, what, [(_labels(one), value) for one, value in known if value is not None])

    metric("mlspec_monitor_alarms", "Bounds that fail.", [({}, len(found.alarms))])
    metric("mlspec_monitor_rows", "Rows of the current window.", [({}, found.window.rows)])
    metric("mlspec_monitor_damaged_parts", "Parts of the log that can not be read.", [({}, found.log.damaged_parts)])
    verdicts = [(_labels(one), NUMBERS[one.verdict]) for one in found.findings]
    metric("mlspec_monitor_verdict", "1 where a bound holds, 0 where it fails, 0.5 where it is unknown.", verdicts)
    each("mlspec_monitor_value", "The measured value.", "value")
    each("mlspec_monitor_bound", "The bound on the value.", "threshold")
    return "\n".join(lines) + "\n"


def _labels(one: Any) -> dict[str, str]:
    return {"monitor": one.monitor, "subject": one.subject}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class _Stay(urllib.request.HTTPRedirectHandler):
    """No address but the stated one is called."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        """None: a redirect is an error."""


def check(address: str) -> None:
    """Raises SpecError where this is no address of a webhook."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise refused("bad-webhook", "a webhook is an address that begins with https:// or http://")


def call(address: str, found: Monitored) -> str:
    """Post the alarms to a webhook, once, for at most five seconds; what went wrong, "" where nothing did.

    The body is JSON: ``text`` (which chats show), ``model``, ``now`` and the first 50 failing bounds.
    """
    alarms = [{name: getattr(one, name) for name in SAID} for one in found.alarms[:MOST_ALARMS]]
    body = {"text": f"{found.package}: {shown.headline(found)}", "model": found.model, "now": found.now}
    data = json.dumps({**body, "alarms": alarms}, allow_nan=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "mlspec"}
    request = urllib.request.Request(address, data, headers, method="POST")
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return f"the webhook answered {error.code}"
    except (OSError, ValueError) as error:
        return f"the webhook can't be reached: {getattr(error, 'reason', None) or type(error).__name__}"


SAID = ("monitor", "subject", "verdict", "value", "low", "high", "threshold", "reason")
