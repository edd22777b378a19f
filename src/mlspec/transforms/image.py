"""Pictures to pixels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Transform

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, Any]

Side = Annotated[int, Meta(ge=1, le=1024)]


class Image(Transform, frozen=True, kw_only=True):
    """Decodes an image, converts it to one size and colour mode, and scales its pixels; they are one column. Models for
    tables use each pixel as a number, `torch.cnn` uses the image.

    Why: files differ in size and mode, but a model needs one.

    Example:
        image: [image: {size: [28, 28], colour: grey}]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"image"})
    shorthand: ClassVar[str] = "size"
    libraries: ClassVar[tuple[str, ...]] = ("polars", "pillow", "numpy")

    size: Annotated[
        tuple[Side, Side], Meta(description="Height and width; images of other sizes are resized to it.")
    ] = (32, 32)
    colour: Annotated[Literal["grey", "rgb"], Meta(description="grey: brightness only; rgb: red, green and blue.")] = (
        "rgb"
    )
    scale: Annotated[
        Literal["standard", "unit"],
        Meta(
            description="standard: each channel has mean 0 and standard deviation 1 over the training rows; unit: 0 "
            "to 1."
        ),
    ] = "standard"

    def output(self, column: Column) -> Schema:
        """One column of as many numbers as pixels and channels."""
        height, width, channels = self._shape()
        shape = (height, width, channels)
        return (Column(column.name, "array", column.role, None, height * width * channels, shape),)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """Each channel's sum, sum of squares, and number of pixels."""
        import polars as pl

        if self.scale == "unit":
            return {}
        summed = pl.col(column.name).map_batches(self._summed, return_dtype=pl.List(pl.Float64), returns_scalar=True)
        return {"sums": summed}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"mean", "deviation"}`` of each channel; a deviation of nothing is 1."""
        channels = self._shape()[2]
        if self.scale == "unit":
            return {"mean": [0.0] * channels, "deviation": [1.0] * channels}
        *sums, count = values["sums"]
        mean = [total / max(count, 1.0) for total in sums[:channels]]
        spread = [max(0.0, square / max(count, 1.0) - m * m) for square, m in zip(sums[channels:], mean, strict=True)]
        return {"mean": mean, "deviation": [s**0.5 if s > 1e-12 else 1.0 for s in spread]}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The scaled pixels."""
        import polars as pl

        (made,) = self.output(column)
        assert made.width is not None
        kind = pl.Array(pl.Float32, made.width)
        return [(made, pl.col(column.name).map_batches(self._scaled(state), return_dtype=kind, is_elementwise=True))]

    def _shape(self) -> tuple[int, int, int]:
        from mlspec.pixels import CHANNELS

        return (*self.size, CHANNELS[self.colour])

    def _summed(self, cells: "pl.Series") -> "pl.Series":
        import numpy as np
        import polars as pl

        shape = self._shape()
        sums, squares, count = np.zeros(shape[2]), np.zeros(shape[2]), 0
        for flat in _every(cells, shape):
            channels = flat.reshape(-1, shape[2]).astype(np.float64)
            sums += channels.sum(axis=0)
            squares += (channels * channels).sum(axis=0)
            count += len(channels)
        return pl.Series(cells.name, [[*sums.tolist(), *squares.tolist(), float(count)]], dtype=pl.List(pl.Float64))

    def _scaled(self, state: State) -> "Callable[[pl.Series], pl.Series]":
        shape = self._shape()

        def scaled(cells: "pl.Series") -> "pl.Series":
            import numpy as np
            import polars as pl

            width = shape[0] * shape[1] * shape[2]
            made = np.empty((len(cells), width), np.float32)
            for at, flat in enumerate(_every(cells, shape)):
                made[at] = flat
            pixels = made.reshape(len(cells), shape[0] * shape[1], shape[2])
            pixels -= np.asarray(state["mean"], np.float32)
            pixels /= np.asarray(state["deviation"], np.float32)
            return pl.Series(cells.name, made, dtype=pl.Array(pl.Float32, width))

        return scaled


def _every(cells: "pl.Series", shape: tuple[int, int, int]) -> "Iterator[Array]":
    """Each cell's pixels. Raises StepError where one is missing or no image."""
    from mlspec.diagnostics import StepError

    for cell in cells:
        if cell is None:
            raise StepError(f"column '{cells.name}' is missing in a row, or no base64: an image cannot be replaced")
        yield pixels(cell, shape, f"a cell of column '{cells.name}'")


def pixels(data: bytes, shape: tuple[int, int, int], name: str) -> "Array":
    """The picture resized to ``shape`` (height, width, channels: 1 grey, 3 RGB), flat, float32 from 0 to 1.

    Raises StepError, naming ``name``, as ``mlspec.pixels.decoded`` does.
    """
    import numpy as np
    from PIL import Image as Pillow

    from mlspec.pixels import decoded

    picture = decoded(data, name, max(shape[:2])).convert("L" if shape[2] == 1 else "RGB")
    if picture.size != (shape[1], shape[0]):
        picture = picture.resize((shape[1], shape[0]), Pillow.Resampling.BILINEAR)
    flat: Array = np.asarray(picture, dtype=np.float32).reshape(-1) / np.float32(255)
    return flat
