"""The two regression examples: a price on a logarithmic scale, and days in their order."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Mlspec = Callable[..., CompletedProcess[str]]
SPECS = Path(__file__).parents[2] / "specs"


def copied(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(SPECS / name, tmp_path / name, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock")))


@pytest.mark.slow
def test_diamonds_are_priced_in_dollars_from_what_is_learned_in_logarithms(tmp_path: Path, mlspec: Mlspec) -> None:
    folder = copied("diamonds-price", tmp_path)
    done = mlspec("run", "--profile", "smoke", cwd=folder)
    assert "All 3 constraints hold" in done.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    scores = {score["metric"]: score["value"] for score in shown["scores"]}
    assert scores["rmse_log"] < 0.2
    assert scores["mae"] > 50  # dollars
    searched = {candidate["name"]: candidate.get("search") for candidate in shown["candidates"]}
    assert len(searched["boost"]["trials"]) == 2
    features = json.loads((folder / shown["model"] / "package.json").read_text())["columns"]
    assert [name for name, _kind in features] == [
        "carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"
    ]  # fmt: skip


@pytest.mark.slow
def test_weather_is_judged_on_days_that_come_after(tmp_path: Path, mlspec: Mlspec) -> None:
    folder = copied("seattle-weather", tmp_path)
    done = mlspec("run", "--profile", "smoke", cwd=folder)
    assert "All 4 constraints hold" in done.stdout
    assert "on the held-out rows of 2 folds" in done.stdout
