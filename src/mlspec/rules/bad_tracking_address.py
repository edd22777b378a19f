"""The address of the MLflow server contains a password, or is not a server's address.

Why: a spec is committed, reviewed and printed, so it must not contain secrets. And runs are logged to a server so that
others can find them; a folder is not a server.

Instead: write `${env:NAME}` instead of the address or of the password in it, and set NAME in the environment; or use
`MLFLOW_TRACKING_PASSWORD`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.machine.patterns import pattern
from mlspec.rules.context import View

PASSWORD = pattern(r"://[^/@:\s]*:(?!\$\{env:[A-Za-z_][A-Za-z0-9_]*\}@)[^/@\s]+@")
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
