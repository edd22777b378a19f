"""Confines this process, and all that it starts, by Landlock (Linux 5.13 and later): a second wall behind the rules.

https://docs.kernel.org/userspace-api/landlock.html. It cannot be lifted again; where there is none, this is reported.
"""

import functools
import os
import sys
from collections.abc import Iterable
from typing import Any

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same number on every architecture
VERSION, PATH_BENEATH, NO_NEW_PRIVS = 1, 1, 38
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ALL = (0, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1)  # access rights by version
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14
READ = READ_FILE | READ_DIR
TCP, SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals
NET_SINCE, SCOPE_SINCE = 4, 6


def version() -> int:
    """The version of Landlock that this kernel has, 0 where it has none or it is switched off."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _call(CREATE_RULESET, None, 0, VERSION))


def confine(
    *, read: Iterable[str], listed: Iterable[str] = (), write: Iterable[str] = (), execute: Iterable[str] = ()
) -> bool:
    """Allow this process nothing but these paths and what is below them, and no TCP. Paths that are not there are left
    out.

    ``listed``: folders whose names alone may be read; ``write`` and ``execute`` include reading. Returns whether it is
    in force.
    """
    found = version()
    if not found:
        return False
    everything = ALL[min(found, len(ALL) - 1)]
    size = 8 if found < NET_SINCE else 16 if found < SCOPE_SINCE else 24
    attributes = b"".join(value.to_bytes(8, sys.byteorder) for value in (everything, TCP, SCOPES))[:size]
    rules = _call(CREATE_RULESET, attributes, size, 0)
    if rules < 0:
        return False
    try:
        granted: dict[str, int] = {}
        for paths, rights in (
            (read, READ),
            (listed, READ_DIR),
            (write, everything & ~EXECUTE),
            (execute, READ | EXECUTE),
        ):
            for path in paths:
                granted[path] = granted.get(path, 0) | rights
        for path, rights in granted.items():
            _allow(rules, path, rights & everything)
        if _prctl() != 0:
            return False
        return _call(RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = os.stat(place).st_mode & 0o170000 == 0o040000
        rights &= -1 if is_folder else OF_FILES
        rule = rights.to_bytes(8, sys.byteorder) + place.to_bytes(4, sys.byteorder)
        _call(ADD_RULE, rules, PATH_BENEATH, rule, 0)
    finally:
        os.close(place)


@functools.cache
def _system() -> Any:
    import ctypes

    return ctypes.CDLL(None)


def _call(number: int, *arguments: int | bytes | None) -> int:
    from ctypes import c_long

    given = [c_long(value) if isinstance(value, int) else value for value in arguments]
    return int(_system().syscall(c_long(number), *given))


def _prctl() -> int:
    return int(_system().prctl(NO_NEW_PRIVS, 1, 0, 0, 0))
