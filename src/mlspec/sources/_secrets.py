"""References to the environment in connection strings: ``${env:NAME}``. Their values never leave the process that
connects."""

import os
import re
from typing import Any
from urllib.parse import quote

from mlspec.machine.patterns import pattern

REFERENCE = pattern(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")

# Names of what gives access, in the query of an address.
GIVES_ACCESS = (
    r"(?:ssl)?password|passwd|pwd|pass|secret|client_secret|(?:access_|auth_|refresh_|id_|private_)?token|"
    r"api[_-]?key|access_?key|sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token)"
)
PASSWORD = pattern(
    rf"(://[^/@:\s]*:)(?!\$\{{env:)([^/@\s]+)(?=@)|([?&](?:{GIVES_ACCESS})=)(?!\$\{{env:)([^&\s\"']+)", re.I
)


def names(text: str) -> list[str]:
    """The variables that a text refers to."""
    return REFERENCE.findall(text)


def misplaced(settings: Any) -> bool:
    """Whether a password is in a source's settings, or a reference where none is filled in."""
    text = str(settings)
    if not any(mark in text for mark in ("://", "?", "&", "${env:")):
        return False
    return PASSWORD.search(text) is not None or len(names(text)) > len(names(str(settings.get("connection", ""))))


def absent(text: str) -> list[str]:
    """Those of them that are not set."""
    return [name for name in names(text) if name not in os.environ]


def filled(text: str) -> str:
    """The text with the values; inside an address they are quoted as addresses need it, alone they are as they are.

    Raises LookupError for a variable that is not set.
    """
    lacking = absent(text)
    if lacking:
        raise LookupError(lacking[0])
    if REFERENCE.fullmatch(text) or "://" not in text:
        return REFERENCE.sub(lambda found: os.environ[found[1]], text)
    return REFERENCE.sub(lambda found: quote(os.environ[found[1]], safe=""), text)


def scrubbed(message: str, text: str) -> str:
    """A message without the values that ``text`` refers to, parts of them, and other secrets of the environment."""
    from mlspec.machine import secret_values

    return secret_values.hidden(message, *names(text))


def masked(text: str) -> str:
    """The text with a dot for each character of passwords and tokens that are in its addresses."""
    return PASSWORD.sub(lambda found: (found[1] or found[3]) + "•" * len(found[2] or found[4]), text)
