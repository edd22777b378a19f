"""The bill of materials of a bundle: CycloneDX 1.6 as JSON, the model with its card, its data and its libraries."""

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlspec.engine.run.lockfile import Lock
from mlspec.release.distributions import OWN, Distribution
from mlspec.report.facts.limitations import limitations
from mlspec.report.facts.run import RunFacts
from mlspec.steps.serving.package_format import About

MODEL = "model"
SHA256 = re.compile(r"[0-9a-f]{64}")
EXPRESSION = re.compile(r"[A-Za-z0-9.+()-]+( (AND|OR|WITH) [A-Za-z0-9.+()-]+)*")


def sbom(facts: RunFacts, version: str, about: About, lock: Lock, libraries: Iterable[Distribution]) -> dict[str, Any]:
    """The document, as plain values. It has the time of the run and no other."""
    found = tuple(libraries)
    refs = {one.name: f"pkg:pypi/{one.name}@{one.version}" for one in found}
    datasets = list(_datasets(lock))
    model = {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": facts.project,
        "version": version,
        **({"description": facts.goal} if facts.goal else {}),
        **({"licenses": [_licence(facts.license)]} if facts.license else {}),
        "modelCard": _card(facts, about, datasets),
    }
    needs = [refs[one.name] for one in found if one.name == OWN or one.name in facts.environment]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'mlspec:{facts.project}:{facts.id}:{version}')}",
        "version": 1,
        "metadata": {
            "timestamp": facts.started,
            "tools": {"components": [{"type": "application", "name": OWN, "version": facts.environment["mlspec"]}]},
            "component": model,
        },
        "components": [*(_library(one, refs) for one in found), *datasets],
        "dependencies": [
            {"ref": MODEL, "dependsOn": sorted([*needs, *(one["bom-ref"] for one in datasets)])},
            *({"ref": refs[one.name], "dependsOn": [refs[name] for name in one.needs]} for one in found),
        ],
    }


def _library(one: Distribution, refs: Mapping[str, str]) -> dict[str, Any]:
    ref = refs[one.name]
    licences = {"licenses": [_licence(one.licence)]} if one.licence else {}
    return {
        "type": "library", "bom-ref": ref, "name": one.name, "version": one.version, "purl": ref, **licences,
    }  # fmt: skip


def _licence(stated: str) -> dict[str, Any]:
    is_expression = EXPRESSION.fullmatch(stated) is not None and " " in stated
    return {"expression": stated} if is_expression else {"license": {"name": stated}}


def _datasets(lock: Lock) -> Iterator[dict[str, Any]]:
    for name, source in sorted(lock.sources.items()):
        files = [
            {"type": "file", "name": path, "hashes": [{"alg": "SHA-256", "content": digest}]}
            for path, digest in sorted(source.files.items())
            if SHA256.fullmatch(digest)
        ]
        yield {
            "type": "data",
            "bom-ref": f"data:{name}",
            "name": name,
            "data": [{"type": "dataset", "name": name}],
            **({"components": files} if files else {}),
        }


def _card(facts: RunFacts, about: About, datasets: list[dict[str, Any]]) -> dict[str, Any]:
    metrics = []
    for score in facts.scores:
        interval = {"lowerBound": str(score.low), "upperBound": str(score.high)} if score.low is not None else None
        metrics.append(
            {
                "type": score.metric,
                "value": str(score.value),
                "slice": "test rows",
                **({"confidenceInterval": interval} if interval else {}),
            }
        )
    considered = list(limitations(facts))
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": (facts.task or about.task).replace("_", " "),
            "modelArchitecture": ", ".join(sorted({name for name, _settings in about.models()})),
            "datasets": [{"ref": one["bom-ref"]} for one in datasets],
            "inputs": [{"format": f"{name}: {kind}"} for name, kind in about.raw_columns()],
            "outputs": [{"format": f"{about.target}: {about.target_type}"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": metrics},
        **({"considerations": {"technicalLimitations": considered}} if considered else {}),
    }
