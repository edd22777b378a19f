"""Folders of images."""

from typing import ClassVar

from mlspec.plugins.base import Column
from mlspec.sources._folder_source import FolderSource


class Images(FolderSource, frozen=True, kw_only=True):
    """A row a picture (PNG, JPEG, BMP, GIF, WebP, TIFF) of a folder or a .zip of one: `path`, `image`, and what the
    folders say: `label` by `label/file`, `split` and `label` by `split/label/file` with train, validation and test.

    A table labels.csv, metadata.csv or metadata.jsonl beside the pictures, with a column `file_name`, gives columns in
    place of folders. `path` and `split` are no features unless the spec says so. Each image is decoded once when it is
    read, so that one that is damaged, animated, or larger than 50 million pixels is reported by name.

    Why: most pictures are in folders that say what they show.

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
