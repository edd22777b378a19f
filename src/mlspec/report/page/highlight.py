"""YAML as HTML with its lines numbered and its parts coloured. For the eye only: nothing depends on it being exact."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from mlspec.report.page.markup import Child, Html, element, escaped

NOTHING: Mapping[int, Child] = MappingProxyType({})

TOKEN = re.compile(
    r"""(?P<comment>(?:^|(?<=\s))\#.*)
    |(?P<string>"(?:\\.|[^"\\])*"|'(?:''|[^'])*')
    |(?P<key>[\w.<>=+*/-]+(?=\s*:(?:\s|$)))
    |(?P<number>(?<![\w.-])[-+]?\d[\d_.]*(?:e[-+]?\d+)?(?:[A-Za-z]{1,3})?(?![\w.-]))
    |(?P<word>(?<![\w.-])(?:true|false|null)(?![\w.-]))
    |(?P<mark>[\[\]{},:]|(?:^\s*-(?=\s)))""",
    re.VERBOSE,
)


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
                _line(line),
                remarks.get(number),
                "\n",
                id=f"L{number}",
                class_="line",
            )
            for number, line in enumerate(text.splitlines(), 1)
        ],
        class_="yaml",
    )


def _line(line: str) -> Html:
    return Html("".join(_tokens(line)))


def _tokens(line: str) -> Iterable[Html]:
    at = 0
    for match in TOKEN.finditer(line):
        yield escaped(line[at : match.start()])
        yield element("span", match[0], class_=match.lastgroup)
        at = match.end()
    yield escaped(line[at:])
