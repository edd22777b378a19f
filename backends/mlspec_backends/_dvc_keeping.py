"""Reports results to DVC: outputs into its cache, lines into ``dvc.lock``; once a run, for all of its steps."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.engine.backend import Keeping
from mlspec.engine.run import dvc_results
from mlspec.graph.graph import Graph
from mlspec.graph.show import dvc, yaml_text
from mlspec.machine.file_digests import Digests
from mlspec.store import files
from mlspec.store.action import Action
from mlspec_backends import _dvc_files, _dvc_repair
from mlspec_backends._dvc_memory import Memory
from mlspec_backends._dvc_repair import dvc_errors

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import PipelineStage

LOCK = "dvc.lock"
LINKS = ("hardlink", "symlink")
EMPTY_LOCK = "schema: '2.0'\n"


def keep(keeping: Keeping) -> None:
    """Report all existing results to DVC: files in the workspace, copies in its cache, lines in ``dvc.lock``.

    Raises MlspecError where DVC refuses.
    """
    graph = keeping.graph
    root = Path(graph.facts.root).absolute()
    spec = "project.yaml" if graph.document is None else Path(graph.document.file).name
    memory = Memory.read(keeping.home, root)
    if memory.holds(graph, spec, keeping.overlays, keeping.results):
        return
    if _dvc_repair.repository(root) is None:
        message = f"'{root}' is in no DVC repository"
        raise SpecError([Diagnostic(code="backend-not-servable", message=message, notes=("mlspec run --init",))])
    _dvc_files.write(graph, spec, keeping.overlays)
    store = keeping.write()
    results = {step: action for step, action in keeping.results.items() if _still(graph, step, keeping.home)}
    for step_id, action in results.items():
        if not memory.stands(step_id, action):
            dvc_results.lay_out(root, graph.steps[step_id], action, store)
    texts = dvc.text(dvc.stages(graph, spec=spec, overlays=keeping.overlays), spec)
    saved = {dvc.stage_name(step_id) for step_id in results} | ({dvc.COMPILE} if _is_as_read(graph) else set())
    texts = {name: lines for name, lines in texts.items() if name in saved}
    # DVC takes some of its paths for relative to the folder that the process is in.
    with dvc_errors(), contextlib.chdir(root):
        _record(keeping, root, memory, results, texts)
    _dvc_repair.remember(root / LOCK, keeping.home)
    Memory.write(keeping.home, root, graph, spec, keeping.overlays, results)


def _record(keeping: Keeping, root: Path, memory: Memory, results: Mapping[str, Action], texts: dict[str, str]) -> None:
    """Save stages to DVC's cache and ``dvc.lock``, under DVC's own lock, those left out that it holds already.

    ``texts`` are the stages that can be saved, as they are in ``dvc.yaml``.
    """
    from dvc.dvcfile import load_file
    from dvc.repo import Repo, lock_repo
    from dvc.stage.serialize import to_single_stage_lockfile

    path, steps = root / LOCK, {dvc.stage_name(step_id): step_id for step_id in results}
    with Repo(str(root)) as repo, lock_repo(repo):
        for repaired in _dvc_repair.repair(repo, path, keeping.home):
            keeping.note(repaired)
        _dvc_repair.refuse_if_busy(repo, root / dvc.RESULTS)
        text = path.read_text(encoding="utf-8") if path.exists() else EMPTY_LOCK
        known = yaml_text.mapping(text, "stages")
        there = {} if known is None else known.entries
        # Outputs that two stages claim, and circles, are refused as DVC would refuse them at its next command.
        if not memory.same(_dvc_files.FILE):
            repo.index.check_graph()
        stages = load_file(repo, str(root / _dvc_files.FILE)).stages
        entries = {}
        for name, lines in texts.items():
            step_id = steps.get(name)
            if name in there and step_id is not None and memory.recorded(step_id, results[step_id], lines):
                continue
            stage = stages[name]
            _save(repo, stage)
            entries[name] = "\n".join(yaml_text.block(to_single_stage_lockfile(stage)))
        names = set(stages)
        stale = [name for name, entry in there.items() if name not in names and _is_ours(entry.plain())]
        # DVC takes no file without any stage; a line too many does no harm.
        nothing_left = not entries and len(stale) == len(there)
        changed = text if nothing_left else yaml_text.replaced(text, "stages", entries, stale)
        if changed != text:
            files.replace(path, changed.encode())
            with repo.scm_context(quiet=True):
                repo.scm_context.track_file(LOCK)


def _save(repo: "Repo", stage: "PipelineStage") -> None:
    """Save a stage, and copy its outputs into the cache."""
    # What is in the workspace is a copy already, which is replaced only where the user wants links there.
    relink = repo.cache.local.cache_types[0] in LINKS
    stage.save()
    for out in stage.outs:
        if out.use_cache:
            out.commit(relink=relink)


def _is_ours(entry: Any) -> bool:
    return isinstance(entry, dict) and str(entry.get("cmd", "")).startswith("mlspec step ")


def _still(graph: Graph, step_id: str, home: Path) -> bool:
    """Whether the files that a step read are what they were: if not, DVC would think that the result came from them."""
    step = graph.steps[step_id]
    digests = Digests(home / "cache" / "files.json")
    watched = dvc.watched(graph, step)
    try:
        return all(digests.of(Path(graph.facts.root) / name) == step.files[name] for name in watched)
    except OSError:
        return False


def _is_as_read(graph: Graph) -> bool:
    """Whether the graph comes from a spec, unchanged since it was read."""
    if graph.document is None:
        return False
    try:
        now = Path(graph.document.file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    return now == graph.document.texts[graph.document.file]
