"""How a run is followed: live bars on a terminal, plain lines elsewhere, JSON lines for programs."""

import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from mlspec import formatting
from mlspec.cli._output import colored, result, talk
from mlspec.cli._streams import unguarded
from mlspec.diagnostics import printable
from mlspec.engine import events

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

QUARTERS = 4
PART = re.compile(r"\.part\.\d+$")  # a step for a part of a source, of which there may be thousands


class JsonLines:
    """Each event as a line of JSON on stdout."""

    def __call__(self, event: events.AnyEvent) -> None:
        """Print the event."""
        import msgspec

        result(msgspec.json.encode(event).decode(), form="json")
        sys.stdout.flush()

    def live(self) -> AbstractContextManager[Any]:
        """Nothing to set up."""
        return nullcontext()


class Lines:
    """A line when a step ends, and at each quarter of a long one. Cached steps are counted, not printed."""

    def __init__(self) -> None:
        self._quarter: dict[str, int] = {}

    def __call__(self, event: events.AnyEvent) -> None:
        """Print the event, if it is worth a line."""
        match event:
            case events.StepStarted():
                self._quarter[event.step] = 0
            case events.StepProgress():
                quarter = int(event.share * QUARTERS)
                is_new = 0 < quarter < QUARTERS and quarter > self._quarter.get(event.step, 0)
                if is_new and not PART.search(event.step):
                    self._quarter[event.step] = quarter
                    talk(printable(f"{event.step}: {event.share:.0%}, {progress_text(event)}"))
            case _:
                line = ended(event)
                if line is not None:
                    talk(line)

    def live(self) -> AbstractContextManager[Any]:
        """Nothing to set up."""
        return nullcontext()


class Bars:
    """A bar for the run and one for each running step; what has ended scrolls by above them."""

    def __init__(self, seconds: Mapping[str, float | None]) -> None:
        self._seconds = dict(seconds)
        self._rows: dict[str, TaskID] = {}
        self._bars: Progress | None = None
        self._all: TaskID | None = None

    def __call__(self, event: events.AnyEvent) -> None:
        """Show the event."""
        bars = self._bars
        if bars is None or self._all is None:
            return
        match event:
            case events.RunStarted():
                bars.update(self._all, total=event.steps)
            case events.StepStarted():
                note = "" if event.expected is None else f"{formatting.seconds(event.expected)} last time"
                self._rows[event.step] = bars.add_task(printable(event.step), total=None, note=note)
            case events.StepProgress():
                row = self._rows.get(event.step)
                if row is not None:
                    bars.update(row, total=1.0, completed=event.share, note=progress_text(event))
            case events.StepFinished() | events.StepCached() | events.StepFailed() | events.StepNotReached():
                row = self._rows.pop(event.step, None)
                if row is not None:
                    bars.remove_task(row)
                self._seconds.pop(event.step, None)
                bars.update(self._all, advance=1, note=self._left())
                self._print(event)
            case events.Noted():
                self._print(event)

    def _print(self, event: events.AnyEvent) -> None:
        line = ended(event)
        if line is not None and self._bars is not None:
            self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def live(self) -> AbstractContextManager[Any]:
        """The bars, shown within; gone afterwards."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        console = Console(file=unguarded(sys.stderr), no_color=not colored(sys.stderr))
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            _Share(MofNCompleteColumn(), TaskProgressColumn()),
            Elapsed(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            transient=True,
        )
        self._all = self._bars.add_task("steps", total=None, note=self._left(), run=True)
        return self._bars

    def _left(self) -> str:
        known = [seconds for seconds in self._seconds.values() if seconds is not None]
        if not known or len(known) < len(self._seconds) / 2:
            return ""
        return f"about {formatting.seconds(sum(known))} of work left"


def _Share(whole: Any, part: Any) -> Any:  # noqa: N802 (a column of rich, chosen row by row)
    from rich.progress import ProgressColumn, Task

    class Share(ProgressColumn):
        """Steps done of all for the run, a percentage for a step."""

        def render(self, task: Task) -> Any:
            return whole.render(task) if task.fields.get("run") else part.render(task)

    return Share()


def progress_text(event: events.StepProgress) -> str:
    """What a step is at, with its figures."""
    figures = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in event.figures.items())
    return printable(f"{event.what}, {figures}" if figures else event.what)


def ended(event: events.AnyEvent) -> str | None:
    """The line about the end of a step, or about what should be known; None for what needs none: parts that are done,
    among others."""
    match event:
        case events.StepFinished() if not PART.search(event.step):
            return printable(f"{event.step}: done in {formatting.seconds(event.seconds)}")
        case events.StepFailed():
            return printable(f"{event.step}: failed: {event.cause}")
        case events.Noted():
            return printable(f"note: {event.text}")
        case _:
            return None
