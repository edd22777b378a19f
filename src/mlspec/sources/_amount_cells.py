"""Columns of numbers as people write them, as the data engine reads them: what `_amounts` does to one cell."""

import polars as pl

from mlspec.sources._amounts import BLANKS, NEGATIVE, POINT, Form


def expression(cell: pl.Expr, form: Form) -> pl.Expr:
    """Cells of text as the data engine reads numbers; one that is no number of this form stays none."""
    text = cell
    if form.sign:
        text = text.str.replace(form.sign, "", literal=True)
    text = text.str.strip_chars(BLANKS)
    if form.sign:
        text = text.str.replace(rf"^([-+])[{BLANKS}]+", "$1")
    if form.negative:
        text = text.str.replace(NEGATIVE, "-$1").str.strip_chars_end(BLANKS)
    if form.thousands:
        text = pl.when(text.str.contains(form.grouped)).then(text.str.replace_all(form.between, "")).otherwise(text)
    if form.decimal == ".":
        return text
    is_other = text.str.contains(".", literal=True)
    return pl.when(is_other).then(text + POINT).otherwise(text.str.replace_all(form.decimal, ".", literal=True))
