"""What is proposed for a folder of pictures or texts, beyond what is proposed for any table."""

from pathlib import Path
from typing import Any

from mlspec.plugins.source import Source

MOST_SIDE = 64


def preparation(kind: str, source: Source, data: Path) -> tuple[dict[str, Any], str]:
    """``preprocessing``, and its comment: pictures to one size, texts to weighted words."""
    if kind == "texts":
        why = "the most informative words; hash_text needs no vocabulary"
        return {"columns": {"text": [{"tf_idf": 2000}]}}, why
    height, width, colour = _look(source, data)
    return {"image": [{"image": {"size": [height, width], "colour": colour}}]}, "like the first image"


def candidates(kind: str, linear: str) -> dict[str, dict[str, Any]]:
    """The candidates."""
    if kind == "texts":
        return {"linear": {"type": linear}, "mlp": {"type": "torch.mlp", "bins": 0}}
    return {"linear": {"type": linear}, "cnn": {"type": "torch.cnn"}}


def quick(kind: str) -> dict[str, Any]:
    """What makes the second candidate fast."""
    return {"mlp": {"epochs": 2}} if kind == "texts" else {"cnn": {"channels": [8, 16], "epochs": 2}}


def _look(source: Source, data: Path) -> tuple[int, int, str]:
    """Height, width (at most 64 each) and colour mode of the first image; the maximum if unknown."""
    from mlspec.diagnostics import MlspecError

    try:
        from mlspec import pixels
        from mlspec.sources import _folders

        found = _folders.opened(data, data.name, getattr(source, "endings", ()))
        first = found.content(found.names[0])
        height, width = pixels.size(first, "the first image")
        colour = pixels.colour(first, "the first image")
    except (ImportError, MlspecError, OSError, ValueError):
        return MOST_SIDE, MOST_SIDE, "rgb"
    return min(height, MOST_SIDE), min(width, MOST_SIDE), colour
