"""Several seeds: the spread is shown, the first seed alone chooses, and what has no luck in it has no spread."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Mlspec = Callable[..., CompletedProcess[str]]


@pytest.mark.slow
def test_the_spread_of_seeds_is_shown_and_chooses_nothing(penguins: Path, mlspec: Mlspec) -> None:
    spec = penguins / "project.yaml"
    more = spec.read_text() + "    forest: {type: random_forest, trees: 5}\n  seed: 3\n"
    spec.write_text(more)
    mlspec("run", cwd=penguins)
    alone = json.loads(mlspec("show", "--format", "json", cwd=penguins).stdout)
    spec.write_text(more + "  repeats: 4\n")
    planned = mlspec("compile", cwd=penguins).stdout
    assert all(f"train.forest.seed{seed}" in planned for seed in (4, 5, 6))
    done = mlspec("run", cwd=penguins)
    assert "train.linear: done" not in done.stderr  # the first seed is the one that was trained before
    assert "log_loss over 4 seeds: " in done.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=penguins).stdout)
    scores = [{**score, "seeds": []} for score in shown["scores"]]
    assert (shown["selected"], scores) == (alone["selected"], alone["scores"])
    seeds = {candidate["name"]: candidate["seeds"] for candidate in shown["candidates"]}
    assert len(set(seeds["forest"])) == 4
    assert len(seeds["linear"]) == 4
    assert max(seeds["linear"]) - min(seeds["linear"]) < 1e-9
    assert "log_loss over 4 seeds: " in (penguins / shown["report"]).read_text()
    # On the test rows too: those of the models before the one that is judged was fitted again on more rows.
    locked = json.loads((penguins / "mlspec.lock").read_text())
    for score in shown["scores"]:
        assert score["seeds"] == locked["seeds"][score["metric"]]
        assert score["seeds"][0] == pytest.approx(score["value"], abs=0.2)
        assert len(score["seeds"]) == 4
        assert max(score["seeds"]) - min(score["seeds"]) < 1e-9  # the linear model is selected
