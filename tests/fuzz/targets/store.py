"""The store beside a spec: actions under the fingerprints that a plan asks for, trees, what steps were made of before,
results that DVC has brought, the ledger of hold-out use. Checksums and seals are right, so that what they protect is
read."""

import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import beside
import wild

from mlspec import paths
from mlspec.engine.run import dvc_results, holdout_ledger, step_history
from mlspec.machine import seals
from mlspec.store import tree
from mlspec.store.store import Store

SHARE, TRACED = 30, True
KINDS = ("action", "tree", "previous", "made", "holdout")
KEYS = (
    "fingerprint",
    "identity",
    "kind",
    "inputs",
    "outputs",
    "folders",
    "record",
    "files",
    "empty",
    "action",
    "paths",
    "parts",
    "seconds",
)


def seeds() -> list[bytes]:
    """One of each kind."""
    digest = hashlib.sha256(b"x").hexdigest()
    action = {
        "fingerprint": "$",
        "identity": "i",
        "kind": "source",
        "inputs": {},
        "outputs": {"rows": digest},
        "folders": [],
        "record": {"seconds": 1.5, "step": "source.birds"},
    }
    parts = {
        "step": {"parts": {"kind": "source", "code": {"a": "b"}, "params": {"x": 1}, "inputs": {}}, "seconds": 2.0}
    }
    made = {"action": action, "paths": {"rows": "rows.parquet"}, "empty": {"rows": ["a"]}}
    held: dict[str, Any] = {
        "action": action,
        "tree": {"files": {"a": digest, "b/c": digest}, "empty": ["d"]},
        "previous": {"source.birds": parts["step"], "split": parts["step"]},
        "made": made,
        "holdout": {"test": "a", "data": "b", "predictions": "c"},
    }
    return [json.dumps([kind, held[kind]]).encode() for kind in KINDS]


def mutate(data: bytes, chance: Random) -> bytes:
    """Its values, or the bytes of its text."""
    try:
        kind, held = json.loads(data)
    except (ValueError, RecursionError, TypeError):
        return wild.raw(data, chance)
    if chance.random() < 0.15:
        held = wild.raw(json.dumps(held).encode(), chance).decode("latin-1")
    else:
        held = wild.tree(held, chance, KEYS)
    return json.dumps([kind, held]).encode()


def one(data: bytes, scratch: Path) -> str:
    """Write it where it belongs and plan beside it."""
    root = beside.fresh(scratch, "store")
    try:
        kind, held = json.loads(data)
    except (ValueError, RecursionError, TypeError):
        kind, held = "previous", data.decode("latin-1")
    content = held.encode("latin-1", "replace") if isinstance(held, str) else json.dumps(held).encode()
    home = paths.home(root)
    known = beside.steps(scratch)
    store = Store(paths.store(home))
    object_ = hashlib.sha256(b"x").hexdigest()
    for folder in ("objects", "trees", "actions"):
        (store.root / folder).mkdir(parents=True, exist_ok=True)
    (store.root / "objects" / object_).write_bytes(b"x")
    key, is_ours = seals.make(store.root), hashlib.sha256(content).digest()[0] > 50  # others were made elsewhere
    if kind == "action":
        for fingerprint in known.values():
            body = content.replace(b'"$"', json.dumps(fingerprint).encode())
            stored = hashlib.sha256(body).hexdigest().encode() + b"\n" + body + b"\n"
            path = store.root / "actions" / fingerprint
            path.write_bytes(seals.sealed(stored, key) if is_ours else stored)
        if not is_ours:
            with store.writing():
                store.adopt_elsewhere()
    elif kind == "tree":
        content += b"\n"
        digest = hashlib.sha256(tree.MARK + content).hexdigest()
        (store.root / "trees" / digest).write_bytes(content)
        store.size(digest)
        with store.writing():
            found = store.path(digest)
        assert found.resolve().is_relative_to(store.root.resolve()), found
        escaped = [path for path in scratch.iterdir() if path.name.startswith("x.")]
        assert not escaped, escaped
    elif kind == "made":
        folder = root / "mlspec.results" / "source.birds"
        folder.mkdir(parents=True)
        (folder / "rows.parquet").write_bytes(b"x")
        body = content.replace(b'"$"', json.dumps(known["source.birds"]).encode())
        (folder / "made.json").write_bytes(body)
        with store.writing():
            dvc_results.take_over(root, store, lambda: store)
    elif kind == "holdout":
        (home / holdout_ledger.FILE).write_bytes(content)
        holdout_ledger.read(home)
    else:
        paths.previous(home).write_bytes(seals.sealed(content, key) if is_ours else content)
        step_history.adopt(home)
    _graph, found_codes = beside.compiled(root)
    list(store.actions())
    return f"{kind if kind in KINDS else 'previous'} {found_codes}"
