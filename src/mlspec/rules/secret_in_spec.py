"""A password stands in the spec, or a reference to one where it would be shown.

Why: a spec is committed, reviewed and printed; what stands in it is no secret. The value of `${env:NAME}` is filled in
only in the process that connects, and only from `connection`: everything else is part of digests, logs and reports.

Instead: write `${env:NAME}` in the connection string in place of the password, and set NAME where it runs. Object
stores read their credentials from the environment by themselves.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View

PASSWORD = re.compile(r"://[^/@:\s]*:(?!\$\{env:)[^/@\s]+@|[?&](password|sslpassword|token)=(?!\$\{env:)[^&\s]+", re.I)


def check(view: View) -> Iterator[Diagnostic]:
    """Every text of every source."""
    for name, use in view.project.data.sources.items():
        for path, text in _texts(("data", "sources", name), msgspec.to_builtins(use.plugin)):
            if PASSWORD.search(text):
                message = f"a password stands in source '{name}'"
                yield view.diagnostic("secret-in-spec", path, message, "write ${env:NAME} in its place")
            elif "${env:" in text and path[-1] != "connection":
                message = f"'{path[-1]}' takes no ${{env:NAME}}"
                yield view.diagnostic("secret-in-spec", path, message, "only connection strings do")


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts((*path, key), item)
