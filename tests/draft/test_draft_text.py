"""The text of a proposed spec says exactly what was proposed, whatever columns are called."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.document import Path, parse
from mlspec.draft import text
from mlspec.draft.proposal import Proposal, without

ODD = (
    *("on", "y", "no", "1e3", "0x1F", "1_000", "null", "~", "a: b", "- a", "a #b", "{a}", "'", '"', "\\", "a\nb", "#"),
    *(
        "é",
        "\u2028",
        "\x85",
        "\x7f",
        "\ufeff",
        "\u202e",
        "😀",
        " a",
        "a ",
        "",
        ".inf",
        "=",
        "<<",
        "!!x",
        "&a",
        "*a",
        "%",
    ),
    *("@", "`", "0.5", "-1", "2024-01-01", "12:30:00"),
)
NAMES = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
KEYS = NAMES.filter(text.is_writable_key)


def spec(names: list[str], keys: list[str], numbers: list[float]) -> dict[str, Any]:
    return {
        "data": {
            "columns": {"target": names[0], "drop": names, "types": dict.fromkeys(keys, "category")},
            "personal": {key: {"kind": "sensitive", "action": {"prefix": 3}} for key in keys},
            "expect": [{"column": name, "allowed": names, "between": numbers} for name in names],
        },
        "preprocessing": {"columns": {key: [{"tf_idf": 10}, "log"] for key in keys}},
    }


@settings(max_examples=30, deadline=None)
@given(
    names=st.lists(NAMES, min_size=1, max_size=5),
    keys=st.lists(KEYS, min_size=1, max_size=3, unique=True),
    numbers=st.lists(NUMBERS, max_size=3),
    said=NAMES,
)
def test_what_is_written_is_what_was_proposed(
    names: list[str], keys: list[str], numbers: list[float], said: str
) -> None:
    proposed = spec(names, keys, numbers)
    place = ("data", "columns", "target")
    written = text.written(proposed, {place: said, ("data", "expect", 0): said}, {place: (said, said)})
    assert parse(written.text, "project.yaml").data == proposed
    assert len(written.places) == written.text.count("\n")


def test_names_that_another_reader_takes_for_something_else_are_quoted() -> None:
    names = [name for name in ODD if "\ufeff" not in name]
    assert yaml.safe_load(text.flow(names)) == names


def test_without_an_expectation_the_comments_of_others_stay_with_them() -> None:
    expect = [{"rows": {"at_least": 1}}, {"column": "a", "unique": True}, {"column": "b", "unique": True}]
    comments: dict[Path, str] = {("data", "expect", 1): "of a", ("data", "expect", 2): "of b"}
    before = Proposal(spec={"data": {"expect": expect}}, features=(), comments=comments)
    found = without(before, ("data", "expect", 1, "column"))
    assert found is not None
    after, what = found
    assert what == "data.expect.1"
    assert after.written().text == (
        "data:\n  expect:\n    - {rows: {at_least: 1}}\n    - {column: b, unique: true}  # of b\n"
    )


@pytest.mark.parametrize("at", [(), ("project", "task"), ("data", "columns", "target")])
def test_a_spec_that_nothing_can_be_taken_out_of_stays(at: tuple[str, ...]) -> None:
    plain = {"by": "random", "test": 0.2, "validation": 0.1, "seed": 0}
    bare = Proposal(spec={"data": {"columns": {"target": "y"}, "split": plain}}, features=("x",))
    assert without(bare, at) is None
