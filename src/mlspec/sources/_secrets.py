"""References to the environment in connection strings: ``${env:NAME}``. Their values never leave the process that
connects."""

import os
import re
from urllib.parse import quote

REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")

PASSWORD = re.compile(
    r"(://[^/@:\s]*:)(?!\$\{env:)([^/@\s]+)(?=@)|([?&](?:password|sslpassword|token)=)(?!\$\{env:)([^&\s]+)", re.I
)


def names(text: str) -> list[str]:
    """The variables that a text refers to."""
    return REFERENCE.findall(text)


def absent(text: str) -> list[str]:
    """Those of them that are not set."""
    return [name for name in names(text) if name not in os.environ]


def filled(text: str) -> str:
    """The text with the values; inside an address they are quoted as addresses need it, alone they stand as they are.

    Raises LookupError for a variable that is not set.
    """
    lacking = absent(text)
    if lacking:
        raise LookupError(lacking[0])
    if REFERENCE.fullmatch(text) or "://" not in text:
        return REFERENCE.sub(lambda found: os.environ[found[1]], text)
    return REFERENCE.sub(lambda found: quote(os.environ[found[1]], safe=""), text)


def scrubbed(told: str, text: str) -> str:
    """What somebody tells, with the values that ``text`` refers to taken out again."""
    hidden: dict[str, str] = {}
    for name in names(text):
        value = os.environ.get(name, "")
        hidden |= {form: f"${{env:{name}}}" for form in (value, quote(value, safe=""), *_parts(value)) if form}
    for form in sorted(hidden, key=len, reverse=True):
        told = told.replace(form, hidden[form])
    return told


def masked(text: str) -> str:
    """The text without passwords that stand in it."""
    return PASSWORD.sub(lambda found: (found[1] or found[3]) + "•••", text)


def _parts(value: str) -> list[str]:
    """The password within a whole connection string."""
    found = re.search(r"://[^/@]*?:([^@/]+)@", value)
    return [] if found is None else [found[1]]
