"""A registry: bundles by their digests, and what happened to them. Every change is a line of its ledger.

A bundle is written aside and renamed, then it is listed: a kill at any moment leaves the registry as it was, or with a
bundle that no line names yet. What changes a registry does so alone.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import signing
from mlspec.release import bundle, ledger, rollout
from mlspec.release.bundle import Bundle, Verified
from mlspec.release.ledger import Entry, Ledger
from mlspec.store import files

if TYPE_CHECKING:
    from mlspec.release.make import Made

BUNDLES = "bundles"
PART = ".part"
APPROVAL = "approval"
SHORTEST = 6  # characters of a digest that are enough to name a bundle


class Released(Struct, frozen=True):
    """A released bundle: where it is, and whether that is new."""

    folder: Path
    digest: str
    bundle: Bundle
    signed_by: str
    is_new: bool


class Staged(Struct, frozen=True):
    """What a stage has now, and what it had before, None where that was nothing."""

    stage: str
    entry: Entry
    before: Entry | None


class Releases(Struct, frozen=True, kw_only=True):
    """What a registry has: the digest of the bundle of each stage, and all entries of its ledger."""

    format_version: Literal[1] = 1
    stages: dict[str, str]
    entries: tuple[Entry, ...]


def folder_of(registry: Path, digest: str) -> Path:
    """Where a bundle is kept."""
    return registry / BUNDLES / digest


def release(registry: Path, made: "Made", seed: bytes | None, who: str) -> Released:
    """Make a bundle and list it as released, where its approvers have approved it; else it waits for them.

    ``seed``: the private key that signs it. Raises SpecError where an approval is missing or the version is taken.
    """
    with ledger.writing(registry) as known:
        _demand_same_project(registry, known, made.facts.project)
        digest, said = _put(registry, known, made, seed)
        folder = folder_of(registry, digest)
        taken = next((e for e in known.entries if e.event == "released" and e.version == said.version), None)
        signed_by = "" if seed is None else signing.public_of(seed)
        if taken is not None and taken.bundle == digest:
            verified = bundle.verify(folder)
            return Released(folder, digest, said, verified.signed_by, False)
        if taken is not None:
            message = f"version '{said.version}' was released before, from run '{taken.evidence.get('run', '')}'"
            raise SpecError([Diagnostic(code="version-taken", message=message, notes=("--version names another",))])
        missing = sorted(said.approve.keys() - approvers(known.entries, digest, said))
        if missing:
            raise SpecError([_missing(missing, digest)])
        evidence = {"run": said.run, "commit": said.commit, "committed": said.committed}
        evidence |= {"signed_by": signed_by} if signed_by else {}
        entry = _entry("released", said, digest, who, evidence=evidence)
        ledger.append(registry, known, entry)
        return Released(folder, digest, said, signed_by, True)


def approvers(entries: Sequence[Entry], digest: str, said: Bundle) -> set[str]:
    """Who has approved a bundle: names whose keys, as the bundle has them, have signed its digest."""
    found = set()
    for entry in entries:
        if entry.event == "approved" and entry.bundle == digest and entry.who in said.approve:
            bundle.demand_cryptography()
            if signing.is_signed(said.approve[entry.who], APPROVAL, _approval(digest, entry.who), entry.signature):
                found.add(entry.who)
    return found


def approve(registry: Path, what: str, seed: bytes) -> tuple[Entry, bool]:
    """Approve a bundle, by the private key of one of its approvers; the entry, and whether it is new."""
    with ledger.writing(registry) as known:
        verified = checked(registry, digest_of(registry, known, what))
        said, key = verified.bundle, signing.public_of(seed)
        name = next((name for name, own in said.approve.items() if own == key), None)
        if name is None:
            listed = ", ".join(said.approve) or "the spec names none"
            message, note = "this key is of no approver of the bundle", f"approvers: {listed}"
            raise SpecError([Diagnostic(code="approval-refused", message=message, notes=(note,))])
        if name in approvers(known.entries, verified.digest, said):
            before = (e for e in known.entries if e.event == "approved" and e.bundle == verified.digest)
            return next(entry for entry in before if entry.who == name), False
        signature = signing.sign(seed, APPROVAL, _approval(verified.digest, name))
        entry = _entry("approved", said, verified.digest, name, key=key, signature=signature)
        return ledger.append(registry, known, entry).entries[-1], True


def promote(registry: Path, what: str, stage: str, who: str, reason: str = "") -> Staged:
    """Give a stage a released bundle, by its digest, version or folder. Raises SpecError where it may not have it."""
    with ledger.writing(registry) as known:
        verified = checked(registry, digest_of(registry, known, what))
        before = now_in(known.entries, stage)
        said, digest = verified.bundle, verified.digest
        why = not_promotable(known.entries, verified, stage, before)
        trial = rollout.under_way(known.entries, stage)
        tried: dict[str, str] = {}
        if trial is not None and trial.bundle == digest:
            tried = {"rollout": trial.phase}
            if trial.phase != "passed":
                why = why or (f"its rollout in '{stage}' has not passed yet", f"mlspec release stop {stage}")
        if why:
            raise SpecError([Diagnostic(code="promotion-refused", message=why[0], notes=why[1:])])
        entry = _entry("promoted", said, digest, who, stage=stage, reason=reason, evidence=tried)
        return Staged(stage, ledger.append(registry, known, entry).entries[-1], before)


def rollback(registry: Path, stage: str, who: str, reason: str = "") -> Staged:
    """Give a stage the bundle that it had before. Raises SpecError where it had none, or where that is damaged."""
    with ledger.writing(registry) as known:
        past = history(known.entries, stage)
        if len(past) < 2:
            there = f"stage '{stage}' has had one bundle" if past else f"stage '{stage}' has no bundle"
            message = f"{there}, so there is none to go back to"
            raise SpecError([Diagnostic(code="no-earlier-bundle", message=message, notes=("mlspec releases",))])
        verified = checked(registry, past[-2].bundle)
        entry = _entry("rolled_back", verified.bundle, verified.digest, who, stage=stage, reason=reason)
        return Staged(stage, ledger.append(registry, known, entry).entries[-1], past[-1])


def note(registry: Path, event: ledger.Event, stage: str, who: str, reason: str) -> Entry:
    """Record that a stage began to fail (``incident``), or works again (``restored``)."""
    with ledger.writing(registry) as known:
        now = now_in(known.entries, stage)
        if now is None:
            raise _no_stage(stage, known)
        entry = Entry(
            event=event, project=now.project, version=now.version, bundle=now.bundle, who=who, stage=stage,
            reason=reason,
        )  # fmt: skip
        return ledger.append(registry, known, entry).entries[-1]


def history(entries: Sequence[Entry], stage: str) -> list[Entry]:
    """The bundles of a stage that a rollback can go back through, the one that it has now last."""
    past: list[Entry] = []
    for entry in entries:
        if entry.stage == stage and entry.event == "promoted":
            past.append(entry)
        elif entry.stage == stage and entry.event == "rolled_back" and past:
            past.pop()
    return past


def now_in(entries: Sequence[Entry], stage: str) -> Entry | None:
    """The entry that gave a stage the bundle that it has; None where it has none."""
    return next(reversed([e for e in entries if e.stage == stage and e.event in ("promoted", "rolled_back")]), None)


def approved_by(registry: Path, entries: Sequence[Entry], digest: str) -> list[str]:
    """Who has approved a bundle, by the keys in it; nobody where it is gone."""
    if not any(entry.event == "approved" and entry.bundle == digest for entry in entries):
        return []
    folder = folder_of(registry, digest)
    return sorted(approvers(entries, digest, bundle.read(folder)[0])) if bundle.is_bundle(folder) else []


def stages(entries: Sequence[Entry]) -> list[str]:
    """The stages that have a bundle, in the order in which they first had one."""
    return list(dict.fromkeys(entry.stage for entry in entries if entry.event == "promoted"))


def listed(entries: Sequence[Entry]) -> Releases:
    """The stages with their bundles, and the entries that say so."""
    found = ((stage, now_in(entries, stage)) for stage in stages(entries))
    return Releases(stages={stage: now.bundle for stage, now in found if now is not None}, entries=tuple(entries))


def staged(registry: Path, stage: str) -> Path:
    """The folder of the bundle that a stage has. Raises SpecError where it has none."""
    known = ledger.read(registry)
    now = now_in(known.entries, stage)
    if now is None:
        raise _no_stage(stage, known)
    return folder_of(registry, now.bundle)


def digest_of(registry: Path, known: Ledger, what: str) -> str:
    """The digest of the bundle that a version, a digest (or its beginning) or a folder names. Raises SpecError."""
    if bundle.is_bundle(what):
        return bundle.verify(Path(what)).digest
    released = {entry.version: entry.bundle for entry in known.entries if entry.event == "released"}
    if what in released:
        return released[what]
    present = [path.name for path in sorted((registry / BUNDLES).glob("*")) if not path.name.startswith(".")]
    fitting = [name for name in present if len(what) >= SHORTEST and name.startswith(what)]
    if len(fitting) == 1:
        return fitting[0]
    message = f"'{what}' names {len(fitting)} bundles" if fitting else f"there is no bundle '{what}' in '{registry}'"
    raise SpecError([Diagnostic(code="unknown-bundle", message=message, notes=("mlspec releases lists them",))])


def _put(registry: Path, known: Ledger, made: "Made", seed: bytes | None) -> tuple[str, Bundle]:
    """Write a bundle, unless it was released before."""
    from mlspec.release import make  # a page's worth of imports, which moving a bundle does not need

    home = registry / BUNDLES
    home.mkdir(exist_ok=True)
    part = home / PART
    files.remove(part)
    digest = make.write(made, part)
    content = (part / bundle.ABOUT).read_bytes()
    said = bundle.verify(part).bundle
    folder = folder_of(registry, digest)
    if any(entry.event == "released" and entry.bundle == digest for entry in known.entries):
        shutil.rmtree(part)
        return digest, said
    if seed is not None:
        files.write(part / bundle.SIGNATURE, bundle.encode(bundle.signed(content, seed)))
        files.sync_folder(part)
    files.remove(folder)  # made before, and never released
    part.rename(folder)
    files.sync_folder(home)
    return digest, said


def checked(registry: Path, digest: str) -> Verified:
    """A bundle all of whose files are as they were released. Raises SpecError."""
    folder = folder_of(registry, digest)
    found = bundle.verify(folder)
    if found.digest != digest:
        raise bundle.damaged(folder, f"its digest is {found.digest[:12]}")
    return found


def not_promotable(entries: Sequence[Entry], verified: Verified, stage: str, before: Entry | None) -> tuple[str, ...]:
    """Why a stage may not have a bundle, and what to do; empty where it may."""
    said, digest = verified.bundle, verified.digest
    if not any(entry.event == "released" and entry.bundle == digest for entry in entries):
        return f"bundle {digest[:12]} is not released", "mlspec release"
    missing = sorted(said.approve.keys() - approvers(entries, digest, said))
    if missing:
        return f"bundle {digest[:12]} is not approved by {', '.join(missing)}", "mlspec release approve"
    if said.stages and stage not in said.stages:
        return f"'{stage}' is no stage of the spec", f"stages: {', '.join(said.stages)}"
    if said.stages and stage != said.stages[0]:
        earlier = said.stages[said.stages.index(stage) - 1]
        if not any(e.event == "promoted" and e.stage == earlier and e.bundle == digest for e in entries):
            return f"'{said.version}' has not been in '{earlier}'", f"mlspec release promote {said.version} {earlier}"
    if before is not None and before.bundle == digest:
        return (f"'{stage}' has '{said.version}' already",)
    return ()


def _demand_same_project(registry: Path, known: Ledger, project: str) -> None:
    other = known.entries[0].project if known.entries else project
    if other != project:
        message = f"'{registry}' is the registry of the project '{other}'"
        note = "name another folder: operation.release.registry, or --registry"
        raise SpecError([Diagnostic(code="registry-of-another-project", message=message, notes=(note,))])


def _entry(
    event: ledger.Event, said: Bundle, digest: str, who: str, *, stage: str = "", reason: str = "",
    evidence: dict[str, str] | None = None, key: str = "", signature: str = "",
) -> Entry:  # fmt: skip
    return Entry(
        event=event, project=said.name, version=said.version, bundle=digest, who=who, stage=stage, reason=reason,
        evidence=evidence or {}, key=key, signature=signature,
    )  # fmt: skip


def _approval(digest: str, name: str) -> bytes:
    return f"{digest} {name}".encode()


def _missing(names: Sequence[str], digest: str) -> Diagnostic:
    message = f"bundle {digest[:12]} is made, but not yet approved by {', '.join(names)}"
    notes = (f"each of them: mlspec release approve {digest[:12]} --key FILE", "then mlspec release again")
    return Diagnostic(code="approval-missing", message=message, notes=notes)


def _no_stage(stage: str, known: Ledger) -> SpecError:
    listed = ", ".join(stages(known.entries)) or "none"
    message = f"stage '{stage}' has no bundle"
    return SpecError([Diagnostic(code="unknown-stage", message=message, notes=(f"stages: {listed}",))])
