"""Which policies are in force in a folder, and whether its specs fulfil them."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from mlspec.api.checking import validate
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import allowed_reads, python_paths
from mlspec.policy.files import NAME, present, shown
from mlspec.policy.items import items
from mlspec.policy.reading import from_file
from mlspec.specfile import SPEC

MOST_FOLDERS = 20_000
MOST_PROFILES = 16


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a policy asks for: its name and value, the line of the policy, and why."""

    name: str
    value: str
    line: int
    reason: str


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """The policies in force, each with its entries; the specs that were checked; everything that is wrong with either,
    and the texts that this points into."""

    policies: dict[str, tuple[Entry, ...]]
    specs: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    texts: dict[str, str]


@python_paths.only_own()
def policies(folder: str | os.PathLike[str] | None = None, *, allow_outside: bool = False) -> Policies:
    """The policies that are in force for the specs in a folder and below it (or for one spec), and all that these
    violate: bare, and with each of their profiles. Raises SpecError where there is no such folder."""
    given = os.fspath(folder or os.curdir)
    if not os.path.lexists(given):
        raise SpecError([Diagnostic(code="spec-not-found", message=f"there is no '{given}'")])
    specs, found = [given], present(os.path.dirname(given) or os.curdir)
    if os.path.isdir(given):
        try:
            below = list(_below(given))
        except SpecError as error:
            return Policies(policies={}, specs=(), diagnostics=error.diagnostics, texts={})
        specs = sorted(path for path in below if os.path.basename(path) == SPEC)
        found = [*present(given), *(os.path.realpath(path) for path in below if os.path.basename(path) == NAME)]
    diagnostics: list[Diagnostic] = []
    texts: dict[str, str] = {}
    listed: dict[str, tuple[Entry, ...]] = {}
    for path in dict.fromkeys(found):
        name = shown(path)
        try:
            read = from_file(path, name, None if allow_outside else allowed_reads.around(os.path.dirname(path)))
        except SpecError as error:
            diagnostics += error.diagnostics
            texts |= error.texts
            continue
        texts |= read.document.texts
        listed[name] = tuple(
            Entry(name=key, value=_text(one.shown), line=read.document.span(one.at).line, reason=one.reason)
            for key, one in items(read).items()
        )
    for spec in specs:
        diagnostics += _violations(spec, texts, allow_outside)
    once = {(one.code, one.span, one.message): one for one in reversed(diagnostics)}
    return Policies(policies=listed, specs=tuple(specs), diagnostics=tuple(reversed(once.values())), texts=texts)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _below(folder: str) -> Iterator[str]:
    """The specs and policies in a folder and below it; links and hidden folders are left out."""
    for count, (at, folders, files) in enumerate(os.walk(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if count == MOST_FOLDERS:
            message, note = f"'{folder}' has more than {MOST_FOLDERS:,} folders", "name one with fewer"
            raise SpecError([Diagnostic(code="file-too-large", message=message, notes=(note,))])
        yield from (os.path.normpath(os.path.join(at, name)) for name in files if name in (SPEC, NAME))


def _violations(spec: str, texts: dict[str, str], allow_outside: bool) -> Iterator[Diagnostic]:
    """What is wrong with a spec, bare and with each profile, each thing once."""
    names: list[str | None] = [None]
    seen = set()
    found: Sequence[Diagnostic]
    for profile in names:
        try:
            checked, found = validate(spec, profile=profile, allow_outside=allow_outside), ()
            texts |= checked.document.texts
            if profile is None:
                names += list(checked.project.profiles)[:MOST_PROFILES]
        except SpecError as error:
            found = error.diagnostics
            texts |= error.texts
            if profile is None:
                names += _profiles(spec)
        for one in found:
            # What a spec lacks is reported at another key where a profile states the one around it.
            if one.severity != "error" or (one.code, one.message, one.label) in seen:
                continue
            seen.add((one.code, one.message, one.label))
            note = () if profile is None else (f"with the profile '{profile}'",)
            yield msgspec.structs.replace(one, notes=(*note, *one.notes))


def _profiles(spec: str) -> list[str]:
    """The profiles of a spec that is wrong without any; none where it can't be read at all."""
    from mlspec.spec.read import read

    try:
        return list(read(spec)[0].profiles)[:MOST_PROFILES]
    except SpecError:
        return []
