"""Reads a contract, whose format is detected from its content, and writes it as YAML of a spec."""

import re
from collections.abc import Iterator
from typing import Any

from mlspec.contracts import croissant, frictionless, great_expectations, hugging_face, odcs, pandera
from mlspec.contracts.contract import Contract, show
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import DEEPEST, LARGEST, parse
from mlspec.machine import json_values

FORMS = (odcs, great_expectations, pandera, croissant, frictionless, hugging_face)
CODE = "contract-unreadable"


def read(content: bytes, file: str) -> Contract:
    """What a contract says. Raises SpecError where it is no YAML or JSON, or of a form that isn't known."""
    data = _data(content, file)
    for form in FORMS:
        if isinstance(data, dict) and form.fits(data):
            found: Contract = form.read(data)
            return found
    known = ", ".join(form.NAME for form in FORMS)
    raise SpecError(
        [Diagnostic(code=CODE, message=f"'{file}' is no contract of a known form", notes=(f"known: {known}",))]
    )


def _data(content: bytes, file: str) -> Any:
    """Plain data: JSON, YAML, or the YAML at the top of a card."""
    if len(content) > LARGEST:
        message = f"'{file}' has {len(content):,} bytes, a contract has {LARGEST:,} at most"
        raise SpecError([Diagnostic(code=CODE, message=message)])
    if not content.strip():
        raise SpecError([Diagnostic(code=CODE, message=f"'{file}' is empty")])
    if content.lstrip()[:1] in (b"{", b"["):
        try:
            found = json_values.decode(content)
        except ValueError:
            pass  # it may be YAML that begins like this; if not, the reader of YAML says where it ends
        else:
            if _deep(found, DEEPEST):
                raise SpecError([Diagnostic(code=CODE, message=f"'{file}' is nested more than {DEEPEST} deep")])
            return found
    card = re.match(rb"---\r?\n(.*?)\r?\n---\s", content, re.DOTALL)
    return parse(content if card is None else card[1], file).data


def _deep(value: Any, left: int) -> bool:
    """Whether something is nested deeper."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_deep(one, left - 1) for one in inner)


def as_yaml(contract: Contract, file: str) -> str:
    """What a contract says as YAML that belongs into a spec; what has no place there is below it, as comments."""
    return "\n".join([f"# {_line(contract.format)}, from {_line(file)}", "data:", *_lines(contract)]) + "\n"


def _lines(contract: Contract) -> Iterator[str]:
    types = {field.name: field.type for field in contract.fields if field.type is not None}
    if types:
        yield "  columns:"
        yield "    types:"
        for field in contract.fields:
            if field.type is not None:
                line = f"  # {_line(field.description)}" if field.description else ""
                yield f"      {show(field.name)}: {field.type}{line}"
    personal = [field for field in contract.fields if field.personal is not None]
    if personal:
        yield "  personal:  # say what is done to each that is not public: mlspec explain data.personal"
        yield from (f"    {show(field.name)}: {{kind: {field.personal}}}" for field in personal)
    if contract.expect:
        yield "  expect:"
        yield from (f"    - {show(one)}" for one in contract.expect)
    untyped = [_line(show(field.name)) for field in contract.fields if field.type is None]
    if untyped:
        yield f"# also there, of a type that is not said or not known here: {', '.join(untyped)}"
    yield from (f"# not mapped: {_line(one)}" for one in contract.unmapped)


def _line(text: str) -> str:
    """Text that ends no comment."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+", " ", text)
