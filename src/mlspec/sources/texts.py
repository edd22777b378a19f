"""Folders of text files."""

from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Column
from mlspec.sources._folder_source import FolderSource


class Texts(FolderSource, frozen=True, kw_only=True):
    """One row per text file (.txt) of a folder or a .zip of one: `path`, `text`, and columns from the folders: `label`
    with the layout `label/file`, `split` and `label` with `split/label/file` (train, validation, test).

    A table labels.csv, metadata.csv or metadata.jsonl next to the texts, with a column `file_name`, provides columns
    instead of the folders. `path` and `split` are features only if the spec lists them.

    Why: text corpora are folders with one file per document.

    Example:
        reviews: {path: data/reviews.zip, format: texts}
    """

    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    content: ClassVar[Column] = Column("text", "category")
    endings: ClassVar[tuple[str, ...]] = (".txt",)

    encoding: Annotated[str, Meta(description="The encoding of the texts.", min_length=1)] = "utf-8"

    def cell(self, data: bytes, name: str) -> str:
        """The text, without a byte order mark; its line ends are kept."""
        try:
            return data.decode(self.encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise StepError(f"{name} is not {self.encoding} text: line {line}; set its `encoding`") from None
