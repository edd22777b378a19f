"""A step's code version changes when its behaviour may have changed: the digest of the source is held against it.

When this fails: if results can differ, raise the version (``KINDS[...]`` or the plug-in's ``version``). In any
case write the new digests with ``MLSPEC_UPDATE=1 pytest tests/test_code_versions.py`` and let the review see both.
"""

import ast
import hashlib
import json
import os
from pathlib import Path

import mlspec
from mlspec import registry
from mlspec.graph.kinds import KINDS

GOLDEN = Path(__file__).parent / "golden" / "code_versions.json"
SOURCE = Path(mlspec.__file__).parent
SHARED = {  # what else does the work of a kind or of a family of plug-ins
    "source": ["engine/contents.py", "sources/_cast.py", "sources/_files.py", "sources/_text.py"],
    "combine": ["engine/derive.py", "engine/joining.py"],
    "expect": ["engine/expecting.py", "engine/anomalies.py", "engine/fault.py", "engine/drift.py"],
    "split": ["engine/splitting.py"],
    "fold": ["engine/splitting.py", "engine/work/split.py"],
    "prepare": ["engine/preparation.py", "engine/mitigation/groups.py"],
    "train": ["engine/mitigation/reduction.py", "engine/rows.py"],
    "predict": ["engine/preparation.py", "engine/rows.py"],
    "predict_test": ["engine/preparation.py", "engine/package.py", "engine/personal.py", "engine/decisions.py"],
    "predict_global": ["engine/preparation.py", "engine/package.py", "engine/decisions.py"],
    "train_groups": ["engine/preparation.py", "engine/personal.py"],
    "train_shared": ["engine/preparation.py", "engine/personal.py"],
    "personalize": ["engine/evidence.py", "engine/package.py", "engine/personal.py", "engine/decisions.py"],
    "tune": ["engine/tuning"],
    "decide": ["engine/decisions.py", "engine/mitigation/thresholds.py"],
    "tradeoff": ["engine/refit.py", "engine/mitigation", "engine/fairness.py", "engine/decisions.py"],
    "learn_part": ["engine/refit.py"],
    "compare": ["engine/evidence.py", "engine/decisions.py"],
    "evaluate": ["engine/evidence.py", "engine/decisions.py"],
    "evaluate_test": [
        "engine/evidence.py",
        "engine/decisions.py",
        "engine/curves.py",
        "engine/fairness.py",
        "engine/slices.py",
        "engine/personal.py",
        "engine/work/evaluate.py",
    ],
    "check_data": ["engine/debugging", "steps/image.py"],
    "check_network": ["engine/debugging", "engine/work/train.py"],
    "importance": ["engine/preparation.py", "engine/package.py"],
    "gate": ["engine/evidence.py"],
    "privacy": ["treatments/_identifiers.py", "treatments/_national_numbers.py"],
    "treatments/redact": ["treatments/_identifiers.py"],
    "models/torch.": ["torchkit"],
    "sources/images": ["sources/_folders.py", "sources/_folder_source.py", "pixels.py"],
    "sources/texts": ["sources/_folders.py", "sources/_folder_source.py"],
    "steps/image": ["pixels.py"],
    "steps/hash_text": ["steps/tf_idf.py"],
}


def code_digest(paths: list[Path]) -> str:
    """A digest that comments, docstrings and layout do not change."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            tree = ast.parse(file.read_text())
            for node in ast.walk(tree):
                told = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
                if told:
                    node.body[0] = ast.Pass()
            digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


def current() -> dict[str, list[str]]:
    """Name -> version and digest, of every kind of step and every plug-in that has a part in results."""
    found: dict[str, list[str]] = {}
    for name, kind in KINDS.items():
        files = [SOURCE / f"engine/work/{name}.py", *(SOURCE / s for s in SHARED.get(name, []))]
        found[name] = [str(kind.version), code_digest(files)]
    for family in registry.KINDS:
        for name in registry.names(family):
            full = f"{family}/{name}"
            extra = [SOURCE / s for prefix, shared in SHARED.items() if full.startswith(prefix) for s in shared]
            path = SOURCE / family / (name.replace(".", "/") + ".py")
            found[full] = [str(registry.plugin(family, name).version), code_digest([path, *extra])]
    return found


def test_changed_code_has_a_changed_version() -> None:
    now = current()
    if os.environ.get("MLSPEC_UPDATE"):
        GOLDEN.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    known = json.loads(GOLDEN.read_text())
    stale = sorted(name for name, seen in now.items() if known.get(name, seen) != seen)
    assert not stale, f"code changed since its version was written down: {', '.join(stale)} (see the top of this file)"
    assert sorted(known) == sorted(now), "steps or plug-ins came or went (see the top of this file)"
