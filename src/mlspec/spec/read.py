"""A file, a profile and single settings -> Project: the way every command takes."""

import os
from collections.abc import Sequence
from typing import Any

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import LARGEST, Document, Node, Path, parse, too_large
from mlspec.machine import safe_files
from mlspec.machine.allowed_reads import Reads, refusal
from mlspec.spec import Project
from mlspec.spec.backend import PRESETS
from mlspec.spec.load import load
from mlspec.spec.model import PORTFOLIO

PRESETS_AT: dict[Path, dict[str, Any]] = {("backend",): PRESETS, ("model", "candidates"): PORTFOLIO}


def read(
    path: str | os.PathLike[str],
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    large: bool = False,
    reads: Reads | None = None,
    text: str | None = None,
) -> tuple[Project, Document]:
    """The project of a spec file with its overlays applied, and the document it was read from; ``reads``: which files
    may be read, all for None; ``text``: what an editor holds in place of the file.

    Raises SpecError with every mistake.
    """
    document = composed(path, profile=profile, sets=sets, large=large, reads=reads, text=text)
    return load(document), _with_named_backend(document)


def composed(
    path: str | os.PathLike[str],
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    large: bool = False,
    reads: Reads | None = None,
    text: str | None = None,
) -> Document:
    """The document of a spec file with its overlays laid on; see ``read``. Raises SpecError."""
    file = os.fspath(path)
    given = content(file, reads, large=large) if text is None else text.encode("utf-8", "surrogatepass")
    document = parse(given, file, large=large)
    if profile is not None:
        document = with_profile(document, profile)
    for setting in sets:
        document = with_setting(document, setting)
    return document


def refuse_outside(file: str, reads: Reads) -> None:
    """Raises SpecError where a spec's file is a link to one that may not be read."""
    why = refusal(reads, file)
    if why:
        note = "name the file itself, or add --allow-outside"
        raise SpecError([Diagnostic(code="file-outside", message=f"{file} {why}", notes=(note,))])


def content(file: str, reads: Reads | None, *, large: bool = False) -> bytes:
    """The bytes of a spec's file. Raises SpecError where it can't be read, may not be, or is too large."""
    try:
        if reads is not None:
            refuse_outside(file, reads)
        with safe_files.opened(file) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > LARGEST and not large:
                raise too_large(file, size)
        return safe_files.read(file)
    except (OSError, ValueError) as error:
        message = f"{file} can't be read: {getattr(error, 'strerror', None) or error}"
        note = "`mlspec init DATA` writes a first spec"
        raise SpecError([Diagnostic(code="spec-not-found", message=message, notes=(note,))]) from None


def with_profile(document: Document, name: str) -> Document:
    """The document with one of its profiles applied."""
    from mlspec.spec import suggest

    overlay = document.node(("profiles", name))
    if overlay is None:
        profiles = document.node(("profiles",))
        known = list(profiles.plain()) if profiles is not None and profiles.kind == "map" else []
        label = suggest.label(name, known).text if known else ""
        raise SpecError(
            [
                Diagnostic(
                    code="unknown-profile",
                    message=f"there is no profile '{name}'",
                    span=document.span(("profiles",), key=True) if known else None,
                    label=label,
                    notes=(f"profiles: {', '.join(known) or 'none'}",),
                )
            ]
        )
    return Document(document.file, _laid_over(document.root, overlay), document.texts)


def with_setting(document: Document, setting: str) -> Document:
    """The document with one value applied, given as ``a.b.c=VALUE``."""
    where, equals, value = setting.partition("=")
    if not equals or not where.strip():
        raise SpecError([Diagnostic(code="bad-set", message=f"--set takes KEY=VALUE, not '{setting}'")])
    file = f"--set {where}"
    parsed = parse(value, file) if value.strip() else None
    node = parsed.root if parsed is not None else Node("scalar", None, file, (0, 0), (0, 1))
    for part in reversed(where.strip().split(".")):
        key = Node("scalar", part, file, (0, 0), (0, max(len(value), 1)))
        node = Node("map", [(key, node)], file, (0, 0), (0, max(len(value), 1)))
    return Document(document.file, _laid_over(document.root, node), {**document.texts, file: value})


def _laid_over(root: Node, overlay: Node) -> Node:
    """An overlay over a whole spec, whose own names for backends count like the built-in ones."""
    over = dict(_pairs(overlay)).get("backend")
    return merge(root if over is None or over.kind != "map" else _named_backend(root), overlay)


def _with_named_backend(document: Document) -> Document:
    """The document with the backend's settings in place of their name, so that each has a place to point at."""
    return Document(document.file, _named_backend(document.root), document.texts)


def _named_backend(root: Node) -> Node:
    pairs = dict(_pairs(root))
    name, own = pairs.get("backend"), pairs.get("backends")
    meant = (
        dict(_pairs(own)).get(name.value) if own is not None and name is not None and name.kind == "scalar" else None
    )
    if name is None or meant is None or meant.kind != "map":
        return root
    written = Node("map", meant.value, name.file, name.start, name.end)
    changed = [(key, written if node is name else node) for key, node in root.value]
    return Node("map", changed, root.file, root.start, root.end)


def _pairs(node: Node) -> list[tuple[Any, Node]]:
    return [(key.value, item) for key, item in node.value] if node.kind == "map" else []


def merge(base: Node, overlay: Node, at: Path = ()) -> Node:
    """One node over another: mappings key by key, null takes a key away, everything else replaces.

    A name that means a mapping (``backend: gpu``, ``candidates: auto``) is that mapping where one is applied to it.
    """
    if base.kind == "scalar" and overlay.kind == "map" and base.value in PRESETS_AT.get(at, ()):
        base = _written_out(PRESETS_AT[at][base.value], base)
    if base.kind != "map" or overlay.kind != "map":
        return overlay
    over = {key.value: (key, node) for key, node in overlay.value}
    pairs = []
    for key, node in base.value:
        if key.value not in over:
            pairs.append((key, node))
            continue
        new_key, new = over.pop(key.value)
        if not (new.kind == "scalar" and new.value is None):
            pairs.append((new_key, merge(node, new, (*at, key.value))))
    pairs += [pair for pair in over.values() if not (pair[1].kind == "scalar" and pair[1].value is None)]
    return Node("map", pairs, base.file, base.start, base.end)


def _written_out(plain: Any, name: Node) -> Node:
    """Plain data as nodes at the place of the name."""
    if not isinstance(plain, dict):
        return Node("scalar", plain, name.file, name.start, name.end)
    pairs = [
        (Node("scalar", key, name.file, name.start, name.end), _written_out(value, name))
        for key, value in plain.items()
    ]
    return Node("map", pairs, name.file, name.start, name.end)


def path_of(text: str) -> Path:
    """A dotted path as parts."""
    return tuple(int(p) if p.isdigit() else p for p in text.split("."))
