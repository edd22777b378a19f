"""mlspec for notebooks and scripts: what the commands do, as plain functions.

    from mlspec import api

    run = api.run("specs/penguins")
    run.scores

Whatever is wrong with a spec is raised as ``SpecError``; a failed step is reported in the run, not raised.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlspec.api.checking import FETCHING, Checked, Compiled, Fetching, compile, inspect, validate  # noqa: A004
    from mlspec.api.contracts import add_contract, export_contract, import_contract
    from mlspec.api.drafting import Drafted, draft
    from mlspec.api.fixing import Changed, Fixed, fix
    from mlspec.api.keeping import accept, adopt
    from mlspec.api.looking import compare, diff, diff_all, last, profile, report, runs, series
    from mlspec.api.monitoring import compare_candidate, monitor, retrain_check
    from mlspec.api.packaging import Packaged, package
    from mlspec.api.policies import Policies, policies
    from mlspec.api.prediction import Predictions, predict, predict_file
    from mlspec.api.releasing import (
        approve,
        make_keys,
        note,
        promote,
        registry_folder,
        release,
        releases,
        rollback,
        verify_bundle,
    )
    from mlspec.api.retraining import retrain
    from mlspec.api.rollouts import start_rollout, stop_rollout
    from mlspec.api.running import Verdict, execute, run, step, track
    from mlspec.api.serving import Address, serve
    from mlspec.api.tables import write_table
    from mlspec.api.tracked import init_dvc, write_dvc, write_dvc_params
    from mlspec.api.using import load_model

# Each is imported when it is asked for: a command needs one or two of them.
ROOMS = {
    "checking": ("FETCHING", "Checked", "Compiled", "Fetching", "compile", "inspect", "validate"),
    "contracts": ("add_contract", "export_contract", "import_contract"),
    "drafting": ("Drafted", "draft"),
    "fixing": ("Changed", "Fixed", "fix"),
    "keeping": ("accept", "adopt"),
    "looking": ("compare", "diff", "diff_all", "last", "profile", "report", "runs", "series"),
    "packaging": ("Packaged", "package"),
    "monitoring": ("compare_candidate", "monitor", "retrain_check"),
    "policies": ("Policies", "policies"),
    "prediction": ("Predictions", "predict", "predict_file"),
    "releasing": (
        "approve",
        "make_keys",
        "note",
        "promote",
        "registry_folder",
        "release",
        "releases",
        "rollback",
        "verify_bundle",
    ),
    "retraining": ("retrain",),
    "rollouts": ("start_rollout", "stop_rollout"),
    "running": ("Verdict", "execute", "run", "step", "track"),
    "serving": ("Address", "serve"),
    "tables": ("write_table",),
    "tracked": ("init_dvc", "write_dvc", "write_dvc_params"),
    "using": ("load_model",),
}

__all__ = [
    "FETCHING",
    "Address",
    "Changed",
    "Checked",
    "Compiled",
    "Drafted",
    "Fetching",
    "Fixed",
    "Packaged",
    "Policies",
    "Predictions",
    "Verdict",
    "accept",
    "add_contract",
    "adopt",
    "approve",
    "compare",
    "compare_candidate",
    "compile",
    "diff",
    "diff_all",
    "draft",
    "execute",
    "export_contract",
    "fix",
    "import_contract",
    "init_dvc",
    "inspect",
    "last",
    "load_model",
    "make_keys",
    "monitor",
    "note",
    "package",
    "policies",
    "predict",
    "predict_file",
    "profile",
    "promote",
    "registry_folder",
    "release",
    "releases",
    "report",
    "retrain",
    "retrain_check",
    "rollback",
    "run",
    "runs",
    "series",
    "serve",
    "start_rollout",
    "step",
    "stop_rollout",
    "track",
    "validate",
    "verify_bundle",
    "write_dvc",
    "write_dvc_params",
    "write_table",
]


def __getattr__(name: str) -> Any:
    import importlib

    from mlspec.machine import python_paths

    room = next((room for room, names in ROOMS.items() if name in names), None)
    if room is None:
        raise AttributeError(f"module 'mlspec.api' has no attribute '{name}'")
    # Of a notebook's working folder, which Python has on its path, nothing is imported.
    with python_paths.only_own():
        value = getattr(importlib.import_module(f"mlspec.api.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
