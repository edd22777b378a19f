"""YAML as HTML with its lines numbered and its parts coloured. For the eye only: nothing depends on it being exact."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mlspec.document import scalar
from mlspec.report.page.markup import Child, Html, element, escaped

NOTHING: Mapping[int, Child] = MappingProxyType({})


def yaml(text: str, signs: Mapping[int, Child] = NOTHING, remarks: Mapping[int, Child] = NOTHING) -> Html:
    """The text as lines with ids ``L1``, ``L2``, ..., so that others can point at them.

    ``signs`` are between the number of a line and its text, ``remarks`` behind the text.
    """
    return element(
        "pre",
        [
            element(
                "span",
                element("a", str(number), href=f"#L{number}", aria_label=f"line {number}"),
                element("span", signs.get(number), class_="gutter"),
                line,
                remarks.get(number),
                "\n",
                id=f"L{number}",
                class_="line",
            )
            for number, line in enumerate(_lines(text), 1)
        ],
        class_="yaml",
    )


def _lines(text: str) -> list[Html]:
    """Each line with its parts coloured."""
    from pygments.lexers.data import YamlLexer

    lines: list[list[Html]] = [[]]
    for kind, value in YamlLexer(stripnl=False, ensurenl=False).get_tokens(text.removesuffix("\n")):
        name = _class(kind, value)
        for at, part in enumerate(value.split("\n")):
            if at:
                lines.append([])
            lines[-1].append(element("span", part, class_=name) if part and name else escaped(part))
    return [Html("".join(line)) for line in lines]


def _class(kind: Any, value: str) -> str:
    """The class of a token in the page's style sheet, empty for text without a colour."""
    from pygments import token

    if kind in (token.Literal.Scalar.Plain, token.Name.Variable):
        try:
            meant = scalar(value.strip())
        except ValueError:
            return ""
        return "" if isinstance(meant, str) else "word" if meant is None or isinstance(meant, bool) else "number"
    classes = {token.Comment: "comment", token.Name.Tag: "key", token.String: "string", token.Punctuation: "mark"}
    return next((name for parent, name in classes.items() if kind in parent), "")
