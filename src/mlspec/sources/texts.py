"""Folders of text files."""

from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Column
from mlspec.sources._folder_source import FolderSource


class Texts(FolderSource, frozen=True, kw_only=True):
    """A row a text (.txt) of a folder or a .zip of one: `path`, `text`, and what the folders say: `label` by
    `label/file`, `split` and `label` by `split/label/file` with train, validation and test.

    A table labels.csv, metadata.csv or metadata.jsonl beside the texts, with a column `file_name`, gives columns in
    place of folders. `path` and `split` are no features unless the spec says so.

    Why: corpora come as folders of files, one a document.

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
