"""The search for settings: what it asks, whom it lets go on, and that a killed one ends as an undisturbed one."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mlspec.steps.training.tuning import pruning, samplers, search, space
from mlspec.steps.training.tuning.journal import Journal, Piece, Result

SPACE = space.parse(
    {
        "rate": {"log": [1e-4, 1.0]},
        "drop": {"uniform": [0.0, 0.5]},
        "units": {"log_integer": [4, 256]},
        "depth": {"integer": [1, 4]},
        "shape": {"choice": [[8], [8, 8], None]},
    }
)
WRITTEN = {"rate": 0.5, "drop": 0.4, "units": 8, "depth": 1, "shape": [8]}
EPOCHS = 27


def plan(**changes: Any) -> search.Plan:
    given: dict[str, Any] = {
        "space": SPACE,
        "written": WRITTEN,
        "trials": 24,
        "time": None,
        "sampler": "tpe",
        "pruner": "asha",
        "parallel": 1,
        "seed": 3,
        "epochs": EPOCHS,
        "maximize": True,
    }
    return search.Plan(**{**given, **changes})


def quality(point: dict[str, Any]) -> float:
    return -((math.log10(point["rate"]) + 2) ** 2) - (point["drop"] - 0.2) ** 2 - 0.1 * (point["shape"] is None)


class Trainer:
    """A model whose score rises to its quality with the epochs; dies at a given piece."""

    def __init__(self, dies_at: int | None = None, epochs: int = EPOCHS) -> None:
        self.epochs = epochs
        self.done: list[Piece] = []
        self.dies_at = dies_at

    def __call__(self, pieces: Sequence[Piece]) -> list[Result]:
        found = []
        for piece in pieces:
            if len(self.done) == self.dies_at:
                raise KeyboardInterrupt
            self.done.append(piece)
            score = quality(piece.point) - 1 / piece.until
            found.append(
                Result(piece.trial, piece.point, piece.until, score, piece.until, piece.until < self.epochs, 0.5)
            )
        return found


def run(wanted: search.Plan, path: Path, trainer: Trainer) -> list[search.Trial]:
    journal = Journal(path)
    try:
        return search.search(wanted, journal, trainer, lambda _trials: None)
    finally:
        journal.close()


@settings(deadline=None)
@given(number=some.integers(1, 40), sampler=some.sampled_from(["random", "qmc"]), seed=some.integers(0, 5))
def test_every_point_is_in_the_space(number: int, sampler: str, seed: int) -> None:
    point = samplers.suggest(sampler, SPACE, seed, number, [], maximize=True)
    assert point is not None
    assert space.encode(SPACE, point) is not None
    assert isinstance(point["units"], int)
    assert point == samplers.suggest(sampler, SPACE, seed, number, [], maximize=True)


@pytest.mark.parametrize("sampler", ["tpe", pytest.param("gp", marks=pytest.mark.slow)])
def test_what_learns_comes_nearer_than_chance(sampler: str, tmp_path: Path) -> None:
    found = {}
    for name in (sampler, "random"):
        trials = run(plan(sampler=name, pruner="none", epochs=1, trials=20), tmp_path / name, Trainer(epochs=1))
        assert all(space.encode(SPACE, trial.point) is not None for trial in trials)
        found[name] = [quality(trial.point) for trial in trials[-10:]]
    assert sum(found[sampler]) > sum(found["random"])


def test_a_grid_is_every_combination_once(tmp_path: Path) -> None:
    choices = space.parse({"a": {"choice": [1, 2]}, "b": {"choice": ["x", "y", "z"]}})
    wanted = plan(space=choices, written={"a": 9, "b": "x"}, sampler="grid", pruner="none", epochs=1, trials=100)
    seen: list[dict[str, Any]] = []

    def do(pieces: Sequence[Piece]) -> list[Result]:
        seen.extend(piece.point for piece in pieces)
        return [Result(p.trial, p.point, p.until, float(p.trial), 1, False, 0.0) for p in pieces]

    journal = Journal(tmp_path / "grid")
    trials = search.search(wanted, journal, do, lambda _trials: None)
    journal.close()
    assert seen[0] == {"a": 9, "b": "x"}  # as it is written
    assert len(trials) == len(seen) == 7
    assert {(point["a"], point["b"]) for point in seen[1:]} == {(a, b) for a in (1, 2) for b in "xyz"}


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize(
    "pruner",
    [
        *("asha", "hyperband", "none"),
        pytest.param("median", marks=pytest.mark.slow),
        pytest.param("wilcoxon", marks=pytest.mark.slow),
    ],
)
def test_killed_anywhere_it_ends_as_if_it_were_not(pruner: str, parallel: int, tmp_path: Path) -> None:
    wanted = plan(pruner=pruner, parallel=parallel)
    undisturbed = Trainer()
    expected = run(wanted, tmp_path / "whole", undisturbed)
    for dies_at in range(0, len(undisturbed.done), 9):
        path = tmp_path / f"killed-{dies_at}"
        first = Trainer(dies_at)
        with pytest.raises(KeyboardInterrupt):
            run(wanted, path, first)
        with path.open("ab") as file:
            file.write(b'{"trial": 99, "poi')  # a line that was being written
        again = Trainer()
        assert run(wanted, path, again) == expected
        assert len(again.done) <= len(undisturbed.done) - dies_at + parallel - 1  # nothing finished is done again


def test_halving_spends_a_fraction_and_trains_the_winner_to_its_end(tmp_path: Path) -> None:
    spent = {}
    for pruner in ("asha", "none"):
        trainer = Trainer()
        trials = run(plan(pruner=pruner, sampler="random", trials=40), tmp_path / pruner, trainer)
        best = search.best(trials)
        assert best is not None
        assert best.epochs == EPOCHS
        spent[pruner] = quality(best.point), sum(max(trial.scores) for trial in trials)
    assert spent["asha"][1] < 0.35 * spent["none"][1]
    assert spent["asha"][0] == spent["none"][0]  # and it finds the same


def test_the_candidate_as_written_is_a_trial_that_is_never_pruned(tmp_path: Path) -> None:
    trials = run(plan(trials=6), tmp_path / "journal", Trainer())
    assert trials[0].point == WRITTEN
    assert trials[0].state == "complete"
    only = run(plan(trials=1), tmp_path / "only", Trainer())
    assert [trial.state for trial in only] == ["complete"]


def test_a_trial_that_is_worse_on_fold_after_fold_ends_before_the_last(tmp_path: Path) -> None:
    """Folds differ more than trials do: paired, few of them tell."""

    class Folds(Trainer):
        def __call__(self, pieces: Sequence[Piece]) -> list[Result]:
            self.done += pieces
            return [
                Result(p.trial, p.point, p.until, 5.0 * p.until + quality(p.point), 0, p.until < 10, 0.1)
                for p in pieces
            ]

    trainer = Folds()
    trials = run(plan(pruner="wilcoxon", epochs=10, sampler="random"), tmp_path / "journal", trainer)
    states = [trial.state for trial in trials]
    assert states[0] == "complete"
    assert states.count("pruned") >= 10
    assert all(4 <= len(trial.folds) < 10 for trial in trials if trial.state == "pruned")
    best = search.best(trials)
    assert best is not None
    assert best.point == max((trial.point for trial in trials), key=quality)
    assert len(trainer.done) < 0.8 * 10 * len(trials)


def test_the_time_ends_the_search_and_the_best_still_trains_to_its_end(tmp_path: Path) -> None:
    trials = run(plan(time=4.0, trials=1000), tmp_path / "journal", Trainer())
    assert 1 < len(trials) < 12
    assert search.best(trials[1:]) is not None


def test_failing_trials_are_reported_and_lost_without_the_rest(tmp_path: Path) -> None:
    def do(pieces: Sequence[Piece]) -> list[Result]:
        return [
            Result(p.trial, p.point, p.until, None, 0, False, 0.1, "it broke")
            if p.trial % 2
            else Result(p.trial, p.point, p.until, float(p.trial), 1, False, 0.1)
            for p in pieces
        ]

    journal = Journal(tmp_path / "journal")
    trials = search.search(plan(pruner="none", epochs=1, trials=14), journal, do, lambda _trials: None)
    journal.close()
    assert [trial.state for trial in trials] == ["complete", "failed"] * 7
    assert trials[1].error == "it broke"
    best = search.best(trials)
    assert best is not None
    assert best.number == 12


def test_what_matters_is_reported() -> None:
    known = [
        samplers.Known({**WRITTEN, "rate": 10 ** (-4 * i / 40), "drop": (i * 7 % 40) / 80}, "complete", float(i), 27)
        for i in range(41)
    ]
    found = samplers.importance(SPACE, known, maximize=True)
    assert sum(found.values()) == pytest.approx(1.0)
    assert max(found, key=lambda name: found[name]) == "rate"
    assert samplers.importance(SPACE, known[:5], maximize=True) == {}


def test_stops_of_a_short_and_a_long_training() -> None:
    assert pruning.stops("asha", 27) == (1, 3, 9, 27)
    assert pruning.stops("asha", 2) == (1, 2)
    assert pruning.stops("none", 27) == (27,)
    brackets = [pruning.first("hyperband", number, (1, 3, 9, 27)) for number in range(1, 50)]
    assert set(brackets) == {1, 3, 9, 27}
    assert brackets.count(1) > brackets.count(3) > brackets.count(27) > 0
