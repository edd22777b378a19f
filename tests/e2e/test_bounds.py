"""A bound that is met exactly: measured once, then asked for what was measured, a hair more and a hair less."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlspec import api
from mlspec.plugins.verdict import Verdict

SPEC: dict[str, Any] = {
    "project": {
        "name": "bounds",
        "users": {
            "examples": [
                {"row": {"x": 0, "z": 0}, "answer": "no"},
                {"row": {"x": 9, "z": 0}, "answer": "yes"},
                {"row": {"x": 9, "z": 1}, "answer": "no"},
                {"row": {"x": 0, "z": 1}, "answer": "yes"},
                {"row": {"x": 8, "z": 1}, "answer": "yes"},
            ]
        },
    },
    "data": {"sources": {"rows": {"path": "rows.csv"}}, "columns": {"target": "y"}, "split": {"seed": 1}},
    "model": {"checks": "off", "candidates": {"line": {"type": "logistic_regression"}}},
    "evaluation": {"baselines": ["majority"]},
    "backend": {"engine": "inline"},
}  # fmt: skip
BEATS = {"metric": "accuracy", "beats": "majority"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bounds")
    rows = [(i % 10, i % 3, "yes" if i % 10 > 4 + (i % 7 == 0) * 3 else "no") for i in range(400)]
    (folder / "rows.csv").write_text("x,z,y\n" + "".join(f"{x},{z},{y}\n" for x, z, y in rows))
    return folder


def judged(folder: Path, **constraints: Any) -> list[Verdict]:
    """The gates of a run with these constraints; what they measure is measured once."""
    (folder / "project.yaml").write_text(yaml.safe_dump({**SPEC, "constraints": constraints}))
    return [gate for gate in api.run(folder / "project.yaml").gates if "example" not in gate.requirement]


def accuracy(folder: Path, **bounds: Any) -> str:
    (gate,) = judged(folder, quality=[{"metric": "accuracy", **bounds}])
    return gate.verdict


def test_an_interval_that_ends_on_the_bound_is_on_its_right_side(folder: Path) -> None:
    (gate,) = judged(folder, quality=[{"metric": "accuracy", "at_least": 0.0}])
    assert (gate.verdict, gate.unit) == ("pass", "")
    assert gate.low is not None
    assert gate.high is not None
    assert gate.low < gate.high
    low, high = gate.low, gate.high
    assert accuracy(folder, at_least=low) == "pass"
    assert accuracy(folder, at_least=math.nextafter(low, 1)) == "unknown"
    assert accuracy(folder, at_least=high) == "unknown"
    assert accuracy(folder, at_least=math.nextafter(high, 1)) == "fail"
    assert accuracy(folder, at_most=high) == "pass"
    assert accuracy(folder, at_most=math.nextafter(high, 0)) == "unknown"
    assert accuracy(folder, at_most=low) == "unknown"
    assert accuracy(folder, at_most=math.nextafter(low, 0)) == "fail"
    assert accuracy(folder, at_least=low, at_most=high) == "pass"


def test_a_lead_over_a_baseline_that_is_just_what_is_asked_is_none_too_few(folder: Path) -> None:
    (gate,) = judged(folder, quality=[BEATS])
    assert gate.low is not None
    assert gate.low > 0
    (gate,) = judged(folder, quality=[{**BEATS, "by": gate.low}])
    assert (gate.verdict, gate.threshold) == ("pass", gate.low)
    assert gate.low is not None
    (gate,) = judged(folder, quality=[{**BEATS, "by": math.nextafter(gate.low, 1)}])
    assert gate.verdict == "unknown"


def test_a_size_is_allowed_to_the_last_byte(folder: Path) -> None:
    (gate,) = judged(folder, size={"model": "1GB"})
    assert gate.value is not None
    held = int(gate.value)
    (gate,) = judged(folder, size={"model": f"{held}B"})
    assert (gate.verdict, gate.value, gate.threshold, gate.unit) == ("pass", held, held, "bytes")
    (gate,) = judged(folder, size={"model": f"{held - 1}B"})
    assert gate.verdict == "fail"


def test_examples_are_counted_by_those_answered_as_expected(folder: Path) -> None:
    one = {"name": "bounds", "users": {"examples": SPEC["project"]["users"]["examples"][:1]}}
    (folder / "project.yaml").write_text(yaml.safe_dump({**SPEC, "project": one}))
    (gate,) = api.run(folder / "project.yaml").gates
    assert (gate.requirement, gate.verdict, gate.value) == ("1 example answered as expected", "pass", 1)
    (folder / "project.yaml").write_text(yaml.safe_dump(SPEC))
    (gate,) = api.run(folder / "project.yaml").gates
    assert (gate.requirement, gate.verdict) == ("5 examples answered as expected", "fail")
    assert (gate.value, gate.n, gate.threshold) == (3, 5, 5)
    assert gate.reason.startswith("example 3: 'no' was expected, the model says 'yes' (0.")
    assert "; example 4: 'yes' was expected, the model says 'no' (0." in gate.reason
