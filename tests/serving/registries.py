"""A registry of released bundles, made without runs: small packages that are trained in a moment."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from mlspec import registry as plugins
from mlspec.plugins.metric import Metric
from mlspec.release import bundle, ledger, registry
from mlspec.release.bundle import Bundle
from mlspec.release.ledger import Entry
from mlspec.steps import results
from mlspec.steps.evaluation import intervals
from mlspec.steps.job import Job
from mlspec.steps.serving import make_reference, package_format, reference
from mlspec.steps.serving import package as loader
from mlspec.steps.serving.package_format import File

from . import packages


def put(home: Path, version: str, package: Path, operation: Mapping[str, Any] | None = None) -> str:
    """List a package as the release ``version``; its digest."""
    part = home / "bundles" / "part"
    shutil.copytree(package, part / "package")
    if operation and "monitor" in operation:
        sketched(part / "package", home.with_name(f"{home.name}-{version}-work"), operation)
    (part / "spec.json").write_text(json.dumps({"operation": operation or {}}))
    files = {
        path.relative_to(part).as_posix(): File(path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(part.rglob("*"))
        if path.is_file()
    }
    about = Bundle(
        name="small", version=version, run="r", started="", commit="", committed="", mlspec="0", candidate="c",
        gates={}, files=files,
    )  # fmt: skip
    (part / "bundle.json").write_bytes(bundle.encode(about))
    digest = hashlib.sha256((part / "bundle.json").read_bytes()).hexdigest()
    part.rename(registry.folder_of(home, digest))
    with ledger.writing(home) as known:
        entry = Entry(event="released", project="small", version=version, bundle=digest, who="test")
        ledger.append(home, known, entry)
    return digest


def sketched(package: Path, work: Path, operation: Mapping[str, Any]) -> None:
    """Put the sketch of 400 rows into a package, for which its answers are the truth."""
    work.mkdir()
    rows = packages.frame(400, seed=2)
    given = loader.load(package).predict(rows)
    truth = given.argmax(axis=1)
    for name in ("test", "train"):
        rows.write_parquet(work / name)
    results.write_predictions(work / "predictions", given, truth)
    used = [("accuracy", cast(Metric, plugins.plugin("metrics", "accuracy")()))]
    results.write_json(work / "metrics", intervals.measure(used, truth, given, {}, level=0.95, resamples=200))
    params = {
        "metrics": [["accuracy", {}]], "confidence": {"level": 0.95, "resamples": 200}, "slice_rows": 30,
        "personal": [], "fairness": [], "operation": {name: operation[name] for name in ("monitor", "labels")},
    }  # fmt: skip
    inputs = {name: work / name for name in ("train", "test", "predictions", "metrics")} | {"model": package}
    made = {"reference": work / "reference.json"}
    job = Job(id="r", kind="reference", params=params, inputs=inputs, outputs=made, scratch=work, root=work)
    make_reference.run(job)
    package_format.add(package, reference.FILE, made["reference"].read_text())


def model_of(home: Path, digest: str) -> str:
    """The digest by which answers name a bundle's model."""
    return package_format.digest(registry.folder_of(home, digest) / "package")


def make(home: Path, operation: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """A registry with the releases 1.0, which `production` has, and 1.1; the digests of their models."""
    made = []
    for version, threshold in (("1.0", 0.6), ("1.1", 0.7)):
        package = packages.write(home.with_name(f"{home.name}-{version}") / "model", classes=3, abstain_below=threshold)
        made.append(put(home, version, package, operation))
    registry.promote(home, "1.0", "production", "test")
    return model_of(home, made[0]), model_of(home, made[1])
