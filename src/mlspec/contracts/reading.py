"""Reads a contract, whose format is detected from its content, and writes it as YAML of a spec."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import msgspec

from mlspec.contracts import croissant, frictionless, great_expectations, hugging_face, odcs, pandera
from mlspec.contracts.contract import Contract, show
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import DEEPEST, LARGEST, Document, Node, parse
from mlspec.machine import json_values

FORMS = (odcs, great_expectations, pandera, croissant, frictionless, hugging_face)
CODE = "contract-unreadable"
# What a document is checked by, where the standard publishes a schema.
SCHEMAS: dict[ModuleType, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    odcs: odcs.schema,
    frictionless: frictionless.schema,
}


def read(content: bytes, file: str) -> Contract:
    """What a contract says. Raises SpecError where it is no YAML or JSON, of a form that isn't known, or not as the
    schema of its standard says, which is everything that is wrong, each at its place."""
    document = _document(content, file)
    data = document.data
    for form in FORMS:
        if isinstance(data, dict) and form.fits(data):
            if form in SCHEMAS:
                _check(document, SCHEMAS[form](data), form.NAME)
            found: Contract = form.read(data)
            return found
    known = ", ".join(form.NAME for form in FORMS)
    raise SpecError(
        [Diagnostic(code=CODE, message=f"'{file}' is no contract of a known form", notes=(f"known: {known}",))]
    )


def _check(document: Document, schema: dict[str, Any], standard: str) -> None:
    """Raises SpecError with everything that the schema of its standard refuses."""
    from mlspec.spec import schema_check

    found = schema_check.violations(document, schema, "contract-invalid")
    if found:
        note = f"checked by the schema of: {standard}"
        raise SpecError([msgspec.structs.replace(one, notes=(*one.notes, note)) for one in found], document.texts)


def _document(content: bytes, file: str) -> Document:
    """JSON, YAML, or the YAML at the top of a card."""
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
            return _located(found, content, file)
    card = re.match(rb"---\r?\n(.*?)\r?\n---\s", content, re.DOTALL)
    return parse(content if card is None else card[1], file)


def _located(data: Any, content: bytes, file: str) -> Document:
    """The document of a JSON text. Most of JSON is YAML, whose reader knows places; else all is at the top."""
    as_yaml = re.sub(rb"\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", _without_surrogate, content.replace(b"\t", b" "))
    try:
        return parse(as_yaml, file)
    except SpecError:
        return Document(file, Node("scalar", data, file, (0, 0), (0, 1)), {file: content.decode("utf-8", "replace")})


def _without_surrogate(escape: "re.Match[bytes]") -> bytes:
    """An escape of JSON as one of YAML, which has no halves of characters."""
    return b"\\uFFFD" if len(escape[0]) > 2 else escape[0]


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
