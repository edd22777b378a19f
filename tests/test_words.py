"""Words that read as a dialect of their own stay out of the docs, the messages and the docstrings.

A pattern is listed when nothing matches it any more; with it, what to write instead.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSTEAD = {
    r"\b(is|are|was|were|be|been|being) told\b": "is shown, is reported, receives",
    r"\btold of\b": "logged to, reported",
    r"\btells? of (people|a person|somebody)\b": "personal data",
    r"\bis told the nearest\b": "suggests the closest",
    r"(?<!`)\bbesides\b(?!`)": "also, in addition to, other",
    r"(?<![`\"'])\banew\b(?![`\"'])": "again, re-run",
    r"\bmend(s|ed|ing)?\b": "fix, correct, repair",
    r"\b(lies|lie) (in|on|beside)\b": "is in, is on, is next to; path",
    r"\bIt stands\b": "It runs, it is",
    r"\bstands? in for\b": "replaces",
    r"\bowes?\b": "must, is due to",
    r"\bsurest\b": "most certain; coverage",
    r"\blikeliest\b": "most probable",
    r"\b(to|be) had\b": "is unavailable",
    r"\bby its own word\b": "as it states",
    r"\bwhole numbers?\b": "integer",
    r"\bnumbers that go together\b": "correlations",
    r"\bhow often it came true\b": "observed frequency",
    r"\bshare wrong\b": "error rate",
    r"\bnine tenths\b": "5th-95th percentile",
    r"\bkept from sight\b": "hidden",
    r"\bmay be another\b": "may change",
    r"\bholds? (anyone|anybody) to\b": "constraint removed",
    r"\blaid over\b": "applied to, overrides",
    r"\bwholly\b": "completely",
    r"\bin silence\b": "silently",
    r"\bcry(ing)? wolf\b": "false alarm",
    r"\blaxer\b": "less strict",
    r"\bwhat (a|every) \w+ (owes|promises to)\b": "conformance suite",
    r"\bwhoever\b": "the user, the process, the caller",
    r"\bnot to be edited\b": "do not edit",
}


@cache
def texts() -> dict[str, str]:
    """Each page; strings and comments of every module, each on a line; of tests also what their names say."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")]
    found = {str(page.relative_to(ROOT)): _joined(page.read_text(encoding="utf-8")) for page in pages}
    for folder in ("src", "backends", "tests", "benchmarks"):
        for module in ROOT.glob(f"{folder}/**/*.py"):
            found[str(module.relative_to(ROOT))] = "\n".join(_prose(module.read_text(encoding="utf-8")))
    return {name: text for name, text in found.items() if name not in {"CHANGELOG.md", "tests/test_words.py"}}


def _prose(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            yield _joined(token.string)
        elif token.type == tokenize.NAME and token.string.startswith("test_"):
            yield token.string.replace("_", " ")


def _joined(text: str) -> str:
    return " ".join(text.split())


def test_plain_words_are_written_instead() -> None:
    found = [
        f"{name}: ...{text[max(0, hit.start() - 40) : hit.end() + 40]}...: write {way}"
        for name, text in texts().items()
        for pattern, way in INSTEAD.items()
        for hit in re.finditer(pattern, text)
    ]
    assert not found, "\n".join(found)


def test_the_patterns_find_what_they_forbid() -> None:
    for text in (
        "a run is told of besides",
        "it lies in the folder",
        "steps run anew",
        "mend the file",
        "a whole number",
    ):
        assert any(re.search(pattern, text) for pattern in INSTEAD), text
