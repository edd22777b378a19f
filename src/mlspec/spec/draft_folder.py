"""What `mlspec init` writes of a folder of pictures or texts, beyond what it writes of any table."""

from pathlib import Path

from mlspec.plugins.source import Source

MOST_SIDE = 64


def preparation(kind: str, source: Source, data: Path) -> list[str]:
    """The lines of ``preprocessing``: pictures to one size, texts to weighted words."""
    if kind == "texts":
        return [
            "preprocessing:",
            "  columns: {text: [{tf_idf: 2000}]}  # the most informative words; hash_text needs no vocabulary",
        ]
    height, width, colour = _look(source, data)
    return [
        "preprocessing:",
        f"  image: [image: {{size: [{height}, {width}], colour: {colour}}}]  # like the first image",
    ]


def candidates(kind: str, linear: str) -> list[str]:
    """The candidates."""
    if kind == "texts":
        return [f"    linear: {{type: {linear}}}", "    mlp: {type: torch.mlp, bins: 0}"]
    return [f"    linear: {{type: {linear}}}  # each pixel is a feature", "    cnn: {type: torch.cnn}"]


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
