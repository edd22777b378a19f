"""Two versions of a spec -> their diff: reads both, compares what they mean, and finds what that leads to."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import Diagnostic, Span, SpecError
from mlspec.diff import accept, beside, compare, easing, gates, impact, policies, results
from mlspec.diff.change import SEVERITIES, SEVERITY, CandidateScore, Change, Diff, GateOutlook, Impact, Results, Side
from mlspec.diff.data_changes import data_changes
from mlspec.diff.meaning import Meaning, meaning
from mlspec.diff.results import Paired
from mlspec.diff.show.mermaid import mermaid
from mlspec.diff.surroundings import Surroundings, surroundings
from mlspec.diff.version import Version
from mlspec.document import Document, parse
from mlspec.engine.run.lockfile import Lock
from mlspec.rules.context import Facts
from mlspec.spec import Project, suggest
from mlspec.spec.load import load
from mlspec.spec.read import with_profile, with_setting
from mlspec.spec.resolve import resolve

MOST_PROFILES = 16
STALE = "stale"
WHOLE = "the whole spec"
# Findings about files and libraries on this machine do not apply to a version that is not checked out.
ABOUT_HERE = frozenset({"source-not-found", "source-unreadable", "user-code-not-found", "library-not-installed"})


class Options(Struct, frozen=True, kw_only=True):
    """How two versions are compared: what is applied to both, what is accepted, and what is not let through.
    ``count_notes``: notes in the spec accept changes too."""

    profile: str | None = None
    sets: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = ()
    count_notes: bool = True
    large: bool = False
    allow_outside: bool = False
    draw: bool = True


class _Read(Struct, frozen=True):
    version: Version
    bare: Document
    document: Document
    project: Project


def between(base: Version, head: Version, options: Options, paired: Paired | None = None) -> Diff:
    """What the change from one version to the other means. Raises SpecError where one can't be read, or the head is
    wrong: a comparison that fails is no clean result."""
    known(options.fail_on)
    for version in (base, head):
        if version.unreadable is not None:
            raise version.unreadable
    if not base.is_there:
        return _new(base, head, options)
    if not head.is_there:
        return _deleted(base, head, options)
    given = accept.options(options.allow)
    later = _read(head, options)
    is_same = base.text == head.text and base.path == head.path
    first = replace(later, version=base) if is_same else _read(base, options)
    notes = accept.notes(later.bare.texts[later.bare.file], later.bare.file)
    given += notes if options.count_notes else []
    outside = options.allow_outside
    one, other = surroundings(base, first.project, first.document, head, later.project, later.document, outside)
    facts = (one.facts, other.facts)
    if None in facts:
        # Should one side's columns be unknown, nothing may follow from the other's: that would look like a change.
        facts = (_nothing(base), _nothing(head))
    projects = [
        resolve(read.project, known.schemas, known.target_levels)
        for read, known in zip((first, later), facts, strict=True)
        if known is not None
    ]
    before, after = meaning(projects[0], first.document), meaning(projects[1], later.document)
    found = [*beside.moved(compare.changes(before, after), one, other), *beside.changes(before, after, one, other)]
    found += _under_profiles(first, later, facts, found, options)
    found += policies.changes(base, head)
    unknown = one.unknown or other.unknown or _wrong("base", first, projects[0], one)
    if other.pinned:
        # Without the data a rule may err: a column that no step has read so far is in no lock.
        unknown = unknown or _wrong("head", later, projects[1], other)
    else:
        _refuse(later, projects[1], other)
    told = Impact(unknown=unknown)
    locked = [results.unheld(side.lock, unknown) for side in (one, other)]
    touched: tuple[GateOutlook, ...] = ()
    if unknown is None and one.facts is not None and other.facts is not None:
        was, now = impact.compiled(projects[0], one.facts, one), impact.compiled(projects[1], other.facts, other)
        names = {str(change.old): str(change.new) for change in found if change.kind == "renamed"}
        told = impact.impact(was, now, (one.lock, other.lock), names)
        if options.draw:
            told = replace(told, mermaid=mermaid(was.graph, now.graph, told))
        found, same_model = impact.alone(found, before, (one, other), was, now)
        told = replace(told, same_model=same_model)
        found += easing.unexplained(before, after, (was.graph, now.graph), found)
        locked = [
            results.held(side.lock, plan.graph, side.contents, side.is_whole)
            for side, plan in ((one, was), (other, now))
        ]
        touched = () if one.lock is None else tuple(gates.outlooks(was.graph, now.graph, one.lock))
    made, unused = accept.accepted(compare.ordered(found), given)
    shown = results.results(locked[0], locked[1], told, paired)
    stale = _is_stale(shown, options)
    stopped = [change.id for change in made if change.accepted is None and stops(change, options.fail_on)]
    return Diff(
        project=projects[1].project.name,
        base=_side(base),
        head=_side(head),
        status="moved" if base.is_moved or head.is_moved else "changed",
        changes=made,
        impact=told,
        gates=touched,
        data=tuple(data_changes(one, other, made)),
        candidates=tuple(_candidates(one.lock, other.lock)),
        results=shown,
        unused=unused,
        failing=(*stopped, *([STALE] if stale else [])),
        notes=tuple(
            dict.fromkeys(
                (*one.notes, *other.notes, *results.notes(shown), *accept.uncounted(notes, options.count_notes))
            )
        ),
    )


def _new(base: Version, head: Version, options: Options) -> Diff:
    """A spec that the base does not have: all of it is new, and breaks nothing that was promised."""
    read = _read(head, options)
    outside = options.allow_outside
    beside, _ = surroundings(head, read.project, read.document, head, read.project, read.document, outside)
    facts = beside.facts or _nothing(head)
    project = resolve(read.project, facts.schemas, facts.target_levels)
    _refuse(read, project, beside)
    told, locked = Impact(unknown=beside.unknown), results.unheld(beside.lock, beside.unknown)
    if beside.facts is not None:
        graph = impact.compiled(project, facts, beside)
        told = impact.impact(impact.nothing(graph), graph, (beside.lock,))
        locked = results.held(beside.lock, graph.graph, beside.contents, beside.is_whole)
    shown = results.results(results.unheld(None, None), locked, told)
    here = meaning(project, read.document)
    change = compare.make(here, here, "added", ("project",), "(spec)", None, ("project",), None, project.project.name)
    required, _ = accept.accepted(policies.changes(base, head), accept.options(options.allow))
    return Diff(
        project=project.project.name,
        base=_side(base),
        head=_side(head),
        status="new",
        changes=(
            replace(change, path=WHOLE, steps=tuple(one.step for one in told.invalidated)),
            *required,
        ),
        impact=told,
        results=shown,
        failing=(
            *(one.id for one in required if one.accepted is None and stops(one, options.fail_on)),
            *([STALE] if _is_stale(shown, options) else []),
        ),
        notes=beside.notes,
    )


def _deleted(base: Version, head: Version, options: Options) -> Diff:
    """A spec that the head does not have any more: nothing that it demanded is checked."""
    read = _read(base, options)
    name = read.project.project.name
    here = Meaning(read.project, read.document, {}, {})
    gone = compare.make(here, here, "removed", ("project",), "(spec)", ("project",), None, name, None)
    gone = replace(gone, path=WHOLE, class_="removed", severity=SEVERITY["removed"], steps=())
    made, unused = accept.accepted([gone], accept.options(options.allow))
    failing = [change.id for change in made if change.accepted is None and stops(change, options.fail_on)]
    return Diff(
        project=name,
        base=_side(base),
        head=_side(head),
        status="deleted",
        changes=made,
        unused=unused,
        failing=tuple(failing),
    )


def _side(version: Version) -> Side:
    return Side(label=version.label, path=version.path, commit=version.commit)


def _is_stale(shown: Results | None, options: Options) -> bool:
    return STALE in options.fail_on and shown is not None and shown.stale is not None


def _candidates(base: Lock | None, head: Lock | None) -> Iterator[CandidateScore]:
    """The scores that differ: of candidates that came, went, or were trained again."""
    old, new = ({} if lock is None else lock.candidates for lock in (base, head))
    if not old or not new:
        return
    for metric in dict.fromkeys((*old, *new)):
        was, now = old.get(metric, {}), new.get(metric, {})
        for name in dict.fromkeys((*was, *now)):
            if was.get(name) != now.get(name):
                yield CandidateScore(candidate=name, metric=metric, base=was.get(name), head=now.get(name))


def known(fail_on: Sequence[str]) -> None:
    """Raises SpecError where ``--fail-on`` names no class and no severity: it would let everything through."""
    known = (*SEVERITY, *SEVERITIES, "any", STALE)
    for name in fail_on:
        if name not in known:
            message, note = f"'{name}' is no class of changes", f"--fail-on takes {', '.join(known)}"
            raise SpecError(
                [Diagnostic(code="not-allowed", message=message, notes=(suggest.label(name, known).text, note))]
            )


def stops(change: Change, fail_on: Sequence[str]) -> bool:
    """Whether ``--fail-on`` names the change's class, or a severity that it reaches; of policies, weaker ones alone."""
    reached = [SEVERITIES.index(name) for name in fail_on if name in SEVERITIES]
    grave = any(SEVERITIES.index(change.severity) <= least for least in reached)
    named = change.class_ in fail_on and (change.class_ != "policy" or change.severity == "error")
    return named or "any" in fail_on or grave


def _read(version: Version, options: Options) -> _Read:
    try:
        bare = document = parse(version.text, version.path, large=options.large)
        if options.profile is not None:
            document = with_profile(document, options.profile)
        for setting in options.sets:
            document = with_setting(document, setting)
        return _Read(version, bare, document, load(document))
    except SpecError as error:
        texts = {version.path: version.text.decode("utf-8", "replace"), **error.texts}
        raise _labelled(error.diagnostics, texts, version) from None


def _labelled(found: Sequence[Diagnostic], texts: dict[str, str], version: Version) -> SpecError:
    """Diagnostics that point into the version, not into the file that is here."""
    if version.commit is None:
        return SpecError(found, texts)
    name = f"{version.label}:{version.path}"

    def moved(span: Span | None) -> Span | None:
        return span if span is None or span.file != version.path else replace(span, file=name)

    labelled: list[Diagnostic] = []
    for one in found:
        also: Any = tuple(replace(label, span=moved(label.span)) for label in one.also)
        labelled.append(replace(one, span=moved(one.span), also=also))
    return SpecError(labelled, {name if file == version.path else file: text for file, text in texts.items()})


def _nothing(version: Version) -> Facts:
    return Facts(root=version.root, schemas={})


def _found(read: _Read, project: Project, beside: Surroundings, aside: frozenset[str]) -> list[Diagnostic]:
    from mlspec.rules.check import check

    if beside.facts is None:
        return []
    found = check(project, read.document, beside.facts)
    return [one for one in found if one.severity == "error" and one.code not in aside]


def _wrong(side: str, read: _Read, project: Project, beside: Surroundings) -> str | None:
    """What is wrong with a side, in words; if it is the base, the change may fix it."""
    found = _found(read, project, beside, ABOUT_HERE)
    return f"the {side} is not valid: {found[0].message}" if found else None


def _refuse(read: _Read, project: Project, beside: Surroundings) -> None:
    """Raises SpecError where the head is wrong."""
    found = _found(read, project, beside, frozenset() if read.version.commit is None else ABOUT_HERE)
    if found:
        raise _labelled(found, dict(read.document.texts), read.version)


def _under_profiles(
    first: _Read, later: _Read, facts: Sequence[Facts | None], found: Sequence[Change], options: Options
) -> list[Change]:
    """Changes that show only under a profile; profiles that came or went."""
    if options.profile is not None or (first.document is later.document and facts[0] == facts[1]):
        return []
    before, after = first.project.profiles, later.project.profiles
    told = {(change.kind, change.path, repr(change.old), repr(change.new)) for change in found}
    more = []
    for name in list(dict.fromkeys((*before, *after)))[:MOST_PROFILES]:
        if name in before and name in after:
            one, other = (
                _meant(replace(read, document=with_profile(read.document, name)), known)
                for read, known in zip((first, later), facts, strict=True)
            )
            for change in compare.changes(one, other):
                if (change.kind, change.path, repr(change.old), repr(change.new)) not in told:
                    path = f"{change.path} (profile {name})"
                    own = compare.identifier(change.kind, path, change.old, change.new)
                    more.append(replace(change, path=path, id=own, profile=name, steps=()))
        else:
            more.append(_profile(first, later, name, facts))
    return more


def _meant(read: _Read, facts: Facts | None) -> Meaning:
    assert facts is not None
    project = load(read.document)
    return meaning(resolve(project, facts.schemas, facts.target_levels), read.document)


def _profile(first: _Read, later: _Read, name: str, facts: Sequence[Facts | None]) -> Change:
    one, other = first.project.profiles.get(name), later.project.profiles.get(name)
    at = ("profiles", name)
    bare = [Meaning(read.project, read.bare, {}, {}) for read in (first, later)]
    sides = (None if one is None else at, None if other is None else at)
    kind: Any = "added" if one is None else "removed"
    made = compare.make(bare[0], bare[1], kind, at, "profiles.*", *sides, one, other)
    # A guard that only a profile relaxes is relaxed; one that only a profile had goes with it.
    read, known = (later, facts[1]) if one is None else (first, facts[0])
    under = _meant(replace(read, document=with_profile(read.document, name)), known)
    sides_of = (_meant(read, known), under) if one is None else (under, _meant(read, known))
    eased = [change for change in compare.changes(*sides_of) if change.class_ in easing.EASIER]
    class_ = eased[0].class_ if eased else made.class_
    return replace(made, profile=name, steps=(), class_=class_, severity=SEVERITY[class_])
