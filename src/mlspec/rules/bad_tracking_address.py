"""The address of the MLflow server has a password in it, or is none that a server has.

Why: a spec is committed, reviewed and printed; what stands in it is no secret. And runs are logged on a server, so that
others find them: a folder is no server.

Instead: write `${env:NAME}` in place of the address, or of the password in it, and set NAME where it runs; or leave the
password to `MLFLOW_TRACKING_PASSWORD`.
"""

import re
from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View

PASSWORD = re.compile(r"://[^/@:\s]*:(?!\$\{env:[A-Za-z_][A-Za-z0-9_]*\}@)[^/@\s]+@")
CODE = "bad-tracking-address"


def check(view: View) -> Iterator[Diagnostic]:
    """The address that is stated."""
    wanted = view.project.report.mlflow
    if wanted is None:
        return
    path, uri = ("report", "mlflow", "tracking_uri"), wanted.tracking_uri
    if PASSWORD.search(uri):
        yield view.diagnostic(CODE, path, "the address contains a password", "write ${env:NAME} instead")
    elif not uri.startswith(("http://", "https://", "${env:")):
        message = f"'{uri}' is not the address of a server"
        yield view.diagnostic(CODE, path, message, "an address starts with http:// or https://, or is ${env:NAME}")
