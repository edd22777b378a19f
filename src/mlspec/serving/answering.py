"""What a service asks: something that answers rows under a name, whatever runs behind it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mlspec.steps.serving.cells import Row
from mlspec.steps.serving.package_format import About

if TYPE_CHECKING:
    import polars as pl


class Answers(NamedTuple):
    """The answers of a request's rows, by name; notes on what is unusual about the rows; and what gives the rows in the
    types of their columns."""

    columns: dict[str, list[Any]]
    notes: tuple[str, ...]
    rows: Callable[[], Sequence[Row]]


class Answering(Protocol):
    """A model that is served: its name, the digest of its package, what that says, the type of each column, and the way
    that rows are answered, in words."""

    name: str
    way: str
    digest: str
    about: About
    fields: dict[str, str]

    def quick(self, rows: Sequence[Row]) -> Answers | None:
        """The answers where there is a short way to them."""

    def slow(self, rows: Sequence[Row]) -> Answers:
        """The answers of any rows. Raises Refused that names each row and field which does not fit."""

    def usual(self) -> Mapping[str, Any]:
        """A known value of each column, as far as there is one."""

    def logged(self, rows: Sequence[Row]) -> "pl.DataFrame":
        """The inputs of rows as a log may have them."""
