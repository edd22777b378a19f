"""What a column's values are, whatever its name: text, an index, something of which each row has its own."""

from mlspec.draft.table import Seen

TEXT_WORDS, TEXT_CHARACTERS, MOST_SHARED, FEW = 4.0, 25.0, 0.5, 30


def is_text(column: Seen) -> bool:
    """Sentences: several words, and few of them occur twice."""
    long = column.words >= TEXT_WORDS and column.characters >= TEXT_CHARACTERS
    return column.type == "category" and long and column.distinct > max(20, MOST_SHARED * column.present)


def is_unique_text(column: Seen) -> bool:
    """A category of which nearly each row has its own value."""
    return column.type == "category" and column.distinct > max(FEW, 0.9 * column.present)


def is_index(column: Seen) -> bool:
    """The number of the row: integers from 0 or 1, each once, in order."""
    return column.is_counted and column.is_ordered and column.least in (0.0, 1.0) and column.rows >= 5


def is_empty(column: Seen) -> bool:
    """Whether no row has a value."""
    return column.rows > 0 and not column.present


def is_constant(column: Seen) -> bool:
    """Whether all rows have the same value; a value and missing cells are two."""
    return column.distinct == 1 and not column.missing and column.rows > 1
