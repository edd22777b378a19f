"""Training on a GPU beside the CPU: rows per second, utilisation, and whether the metrics agree.

    python benchmarks/gpu.py [--rows 1000000] [--epochs 3] [--only adult|synthetic] [--cpu-only]

Two tables: adult-income, as its example project prepares it, and a synthetic one of a million rows. On each the same
perceptron is trained on the CPU (one thread, fp32) and on the GPU in fp32, tf32, bf16 and compiled; the metric is the
log loss on held-out rows, which must agree within TOLERANCE. Then a batch that cannot fit is asked for, once to see the
diagnostic, once with accumulation. Without a GPU it says so, and with ``--cpu-only`` measures the CPU's precisions.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mlspec.diagnostics import StepError
from mlspec.models.torch.mlp import Mlp
from mlspec.plugins.model import Features, Training

TOLERANCE = 0.01  # of the log loss, relative
WIDTH, LEVELS = 30, (20, 50, 100)
ADULT = Path(__file__).parents[1] / "specs" / "adult-income"


def synthetic(rows: int) -> tuple[Features, Any, Features, Any]:
    """Rows whose class follows from numbers, categories and products of both; 90 % to train on."""
    random = np.random.Generator(np.random.PCG64(0))
    numeric = random.standard_normal((rows, WIDTH), dtype=np.float32)
    codes = np.stack([random.integers(1, levels, rows) for levels in LEVELS], axis=1).astype(np.int32)
    effect = random.standard_normal(LEVELS[0]).astype(np.float32)[codes[:, 0]]
    score = numeric[:, 0] * effect + np.sin(2 * numeric[:, 1]) + numeric[:, 2] * numeric[:, 3]
    target = (score + random.logistic(size=rows) > 0).astype(np.int64)
    cut = rows * 9 // 10
    return features(numeric[:cut], codes[:cut]), target[:cut], features(numeric[cut:], codes[cut:]), target[cut:]


def features(numeric: Any, codes: Any) -> Features:
    names = tuple(f"n{index}" for index in range(numeric.shape[1]))
    return Features(numeric, codes, names, tuple(f"c{index}" for index in range(codes.shape[1])), LEVELS)


def adult() -> tuple[Features, Any, Features, Any]:
    """The rows that the example project prepares for its network, by running it up to there."""
    import shutil

    import polars as pl
    import yaml

    from mlspec import api, paths
    from mlspec.steps import results
    from mlspec.steps.data import preparation
    from mlspec.store.store import Store

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(ADULT / "data", root / "data")
        spec = yaml.safe_load((ADULT / "project.yaml").read_text(encoding="utf-8"))
        kept = {key: spec[key] for key in ("mlspec", "data", "preprocessing") if key in spec}
        kept["data"].pop("expect", None)
        kept |= {"project": {"name": "adult"}, "model": {"checks": "off", "candidates": {"mlp": {"type": "torch.mlp"}}}}
        (root / "project.yaml").write_text(yaml.safe_dump(kept), encoding="utf-8")
        ran = api.run(root / "project.yaml", only=["prepare.mlp"])
        assert ran.outcome != "error", ran.failures
        plan = api.compile(root / "project.yaml").plan.steps["prepare.mlp"]
        assert plan.outputs is not None
        with Store(paths.store(paths.home(root))).writing() as store:
            state = results.read_json(store.path(plan.outputs["state"]))
            parts = [pl.read_parquet(store.path(plan.outputs[part])) for part in ("train", "validation")]
            made = [(preparation.features(part, state), preparation.target(part, state)) for part in parts]
    return made[0][0], made[0][1], made[1][0], made[1][1]


class Utilisation:
    """The mean use of the GPU while it is open, as nvidia-smi tells it."""

    def __init__(self, device: str) -> None:
        self._wanted, self._seen, self._stop = device.startswith("cuda"), list[float](), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Utilisation":
        if self._wanted:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._wanted:
            self._thread.join()

    @property
    def mean(self) -> float | None:
        """Per cent; None where nothing was seen."""
        return round(sum(self._seen) / len(self._seen), 1) if self._seen else None

    def _watch(self) -> None:
        query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--id=0"]
        while not self._stop.wait(0.2):
            done = subprocess.run(query, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                self._seen.append(float(done.stdout.split()[0]))


def trained(
    rows: tuple[Features, Any, Features, Any], epochs: int, batch: int, device: str, **how: Any
) -> dict[str, Any]:
    """What a training took and gave."""
    train, target, held, truth = rows
    model = Mlp(epochs=epochs, batch_size=batch, patience=None)
    marks: list[float] = []
    with tempfile.TemporaryDirectory() as folder, Utilisation(device) as utilisation:
        training = Training(
            features=train,
            target=target,
            validation=held,
            validation_target=truth,
            task="binary_classification",
            classes=2,
            seed=0,
            device=device,
            threads=1,
            checkpoints=Path(folder, "checkpoints"),
            progress=lambda _what, _share, _figures: marks.append(time.perf_counter()),
            **how,
        )
        began = time.perf_counter()
        history = model.fit(training, Path(folder, "model"))
        whole = time.perf_counter() - began
        predicted = model.load(Path(folder, "model"), "cpu").predict(held)[:, 1].clip(1e-7, 1 - 1e-7)
    # The first epoch compiles, warms up and fills caches: what a long training sees is the others.
    steady = (marks[-1] - marks[0]) / (len(marks) - 1) if len(marks) > 1 else whole
    loss = float(-np.mean(np.where(truth == 1, np.log(predicted), np.log(1 - predicted))))
    told = {
        "rows_per_second": round(len(target) / steady),
        "first_epoch_seconds": round(marks[0] - began, 2),
        "log_loss": round(loss, 5),
        "utilisation_percent": utilisation.mean,
    }
    return {**told, **({"parts": history["parts"]} if "parts" in history else {})}


def compared(name: str, rows: tuple[Features, Any, Features, Any], epochs: int, batch: int, ways: Any) -> bool:
    print(f"\n{name}: {len(rows[1]):,} rows, batches of {batch:,}, {epochs} epochs", flush=True)
    losses = []
    for label, device, how in ways:
        found = trained(rows, epochs, batch, device, **how)
        losses.append(found["log_loss"])
        print(f"  {label:14} {json.dumps(found)}", flush=True)
    apart = max(abs(loss / losses[0] - 1) for loss in losses)
    print(f"  log losses are {apart:.2%} apart, allowed {TOLERANCE:.0%}")
    return apart <= TOLERANCE


def out_of_memory(rows: tuple[Features, Any, Features, Any]) -> bool:
    """A batch of all rows on a device with little room: the diagnostic, then the same with accumulation."""
    free, total = torch.cuda.mem_get_info()
    allowed = min(0.95, 1.5e9 / total)
    print(
        f"\nout of memory: a batch of {len(rows[1]):,} rows with {allowed * total / 1e9:.1f} GB ({free / 1e9:.1f} free)"
    )
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(allowed)
    try:
        try:
            trained(rows, 1, len(rows[1]), "cuda")
            print("  it fitted: nothing seen")
            return False
        except StepError as error:
            print(f"  {error}")
        found = trained(rows, 1, len(rows[1]), "cuda", accumulate=True)
        print(f"  accumulated: {json.dumps(found)}")
        return found.get("parts", 1) > 1
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the synthetic table")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--only", choices=["adult", "synthetic"])
    parser.add_argument("--cpu-only", action="store_true", help="measure the CPU's precisions; no GPU is needed")
    given = parser.parse_args()
    gpu = torch.cuda.is_available()
    if not gpu and not given.cpu_only:
        print("There is no GPU here that torch can use: nothing was measured.")
        print("On a machine with one: pip install -e '.[run]' with a CUDA build of torch, then")
        print("  python benchmarks/gpu.py")
        print("  pytest -m cuda tests")
        return 2
    print(f"torch {torch.__version__}; {torch.cuda.get_device_name(0) if gpu else 'no GPU'}")
    ways: list[tuple[str, str, dict[str, Any]]] = [("cpu fp32", "cpu", {}), ("cpu bf16", "cpu", {"precision": "bf16"})]
    if gpu and not given.cpu_only:
        ways = [
            ways[0],
            ("gpu fp32", "cuda", {}),
            ("gpu tf32", "cuda", {"precision": "tf32"}),
            ("gpu bf16", "cuda", {"precision": "bf16"}),
            ("gpu compiled", "cuda", {"compile": True}),
            ("gpu bf16 comp.", "cuda", {"precision": "bf16", "compile": True}),
        ]
    good = True
    if given.only != "synthetic":
        good &= compared("adult-income", adult(), given.epochs, 512, ways)
    if given.only != "adult":
        rows = synthetic(given.rows)
        good &= compared("synthetic", rows, given.epochs, 4096, ways)
        if gpu and not given.cpu_only:
            good &= out_of_memory(rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
