"""Files of a shared store that need the key to be read, and cannot be changed unnoticed.

A file begins with ``MAGIC`` and a random salt, from which and the key its own key follows (HKDF, RFC 5869). Its content
is in pieces of 1 MiB, each encrypted by AES-256-GCM with its number, and whether it is the last one, as the nonce,
and the file's name as what is authenticated beside it (the STREAM construction, Hoang and others 2015, as in age): a
piece that is changed, moved, left out or taken from another file is noticed. Names are keyed digests of what they were.
What can still be seen is how many entries of each kind there are, how long they are, and when they came.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from mlspec.diagnostics import StoreError

MAGIC = b"mlspec sealed 1\n"
SALT, PIECE, TAG = 32, 1 << 20, 16
MARK = "encryption"  # marks an encrypted store, and verifies its key
SHORTEST = 16


class Files(Protocol):
    """The files of a shared store, by names like ``objects/DIGEST``."""

    def read(self, name: str) -> bytes | None:
        """A small file's content; None where there is none."""

    def get(self, name: str, path: Path) -> bool:
        """Copy a file to a path; whether there was one."""

    def put(self, path: Path, name: str, *, overwrite: bool = False) -> None:
        """Copy a file there; ``overwrite``: even if there is one."""

    def size(self, name: str) -> int | None:
        """A file's length; None where there is none."""


class WrongKeyError(StoreError):
    """The key is lacking, too short, or another one."""


class Sealed:
    """The same files, encrypted: what is not authentic counts as missing."""

    def __init__(self, files: Files, variable: str) -> None:
        self._files = files
        key = os.environ.get(variable, "")
        if len(key) < SHORTEST:
            what = "is not set" if not key else f"is shorter than {SHORTEST} characters"
            raise WrongKeyError(f"its key is read from ${variable}, which {what}")
        root = hashlib.scrypt(key.encode(), salt=MAGIC, n=1 << 15, r=8, p=1, maxmem=1 << 26, dklen=64)
        self._content, self._names = root[:32], root[32:]
        self._damaged: set[str] = set()
        mark = files.read(MARK)
        if mark is None:
            with tempfile.TemporaryDirectory() as folder:
                aside = Path(folder, MARK)
                aside.write_bytes(b"".join(self._sealed(iter([b""]), MARK)))
                files.put(aside, MARK)
        elif self._opened(mark, MARK) is None:
            raise WrongKeyError(f"the key in ${variable} is not the key that it is encrypted with")

    def read(self, name: str) -> bytes | None:
        """A small file's content; None where there is none, or it is not authentic."""
        found = self._files.read(self._name(name))
        return None if found is None else self._opened(found, name)

    def get(self, name: str, path: Path) -> bool:
        """Decrypt a file to a path; whether there was an authentic one."""
        aside = path.with_name(f"{path.name}.sealed")
        try:
            if not self._files.get(self._name(name), aside):
                return False
            with aside.open("rb") as source, path.open("wb") as target:
                for piece in self._pieces(source, name):
                    if piece is None:
                        self._damaged.add(name)
                        return False
                    target.write(piece)
        finally:
            aside.unlink(missing_ok=True)
        return True

    def put(self, path: Path, name: str, *, overwrite: bool = False) -> None:
        """Encrypt a file and put it there."""
        hidden = self._name(name)
        if not overwrite and name not in self._damaged and self._files.size(hidden) == _length(path.stat().st_size):
            return
        with tempfile.TemporaryDirectory() as folder:
            aside = Path(folder, "sealed")
            with path.open("rb") as source, aside.open("wb") as target:
                for piece in self._sealed(_read(source), name):
                    target.write(piece)
            self._files.put(aside, hidden, overwrite=True)
        self._damaged.discard(name)

    def size(self, name: str) -> int | None:
        """A file's length as it is there."""
        return self._files.size(self._name(name))

    def _name(self, name: str) -> str:
        kind = name.partition("/")[0]
        return f"{kind}/{hmac.new(self._names, name.encode(), hashlib.sha256).hexdigest()}"

    def _cipher(self, salt: bytes) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=MAGIC).derive(self._content))

    def _sealed(self, pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
        salt = secrets.token_bytes(SALT)
        cipher = self._cipher(salt)
        yield MAGIC + salt
        number, piece = 0, next(pieces, b"")
        while True:
            after = next(pieces, None)
            yield cipher.encrypt(_nonce(number, after is None), piece, name.encode())
            if after is None:
                return
            number, piece = number + 1, after

    def _pieces(self, source: IO[bytes], name: str) -> Iterator[bytes | None]:
        """The content piece by piece; None, and no more, where it is not authentic."""
        from cryptography.exceptions import InvalidTag

        head = source.read(len(MAGIC) + SALT)
        if len(head) < len(MAGIC) + SALT or not head.startswith(MAGIC):
            yield None
            return
        cipher, number = self._cipher(head[len(MAGIC) :]), 0
        piece = source.read(PIECE + TAG)
        while True:
            after = source.read(PIECE + TAG)
            try:
                yield cipher.decrypt(_nonce(number, not after), piece, name.encode())
            except (InvalidTag, ValueError):
                yield None
                return
            if not after:
                return
            number, piece = number + 1, after

    def _opened(self, content: bytes, name: str) -> bytes | None:
        import io

        found = list(self._pieces(io.BytesIO(content), name))
        return None if None in found else b"".join(piece for piece in found if piece is not None)


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _read(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece


def _length(plain: int) -> int:
    return len(MAGIC) + SALT + plain + TAG * max(1, -(-plain // PIECE))
