"""The spec on the report page: its lines as they are, with the parts coloured."""

import html
import re
from pathlib import Path

from mlspec.report.page import highlight

ROOT = Path(__file__).parents[2]


def test_every_line_is_there_as_it_is_under_its_number() -> None:
    for path in sorted(ROOT.glob("specs/*/project.yaml")):
        text = path.read_text() + "folded: >\n  <b>\n\n  &amp;\n"
        shown = str(highlight.yaml(text))
        plain = re.sub(r'<a [^>]*>\d+</a><span class="gutter"></span>', "", shown)
        assert html.unescape(re.sub(r"<[^>]*>", "", plain)) == text
        numbers = [int(one) for one in re.findall(r'id="L(\d+)"', shown)]
        assert numbers == list(range(1, len(text.splitlines()) + 1))


def test_the_parts_have_their_classes() -> None:
    shown = str(highlight.yaml("a: {b: 5, c: true}  # why\nd: 'x'\n"))
    classes = re.findall(r'class="(key|number|word|string|comment|mark)">\s*([^<]*)<', shown)
    assert [pair for pair in classes if pair[0] != "mark"] == [
        *(("key", "a"), ("key", "b"), ("number", "5"), ("key", "c"), ("word", "true"), ("comment", "# why")),
        *(("key", "d"), ("string", "&#x27;"), ("string", "x"), ("string", "&#x27;")),
    ]
