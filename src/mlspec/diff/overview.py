"""All specs of a repository between two revisions -> one value with one verdict."""

from collections.abc import Callable

from msgspec.structs import replace

from mlspec.diagnostics import SpecError, render
from mlspec.diff import accept
from mlspec.diff.all_versions import every
from mlspec.diff.between import Options, between, known
from mlspec.diff.change import Diff, Overview, Side, SpecDiff, Unused
from mlspec.diff.results import Paired
from mlspec.diff.version import Version
from mlspec.machine import allowed_reads
from mlspec.sources._secrets import masked
from mlspec.spec.read import refuse_outside


def overview(
    base: str | None,
    head: str | None,
    folder: str | None,
    options: Options,
    paired: Callable[[Version], Paired] | None = None,
) -> Overview:
    """What the change means for each spec of the repository, or of a folder of it. A spec that can't be compared is
    one of them, with the reason. Raises SpecError where a revision can't be read, or an option is wrong."""
    known(options.fail_on)
    accept.options(options.allow)
    first, later, pairs = every(base, head, folder, large=options.large)
    specs = _each_policy_once([_compared(one, other, options, paired) for one, other in pairs])
    diffs = [spec.diff for spec in specs if spec.diff is not None]
    at = folder or "."
    return Overview(
        base=Side(label=first.label, path=at, commit=first.commit),
        head=Side(label=later.label, path=at, commit=later.commit),
        specs=tuple(replace(spec, diff=_own(spec.diff)) for spec in specs),
        failing=tuple(spec.path for spec in specs if spec.diff is not None and spec.diff.failing),
        unused=_unused(diffs) if len(diffs) == len(specs) else (),
    )


def _unused(diffs: list[Diff]) -> tuple[Unused, ...]:
    """The options that accept nothing in any spec; notes are listed with the spec that they are in."""
    found = [{one for one in diff.unused if one.where is None} for diff in diffs if diff.status != "new"]
    return tuple(sorted(set.intersection(*found), key=lambda one: one.what)) if found else ()


def _own(diff: Diff | None) -> Diff | None:
    """A diff with the notes alone that accept nothing: an option is for all specs."""
    return None if diff is None else replace(diff, unused=tuple(one for one in diff.unused if one.where is not None))


def _compared(base: Version, head: Version, options: Options, paired: Callable[[Version], Paired] | None) -> SpecDiff:
    path = head.path if head.is_there else base.path
    try:
        for version in () if options.allow_outside else (base, head):
            if version.commit is None and version.is_there:
                refuse_outside(version.path, allowed_reads.around(version.root))
        found = between(base, head, options, None if paired is None else paired(head))
    except SpecError as error:
        texts = {name: masked(text) for name, text in error.texts.items()}
        return SpecDiff(path=path, status="unreadable", unreadable=render(error.diagnostics, texts))
    return SpecDiff(path=path, status="unchanged" if _is_quiet(found) else found.status, diff=found)


def _each_policy_once(specs: list[SpecDiff]) -> tuple[SpecDiff, ...]:
    """A policy is in force for many specs: a change of one is shown with the first of them."""
    told: set[str] = set()
    found = []
    for spec in specs:
        own = () if spec.diff is None else spec.diff.changes
        again = {change.id for change in own if change.class_ == "policy"} & told
        told |= {change.id for change in own if change.class_ == "policy"}
        if spec.diff is not None and again:
            kept = replace(
                spec.diff,
                changes=tuple(change for change in own if change.id not in again),
                failing=tuple(one for one in spec.diff.failing if one not in again),
            )
            spec = replace(spec, status="unchanged" if _is_quiet(kept) else kept.status, diff=kept)
        found.append(spec)
    return tuple(found)


def _is_quiet(diff: Diff) -> bool:
    """Whether nothing is to be said of a spec: same meaning, data and results at the same path."""
    results = diff.results
    is_same = results is None or not (
        results.unknown or results.stale or results.gates or any(one.told != "the same" for one in results.metrics)
    )
    notes = any(one.where is not None for one in diff.unused)
    return is_same and diff.status == "changed" and not (diff.changes or diff.failing or notes)
