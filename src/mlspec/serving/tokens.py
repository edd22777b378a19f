"""Who may ask: bearers of one of some tokens, compared in constant time."""

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import safe_files

VARIABLE = "MLSPEC_SERVE_TOKENS"
SHORTEST, LARGEST = 16, 1 << 16


class Tokens:
    """Some tokens; without any, every client is admitted."""

    def __init__(self, tokens: tuple[str, ...] = ()) -> None:
        self._digests = [hashlib.sha256(token.encode()).digest() for token in tokens]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def admit(self, header: bytes) -> bool:
        """Whether an ``Authorization`` header bears one of the tokens. All are compared, each in constant time."""
        if not self._digests:
            return True
        scheme, _, token = header.partition(b" ")
        digest = hashlib.sha256(token.strip()).digest()
        found = [hmac.compare_digest(digest, one) for one in self._digests]
        return scheme.lower() == b"bearer" and any(found)


def read(file: str | None, environment: Mapping[str, str] = os.environ) -> Tokens:
    """The tokens of a file, a line each, or else of the variable. Raises SpecError where one is too short."""
    if file is None and VARIABLE not in environment:
        return Tokens()
    where = f"variable {VARIABLE}" if file is None else f"'{file}'"
    try:
        text = environment[VARIABLE] if file is None else safe_files.read(Path(file), LARGEST).decode()
    except (OSError, UnicodeError) as error:
        raise SpecError([Diagnostic(code="token-unclear", message=f"{where} can't be read: {error}")]) from None
    tokens = tuple(line.strip() for line in text.splitlines() if line.strip())
    wrong = not tokens or any(len(token) < SHORTEST or not token.isascii() or " " in token for token in tokens)
    if wrong:
        message = f"{where} has no token, or one that is too easy to guess"
        note = f"write a token of at least {SHORTEST} letters and digits in each line: openssl rand -hex 24"
        raise SpecError([Diagnostic(code="token-unclear", message=message, notes=(note,))])
    return Tokens(tokens)
