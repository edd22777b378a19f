"""Which plug-ins the work of a step runs, read from its params."""

from mlspec import registry
from mlspec.graph.step import Step


def plugins_of(step: Step) -> tuple[tuple[str, str], ...]:
    """Pairs of plug-in kind and name (``("models", "ridge")``), sorted, each once."""
    params = step.params
    if step.kind in ("source", "source_part"):
        treatments = {("anonymizers", use[0]) for _, _, use in params.get("treatments", ())}
        return tuple(sorted({("sources", params["source"][0]), *treatments}))
    if step.kind == "prepare":
        # Columns of one type share one list of steps.
        lists = {id(column["steps"]): column["steps"] for column in params["columns"]}
        return tuple(sorted({("transforms", pair[0]) for steps in lists.values() for pair in steps}))
    if step.kind in ("fit", "fit_part", "prepare_part"):
        return tuple(("transforms", name) for name in params["transforms"])
    if step.kind == "tune":
        return (("metrics", params["metric"][0]), ("models", params["model"][0]))
    if step.kind == "baseline":
        name = step.params["baseline"]
        return (("baselines", name if isinstance(name, str) else name[0]),)
    if step.kind == "train_shared":
        columns = [column for prepared in params["candidates"].values() for column in prepared["columns"]]
        return tuple(sorted({("transforms", pair[0]) for column in columns for pair in column["steps"]}))
    if step.kind in ("train", "predict"):
        return (("models", params["model"][0]),)
    if step.kind in ("evaluate", "evaluate_test", "seeds", "reference"):
        return tuple(sorted({("metrics", pair[0]) for pair in params["metrics"]}))
    if step.kind in ("select", "compare", "importance", "personalize"):
        return (("metrics", params["metric"][0]),)
    if step.kind == "measure":
        return (("constraints", params["of"]),)
    if step.kind == "gate":
        # Before constraints were plug-ins no gate's fingerprint named one: what is at its first version is not named.
        decided = registry.constraint(params["of"])
        return (("constraints", params["of"]),) if decided.version > 1 or decided.libraries else ()
    return ()
