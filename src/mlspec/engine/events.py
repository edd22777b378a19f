"""What happens in a run, as values: passed to a listener as they happen, and written as JSON lines."""

from collections.abc import Callable

from msgspec import Struct

from mlspec.diagnostics import Span


class Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something that happened; ``time`` is ISO 8601 in UTC."""

    time: str


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """A run begins. ``run`` is its id, ``steps`` how many there are in its graph."""

    run: str
    project: str
    steps: int


class StepStarted(Event, frozen=True, kw_only=True, tag="step_started"):
    """A step was given to the backend; ``expected`` is how long it took last time, in seconds."""

    step: str
    fingerprint: str
    expected: float | None = None


class StepProgress(Event, frozen=True, kw_only=True, tag="step_progress"):
    """How far a step has come; ``share`` is 0 to 1."""

    step: str
    what: str
    share: float
    figures: dict[str, float] = {}


class StepFinished(Event, frozen=True, kw_only=True, tag="step_finished"):
    """A step is done and its result stored."""

    step: str
    fingerprint: str
    seconds: float
    outputs: dict[str, str]


class StepCached(Event, frozen=True, kw_only=True, tag="step_cached"):
    """A step's result was in the store."""

    step: str
    fingerprint: str


class StepFailed(Event, frozen=True, kw_only=True, tag="step_failed"):
    """A step failed: one line on why, the place in the spec that made it, the file with what it printed."""

    step: str
    cause: str
    place: Span | None = None
    log: str | None = None


class StepNotReached(Event, frozen=True, kw_only=True, tag="step_not_reached"):
    """A step could not be begun because ``because`` failed."""

    step: str
    because: str


class Noted(Event, frozen=True, kw_only=True, tag="noted"):
    """Something that does not keep a run from going on, but should be known: the shared store can't be reached."""

    text: str


class RunFinished(Event, frozen=True, kw_only=True, tag="run_finished"):
    """A run has ended: ``done``, ``failed`` or ``interrupted``."""

    run: str
    status: str
    seconds: float
    done: int
    cached: int
    failed: int
    not_reached: int


AnyEvent = (
    RunStarted
    | StepStarted
    | StepProgress
    | StepFinished
    | StepCached
    | StepFailed
    | StepNotReached
    | Noted
    | RunFinished
)
Listener = Callable[[AnyEvent], None]
