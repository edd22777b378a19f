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
    "source": ["steps/data/table_digest.py", "sources/_cast.py", "sources/_files.py", "sources/_text.py"],
    "combine": ["steps/data/derived_columns.py", "steps/data/joins.py"],
    "expect": [
        "steps/data/expectations.py",
        "steps/data/anomalies.py",
        "steps/data/violations.py",
        "steps/data/drift.py",
    ],
    "split": ["steps/data/splitters.py"],
    "fold": ["steps/data/splitters.py", "steps/data/split.py"],
    "prepare": ["steps/data/preparation.py", "steps/trust/mitigation/groups.py"],
    "train": ["steps/trust/mitigation/reduction.py", "steps/data/feature_arrays.py"],
    "predict": ["steps/data/preparation.py", "steps/data/feature_arrays.py"],
    "predict_test": [
        "steps/data/preparation.py",
        "steps/serving/package.py",
        "steps/training/personalization.py",
        "steps/evaluation/decisions.py",
    ],
    "predict_global": ["steps/data/preparation.py", "steps/serving/package.py", "steps/evaluation/decisions.py"],
    "train_groups": ["steps/data/preparation.py", "steps/training/personalization.py"],
    "train_shared": ["steps/data/preparation.py", "steps/training/personalization.py"],
    "personalize": [
        "steps/evaluation/intervals.py",
        "steps/serving/package.py",
        "steps/training/personalization.py",
        "steps/evaluation/decisions.py",
    ],
    "tune": ["steps/training/tuning"],
    "decide": ["steps/evaluation/decisions.py", "steps/trust/mitigation/thresholds.py"],
    "tradeoff": [
        "steps/training/refit.py",
        "steps/trust/mitigation",
        "steps/trust/fairness.py",
        "steps/evaluation/decisions.py",
    ],
    "learn_part": ["steps/training/refit.py"],
    "compare": ["steps/evaluation/intervals.py", "steps/evaluation/decisions.py"],
    "evaluate": ["steps/evaluation/intervals.py", "steps/evaluation/decisions.py"],
    "evaluate_test": [
        "steps/evaluation/intervals.py",
        "steps/evaluation/decisions.py",
        "steps/evaluation/curves.py",
        "steps/trust/fairness.py",
        "steps/evaluation/slices.py",
        "steps/training/personalization.py",
        "steps/evaluation/evaluate.py",
    ],
    "check_data": ["steps/diagnosis", "transforms/image.py"],
    "check_network": ["steps/diagnosis", "steps/training/train.py"],
    "importance": ["steps/data/preparation.py", "steps/serving/package.py"],
    "gate": ["steps/evaluation/intervals.py"],
    "privacy": ["anonymizers/_identifiers.py", "anonymizers/_national_numbers.py"],
    "anonymizers/redact": ["anonymizers/_identifiers.py"],
    "models/torch.": ["torchkit"],
    "sources/images": ["sources/_folders.py", "sources/_folder_source.py", "pixels.py"],
    "sources/texts": ["sources/_folders.py", "sources/_folder_source.py"],
    "transforms/image": ["pixels.py"],
    "transforms/hash_text": ["transforms/tf_idf.py"],
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
        files = [
            SOURCE / f"{kind.work.removeprefix('mlspec.').replace('.', '/')}.py",
            *(SOURCE / s for s in SHARED.get(name, [])),
        ]
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
