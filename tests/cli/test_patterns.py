"""Regular expressions that a brief command compiles only where it uses them."""

import re

import pytest

from mlspec.machine import patterns


def test_a_pattern_is_compiled_when_it_is_used_and_then_as_any() -> None:
    late = patterns.pattern("(?P<key>a+)b", re.IGNORECASE)
    assert late.sub("-", "xAAb") == re.compile("(?P<key>a+)b", re.IGNORECASE).sub("-", "xAAb") == "x-"
    assert (late.pattern, late.groups, [*late.groupindex]) == ("(?P<key>a+)b", 1, ["key"])
    broken = patterns.pattern("(")
    for _attempt in range(2):
        with pytest.raises(re.error, match="missing \\)"):
            broken.search("a")


def test_libraries_get_such_patterns_while_they_are_imported_and_no_longer() -> None:
    own = re.compile
    with patterns.on_demand():
        made, again = re.compile("("), re.compile(re.compile("a"))
    assert re.compile is own
    assert again.fullmatch("a")
    with pytest.raises(re.error):
        made.search("a")
