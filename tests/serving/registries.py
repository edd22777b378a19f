"""A registry of released bundles, made without runs: small packages that are trained in a moment."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlspec.release import bundle, ledger, registry
from mlspec.release.bundle import Bundle
from mlspec.release.ledger import Entry
from mlspec.steps.serving import package_format
from mlspec.steps.serving.package_format import File

from . import packages


def put(home: Path, version: str, package: Path, operation: Mapping[str, Any] | None = None) -> str:
    """List a package as the release ``version``; its digest."""
    part = home / "bundles" / "part"
    shutil.copytree(package, part / "package")
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
