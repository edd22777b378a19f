"""``mlspec schema``: the published schemas and reference pages, written from the types."""

from collections.abc import Callable
from pathlib import Path

import click

from mlspec.cli._exit_codes import HOLDS_NOT
from mlspec.cli._output import result, talk, write

FOLDER = Path("schema")
PAGES = Path("docs") / "reference"


@click.command(name="schema")
@click.argument(
    "name",
    type=click.Choice(
        [
            "project",
            "policy",
            "plan",
            "run",
            "comparison",
            "series",
            "events",
            "evidence",
            "monitor",
            "retrain",
            "retrained",
            "candidate",
            "diagnostics",
            "profile",
            "diff",
            "diff-all",
            "bundle",
            "releases",
            "dora",
        ]
    ),
    default="project",
)
@click.option("--write", "writes", is_flag=True, help="Write schema/ and docs/reference/ here.")
@click.option("--check", is_flag=True, help="Exit with 1 if schema/ or docs/reference/ here are out of date.")
def command(name: str, writes: bool, check: bool) -> int:
    """Print a JSON Schema of a spec (project), of a policy, or of JSON output.

    \b
    project      project.yaml, for editors
    policy       policy.yaml, for editors
    plan         mlspec compile --format json
    run          mlspec show --format json, and the last line of mlspec run --format json
    comparison   mlspec runs A B --format json
    series       mlspec show METRIC|CANDIDATE --format json
    events       the other lines of mlspec run --format json
    evidence     the lines of evidence.jsonl in a run's folder
    monitor      mlspec monitor --format json
    retrain      mlspec retrain --check --format json
    retrained    mlspec retrain --format json
    candidate    mlspec retrain --candidate --format json
    diagnostics  mlspec validate --format json
    profile      mlspec profile --format json
    diff         mlspec diff --format json
    diff-all     mlspec diff --all --format json
    bundle       bundle.json of a release
    releases     mlspec releases --format json
    dora         mlspec releases --dora --format json
    """
    if not (writes or check):
        result(schemas()[name](), form="json")
        return 0
    from mlspec.cli import _reference

    wanted = {FOLDER / f"{name}.schema.json": make() for name, make in schemas().items()}
    wanted |= {PAGES / page: text for page, text in _reference.pages().items()}
    present = set(PAGES.rglob("*.md")) if PAGES.is_dir() else set()
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    gone = sorted(present - set(wanted))
    if writes:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(str(path), wanted[path])
        for path in gone:
            path.unlink()
        talk(f"wrote {len(stale)} of {len(wanted)} files, removed {len(gone)}")
        return 0
    for path in [*stale, *gone]:
        talk(f"{path} is not up to date: mlspec schema --write")
    return HOLDS_NOT if stale or gone else 0


def schemas() -> dict[str, Callable[[], str]]:
    """What makes each schema, by name."""

    def project() -> str:
        from mlspec.spec import schema

        return schema.text()

    def policy() -> str:
        from mlspec.policy.language import Policy
        from mlspec.spec import schema

        return schema.of(Policy, "mlspec policy")

    def plan() -> str:
        from mlspec.graph.show import as_json

        return as_json.schema()

    def run() -> str:
        from mlspec.report.facts import run as facts

        return facts.schema()

    def comparison() -> str:
        from mlspec.report.runs.comparison import Comparison

        return _derived("comparison", Comparison)

    def series() -> str:
        from mlspec.report.runs.series import Series

        return _derived("series", Series)

    def events() -> str:
        from mlspec.engine.events import AnyEvent

        return _derived("events", AnyEvent)

    def monitor() -> str:
        from mlspec.monitoring.findings import Monitored

        return _derived("monitor", Monitored)

    def retrain() -> str:
        from mlspec.monitoring.retraining import Retraining

        return _derived("retrain", Retraining)

    def retrained() -> str:
        from mlspec.monitoring.retraining import Retrained

        return _derived("retrained", Retrained)

    def candidate() -> str:
        from mlspec.monitoring.candidate import Compared

        return _derived("candidate", Compared)

    def diagnostics() -> str:
        from mlspec.cli._validate import Found

        return _derived("diagnostics", Found)

    def diff() -> str:
        from mlspec.diff.change import Diff

        return _derived("diff", Diff)

    def diff_all() -> str:
        from mlspec.diff.change import Overview

        return _derived("diff-all", Overview)

    def evidence() -> str:
        from mlspec.report.facts.evidence_lines import Evidence

        return _derived("evidence", Evidence)

    def profile() -> str:
        from mlspec.report.facts.table_profile import TableProfile

        return _derived("profile", TableProfile)

    def bundle() -> str:
        from mlspec.release.bundle import Bundle

        return _derived("bundle", Bundle)

    def releases() -> str:
        from mlspec.release.registry import Releases

        return _derived("releases", Releases)

    def dora() -> str:
        from mlspec.release.dora import Dora

        return _derived("dora", Dora)

    return {
        "bundle": bundle,
        "releases": releases,
        "dora": dora,
        "profile": profile,
        "project": project,
        "policy": policy,
        "plan": plan,
        "run": run,
        "comparison": comparison,
        "series": series,
        "events": events,
        "evidence": evidence,
        "monitor": monitor,
        "retrain": retrain,
        "retrained": retrained,
        "candidate": candidate,
        "diagnostics": diagnostics,
        "diff": diff,
        "diff-all": diff_all,
    }


def _derived(name: str, of: object) -> str:
    import msgspec

    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:mlspec:schema:{name}",
        **msgspec.json.schema(of),
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
