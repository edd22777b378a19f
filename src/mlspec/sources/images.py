"""Folders of images."""

from typing import ClassVar

from mlspec.plugins.base import Column
from mlspec.sources._folder_source import FolderSource


class Images(FolderSource, frozen=True, kw_only=True):
    """One row per image (PNG, JPEG, BMP, GIF, WebP, TIFF) of a folder or a .zip of one: `path`, `image`, and columns
    from the folders: `label` with the layout `label/file`, `split` and `label` with `split/label/file` (train,
    validation, test).

    A table labels.csv, metadata.csv or metadata.jsonl next to the images, with a column `file_name`, provides columns
    instead of the folders. `path` and `split` are features only if the spec lists them. Each image is decoded once when
    it is read, so that one that is damaged, animated, or larger than 50 million pixels is reported by name.

    Why: most image data sets are folders named by class.

    Example:
        digits: {path: data/digits.zip, format: images}
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars", "pillow")
    content: ClassVar[Column] = Column("image", "image")
    endings: ClassVar[tuple[str, ...]] = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")

    def cell(self, data: bytes, name: str) -> bytes:
        """The file as it is, once it has been decoded."""
        from mlspec import pixels

        pixels.decoded(data, name)
        return data
