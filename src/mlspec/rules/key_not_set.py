"""The key of a pseudonym, of the noise of private training, or of a shared store is not in the environment.

Why: without the key, pseudonyms, secret noise and encryption are impossible; a default key would not be secret.

Instead: set the variable to at least 16 random characters (`export NAME=$(openssl rand -hex 32)`), the same for
everyone who works on the project, and store it with your other secrets.
"""

import os
from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugins.model import Model
from mlspec.rules.context import View

SHORTEST = 16


def check(view: View) -> Iterator[Diagnostic]:
    """Keys that a run is about to need."""
    from mlspec.rules import _roles

    if not view.running:
        return
    needed: list[tuple[Path, str, str]] = [
        (("data", "personal", name, "action"), name, action.secret())
        for name, action in _roles.treatments(view.project).items()
    ]
    for name, use in view.project.model.candidates.items():
        if isinstance(use.plugin, Model):
            needed.append((("model", "candidates", name, "private"), name, use.plugin.secret()))
    sealed = view.project.storage.encrypt
    if sealed is not None and view.project.backend.store is not None:
        needed.append((("storage", "encrypt"), "backend.store", sealed))
    for path, name, variable in needed:
        found = os.environ.get(variable, "") if variable else "-" * SHORTEST
        if len(found) < SHORTEST:
            what = "is not set" if not found else f"is shorter than {SHORTEST} characters"
            message = f"the key of '{name}' is read from ${variable}, which {what}"
            yield view.diagnostic("key-not-set", path, message)
