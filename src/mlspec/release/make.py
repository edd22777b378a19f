"""The files of a bundle, from a run alone: no clock, so that it is the same bytes when it is made again."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from mlspec.engine.run import lockfile
from mlspec.engine.run.lockfile import Lock
from mlspec.machine import environment, safe_files
from mlspec.machine.git_state import State
from mlspec.release import bundle, distributions, refusals, sbom
from mlspec.release.bundle import Bundle, Parity
from mlspec.report.card.card import card
from mlspec.report.facts.run import RunFacts
from mlspec.report.runs import stored
from mlspec.spec import Project
from mlspec.steps.serving import package_format
from mlspec.steps.serving.package_format import File
from mlspec.store import files

READ = 1 << 20


class Made(Struct, frozen=True):
    """A run that is to be released: its project, facts and lock, the commit, the name of the version, and the ONNX file
    where there is to be one."""

    root: Path
    project: Project
    facts: RunFacts
    lock: Lock
    state: State
    version: str
    onnx: "tuple[bytes, Parity] | None" = None


def write(made: Made, folder: Path) -> str:
    """Write the files of a bundle into a new folder, all synced; its digest. Raises OSError."""
    folder.mkdir()
    facts = made.facts
    model = Path(facts.model or "")
    about = package_format.read_about(model)
    listed = {
        f"{bundle.PACKAGE}/{name}": _copied(model / name, folder / bundle.PACKAGE / name)
        for name in (*sorted(about.files), package_format.ABOUT)
    }
    for name, content in _texts(made, about):
        files.write(folder / name, content)
        listed[name] = File(len(content), hashlib.sha256(content).hexdigest())
    release = made.project.operation.release if made.project.operation is not None else None
    said = Bundle(
        name=facts.project,
        version=made.version,
        run=facts.id,
        started=facts.started,
        commit=made.state.commit,
        committed=made.state.committed,
        mlspec=facts.environment["mlspec"],
        candidate=facts.selected or "",
        gates={gate.gate: gate.verdict for gate in facts.gates},
        waived={entry.requirement: entry.waived for entry in facts.requirements if entry.waived},
        approve={} if release is None else release.approve,
        stages=() if release is None else release.stages,
        holds=bundle.HOLDS if made.onnx is None else {**bundle.HOLDS, bundle.ONNX: bundle.OF_ONNX},
        parity=msgspec.UNSET if made.onnx is None else made.onnx[1],
        files=listed,
    )
    content = bundle.encode(said)
    files.write(folder / bundle.ABOUT, content)
    for base, _folders, _names in os.walk(folder):
        files.sync_folder(base)
    return hashlib.sha256(content).hexdigest()


def _texts(made: Made, about: package_format.About) -> Iterator[tuple[str, bytes]]:
    if made.onnx is not None:
        yield bundle.ONNX, made.onnx[0]
    facts = made.facts
    own = refusals.distributions(facts.environment)
    libraries = distributions.needed([*own, *(() if made.onnx is None else distributions.ONNX)])
    bill = sbom.sbom(facts, made.version, about, made.lock, libraries)
    yield bundle.CARD, card(facts).encode()
    yield bundle.EVIDENCE, stored.page(made.root, facts, stored.EVIDENCE).encode()
    yield bundle.SPEC, _json(stored.resolved(made.root, facts))
    yield bundle.LOCK, lockfile.text(msgspec.structs.replace(made.lock, accepted=""))
    yield bundle.ENVIRONMENT, distributions.pinned(libraries, environment.python_version()).encode()
    yield bundle.SBOM, _json(bill)


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n"


def _copied(source: Path, target: Path) -> File:
    """Copy a file byte for byte, synced; what it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    total, size = hashlib.sha256(), 0
    with safe_files.opened(source) as content, target.open("xb") as file:
        while piece := content.read(READ):
            total.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return File(size, total.hexdigest())
