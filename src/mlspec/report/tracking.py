"""A run on an MLflow server: its scores, settings and verdicts, its pages and its model."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.report.facts.run import RunFacts, Tracked
from mlspec.report.runs import stored
from mlspec.sources import _secrets
from mlspec.spec.tracking import Mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient

# A server that can't be reached must not hold a finished run for minutes; and telemetry is off.
PATIENCE = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
FILES = (stored.PAGE, stored.SUMMARY, stored.FACTS, stored.EVIDENCE, stored.RESOLVED)
STATUS = {"error": "FAILED", "interrupted": "KILLED"}
BATCH = 1000  # metrics that a server takes at once
LONGEST = 6000  # characters of a parameter's value that a server takes


def track(facts: RunFacts, folder: Path, wanted: Mlflow) -> Tracked:
    """Log a run whose folder is written. Errors are reported in the result: the run itself is done."""
    stated = wanted.tracking_uri
    try:
        uri = _secrets.filled(stated)
    except LookupError as lacking:
        return Tracked(server=stated, error=f"the environment has no variable {lacking.args[0]}")
    if not uri.startswith(("http://", "https://")):
        return Tracked(server=stated, error="its address does not begin with http:// or https://")
    with _environment():
        try:
            from mlflow import MlflowClient

            client = MlflowClient(tracking_uri=uri)
            return Tracked(server=stated, run=_logged(client, facts, folder, wanted.experiment or facts.project))
        except Exception as error:  # the client, its HTTP library and the server each have errors of their own
            text = " ".join(_secrets.scrubbed(f"{type(error).__name__}: {error}", stated).split())
            return Tracked(server=stated, error=text[:500])


def _logged(client: "MlflowClient", facts: RunFacts, folder: Path, experiment: str) -> str:
    known = client.get_experiment_by_name(experiment)
    home = client.create_experiment(experiment) if known is None else known.experiment_id
    run = client.create_run(home, run_name=facts.id, tags=dict(_tags(facts))).info.run_id
    from mlflow.entities import Metric, Param

    params = [Param(name, value[:LONGEST]) for name, value in _params(facts)]
    for start in range(0, len(params), 100):
        client.log_batch(run, params=params[start : start + 100])
    metrics = [Metric(name, value, 0, step) for name, value, step in _metrics(facts)]
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run, metrics=metrics[start : start + BATCH])
    for name in FILES:
        if (folder / name).is_file():
            client.log_artifact(run, str(folder / name))
    if (folder / stored.MODEL).is_dir():
        client.log_artifacts(run, str(folder / stored.MODEL), stored.MODEL)
    client.set_terminated(run, STATUS.get(facts.outcome, "FINISHED"))
    return str(run)


def _tags(facts: RunFacts) -> Iterator[tuple[str, str]]:
    yield "mlspec.run", facts.id
    yield "mlspec.project", facts.project
    yield "mlspec.outcome", facts.outcome
    if facts.selected is not None:
        yield "mlspec.selected", facts.selected
    for gate in facts.gates:
        yield _name(gate.gate), "waived" if gate.waived else gate.verdict


def _params(facts: RunFacts) -> Iterator[tuple[str, str]]:
    chosen = next((candidate for candidate in facts.candidates if candidate.selected), None)
    if chosen is not None:
        yield "model", chosen.model
        for name, value in chosen.settings.items():
            yield _name(f"model.{name}"), str(value)
    if facts.profile is not None:
        yield "profile", facts.profile
    for name, digest in ((source.name, source.digest) for source in facts.data.sources):
        yield _name(f"data.{name}"), digest or ""


def _metrics(facts: RunFacts) -> Iterator[tuple[str, float, int]]:
    """Name, value and step: the selected model on the test rows with its intervals, each candidate on the validation
    rows, each training's curves."""
    for score in facts.scores:
        for end, value in (("", score.value), (".low", score.low), (".high", score.high)):
            if value is not None:
                yield _name(f"test.{score.metric}{end}"), value, 0
    for candidate in facts.candidates:
        for score in candidate.scores:
            yield _name(f"validation.{candidate.name}.{score.metric}"), score.value, 0
        for curve, values in candidate.curves.items():
            for step, value in enumerate(values):
                yield _name(f"training.{candidate.name}.{curve}"), value, step
    yield "seconds", facts.seconds, 0


def _name(plain: str) -> str:
    """A name with the characters that a server takes, and no more of them."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in plain)[:250]


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """What the client reads of the environment, as long as it is used; what is set already stays."""
    ours: dict[str, Any] = {name: value for name, value in PATIENCE.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
