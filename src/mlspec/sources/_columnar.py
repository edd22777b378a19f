"""What files of typed columns share: their first values, and errors of the data engine as ValueErrors."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlspec.machine import safe_files
from mlspec.sources import _bounds, _disguise

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")


def asked(path: Path, kind: str, ask: Callable[[Path], T]) -> T:
    """What the data engine says of a regular file. Raises OSError and ValueError as ``Source.columns`` does."""
    import polars as pl

    with safe_files.opened(path) as file:  # an OSError says more than the engine would
        start = file.read(_disguise.LONGEST)
    try:
        return ask(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        other = _disguise.disguise(start)
        is_own = kind.split()[-1] in other
        raise ValueError(f"not {kind} file: {reason(error)}" if is_own or not other else other) from None


def values(frame: "pl.LazyFrame", column: str) -> tuple[tuple[str, ...], bool]:
    """A column's first values as text, missing ones left out, and whether these are all; at most ``_bounds.ROWS``
    and ``_bounds.BYTES`` of them."""
    import polars as pl

    head = frame.select(pl.col(column).cast(pl.String)).head(_bounds.ROWS + 1).collect()[column]
    sizes = head.str.len_bytes().fill_null(0).cum_sum()
    within = int((sizes <= _bounds.BYTES).sum())
    cells = head[: min(within, _bounds.ROWS)]
    return tuple(cells.drop_nulls().to_list()), len(head) == len(cells)


def errors() -> tuple[type[BaseException], ...]:
    """What the data engine raises of a file that it can't read (an OSError then has no number), and StepError."""
    import polars as pl

    from mlspec.diagnostics import StepError

    return (pl.exceptions.PolarsError, pl.exceptions.PanicException, StepError, OSError)


def reason(error: BaseException) -> str:
    """What the data engine says, on one line."""
    import polars as pl

    if isinstance(error, pl.exceptions.PanicException):
        return "it is damaged"  # for a panic, the engine prints its own location
    text = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return f"it is cut short ({text})" if "unexpected end of file" in text else text
