"""Texts without the secrets that this process's environment holds: errors of drivers and servers, tracebacks."""

import base64
import json
import os
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote

SOUNDS_SECRET = re.compile(
    r"SECRET|PASSW|PASSPHRASE|TOKEN|CREDENTIAL|KEY(_|$)|(^|_)(PWD|PW|SAS|SALT|DSN|URI|AUTH|COOKIE)(_|$)|"
    r"(DATABASE|DB|REDIS|MONGO|BROKER)_URL",
    re.I,
)
NO_SECRETS = ("PWD", "OLDPWD", "SSH_AUTH_SOCK")
SHORTEST, PIECE = 8, 6
AUTHORIZATION = re.compile(r"\b(Basic|Bearer)\s+[\w+/=.~-]{16,}", re.I)
LOGIN = re.compile(r"://([^/@\s]*?):(.*)@")
QUERY = re.compile(r"[?&;][^=&;\s]+=([^&;\s]+)")


def hidden(text: str, *names: str) -> str:
    """A text in which ``${env:NAME}`` replaces secrets.

    Of the environment variables ``names``: their values, however they are quoted, and pieces of them of 6 characters
    or more. Of all others whose names say that they hold a secret: whole values of 8 characters or more, the password
    of an address, the values of its query. What an HTTP client sends to say who asks is left out too.
    """
    text = AUTHORIZATION.sub(r"\1 •••", text)
    for name in names:
        value = os.environ.get(name, "")
        if value:
            text = _replaced(text, [value, *_parts(value)], name)
            forms = (value, unquote(value), quote(value, safe=""))
            text = _without_pieces(text, {form.lower() for form in forms}, name)
    for name, value in os.environ.items():
        if name not in names and SOUNDS_SECRET.search(name) and name not in NO_SECRETS and not os.path.exists(value):
            text = _replaced(text, [one for one in (value, *_parts(value)) if len(one) >= SHORTEST], name)
    return text


def _parts(value: str) -> Iterator[str]:
    """What is secret in an address, as it is there and decoded, and how a client sends user and password."""
    login = LOGIN.search(value)
    if login is not None:
        user, password = map(unquote, login.groups())
        yield from {login[2], password}
        yield base64.b64encode(f"{user}:{password}".encode()).decode()
    for found in QUERY.findall(value):
        if len(found) >= PIECE:
            yield from {found, unquote(found)}


def _replaced(text: str, values: list[str], name: str) -> str:
    forms = {form for value in values if value for form in _forms(value)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, f"${{env:{name}}}")
    return text


def _forms(value: str) -> Iterator[str]:
    """A value as clients, servers and tracebacks write it."""
    yield value
    yield " ".join(value.split())
    yield from (quote(value), quote(value, safe=""), quote_plus(value))
    yield from (repr(value)[1:-1], json.dumps(value)[1:-1], json.dumps(value).replace("/", "\\/")[1:-1])
    if len(value) >= SHORTEST:
        data = value.encode("utf-8", "surrogateescape")
        yield from (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode().rstrip("="))


def _without_pieces(text: str, values: set[str], name: str) -> str:
    """The text with ``${env:NAME}`` for every longest run of characters that is part of a value."""
    shown, lower = f"${{env:{name}}}", text.lower()
    if len(lower) != len(text):  # some letters have two characters in the other case
        lower = text
    out, at = [], 0
    while at < len(text):
        end = at + PIECE
        if text.startswith(shown, at):
            end = at + len(shown)
        elif end <= len(text) and any(lower[at:end] in value for value in values):
            while end < len(text) and any(lower[at : end + 1] in value for value in values):
                end += 1
        else:
            out.append(text[at])
            at += 1
            continue
        out.append(shown)
        at = end
    return "".join(out)
