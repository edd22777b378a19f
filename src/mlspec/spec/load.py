"""Document -> Project: reads the whole document, collects every mistake, each at its place."""

from typing import Any

import msgspec

from mlspec import edits, registry
from mlspec.diagnostics import Diagnostic, Hint, SpecError
from mlspec.document import MOST_FOUND, Document, Path
from mlspec.edits import written
from mlspec.plugins.base import Plugin, PluginRef
from mlspec.spec import Project, suggest, units
from mlspec.spec.shape import Field, Shape, fields, keys, made, shape

_BAD: Any = object()
NAMES = {str: "text", int: "an integer", float: "a number", bool: "true or false"}
OLD_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def load(document: Document) -> Project:
    """The project in a document. Raises SpecError with every mistake."""
    reader = _Reader(document)
    project = reader.read(shape(Project), document.data, ())
    profiles = document.data.get("profiles") if isinstance(document.data, dict) else None
    if isinstance(profiles, dict):
        for name, overlay in profiles.items():
            if isinstance(overlay, dict):
                reader.partial = True
                for key, value in overlay.items():
                    field = fields(Project).get(key)
                    if field is None or key in ("profiles", "mlspec"):
                        reader.unknown_key(
                            ("profiles", name, key),
                            key,
                            [k for k in fields(Project) if k not in ("profiles", "mlspec")],
                            f"profiles.{name}",
                        )
                    else:
                        reader.read(field.shape, value, ("profiles", name, key))
                reader.partial = False
    if reader.found:
        raise SpecError(sorted(_once(reader.found), key=lambda d: (d.span is not None, d.span)))
    assert isinstance(project, Project)
    return project


def load_as(cls: type[msgspec.Struct], document: Document, what: str) -> Any:
    """Another kind of document than a spec, as a struct of its own; ``what`` it is called in messages. Raises SpecError
    with every mistake."""
    reader = _Reader(document, what)
    read = reader.read(shape(cls), document.data, ())
    if reader.found:
        raise SpecError(sorted(_once(reader.found), key=lambda d: (d.span is not None, d.span)), document.texts)
    return read


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """Each mistake once: what a name means, with something applied to it, is read a second time."""
    return list({(d.code, d.span) if d.span is not None else id(d): d for d in reversed(found)}.values())


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "a mapping"


class _Reader:
    """One reading; ``partial`` while inside a profile, where keys may be left out."""

    def __init__(self, document: Document, what: str = "the spec") -> None:
        self.document, self.what = document, what
        self.found: list[Diagnostic] = []
        self.partial = False

    def wrong(self, code: str, path: Path, message: str, label: str | Hint = "", *notes: str, key: bool = False) -> Any:
        """Note a mistake; returns the mark of a value that could not be read."""
        if len(self.found) < MOST_FOUND:
            self.found.append(edits.diagnostic(self.document, code, path, message, label, *notes, key=key))
        return _BAD

    def read(self, wanted: Shape, value: Any, path: Path) -> Any:
        """The value of that shape, or the mark of a bad one with the mistake noted."""
        if value is None and (wanted.nullable or self.partial):
            return None
        return getattr(self, f"_{wanted.kind}")(wanted, value, path)

    def _any(self, _wanted: Shape, value: Any, _path: Path) -> Any:
        return value

    def _type(self, path: Path, expected: str, value: Any, *notes: str, put: str | None = None) -> Any:
        return self.wrong(
            "wrong-type",
            path,
            (f"'{dotted(path)}'" if path else self.what) + f" must be {expected}",
            Hint(f"this is {kind_of(value)}", () if put is None else (put,)),
            *notes,
        )

    def _object(self, wanted: Shape, value: Any, path: Path) -> Any:
        if isinstance(value, str) and "presets" in wanted.extra:
            return self._named(wanted, value, path)
        if not isinstance(value, dict):
            return self._type(path, "a mapping", value)
        return self._struct(wanted.cls, value, path, dotted(path) or self.what)

    def _named(self, wanted: Shape, name: str, path: Path) -> Any:
        """The settings that a name means: one of the spec's own, or one that is built in."""
        presets, own = wanted.extra["presets"], self._own(wanted.extra.get("named"), path)
        if name not in own and name not in presets:
            return self.wrong(
                "not-allowed",
                path,
                f"'{name}' is not a valid {path[-1]}",
                suggest.label(name, [*own, *presets]),
                *_names_of(own),
            )
        if name not in own:
            return self._struct(wanted.cls, presets[name], path, dotted(path))
        # Errors in it are reported at its own place.
        before = len(self.found)
        made = self._struct(wanted.cls, own[name], path, name) if isinstance(own[name], dict) else _BAD
        del self.found[before:]
        return made

    def _base_keys(self, kind: str, key: str, path: Path) -> list[str]:
        """The keys of the plug-in that a profile changes without naming it; none where the spec names none there."""
        below: Any = self.document.data
        for part in path[2:]:
            below = below.get(part) if isinstance(below, dict) else None
        named = below.get(key) if isinstance(below, dict) else None
        if not isinstance(named, str) or not registry.has(kind, named):
            return []
        try:
            return [key, *fields(registry.plugin(kind, named))]
        except registry.PluginError:
            return []

    def _own(self, key: str | None, path: Path) -> dict[str, Any]:
        """The names that the spec adds to the built-in ones, those of the profile at hand included."""
        places = [self.document.data]
        if path[0] == "profiles":
            places.append(places[0]["profiles"][path[1]])
        found: dict[str, Any] = {}
        for place in places:
            entries = place.get(key) if key is not None and isinstance(place, dict) else None
            found |= entries if isinstance(entries, dict) else {}
        return found

    def _struct(
        self, cls: type[msgspec.Struct], value: dict[str, Any], path: Path, where: str, skip: str | None = None
    ) -> Any:
        known = keys(cls, value)
        given: dict[str, Any] = {}
        bad = False
        unknown = [key for key in value if key not in known and key != skip]
        missing = [f.name for f in known.values() if f.required and f.name not in value]
        for key in unknown[:MOST_FOUND]:
            every = keys(cls)
            guess = suggest.near(key, [n for n in every if n not in value]) or suggest.near(key, every)
            if guess and guess[0] in missing:
                missing.remove(guess[0])
            self.unknown_key((*path, key), key, list(every), where, guess)
            bad = True
        for name, field in known.items():
            if name in value:
                given[name] = self._field(field, value[name], (*path, name))
                bad |= given[name] is _BAD
        if missing and not self.partial:
            for name in missing:
                about = known[name].shape.meta.description
                self.wrong(
                    "missing-key",
                    path,
                    f"{where} needs the key '{name}'",
                    f"'{name}' is required",
                    *([f"{name}: {about}"] if about else []),
                    key=True,
                )
            bad = True
        if bad or self.partial:
            return _BAD
        return made(cls, given)

    def _field(self, field: Field, value: Any, path: Path) -> Any:
        if value is None and not field.required and not field.shape.nullable and not self.partial:
            return self._type(path, self._expected(field.shape), value, "delete the key to use its default")
        return self.read(field.shape, value, path)

    def _expected(self, wanted: Shape) -> str:
        return {
            "object": "a mapping",
            "map": "a mapping",
            "plugin": "a mapping",
            "list": "a list",
            "tuple": "a list",
        }.get(wanted.kind, NAMES.get(wanted.cls, "a value"))

    def unknown_key(self, path: Path, key: str, known: list[str], where: str, guess: tuple[str, ...] = ()) -> None:
        """Note a key that does not exist, with the nearest that does."""
        label = suggest.meant(guess or suggest.near(key, known))
        self.wrong(
            "unknown-key", path, f"unknown key '{key}' in {where}", label, f"keys here: {', '.join(known)}", key=True
        )

    def _map(self, wanted: Shape, value: Any, path: Path) -> Any:
        presets = wanted.extra.get("presets")
        if presets and isinstance(value, str):
            if value not in presets:
                return self.wrong(
                    "not-allowed", path, f"'{value}' is not a valid {dotted(path)}", suggest.label(value, presets)
                )
            value = presets[value]
        if not isinstance(value, dict):
            return self._type(path, "a mapping", value)
        key_shape, item_shape = wanted.items
        if wanted.meta.min_length and len(value) < wanted.meta.min_length and not self.partial:
            return self.wrong("empty", path, f"'{dotted(path)}' is empty", "at least one entry is required")
        result, bad = {}, False
        for key, item in value.items():
            before = len(self.found)
            self._scalar(key_shape, key, (*path, key), key=True)
            result[key] = self.read(item_shape, item, (*path, key))
            if item is None and not item_shape.nullable and not self.partial and len(self.found) == before:
                self._type((*path, key), self._expected(item_shape), item)
            bad |= result[key] is _BAD or len(self.found) > before
        return _BAD if bad else result

    def _list(self, wanted: Shape, value: Any, path: Path) -> Any:
        if wanted.extra.get("one") and isinstance(value, str):
            read = self.read(wanted.items[0], value, path)
            return _BAD if read is _BAD else wanted.cls([read])
        if wanted.extra.get("one") and not isinstance(value, list):
            return self._type(path, "text or a list of it", value)
        if not isinstance(value, list):
            alone = isinstance(value, str | int | float)
            put = f"[{written(value) if isinstance(value, str) else show(value).strip(chr(39))}]" if alone else None
            return self._type(path, "a list", value, *([f"write [{value}]"] if alone else []), put=put)
        partial, self.partial = self.partial, False
        result = [self.read(wanted.items[0], item, (*path, i)) for i, item in enumerate(value)]
        self.partial = partial
        least = wanted.meta.min_length
        if least and len(value) < least:
            held = "is empty" if not value else "has 1 entry" if len(value) == 1 else f"has {len(value)} entries"
            return self.wrong("empty", path, f"'{dotted(path)}' {held}", f"at least {least} required")
        most = wanted.meta.max_length
        if most and len(value) > most:
            return self.wrong("out-of-range", path, f"'{dotted(path)}' is too long", f"at most {most} entries")
        return _BAD if any(r is _BAD for r in result) else wanted.cls(result)

    def _tuple(self, wanted: Shape, value: Any, path: Path) -> Any:
        if not isinstance(value, list) or len(value) != len(wanted.items):
            return self._type(path, f"a list of {len(wanted.items)}", value)
        partial, self.partial = self.partial, False
        result = [self.read(s, item, (*path, i)) for i, (s, item) in enumerate(zip(wanted.items, value, strict=True))]
        self.partial = partial
        return _BAD if any(r is _BAD for r in result) else tuple(result)

    def _enum(self, wanted: Shape, value: Any, path: Path) -> Any:
        if wanted.items and isinstance(value, dict):
            return self._map(wanted, value, path)
        if any(one == value and isinstance(one, bool) == isinstance(value, bool) for one in wanted.values):
            return value
        label = suggest.label(value, wanted.values)
        return self.wrong("not-allowed", path, f"{show(value)} is not allowed for '{dotted(path)}'", label)

    def _scalar(self, wanted: Shape, value: Any, path: Path, *, key: bool = False) -> Any:
        kinds = wanted.cls if isinstance(wanted.cls, tuple) else (wanted.cls,)
        unit = wanted.extra.get("unit")
        if unit:
            parsed = units.parse(unit, value)
            if parsed is None and units.total_of(unit, value) is not None:
                return self.wrong("out-of-range", path, f"'{dotted(path)}' must be {units.BOUNDS[unit]}")
            if parsed is None:
                return self.wrong(
                    "bad-unit",
                    path,
                    f"'{dotted(path)}' must be {units.WORDS[unit]}",
                    f"write it like {', '.join(wanted.meta.examples or ())}",
                )
            return parsed
        ok = (
            (isinstance(value, bool) and bool in kinds)
            or (isinstance(value, int) and not isinstance(value, bool) and (int in kinds or float in kinds))
            or (isinstance(value, float) and (float in kinds or (int in kinds and _is_integer(value))))
            or (isinstance(value, str) and str in kinds)
        )
        if not ok:
            expected = " or ".join(NAMES[k] for k in kinds)
            if bool in kinds and isinstance(value, str) and value.lower() in OLD_BOOLEANS:
                put = OLD_BOOLEANS[value.lower()]
                return self._type(path, expected, value, f"write {put}: since YAML 1.2 '{value}' is text", put=put)
            meant = suggest.near(value, ("true", "false")) if bool in kinds and isinstance(value, str) else ()
            if meant:
                message = f"'{dotted(path)}' must be {expected}"
                return self.wrong("wrong-type", path, message, Hint(f"did you mean '{meant[0]}'?", meant))
            if str in kinds and not isinstance(value, dict | list) and value is not None:
                quoted = '"' + show(value).strip("'") + '"'
                return self._type(path, expected, value, f"put it in quotes: {quoted}", put=quoted)
            return self._type(path, expected, value)
        if len(kinds) == 1 and kinds[0] is float and isinstance(value, int):
            value = float(value)
        elif int in kinds and float not in kinds and isinstance(value, float):
            value = int(value)
        return self._bounds(wanted, value, path, key)

    def _bounds(self, wanted: Shape, value: Any, path: Path, key: bool) -> Any:
        meta = wanted.meta
        if isinstance(value, int | float) and not isinstance(value, bool):
            limits = ((meta.ge, "at least"), (meta.gt, "greater than"), (meta.le, "at most"), (meta.lt, "less than"))
            for limit, words in limits:
                if limit is not None and not _within(value, limit, words):
                    message = f"'{dotted(path)}' must be {words} {limit:g}"
                    return self.wrong("out-of-range", path, message, f"this is {value}")
        if isinstance(value, str):
            if meta.min_length and len(value) < meta.min_length:
                return self.wrong("empty", path, f"'{dotted(path)}' is empty", "some text is required", key=key)
            if meta.max_length is not None and len(value) > meta.max_length:
                most = f"at most {meta.max_length} character{'s' if meta.max_length > 1 else ''}"
                return self.wrong("out-of-range", path, f"'{dotted(path)}' is too long", most, key=key)
            if meta.pattern is not None:
                import re

                # Published patterns end in "$", which Python finds before a line break at the end too: one more there
                # shows whether the pattern means it.
                if not re.search(meta.pattern, f"{value}\n" if value.endswith("\n") else value):
                    return self.wrong(
                        "bad-name",
                        path,
                        f"{show(value)} is not valid here",
                        meta.description or f"it must match {meta.pattern}",
                        key=key,
                    )
            if wanted.extra.get("engines") and not registry.has(registry.ENGINES, value):
                label = suggest.label(value, registry.names(registry.ENGINES))
                return self.wrong("not-allowed", path, f"there is no engine '{value}'", label)
        return value

    def _plugin(self, wanted: Shape, value: Any, path: Path) -> Any:
        kind, key = wanted.extra["plugin"], wanted.extra["key"]
        if not isinstance(value, dict):
            return self._type(path, "a mapping", value)
        name = value.get(key)
        if name is None and key in value and not self.partial:
            return self._type((*path, key), "text", name)
        if name is None and kind == "sources" and isinstance(value.get("path"), str):
            name = units.source_of(value["path"])
            if name is None and not self.partial:
                return self.wrong(
                    "format-unclear",
                    (*path, "path"),
                    f"the format of '{value['path']}' cannot be inferred from its name",
                    f"add 'format', one of {', '.join(registry.names(kind))}",
                )
        elif name is None and kind == "sources":
            name = units.source_with(value)
        if name is None:
            guess = next((k for k in value if suggest.nearest(k, [key])), None)
            if guess is not None:
                self.unknown_key((*path, guess), guess, [key], dotted(path), (key,))
                return _BAD
            if self.partial:
                own = self._base_keys(kind, key, path)
                if not value.keys() <= {*own}:
                    every = [key, *dict.fromkeys(f for _, cls in registry.usable(kind) for f in fields(cls))]
                    for wrong in [one for one in value if one not in every]:
                        self.unknown_key((*path, wrong), wrong, own or every, dotted(path))
                return None
            if kind == "sources":
                return self._struct(registry.plugin(kind, registry.names(kind)[0]), value, path, dotted(path))
            return self.wrong(
                "missing-key",
                path,
                f"{dotted(path)} needs the key '{key}'",
                f"one of {', '.join(registry.names(kind))}",
                key=True,
            )
        if not isinstance(name, str):
            return self._type((*path, key), "text", name)
        if not registry.has(kind, name):
            return self.wrong(
                "unknown-plugin",
                (*path, key),
                f"there is no {kind[:-1]} '{name}'",
                suggest.label(name, registry.names(kind)),
            )
        cls = self._class(kind, name, (*path, key) if key in value else path)
        if cls is None:
            return _BAD
        made = self._struct(cls, value, path, f"{dotted(path)} ({name})", skip=key)
        return made if made is _BAD else PluginRef(name, made)

    def _step(self, wanted: Shape, value: Any, path: Path) -> Any:
        kind = wanted.extra["plugin_list"]
        settings: Any = None
        if isinstance(value, dict) and len(value) == 1:
            ((name, settings),) = value.items()
            at: Path = (*path, name)
        elif isinstance(value, str):
            name, at = value, path
        else:
            return self._type(path, f"the name of a {kind[:-1]}, or one name with its settings", value)
        if not registry.has(kind, name):
            return self.wrong(
                "unknown-plugin",
                at,
                f"there is no {kind[:-1]} '{name}'",
                suggest.label(name, registry.names(kind)),
                key=True,
            )
        cls = self._class(kind, name, at)
        if cls is None:
            return _BAD
        if settings is None:
            settings = {}
        elif not isinstance(settings, dict):
            shorthand = getattr(cls, "shorthand", "")
            if not shorthand:
                return self._type(at, "a mapping", settings)
            read = self.read(fields(cls)[shorthand].shape, settings, at)
            return read if read is _BAD else PluginRef(name, cls(**{shorthand: read}))
        made = self._struct(cls, settings, at, f"{dotted(path)} ({name})")
        return made if made is _BAD else PluginRef(name, made)

    def _class(self, kind: str, name: str, path: Path) -> type[Plugin] | None:
        try:
            return registry.plugin(kind, name)
        except registry.PluginError as error:
            self.wrong(error.code, path, str(error), error.label, key=True)
            return None


def _is_integer(value: float) -> bool:
    return value.is_integer() and abs(value) < 2**63


def _names_of(own: dict[str, Any]) -> tuple[str, ...]:
    return (f"the spec's own: {', '.join(own)}",) if own else ()


def _within(value: float, limit: float, words: str) -> bool:
    checks = {"at least": value >= limit, "greater than": value > limit, "at most": value <= limit}
    return checks.get(words, value < limit)


def dotted(path: Path) -> str:
    """A path as people write it: ``model.candidates.mlp``."""
    return ".".join(str(p) for p in path)


def show(value: Any) -> str:
    """A value as it would be in a spec."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else f"'{value}'"
