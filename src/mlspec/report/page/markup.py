"""HTML and SVG written so that text can't become markup: whatever isn't ``Html`` is escaped."""

import html
import unicodedata
from collections.abc import Iterable
from typing import Union

Child = Union["Html", str, None, Iterable["Child"]]
VOID = frozenset({"br", "col", "hr", "meta"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def visible(text: str) -> str:
    """The text with control and invisible formatting characters spelled out; line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in "\n\t" or unicodedata.category(c) == "Zs" else f"\\u{{{ord(c):x}}}" for c in text
    )


def escaped(text: str) -> Html:
    """The text as markup that shows it."""
    return Html(html.escape(visible(text)))


def element(name: str, /, *children: Child, **attributes: str | float | None) -> Html:
    """An element; an attribute of None is left out; ``class_`` is spelt ``class``, and ``_`` within a name ``-``."""
    opened = name + "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(number(value) if isinstance(value, int | float) else value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{opened}>") if name in VOID else Html(f"<{opened}>{''.join(_flat(children))}</{name}>")


def number(value: float) -> str:
    """A coordinate, short."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _flat(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escaped(child)
        else:
            yield from _flat(child)
