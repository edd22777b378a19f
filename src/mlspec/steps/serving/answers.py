"""What a model's numbers say, by the names of the answer's columns, as Python's own values."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mlspec.steps.serving.package_format import About

Array = np.ndarray[Any, Any]


class Deciding(Protocol):
    """What says which class is decided for, and what it is."""

    about: About

    def decide(self, predicted: "Array") -> "Array":
        """The code of the class decided for (n,)."""


def labels(about: About) -> list[Any]:
    """The classes as the target has them: a package has them as texts."""
    classes, kind = about.classes or (), about.target_type
    if kind == "boolean" and set(classes) <= {"true", "false"}:
        return [name == "true" for name in classes]
    if kind in ("integer", "number"):
        try:
            return [int(name) if kind == "integer" else float(name) for name in classes]
        except (ValueError, OverflowError):
            pass  # a package that comes from elsewhere
    return list(classes)


def by_name(model: Deciding, predicted: "Array", known: "Sequence[Any] | None" = None) -> dict[str, list[Any]]:
    """``prediction``, ``to_person`` where the model leaves some rows to people, and ``p_CLASS`` for each class.

    ``known``: the labels, where they are known already.
    """
    about = model.about
    if about.classes is None:
        return {"prediction": predicted.tolist()}
    known = labels(about) if known is None else known
    found: dict[str, list[Any]] = {"prediction": [known[code] for code in model.decide(predicted).tolist()]}
    if about.abstain_below is not None:
        found["to_person"] = (predicted.max(axis=1) < about.abstain_below).tolist()
    return {**found, **dict(zip((f"p_{name}" for name in about.classes), predicted.T.tolist(), strict=True))}
