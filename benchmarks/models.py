"""How good each model is with its defaults, and what it costs.

    python benchmarks/models.py [--specs adult-income diamonds-price] [--models torch.mlp ...] [--set KEY=VALUE ...]

Each model alone, on the rows that the example project prepares for it, in this process, on one thread: the project's
steps do the work, nothing is tuned. A row of the table: a metric on the validation rows and on the test rows, and the
seconds of processor time that fitting took (they hardly change when the machine is busy, wall time does). The test rows
are looked at here to compare models; a project looks at them once, with the model that it has chosen. ``--set`` changes
a setting of the models.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from mlspec import api, registry
from mlspec.graph.kinds import KINDS
from mlspec.steps.job import Job

SPECS = Path(__file__).parents[1] / "specs"
METRICS = {"binary_classification": "roc_auc", "multiclass_classification": "log_loss", "regression": "rmse"}


def compiled(name: str, model: str, settings: dict[str, Any], folder: Path) -> Any:
    """The example project with that model alone, without gates and tuning."""
    spec = yaml.safe_load((SPECS / name / "project.yaml").read_text(encoding="utf-8"))
    shutil.copytree(SPECS / name / "data", folder / "data", dirs_exist_ok=True)
    for key in ("constraints", "tuning", "evaluation", "profiles"):
        spec.pop(key, None)
    spec["data"].pop("expect", None)
    spec["project"].pop("users", None)
    spec["model"] = {"candidates": {"one": {"type": model, **settings}}}
    (folder / "project.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    return api.compile(folder / "project.yaml", running=True)


def do(graph: Any, wanted: str, folder: Path, done: dict[str, dict[str, Path]]) -> float:
    """Run a step after those that it reads from; the processor time that its own work took."""
    step = graph.steps[wanted]
    for source in step.inputs.values():
        if source.step not in done:
            do(graph, source.step, folder, done)
    outputs = {name: folder / f"{wanted}.{name}" for name in step.outputs}
    inputs = {name: done[source.step][source.output] for name, source in step.inputs.items()}
    job = Job(
        id=step.id,
        kind=step.kind,
        params=step.params,
        inputs=inputs,
        outputs=outputs,
        scratch=folder / f"{wanted}.scratch",
        root=folder,
    )
    began = time.process_time()
    import_module(KINDS[step.kind].work).run(job)
    done[wanted] = outputs
    return time.process_time() - began


def measure(name: str, model: str, settings: dict[str, Any]) -> tuple[str, list[float], float, int]:
    """The metric, its values on validation and test rows, processor seconds of fitting, bytes of the model."""
    import polars as pl

    from mlspec.steps import results
    from mlspec.steps.data import preparation

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        graph = compiled(name, model, settings, folder).plan.graph
        done: dict[str, dict[str, Path]] = {}
        seconds = do(graph, "train.one", folder, done)
        prepared = graph.steps["train.one"].inputs["state"].step
        state = results.read_json(done[prepared]["state"])
        use = graph.project.model.candidates["one"].plugin
        predictor = use.load(done["train.one"]["model"], "cpu")
        metric = METRICS[graph.project.project.task]
        score = registry.plugin("metrics", metric)().score  # type: ignore[attr-defined]
        found = []
        raw = preparation.apply(pl.scan_parquet(done["split"]["test"]), state).collect()
        for rows in (pl.read_parquet(done[prepared]["validation"]), raw):
            truth = preparation.learned(preparation.target(rows, state), state)
            found.append(score(truth, predictor.predict(preparation.features(rows, state))))
        size = sum(file.stat().st_size for file in done["train.one"]["model"].rglob("*") if file.is_file())
    return metric, found, seconds, size


def main() -> int:
    parser = argparse.ArgumentParser(description="Each model's quality with its defaults.")
    parser.add_argument("--specs", nargs="+", default=["adult-income", "diamonds-price"])
    parser.add_argument("--models", nargs="+", default=[])
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE")
    asked = parser.parse_args()
    settings = {key: json.loads(value) for key, _, value in (one.partition("=") for one in asked.set)}
    print("| table | model | metric | validation | test | CPU seconds | size (kB) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in asked.specs:
        task = yaml.safe_load((SPECS / name / "project.yaml").read_text(encoding="utf-8"))["project"]["task"]
        for model in asked.models or registry.names("models"):
            if model == "python" or task not in registry.plugin("models", model).tasks:  # type: ignore[attr-defined]
                continue
            metric, (validation, test), seconds, size = measure(name, model, settings)
            print(
                f"| {name} | {model} | {metric} | {validation:.4f} | {test:.4f} | {seconds:.1f} | {size / 1000:,.0f} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
