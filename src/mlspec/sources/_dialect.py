"""How a file of delimited text has to be read, from its first lines: what `init` writes and `profile` reads with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlspec.sources import _amounts, _bounds, _header, _layout, _text

NAMES = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'", " ": "a blank"}


def find(path: Path, usual: str, settings: dict[str, Any], notes: list[str]) -> None:
    """Adds to the settings what is found, and to the notes a line for each.

    Raises OSError where the file can't be read, and ValueError where it is no delimited text.
    """
    if "encoding" not in settings:
        encoding = _text.encoding_of(_text.beginning(path))
        if encoding != "utf-8":
            settings["encoding"] = encoding
            notes.append(f"the text is not UTF-8: it is read as {encoding}")
    text, whole = _text.head(path, settings.get("encoding", "utf-8"), _bounds.ROWS + 2)
    stated = _layout.STATED.match(text)
    body = text if stated is None else text[stated.end() :]
    if stated is not None:
        notes.append(f"its first line states that cells are separated by {NAMES.get(stated[1], repr(stated[1]))}")
    separator = settings.get("separator") or (usual if stated is None else stated[1])
    quote = settings.get("quote", '"')
    if "skip" not in settings and stated is None and not settings.keys() & {"names", "header"}:
        tried = (separator,) if "separator" in settings else (usual, *_layout.SEPARATORS)
        above = _layout.preamble(body, tried, quote)
        if above:
            settings["skip"] = above
            notes.append(f"the first {f'{above} lines are' if above > 1 else 'line is'} above the header, and left out")
    body = "".join(body.splitlines(keepends=True)[settings.get("skip", 0) :])
    if "separator" not in settings and stated is None:
        separator = _layout.separator(body, usual, quote)
        if separator != usual:
            settings["separator"] = separator
            notes.append(f"cells are separated by {NAMES[separator]}")
    if "quote" not in settings and _layout.is_unquoted(body, separator, whole):
        settings["quote"] = ""
        notes.append("no cell is quoted: a quote is part of its cell")
    first, _end, rest = body.partition("\n")
    if "quote" not in settings and "'" not in rest and _layout.are_in_single_quotes(first.strip().split(separator)):
        settings["quote"] = "'"
        notes.append("names are in single quotes, which are no part of them")
    table = _table(path, text, whole, usual, settings, notes)
    cells = [set(column) - {"", *settings.get("missing", ())} for column in zip(*table.rows, strict=True)]
    _numbers(table.names, cells, separator, settings, notes)
    _missing(table.names, cells, settings, notes)
    notes += table.hints.values()


def _table(
    path: Path, text: str, whole: bool, usual: str, settings: dict[str, Any], notes: list[str]
) -> "_header.Head":
    """The rows, after the header and the rows at the end that are no data have been found."""
    encoding = settings.get("encoding", "utf-8")
    last = None if whole else _text.tail(path, encoding)
    dialect = _header.Dialect(
        settings.get("separator"),
        usual,
        settings.get("quote", '"'),
        encoding,
        tuple(settings.get("names", ())),
        settings.get("header"),
        settings.get("footer"),
        settings.get("skip"),
    )
    if dialect.header is None and not dialect.names:
        rows = _header.rows(text, whole, dialect)
        if rows and _layout.is_headless([cell.strip() for cell in rows[0]], rows[1:]):
            settings["header"] = False
            dialect = dialect._replace(header=False)
            notes.append("the first line holds values, not names: columns are called column_1, column_2, ...")
    if dialect.footer is None:
        count, shown = _header.footer(text, whole, dialect, last)
        if count:
            settings["footer"] = count
            dialect = dialect._replace(footer=count)
            what = "row is" if count == 1 else f"{count} rows are"
            notes.append(f"the last {what} no data ('{shown}'), and left out")
    return _header.parsed(text, whole, dialect, last)


def _numbers(
    names: Sequence[str], cells: Sequence[set[str]], separator: str, settings: dict[str, Any], notes: list[str]
) -> None:
    form = _amounts.of_file(cells, separator, settings.get("decimal"), settings.get("thousands"))
    if form.decimal != settings.get("decimal", "."):
        settings["decimal"] = form.decimal
        notes.append("numbers have a decimal comma")
    if form.thousands != settings.get("thousands", ""):
        settings["thousands"] = form.thousands
        notes.append(f"numbers have {NAMES.get(form.thousands, repr(form.thousands))} between thousands")
    for name, column in zip(names, cells, strict=True):
        own = _amounts.of_column(column, form)
        if not (own.sign or own.negative) or not _amounts.are_numbers(column, own):
            continue
        if own.sign:
            notes.append(f"'{own.sign}' is left out of the numbers in '{name}'")
        if own.negative:
            shown = min(_amounts.in_parentheses(column, own.sign))
            notes.append(f"numbers in parentheses, such as '{shown}', are negative in '{name}'")


def _missing(names: Sequence[str], cells: Sequence[set[str]], settings: dict[str, Any], notes: list[str]) -> None:
    """The words for missing values in columns of numbers and dates, unless a column of text has them as well."""
    if "missing" in settings:
        return
    decimal, thousands = settings.get("decimal", "."), settings.get("thousands", "")
    words: dict[str, list[str]] = {}
    texts: set[str] = set()
    for name, column in zip(names, cells, strict=True):
        taken = _amounts.words(column, _amounts.of_column(column, _amounts.Form(decimal, thousands)))
        texts |= column if taken is None else set()
        for word in taken or ():
            words.setdefault(word, []).append(name)
    kept = [word for word in words if word not in texts]
    if kept:
        settings["missing"] = kept
    for word, of in words.items():
        where = f"'{of[0]}'" + (f" and {len(of) - 1} more columns" if len(of) > 1 else "")
        rest = "" if word in kept else "; in columns of text it is a value"
        notes.append(f"'{word}' is read as missing in {where}{rest}")
