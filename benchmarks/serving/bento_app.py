"""The hand-written function behind BentoML: FOLDER=... bentoml serve bento_app:Adult."""

import os
from pathlib import Path
from typing import Any

import bentoml
from by_hand import answering


@bentoml.service(workers=1)
class Adult:
    """The model."""

    def __init__(self) -> None:
        self.answer = answering(Path(os.environ["FOLDER"]))

    @bentoml.api(route="/predict")
    def predict(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row's answer."""
        found: dict[str, Any] = self.answer(row)
        return found
