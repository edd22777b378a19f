"""Checks a document against a JSON Schema with jsonschema; each violation is a diagnostic at its place.

Safe on a stranger's document: references outside the schema are never fetched, and the work is bounded.
"""

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
import msgspec
import referencing
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend, validator_for

from mlspec.diagnostics import Diagnostic
from mlspec.document import MOST_FOUND, Document, Path
from mlspec.spec import suggest

MOST_CHECKS = 3_000_000  # keywords that are looked at; a spec of 1,000 lines takes about 10,000
MOST_NESTED = 8  # references and alternatives within one object of a schema
LONGEST_MATCHED = 30_000  # characters of a text that is held against a pattern
NAMES = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
BOUNDS = {
    "minimum": "must be at least",
    "exclusiveMinimum": "must be greater than",
    "maximum": "must be at most",
    "exclusiveMaximum": "must be less than",
}
SIZES = {"Length": ("character", "characters"), "Items": ("entry", "entries"), "Properties": ("entry", "entries")}
CLOSED = ("additionalProperties", "unevaluatedProperties")


class _TooMuchError(Exception):
    """The check would take longer than any document that people write."""


def violations(
    document: Document, schema: Mapping[str, Any], code: str, *, most: int = MOST_CHECKS
) -> list[Diagnostic]:
    """What of a document the schema refuses, in the order of the text, with that code."""
    reader = _Reader(document, schema, code)
    try:
        data = document.data
        errors = list(itertools.islice(_validator(schema, most).iter_errors(data), MOST_FOUND))
        # What is wrong inside an object can make its other keys count as unknown.
        for error in sorted(errors, key=lambda error: error.validator in CLOSED):
            reader.add(error)
    except _TooMuchError:
        message = "the document is too large or too deeply nested to be checked by its schema"
        reader.found.append(Diagnostic(code=code, message=message, span=document.span(())))
    unique = {(one.span, one.message): one for one in reader.found}
    return sorted(unique.values(), key=lambda one: (one.span is not None, one.span))


def _validator(schema: Mapping[str, Any], most: int) -> Any:
    """A validator of the schema's own version, whose patterns mean what the standard says and whose work is bounded."""
    base = validator_for(schema, default=jsonschema.Draft202012Validator)
    counter = itertools.count()

    def bounded(keyword: Callable[..., Any]) -> Callable[..., Any]:
        def check(*arguments: Any) -> Any:
            if next(counter) > most:
                raise _TooMuchError
            return keyword(*arguments)

        return check

    known: dict[tuple[int, str], list[ValidationError]] = {}

    def reference(validator: Any, name: str, value: Any, part: Any) -> Iterator[ValidationError]:
        """Once for each value: whatever looks for unknown keys asks again, at every level."""
        key = (id(value), name)
        if key not in known:
            known[key] = list(itertools.islice(base.VALIDATORS["$ref"](validator, name, value, part), MOST_FOUND))
        yield from map(ValidationError.create_from, known[key])

    own = {"$ref": reference, "pattern": _pattern, "uniqueItems": _unique, "required": _required}
    keywords = {**base.VALIDATORS, **own}
    types = base.TYPE_CHECKER.redefine("integer", lambda _checker, value: _is_integer(value))
    made: Any = extend(base, {name: bounded(keyword) for name, keyword in keywords.items()}, type_checker=types)  # type: ignore[no-untyped-call]
    return made(schema, registry=referencing.Registry())


def _is_integer(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) < 2**63
    return isinstance(value, int) and not isinstance(value, bool)


def _required(_validator: Any, names: list[str], value: Any, _schema: Any) -> Iterator[ValidationError]:
    """The message is the key that is not there."""
    if isinstance(value, dict):
        yield from (ValidationError(name) for name in names if name not in value)


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """A ``$`` is the end of the text, as in ECMAScript; Python finds it before a line break at the end too."""
    if not isinstance(value, str):
        return
    if len(value) > LONGEST_MATCHED or not re.search(pattern, f"{value}\n" if value.endswith("\n") else value):
        yield ValidationError(f"it must match {pattern}")


def _unique(_validator: Any, wanted: bool, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """In linear time, where jsonschema compares every entry with every other."""
    if wanted and isinstance(value, list):
        entries = {msgspec.json.encode(one, order="deterministic") for one in value}
        if len(entries) < len(value):
            yield ValidationError("it has an entry twice")


class _Reader:
    """The violations of one document as diagnostics."""

    def __init__(self, document: Document, schema: Mapping[str, Any], code: str) -> None:
        self.document, self.schema, self.code = document, schema, code
        self.found: list[Diagnostic] = []
        self.paths: list[Path] = []

    def wrong(self, path: Path, message: str, label: str = "", *notes: str, key: bool = False) -> None:
        span = self.document.span(path, key=key)
        self.paths.append(path)
        self.found.append(Diagnostic(code=self.code, message=message, span=span, label=label, notes=notes))

    def add(self, error: Any) -> None:
        """Note a violation, and in place of "none of these forms" what is wrong with the form that was meant."""
        path, keyword, value = tuple(error.absolute_path), str(error.validator), error.instance
        for inner in error.context:
            inner.parent = error
        meant = _meant(error)
        if meant:
            for inner in meant:
                self.add(inner)
            return
        is_name = "propertyNames" in list(error.absolute_schema_path)[-2:]
        where = _dotted((*path, value) if is_name else path)
        wanted = error.validator_value
        if is_name:
            self.wrong((*path, value), f"{_show(value)} can't be a key here", _of_text(error), key=True)
        elif keyword in CLOSED and isinstance(value, dict):
            self._unknown(error, path)
        elif keyword == "required":
            name = error.message
            self.wrong(path, f"{where} lacks the key '{name}'", f"'{name}' must be given", key=True)
        elif keyword == "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            expected = " or ".join(NAMES.get(one, str(one)) for one in kinds if one != "null" or len(kinds) == 1)
            self.wrong(path, f"{where} must be {expected}", f"this is {_kind(value)}")
        elif keyword in ("enum", "const"):
            known = [one for one in (wanted if keyword == "enum" else [wanted]) if one is not None]
            self.wrong(path, f"{_show(value)} is not allowed for {where}", suggest.label(value, known).text)
        elif keyword in BOUNDS:
            self.wrong(path, f"{where} {BOUNDS[keyword]} {wanted:g}", f"this is {_short(str(value))}")
        elif keyword[3:] in SIZES:
            few, (word, words) = keyword.startswith("min"), SIZES[keyword[3:]]
            message = f"{where} is too {'short' if few else 'long'}"
            self.wrong(path, message, f"at {'least' if few else 'most'} {wanted} {word if wanted == 1 else words}")
        elif keyword == "pattern":
            self.wrong(path, f"{_show(value)} is not valid here", _of_text(error))
        elif keyword == "uniqueItems":
            self.wrong(path, f"{where} has an entry twice", "each may stand once")
        elif error.context:
            self.wrong(path, f"{where} fits none of the forms that it may have", f"this is {_kind(value)}")
        elif keyword == "oneOf":
            self.wrong(path, f"{where} fits several of the forms that it may have", "one alone may be meant")
        else:
            self.wrong(path, f"{where} is not as the schema says ({keyword})", _short(error.message))

    def _unknown(self, error: Any, path: Path) -> None:
        """One diagnostic a key."""
        known = sorted(self._keys(error.schema))
        unknown = [key for key in error.instance if repr(key) in error.message]
        if any(other[: len(path)] == path for other in self.paths):
            unknown = [key for key in unknown if key not in known]
        listed = (f"keys here: {', '.join(known)}",) if known else ()
        for key in unknown[:MOST_FOUND]:
            if key in known:
                message = f"'{key}' is not allowed in {_dotted(path)}"
                self.wrong((*path, key), message, "not together with the other keys here", key=True)
                continue
            guess = suggest.nearest(key, known)
            label = f"did you mean '{guess}'?" if guess else ""
            self.wrong((*path, key), f"unknown key '{_short(key)}' in {_dotted(path)}", label, *listed, key=True)

    def _keys(self, schema: Any, depth: int = 0) -> set[str]:
        """All keys that an object of a schema may have, in any of its forms."""
        if not isinstance(schema, Mapping) or depth > MOST_NESTED:
            return set()
        reference = str(schema.get("$ref", ""))
        inner = [schema[key] for key in ("then", "else") if key in schema]
        inner += [one for key in ("allOf", "anyOf", "oneOf") for one in schema.get(key, ())]
        if reference.startswith("#/"):
            inner.append(functools.reduce(lambda part, key: part[key], reference.split("/")[1:], self.schema))
        return set(schema.get("properties", ())).union(*(self._keys(one, depth + 1) for one in inner))


def _meant(error: Any) -> list[Any]:
    """The violations of the form that was meant, of several: the one whose type and fixed values fit; empty where that
    is not clear."""
    forms: dict[Any, list[Any]] = {}
    for inner in error.context:
        forms.setdefault(inner.relative_schema_path[0], []).append(inner)
    depth = len(error.absolute_path)

    def is_other(inner: Any) -> bool:
        """Whether this violation says that another form is meant: another type, or another value of a fixed key."""
        below = len(inner.absolute_path) - depth
        fixed = inner.validator in ("enum", "const") and below == 1 and len(_listed(inner)) == 1
        return (inner.validator == "type" and below == 0) or fixed

    fitting = [found for found in forms.values() if not any(map(is_other, found))]
    complete = [found for found in fitting if not any(inner.validator == "required" for inner in found)]
    for likely in (fitting, complete):
        if len(likely) == 1:
            return likely[0]
    if fitting or not forms:
        return []
    # None was meant: what is allowed is what any of them allows, where that is said of one place.
    telling = [inner for found in forms.values() for inner in found if is_other(inner)]
    if len({(inner.validator == "type", tuple(inner.absolute_path)) for inner in telling}) > 1:
        return []
    allowed = list(dict.fromkeys(one for inner in telling for one in _listed(inner)))
    first = telling[0]
    keyword, place = "type" if first.validator == "type" else "enum", first.absolute_path
    return [ValidationError(first.message, keyword, place, None, (), allowed, first.instance, first.schema)]


def _listed(error: Any) -> list[Any]:
    """What a type, a constant or an enumeration allows."""
    allowed = error.validator_value
    return list(allowed) if isinstance(allowed, list | tuple) else [allowed]


def _of_text(error: Any) -> str:
    """What a text has to be like."""
    described = error.schema.get("description", "") if isinstance(error.schema, Mapping) else ""
    return str(described) or _short(error.message)


def _dotted(path: Path) -> str:
    return f"'{_short('.'.join(map(str, path)))}'" if path else "the document"


def _show(value: Any) -> str:
    if isinstance(value, dict | list):
        return _kind(value)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else f"'{_short(str(value))}'"


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."


def _kind(value: Any) -> str:
    from mlspec.spec.load import kind_of

    return kind_of(value)
