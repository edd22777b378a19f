"""Serving a package with a LightGBM model: CPU time of a row, and of a request beside other servers.

    python benchmarks/serve.py [specs/adult-income] [--data specs/adult-income/data/test.csv.gz]
    python benchmarks/serve.py FOLDER --http [--bento VENV/bin] [--mlflow VENV/bin] [--requests 2000]

The spec has been run (FOLDER: a package of it). First, the CPU time of a row: of the booster alone on numbers that are
encoded already, of the package by its row path and by the data engine, of its ONNX file, and of ``api.predict`` with a
dict and with a frame. Exit code 1 where the row path takes over 0.1 ms more than the booster.

``--http``: a request of one row to ``mlspec serve``, to a starlette handler written by hand for this model
(serving/by_hand.py), and to the same function behind BentoML and ``mlflow models serve`` of other environments; in one
run, over 1 and 8 connections. Goals: 1.3 times the CPU of the handler by hand, 1/7 of BentoML's, 1/10 of MLflow's.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BUDGET = 0.1  # ms
ROUNDS = 5


def cpu(work: Callable[[Any], Any], rows: Sequence[Any], rounds: int = 5) -> float:
    """CPU ms of a row: the least of some rounds."""
    for row in rows[:50]:
        work(row)
    taken = []
    for _ in range(rounds):
        before = time.process_time()
        for row in rows:
            work(row)
        taken.append((time.process_time() - before) / len(rows))
    return 1000 * min(taken)


def row_path(folder: Path, data: Path, count: int) -> dict[str, float]:
    """CPU ms of a row, by what answers it."""
    import numpy as np
    import polars as pl

    from mlspec import api
    from mlspec.onnxkit import reading
    from mlspec.steps.data import by_cell
    from mlspec.steps.serving import package, to_onnx

    loaded = package.load(folder)
    about = loaded.about
    session = reading.opened(to_onnx.made(folder, about).content, about.raw_columns(), len(about.classes or ()))
    frame = pl.read_csv(data, infer_schema_length=None).head(count)
    checked = loaded.checked(frame)
    rows = frame.select(name for name, _kind in loaded.about.raw_columns()).to_dicts()
    part = loaded._parts[0]
    booster: Any = part.predictor
    features = [by_cell.compiled(part.state)([row]) for row in rows]
    encoded = [np.concatenate([one.numeric, one.codes], axis=1).astype(np.float64) for one in features]
    frames = [checked[place : place + 1] for place in range(len(rows))]
    return {
        "the bare booster": cpu(lambda one: booster._booster.predict(one, num_threads=1), encoded),
        "the package, by rows": cpu(lambda row: loaded.predict_few([row]), rows),
        "the ONNX file": cpu(lambda row: session.answer([row]), rows),
        "the package, by the data engine": cpu(loaded.predict, frames),
        "api.predict, a dict": cpu(lambda row: api.predict(loaded, row), rows),
        "api.predict, a frame": cpu(lambda one: api.predict(loaded, one), frames),
    }


def servers(folder: Path, said: Any, target: str) -> dict[str, tuple[list[str], str, dict[str, str]]]:
    """The servers with their commands (PORT stands for the port), paths and environments."""
    here = Path(__file__).resolve().parent / "serving"
    ours = "import sys; from mlspec.cli import main; sys.exit(main())"
    serve = [sys.executable, "-c", ours, "serve", str(folder), "--port", "PORT"]
    found: dict[str, tuple[list[str], str, dict[str, str]]] = {
        "mlspec serve": (serve, "/predict", {}),
        "mlspec serve --log": ([*serve, "--log", f"{target}/log"], "/predict", {}),
        "starlette, by hand": ([sys.executable, str(here / "starlette_app.py"), str(folder), "PORT"], "/predict", {}),
    }
    plain = {"PYTHONPATH": str(here), "FOLDER": str(folder)}
    if said.bento:
        command = [f"{said.bento}/bentoml", "serve", "bento_app:Adult", "--port", "PORT", "--working-dir", str(here)]
        environment = {**plain, "BENTOML_DO_NOT_TRACK": "1", "BENTOML_HOME": f"{target}/bento"}
        found["BentoML"] = (command, "/predict", environment)
    if said.mlflow:
        saved = f"{target}/mlflow"
        command = [f"{said.mlflow}/python", str(here / "save_mlflow.py"), str(folder), saved]
        subprocess.run(
            command, check=True, env={**os.environ, **plain}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        command = [f"{said.mlflow}/mlflow", "models", "serve", "-m", saved, "--port", "PORT", "--env-manager", "local"]
        path = f"{said.mlflow}{os.pathsep}{os.environ['PATH']}"
        found["mlflow models serve"] = (command, "/invocations", {**plain, "PATH": path})
    return found


def http(folder: Path, said: Any) -> None:
    """Print what a request costs, by server."""
    import polars as pl

    from mlspec.steps.serving import package_format

    sys.path.insert(0, str(Path(__file__).resolve().parent / "serving"))
    import load  # type: ignore[import-not-found]

    names = [name for name, _kind in package_format.read_about(folder).raw_columns()]
    rows = pl.read_csv(said.data, infer_schema_length=None).head(200).select(names).to_dicts()
    bodies = {
        "/predict": [json.dumps(row).encode() for row in rows],
        "/invocations": [json.dumps({"dataframe_records": [row]}).encode() for row in rows],
    }
    titles = f"{'CPU ms c=1':>10} {'c=8':>6} {'req/s c=1':>10} {'c=8':>6} {'p99 ms c=1':>11} {'c=8':>7} {'MB':>5}"
    print(f"{'server':<22} {titles}")
    with tempfile.TemporaryDirectory() as target, contextlib.ExitStack() as stack:
        found: dict[str, list[tuple[Any, Any]]] = {}
        asked = {}
        for name, (command, path, environment) in servers(folder, said, target).items():
            own = [json.dumps({"row": row}).encode() for row in rows] if name == "BentoML" else bodies[path]
            port = load.free_port()
            command = [str(port) if word == "PORT" else word for word in command]
            process = stack.enter_context(load.running(command, port, own[0], path, **environment))
            asked[name] = process, port, own, path
        for turn in range(ROUNDS + 1):  # in turns, for other work on the machine slows all; the first warms up
            for name, at in asked.items():
                count = max(20, said.requests // ROUNDS)
                measured = load.measure(*at, 1, count), load.measure(*at, 8, count)
                if turn:
                    found.setdefault(name, []).append(measured)
        for name, rounds in found.items():
            best = [
                (min(one.cpu for one in way), max(one.rate for one in way), min(one.p99 for one in way))
                for way in zip(*rounds, strict=True)
            ]
            cpus, rates, times = zip(*best, strict=True)
            figures = (
                f"{cpus[0]:10.2f} {cpus[1]:6.2f} {rates[0]:10.0f} {rates[1]:6.0f} {times[0]:11.1f} {times[1]:7.1f}"
            )
            print(f"{name:<22} {figures} {load.memory(asked[name][0]):5.0f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", type=Path, default=Path("specs/adult-income"))
    parser.add_argument("--data", type=Path, default=Path("specs/adult-income/data/test.csv.gz"))
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--bento", metavar="BIN")
    parser.add_argument("--mlflow", metavar="BIN")
    parser.add_argument("--requests", type=int, default=2000)
    said = parser.parse_args()
    from mlspec.api.using import folder_of

    if said.http:
        http(folder_of(said.spec), said)
        return 0
    found = row_path(folder_of(said.spec), said.data, said.rows)
    for name, taken in found.items():
        print(f"{name:<32} {taken:6.3f} ms")
    over = found["the package, by rows"] - found["the bare booster"]
    print(f"over the booster {over:.3f} ms (budget {BUDGET})")
    return int(over > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
