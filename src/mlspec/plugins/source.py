"""What a source is: where rows come from."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from mlspec.plugins.base import Part, Plugin, Schema

if TYPE_CHECKING:
    import polars as pl


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """The result of fetching a source.

    ``path``: a local file; ``format``: its format, if not the source's own; ``columns``: all columns of the source, if
    the file has fewer; ``changed``: time of the last change in seconds since 1970, None if unknown; ``mark``: a text by
    which the source recognises later that it has changed, "" if it cannot; ``ordered``: the order of rows matters.
    """

    path: Path
    format: str = ""
    columns: Schema = ()
    changed: float | None = None
    mark: str = ""
    ordered: bool = True


class Source(Plugin, frozen=True, kw_only=True):
    """Where rows come from: a file next to the spec, or something that is fetched before a run.

    ``key`` is the key that identifies this source if ``format`` is left out; if that is ``path``, ``suffixes`` are the
    file endings that identify it. ``not_features``: columns that are not features unless the spec says so. ``nests``:
    cells may be lists or objects, whose parts are columns NAME_0 or NAME.KEY; a list of columns in a spec may say NAME
    for all of them. ``by_files``: each of its files is a table of rows, which can be read by itself. A source
    that ``is_fetched`` is read once, before a run, into a snapshot next to the spec, by ``fetch``. The keys in
    ``AVAILABILITY`` state how its availability is handled, and how it is read; they change no row.
    """

    key: ClassVar[str] = "path"
    by_files: ClassVar[bool] = False
    suffixes: ClassVar[tuple[str, ...]] = ()
    not_features: ClassVar[tuple[str, ...]] = ()
    nests: ClassVar[bool] = False

    part: Annotated[Part | None, Meta(description="The split these rows belong to, with `split: {by: given}`.")] = None
    on_change: Annotated[
        Literal["fail", "warn", "accept"],
        Meta(description="What to do when the content differs from what mlspec.lock has pinned."),
    ] = "accept"
    fresh_within: Annotated[
        float | None,
        Meta(
            description="The maximum age of the content, as the source states it (a file's time, a server's "
            "Last-Modified); checked before a run.",
            extra={"unit": "duration"},
            examples=["1h", "30d"],
        ),
    ] = None
    minimum_rows: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Fewer rows than this are an error.")
    ] = None
    retries: Annotated[
        Annotated[int, Meta(ge=0, le=10)] | None,
        Meta(description="The number of retries, each after a longer wait; twice if left out."),
    ] = None
    timeout: Annotated[
        float | None,
        Meta(
            description="The time limit of one attempt to fetch; 10m if left out.",
            extra={"unit": "duration"},
            examples=["30s", "10m"],
        ),
    ] = None
    fallback: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="A file next to the spec, which is read if the source is unavailable."),
    ] = None

    @classmethod
    def sniff(cls, path: Path, settings: dict[str, Any], notes: list[str]) -> None:
        """Adds to the settings those with which a file has to be read and that are not stated, as its beginning shows
        them, and to the notes a line for each. Raises OSError and ValueError where the file can't be read."""

    @abstractmethod
    def where(self) -> str:
        """The origin of the rows, for messages and digests; contains no secret."""

    @abstractmethod
    def columns(self, root: Path) -> Schema:
        """The columns and their types, from the header, the first rows or the footer; never the whole file.

        Raises OSError if the file cannot be read, ValueError if it does not have this format, and LookupError if the
        columns are only known after fetching.
        """

    def settled(self, root: Path, columns: Schema) -> Schema:
        """``columns`` (of the first rows) with the types and hints that hold for all rows, by one pass over them.

        Needs the data engine and memory for a few rows. Raises OSError and ValueError as ``columns`` does.
        """
        return columns

    @abstractmethod
    def scan(self, root: Path, columns: Schema) -> "pl.LazyFrame":
        """All rows as a lazy frame with exactly these columns, cast to their types."""

    def quick(self, root: Path, columns: Schema) -> "pl.LazyFrame | None":
        """The rows of ``scan``, without checking the values first: one that does not fit raises a PolarsError while the
        rows are read, and ``scan`` then reports which. None if there is no quicker way than ``scan``.
        """
        return None

    def lenient(self, root: Path, columns: Schema) -> "pl.LazyFrame | None":
        """The rows of ``scan``, null where a value does not fit its type. None for a format without text."""
        return None

    def values(self, root: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """A column's values in the first rows, missing ones left out, and whether these are all rows; None: unknown."""
        return None

    def count(self, root: Path) -> int | None:
        """How many rows there are, where the first ones are all; None where that is unknown."""
        return None

    def fault(self, root: Path) -> str:
        """Why all rows cannot be read, with the place, after the data engine has refused them; empty if unknown."""
        return ""

    def is_empty(self, root: Path) -> bool:
        """Whether it is known to have columns, but no rows."""
        return False

    def blanks(self, root: Path) -> str:
        """Rows of blanks between others, which are left out, with the first place; empty if there are none."""
        return ""

    def mistake(self) -> str:
        """What is wrong with the combination of settings, and what to do; empty if nothing is."""
        return ""

    def starts(self) -> Mapping[str, str]:
        """The files and folders that it reads first, relative to the spec's folder, by the key that names each. If one
        may not be read, no other method of the source is called."""
        return {}

    def files(self, root: Path) -> dict[str, Path]:
        """The files beside the spec that it reads, by the names that they have there."""
        return {}

    def is_probed_apart(self, root: Path) -> bool:
        """Whether ``columns`` and ``values`` are asked in a child process with limits, because the library that reads
        its files can crash on a damaged one."""
        return False

    def stated(self) -> Mapping[str, str]:
        """The columns with their types where the spec states them all."""
        return {}

    @property
    def filters(self) -> bool:
        """Whether it can leave out rows while it fetches."""
        return False

    @property
    def is_fetched(self) -> bool:
        """Whether rows are fetched before a run rather than read from files beside the spec."""
        return False

    def fetch(self, root: Path, folder: Path, wanted: "Wanted", mark: str) -> Fetched | None:
        """Fetch the rows into a file in ``folder``; None where ``mark`` (of last time) tells that nothing has changed.

        Raises OSError if the source is unavailable, and StepError if its answer is invalid.
        """
        raise TypeError(f"{type(self).__name__} is read where it lies")


class Condition(msgspec.Struct, frozen=True, array_like=True):
    """What must hold of a column: an operator of SQL, and the numbers behind it."""

    column: str
    operator: str
    values: tuple[str, ...] = ()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The columns that a spec reads of a source: those in ``only`` (None for all) less those in ``drop``. Rows that
    ``where`` is not true of may be left out."""

    only: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()

    def of(self, names: Sequence[str]) -> list[str]:
        """Those of these columns that are wanted, in their order."""
        return [n for n in names if n not in self.drop and (self.only is None or n in self.only)]


# What a source gives does not depend on these; ``parts`` is in the params of the step, where it is stated.
AVAILABILITY = ("part", "on_change", "fresh_within", "minimum_rows", "retries", "timeout", "fallback", "parts")
