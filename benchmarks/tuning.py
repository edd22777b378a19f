"""What a trial costs beside its training, and what pausing bad trials saves.

    python benchmarks/tuning.py [--trials 100]

The first table: milliseconds of wall time a trial, with a journal that is on the disk before the next trial begins, for
trials that take no time; beside Optuna's own loop with its journal storage and with SQLite. The budget is 5 ms a trial.
The second: replayed learning curves (a trial's loss falls with a power of its epochs to a floor of its own, with noise;
40 seeds): the regret of the best trial and the epochs spent, for random search and for random search with asha.
Exit code 1 above the budget.
"""

import argparse
import math
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlspec.steps.training.tuning import search, space
from mlspec.steps.training.tuning.journal import Journal, Piece, Result

BUDGET = 5.0
STATED = {"rate": {"log": [1e-4, 1.0]}, "drop": {"uniform": [0.0, 0.5]}, "units": {"log_integer": [8, 512]}}
SPACE = space.parse(STATED)
EPOCHS = 81


def plan(**given: Any) -> search.Plan:
    base: dict[str, Any] = {
        "space": SPACE,
        "written": {"rate": 0.01, "drop": 0.1, "units": 64},
        "time": None,
        "parallel": 1,
        "seed": 0,
        "epochs": 1,
        "pruner": "none",
        "maximize": False,
    }
    return search.Plan(**{**base, **given})


def quality(point: dict[str, Any]) -> float:
    """A loss that is least at rate 0.01, drop 0.2, and falls with the units."""
    return float(
        0.1 * (math.log10(point["rate"]) + 2) ** 2
        + (point["drop"] - 0.2) ** 2
        + 0.05 * abs(math.log2(point["units"] / 128))
    )


def ours(sampler: str, trials: int) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        journal = Journal(Path(scratch, "trials.jsonl"))

        def do(pieces: Sequence[Piece]) -> list[Result]:
            return [Result(p.trial, p.point, p.until, -quality(p.point), 1, False, 0.0) for p in pieces]

        began = time.perf_counter()
        search.search(plan(sampler=sampler, trials=trials), journal, do, lambda _trials: None)
        took = time.perf_counter() - began
        journal.close()
    return took / trials * 1000


def bare(storage: str, trials: int) -> float:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as scratch:
        kept: Any = f"sqlite:///{scratch}/study.db"
        if storage == "journal":
            kept = JournalStorage(JournalFileBackend(f"{scratch}/journal.log"))
        study = optuna.create_study(storage=kept, sampler=optuna.samplers.TPESampler(seed=0))

        def objective(trial: optuna.Trial) -> float:
            return quality(
                {
                    "rate": trial.suggest_float("rate", 1e-4, 1.0, log=True),
                    "drop": trial.suggest_float("drop", 0.0, 0.5),
                    "units": trial.suggest_int("units", 8, 512, log=True),
                }
            )

        began = time.perf_counter()
        study.optimize(objective, n_trials=trials)
        return (time.perf_counter() - began) / trials * 1000


def replay(pruner: str, seed: int, trials: int) -> tuple[float, int]:
    """The regret of the best trial, and the epochs that all of them took."""
    spent: dict[int, int] = {}
    reached: dict[int, float] = {}

    def do(pieces: Sequence[Piece]) -> list[Result]:
        found = []
        for piece in pieces:
            noise = np.random.default_rng([seed, piece.trial, piece.until]).normal(0, 0.01)
            floor = quality(piece.point)
            loss = floor + 0.5 * piece.until**-0.7 + noise
            spent[piece.trial] = max(spent.get(piece.trial, 0), piece.until)
            reached[piece.trial] = floor
            found.append(Result(piece.trial, piece.point, piece.until, -loss, piece.until, piece.until < EPOCHS, 0.0))
        return found

    with tempfile.TemporaryDirectory() as scratch:
        journal = Journal(Path(scratch, "trials.jsonl"))
        wanted = plan(sampler="random", trials=trials, pruner=pruner, epochs=EPOCHS, seed=seed, written=POOR)
        tried = search.search(wanted, journal, do, lambda _trials: None)
        journal.close()
    best = search.best(tried)
    assert best is not None
    return reached[best.number] - min(reached.values()), sum(spent.values())


POOR = {"rate": 1.0, "drop": 0.5, "units": 8}


def main() -> None:
    """Measure, print, and judge the cost of a trial with the default sampler."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    ours("tpe", 12)  # imports
    print(f"{options.trials} trials that take no time      ms a trial")
    figures = {name: min(ours(name, options.trials) for _ in range(3)) for name in ("random", "qmc", "tpe")}
    for name, took in figures.items():
        print(f"  mlspec, {name:8} durable        {took:8.2f}")
    for storage in ("journal", "sqlite"):
        print(f"  optuna, tpe, {storage:8}         {bare(storage, options.trials):8.2f}")
    print("replayed curves, 27 trials of 81 epochs, 40 seeds   mean regret   epochs")
    for pruner in ("none", "median", "hyperband", "asha"):
        runs = [replay(pruner, seed, 27) for seed in range(40)]
        regret, epochs = (sum(column) / len(runs) for column in zip(*runs, strict=True))
        print(f"  {'random search' if pruner == 'none' else 'with ' + pruner:46} {regret:11.4f}   {epochs:6.0f}")
    sys.exit(figures["tpe"] > BUDGET)


if __name__ == "__main__":
    main()
