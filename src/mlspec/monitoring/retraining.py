"""Whether a model is to be trained again, and why: from what monitoring found, never from drift."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec import formatting
from mlspec.monitoring.candidate import Compared
from mlspec.monitoring.errors import refused
from mlspec.monitoring.findings import Monitored
from mlspec.steps.serving.reference import Reference

FORMAT_VERSION = 1


class Reason(Struct, frozen=True, kw_only=True):
    """A reason of ``operation.retrain.when``, and whether it is given."""

    when: Literal["quality", "age", "labels"]
    holds: Annotated[bool | None, Meta(description="null: it can't be decided")]
    text: str


class Retraining(Struct, frozen=True, kw_only=True):
    """Whether a model is to be trained again."""

    format: int = FORMAT_VERSION
    due: Annotated[bool, Meta(description="whether at least one reason holds")]
    package: str
    model: str
    now: str
    reasons: tuple[Reason, ...]
    warnings: tuple[str, ...] = ()


class Retrained(Struct, frozen=True, kw_only=True):
    """What came of a retraining, so far."""

    format: int = FORMAT_VERSION
    outcome: Annotated[
        Literal["not_due", "waiting", "refused", "failed", "promoted"],
        Meta(
            description="not_due: no reason holds. waiting: a person has to do what `to_do` says; the same command "
            "then continues. refused: the new model is not good enough, and the project is as it was. failed: a step "
            "failed; the same command tries again. promoted: the stage has the new model."
        ),
    ]
    text: Annotated[str, Meta(description="why")]
    to_do: tuple[str, ...] = ()
    check: Annotated[Retraining, Meta(description="whether it was due, and why")]
    stage: str
    served: Annotated[str, Meta(description="digest of the bundle that was in service when it began")]
    file: Annotated[str, Meta(description="the new file of labelled rows, from the spec's folder")] = ""
    rows: Annotated[int, Meta(description="labelled rows in it")] = 0
    empty: Annotated[tuple[str, ...], Meta(description="columns of the source that the log has no values of")] = ()
    run: str = ""
    compared: Compared | None = None
    version: str = ""
    bundle: Annotated[str, Meta(description="digest of the released bundle")] = ""


def made(reference: Reference) -> datetime | None:
    """When the run began that made the model, None where that is not known."""
    try:
        return None if reference.made is None else datetime.fromisoformat(reference.made.replace("Z", "+00:00"))
    except ValueError:
        return None


def checked(reference: Reference, found: Monitored, now: datetime) -> Retraining:
    """Each reason of the spec. Raises SpecError where it states none."""
    if reference.retrain is None:
        note = "state it in the spec and run it again"
        raise refused("no-retrain", "the package's spec has no operation.retrain", note)
    when, reasons = reference.retrain.when, []
    if when.quality:
        reasons.append(_quality(found))
    if when.age is not None:
        reasons.append(_age(reference, when.age, now))
    if when.labels is not None:
        count = 0 if found.labels is None else found.labels.matched
        text = f"{formatting.count(count, 'label')} of rows of this model, of {when.labels:,}"
        reasons.append(Reason(when="labels", holds=count >= when.labels, text=text))
    return Retraining(
        due=any(reason.holds for reason in reasons),
        package=found.package,
        model=found.model,
        now=found.now,
        reasons=tuple(reasons),
        warnings=found.warnings,
    )


def _quality(found: Monitored) -> Reason:
    own = [one for one in found.findings if one.monitor == "quality"]
    failing = [one for one in own if one.verdict == "fail"]
    unknown = [one for one in own if one.verdict == "unknown"]
    shown = failing or unknown or own
    text = "; ".join(f"{one.subject}: {one.reason}" for one in shown)
    return Reason(when="quality", holds=True if failing else None if unknown else False, text=text)


def _age(reference: Reference, seconds: float, now: datetime) -> Reason:
    began = made(reference)
    if began is None:
        return Reason(when="age", holds=None, text="the package does not say when it was made")
    old = now - began
    text = f"it is {old / timedelta(days=1):,.1f} days old, of {seconds / 86400:,.4g}"
    return Reason(when="age", holds=old.total_seconds() >= seconds, text=text)
