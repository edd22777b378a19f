"""What holds of every merge of two random edits of a spec with profiles and comments; broken merges are seen."""

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.diagnostics import SpecError
from mlspec.diff.merge import Merged, merge
from mlspec.document import parse


def _beside(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"diff_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


three_ways = _beside("three_ways")
SEEDS = st.integers(0, 2**32)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(SEEDS)
def test_a_merge_keeps_its_laws(seed: int) -> None:
    assert three_ways.broken(three_ways.case(seed), merge) == []


@pytest.mark.slow
@pytest.mark.parametrize("thousand", range(2))
def test_two_thousand_merges_lose_nothing(thousand: int) -> None:
    for seed in range(1000 * thousand, 1000 * (thousand + 1)):
        case = three_ways.case(seed)
        assert three_ways.lost(case, merge(case.base, case.ours, case.theirs)) == [], seed


def without_their_profiles(base: str, ours: str, theirs: str) -> Merged:
    found = merge(base, ours, theirs)
    text, own = (re.split(r"(?m)^profiles:", one) for one in (found.text, ours))
    return found if found.clashes or len(text) < 2 else Merged(text[0] + "".join(f"profiles:{one}" for one in own[1:]))


def without_their_comments(base: str, ours: str, theirs: str) -> Merged:
    found = merge(base, ours, theirs)
    own = {comment for line in ours.split("\n") for comment in three_ways.COMMENT.findall(line)}
    drop = lambda seen: seen[0] if seen[0] in own else ""  # noqa: E731
    return Merged("\n".join(three_ways.COMMENT.sub(drop, line) for line in found.text.split("\n")), found.clashes)


def comments_at_the_top(base: str, ours: str, theirs: str) -> Merged:
    found = merge(base, ours, theirs)
    notes = [comment for line in found.text.split("\n") for comment in three_ways.COMMENT.findall(line)]
    rest = [three_ways.COMMENT.sub("", line) for line in found.text.split("\n")]
    return found if found.clashes else Merged("\n".join((*notes, *rest)))


def ours_where_both_changed(base: str, ours: str, theirs: str) -> Merged:
    found = merge(base, ours, theirs)
    return Merged(three_ways.views(found.text)[0])


def by_lines(base: str, ours: str, theirs: str) -> Merged:
    """Texts joined without a check of what they say."""
    from mlspec.diff.text_merge import joined, one_side

    parts = joined(base, ours, theirs)
    return Merged(one_side(parts or [], 0))


@pytest.mark.parametrize(
    "broken",
    [without_their_profiles, without_their_comments, comments_at_the_top, ours_where_both_changed, by_lines],
)
def test_a_merge_that_loses_something_breaks_a_law(broken: Callable[[str, str, str], Merged]) -> None:
    found = 0
    for seed in range(40):
        case = three_ways.case(seed)
        try:
            found += bool(three_ways.lost(case, broken(case.base, case.ours, case.theirs)))
        except SpecError:
            found += 1
        if found >= 3:
            return
    pytest.fail(f"only {found} of 40 cases break a law")


def test_cases_have_profiles_comments_and_notes() -> None:
    cases = [three_ways.case(seed) for seed in range(30)]
    texts = [side for case in cases for side in (case.ours, case.theirs)]
    assert sum("profiles" in parse(text, "f").data for text in texts) > 40
    assert sum("#" in text for text in texts) > 40
    assert sum("# mlspec-allow" in text for text in texts) > 10
    assert sum(bool(case.ours_names or case.theirs_names) for case in cases) > 5
