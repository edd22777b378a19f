"""Text to data: YAML 1.2, strictly, and every value knows its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.diagnostics import SpecError, render
from mlspec.document import parse

SCALARS = {
    "no": "no", "on": "on", "yes": "yes", "0755": 755, "0o17": 15, "0x1F": 31, "1e-5": 1e-5, "1.5": 1.5, ".5": 0.5,
    "12:30:45": "12:30:45", "2024-01-01": "2024-01-01", "1_000": "1_000", "~": None, "null": None, "true": True,
    "False": False, "-3": -3, "+4": 4, "'1'": "1", '"true"': "true", "1.": 1.0, "5ms": "5ms",
}  # fmt: skip

REFUSED = {
    "duplicate-key": "a: 1\nb: 2\na: 3\n",
    "merge-key": "x: {a: 1}\n<<: {b: 2}\n",
    "tag": "a: !!python/object:os.system ls\n",
    "tab": "a:\n\tb: 1\n",
    "key-not-text": "1: a\n",
    "not-a-number": "a: .inf\n",
    "unknown-alias": "a: *b\n",
    "recursive-alias": "a: &a [*a]\n",
    "several-documents": "a: 1\n---\nb: 2\n",
    "empty-file": "# nothing\n",
    "merge-conflict": "a: 1\n<<<<<<< HEAD\nb: 2\n",
    "syntax": "a: [1, 2\nb: 3\n",
    "too-deep": "[" * 70 + "]" * 70,
}


@pytest.mark.parametrize("text", SCALARS)
def test_scalars_are_what_yaml_1_2_takes_them_for(text: str) -> None:
    value = parse(f"a: {text}\n", "f").data["a"]
    assert value == SCALARS[text]
    assert type(value) is type(SCALARS[text])


@pytest.mark.parametrize("code", REFUSED)
def test_what_is_refused(code: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(REFUSED[code], "f")
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert all(d.span is not None for d in caught.value.diagnostics)


def test_both_places_of_a_double_key_are_shown() -> None:
    with pytest.raises(SpecError) as caught:
        parse(REFUSED["duplicate-key"], "project.yaml")
    assert (
        render(caught.value.diagnostics, {"project.yaml": REFUSED["duplicate-key"]})
        == """\
error[duplicate-key]: key 'a' is duplicated
 --> project.yaml:3:1
  |
1 | a: 1
  | - first set here
...
3 | a: 3
  | ^ delete one of the two
  = see: mlspec explain duplicate-key

1 error
"""
    )


def test_a_tab_is_shown_as_what_it_is() -> None:
    with pytest.raises(SpecError) as caught:
        parse(REFUSED["tab"], "f")
    assert "2 | →b: 1\n  | ^ use spaces" in render(caught.value.diagnostics, {"f": REFUSED["tab"]})


def test_bombs_are_refused_at_once() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for text, code in (
        (bomb, "too-many-aliases"),
        ("[" * 500_000, "too-deep"),
        ("a: [" + "1," * 400_000, "file-too-large"),
    ):
        with pytest.raises(SpecError) as caught:
            parse(text, "f")
        assert caught.value.diagnostics[0].code == code


def test_bytes_that_are_no_text_and_files_that_are_too_large() -> None:
    for raw, code in ((b"a: \xff\n", "not-utf-8"), (b"#" * (1024 * 1024 + 1), "file-too-large")):
        with pytest.raises(SpecError) as caught:
            parse(raw, "f")
        assert [d.code for d in caught.value.diagnostics] == [code]
    assert parse(b"a: 1\n" + b"#" * 1024 * 1024, "f", large=True).data == {"a": 1}


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    document = parse("\ufeffa: 1\r\nb: [x, y]\r\n".encode(), "f")
    assert document.data == {"a": 1, "b": ["x", "y"]}
    span = document.span(("b", 1))
    assert (span.line, span.column, span.end_column) == (2, 8, 9)


def test_spans_point_at_the_text() -> None:
    text = "a:\n  - {b: één, c: 2}\n  - d\n"
    document = parse(text, "f")
    lines = text.splitlines()
    for path, expected in ((("a", 0, "b"), "één"), (("a", 0, "c"), "2"), (("a", 1), "d")):
        span = document.span(path)
        assert lines[span.line - 1][span.column - 1 : span.end_column - 1] == expected
    span = document.span(("a", 0, "c"), key=True)
    assert lines[span.line - 1][span.column - 1 : span.end_column - 1] == "c"
    assert document.span(("a", 0, "zzz")).line == 2


TEXTS = st.one_of(st.text(max_size=300), st.text(alphabet="ab:-[]{}&*!#|>'\" \n\t?,%@`<", max_size=120))


@given(st.one_of(st.binary(max_size=300), TEXTS.map(str.encode)))
def test_any_bytes_give_a_document_or_located_diagnostics(raw: bytes) -> None:
    found = ()
    try:
        parse(raw, "f")
    except SpecError as error:
        found = error.diagnostics or (None,)
        render(error.diagnostics, error.texts or {})
    assert all(d is not None and d.span is not None for d in found)
