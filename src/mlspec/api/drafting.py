"""Drafts a spec from a look at data, and tries it before it is given away."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mlspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from mlspec.document import Path as Place
    from mlspec.draft import Proposal

MOST_REPAIRS, SECONDS = 12, 60.0
NEEDED = ("polars", "sklearn", "scipy", "skops")


class Drafted(Struct, frozen=True):
    """The text of a spec, and what is to be said of it: what was taken out because it failed, or was not tried."""

    text: str
    notes: tuple[str, ...] = ()


def draft(
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str] = ".",
    *,
    target: str | None = None,
    task: str | None = None,
    time: str | None = None,
    group: str | None = None,
    drop: Sequence[str] = (),
    id: str | None = None,  # noqa: A002 (the key of the language)
    settings: Mapping[str, Any] | None = None,
    train_time: float | None = None,
    trial: bool = True,
) -> Drafted:
    """A first spec for a file, as it would be in ``folder``: every guess has its reason beside it.

    What is stated is written as it is; ``settings`` are keys of the source; ``train_time``: all models of the portfolio
    compete for so many seconds. The spec is valid; ``trial``: its profile
    `quick` has also run, in a temporary folder. Raises SpecError where the file can't be read, nothing can be predicted
    of it, or no spec for it works.
    """
    from mlspec.draft import Given
    from mlspec.draft import draft as drafted

    given = Given(
        target=target,
        task=task,
        time=time,
        group=group,
        drop=tuple(drop),
        id=id,
        settings=settings or {},
        train_time=train_time,
    )
    home = Path(folder, "project.yaml")
    return tried(drafted(Path(data), Path(folder), given), Path(data), home=home, trial=trial)


def tried(proposal: "Proposal", data: Path, *, home: Path | None = None, trial: bool = True) -> Drafted:
    """A proposal that is valid, and runs if there is to be a ``trial``; without the parts of it that do not. What the
    policies of its ``home`` demand in addition is noted: it is a decision, not a guess.

    Raises SpecError where nothing that could be taken out makes it valid.
    """
    import tempfile

    from mlspec.draft import without

    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="mlspec-init-") as folder:
        apart = proposal.tried(str(data.resolve()))
        for _attempt in range(MOST_REPAIRS):
            written = apart.written()
            spec = Path(folder, "project.yaml")
            spec.write_text(written.text, encoding="utf-8")
            failure, said = _failure(spec, written.places, home=home, trial=trial)
            if failure is None:
                break
            at, why = failure
            left = without(apart, at)
            if left is None:
                raise SpecError([_refused(why, trial=trial)])
            same = without(proposal, at)
            assert same is not None
            (apart, what), proposal = left, same[0]
            notes.append(f"left out {what}: {why}")
        else:
            raise SpecError([_refused(why, trial=trial)])
    return Drafted(proposal.written().text, (*proposal.found, *notes, *said))


def _refused(why: str, *, trial: bool) -> Diagnostic:
    note = "state what is guessed wrongly (--target, --task, --time, --group, --drop, --id)"
    more = (note, "--no-trial writes it without a trial run, to be corrected by hand") if trial else (note,)
    return Diagnostic(code="draft-fails", message=f"the proposed spec does not work: {why}", notes=more)


def _failure(
    spec: Path, places: "Sequence[Place]", *, home: Path | None, trial: bool
) -> "tuple[tuple[Place, str] | None, list[str]]":
    """Where a spec fails and why, None if it works; and what is to be said of the trial."""
    from mlspec.api.checking import validate

    said: list[str] = []
    try:
        validate(spec, allow_outside=True, policies_of=home)
    except SpecError as error:
        wrong = [one for one in error.diagnostics if one.severity == "error"]
        unread = [one for one in wrong if _is_about_policy(one)]
        if unread:
            raise SpecError(unread, error.texts) from None
        first = next((one for one in wrong if one.code != "policy-violation"), None)
        if first is not None:
            line = None if first.span is None else first.span.line
            return (_place(places, line), f"{first.message}{f' ({first.label})' if first.label else ''}"), []
        said = [f"to be decided before it runs: {'; '.join((one.message, *one.notes))}" for one in wrong]
    if not trial:
        return None, said
    from importlib.util import find_spec

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        return None, [*said, f"not tried: {missing[0]} is not installed (pip install 'mlspec-compiler[run]')"]
    failure, more = _run(spec, places)
    return failure, [*said, *more]


def _is_about_policy(wrong: Diagnostic) -> bool:
    """Whether it is the policy that is wrong, not the spec."""
    from mlspec.policy.files import NAME

    return wrong.code == "policy-unreadable" or (wrong.span is not None and Path(wrong.span.file).name == NAME)


def _place(places: "Sequence[Place]", line: int | None) -> "Place":
    return places[line - 1] if line is not None and 0 < line <= len(places) else ()


def _run(spec: Path, places: "Sequence[Place]") -> "tuple[tuple[Place, str] | None, list[str]]":
    """The profile `quick` in a process of its own, which is ended when it takes too long."""
    import subprocess

    import msgspec

    from mlspec.api.drafting_trial import Outcome
    from mlspec.machine import child_process

    command = child_process.command("mlspec.api.drafting_trial", "project.yaml")
    try:
        done = subprocess.run(
            command, cwd=spec.parent, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return None, [f"not tried to its end: the profile quick takes more than {SECONDS:g} s here"]
    try:
        found = msgspec.json.decode(done.stdout, type=Outcome)
    except ValueError:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return ((), " ".join(["the trial run ended early:", *said])), []
    return (_place(places, found.line), found.why) if found.why else None, []
