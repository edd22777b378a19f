"""Encoded images -> pictures; what one is made of is looked at before it is decoded."""

import functools
from typing import TYPE_CHECKING, Literal

from mlspec.diagnostics import StepError

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = Literal["grey", "rgb"]
CHANNELS: dict[Colour, int] = {"grey": 1, "rgb": 3}
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I;16B", "I;16L")
MOST_PIXELS = 50_000_000


def size(data: bytes, name: str) -> tuple[int, int]:
    """Height and width by an image's header. Raises StepError, naming ``name``, where it is no image."""
    picture = _header(data, name)
    return picture.height, picture.width


def colour(data: bytes, name: str) -> Colour:
    """Whether a picture has colours, by its header. Raises StepError, naming ``name``, where it is no image."""
    return "grey" if _header(data, name).mode.startswith(("1", "L", "I;16")) else "rgb"


def decoded(data: bytes, name: str, side: int | None = None) -> "Image":
    """The picture upright, grey or RGB, 8 bits a channel; transparent parts on white. ``side``: a JPEG may be decoded
    at a half, a quarter or an eighth of its size, as long as it stays twice as large as that.

    Raises StepError, naming ``name``, where it is no image, is cut off, moves, has too many pixels, or is neither grey
    nor RGB (print colours, floating-point).
    """
    import warnings

    from PIL import Image, ImageOps

    picture = _header(data, name)
    if picture.width * picture.height > MOST_PIXELS:
        raise StepError(
            f"{name} has {picture.width:,} x {picture.height:,} pixels, at most {MOST_PIXELS:,} are decoded"
        )
    if picture.mode not in MODES:
        raise StepError(f"{name} is an image of mode {picture.mode}: write it as grey or RGB")
    if getattr(picture, "n_frames", 1) > 1:
        raise StepError(f"{name} has {picture.n_frames} frames: write one picture a file")  # type: ignore[attr-defined]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata, which decides nothing
            if side is not None:
                picture.draft(None, (2 * side, 2 * side))
            picture.load()
            upright = ImageOps.exif_transpose(picture)
    except Exception as error:  # every format has errors of its own
        raise StepError(f"{name} is a damaged image: {_reason(error)}") from None
    if upright.mode.startswith("I;16"):
        return upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if upright.mode in ("LA", "PA", "RGBA") or "transparency" in upright.info:
        over = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", over.size, (255, 255, 255)), over)
        return upright.convert("L" if picture.mode in ("L", "LA", "1") else "RGB")
    return upright.convert("L" if upright.mode in ("1", "L") else "RGB")


@functools.lru_cache(maxsize=8)
def names(column: str, width: int) -> tuple[str, ...]:
    """The names of a column's numbers, where it holds ``width`` of them."""
    return tuple(f"{column}#{k}" for k in range(width))


def _header(data: bytes, name: str) -> "Image":
    import io
    import warnings

    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # how many pixels are too many is said above
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        text = "is empty" if not data else f"is no {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image"
        raise StepError(f"{name} {text}") from None
    except Image.DecompressionBombError:
        raise StepError(f"{name} has too many pixels, at most {MOST_PIXELS:,} are decoded") from None
    except Exception as error:  # every format has errors of its own
        raise StepError(f"{name} is a damaged image: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
