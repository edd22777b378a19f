"""One new file makes a new source, preparation step, model, metric, rule and engine: nothing else is touched."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

FILES = {
    "src/mlspec/sources/pipes.py": '''
"""Text with bars."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mlspec.plugins.base import Column, Schema
from mlspec.sources import FileSource

if TYPE_CHECKING:
    import polars as pl


class Pipes(FileSource, frozen=True, kw_only=True):
    """Numbers between bars.

    Why: a test.

    Example:
        rows: {path: rows.pipes}
    """

    suffixes: ClassVar[tuple[str, ...]] = (".pipes",)

    def head(self, path: Path) -> Schema:
        """The names of the first line."""
        names = path.read_text().splitlines()[0].split("|")
        return tuple(Column(name, "category" if name == "kind" else "number") for name in names)

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """All of them."""
        rows = [line.split("|") for line in path.read_text().splitlines()]
        return tuple(row[rows[0].index(column)] for row in rows[1:]), True

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows."""
        import polars as pl

        frame = pl.read_csv(path, separator="|", infer_schema=False)
        return frame.select(
            pl.col(c.name).cast(pl.String if c.type == "category" else pl.Float64) for c in columns
        ).lazy()
''',
    "src/mlspec/transforms/shift.py": '''
"""Move numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Transform

if TYPE_CHECKING:
    import polars as pl


class Shift(Transform, frozen=True, kw_only=True):
    """Adds a number.

    Why: a test.

    Example:
        numeric: [shift: 2]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    shorthand: ClassVar[str] = "by"

    by: Annotated[float, Meta(description="What is added.")] = 1.0

    def output(self, column: Column) -> Schema:
        """A number."""
        return (Column(column.name, "number", column.role),)

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The sum."""
        import polars as pl

        return [(self.output(column)[0], pl.col(column.name) + self.by)]
''',
    "src/mlspec/anonymizers/halve.py": '''
"""Halve numbers."""

from typing import TYPE_CHECKING, ClassVar

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Halve(Anonymizer, frozen=True, kw_only=True):
    """Halves a number.

    Why: a test.

    Example:
        y: {kind: sensitive, action: halve}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})

    def output(self, column: Column) -> Column:
        """A number."""
        return Column(column.name, "number", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """The half."""
        import polars as pl

        return pl.col(column.name) / 2
''',
    "src/mlspec/models/centroid.py": '''
"""The nearest mean."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.model import Features, Model, Predictor, Training

if TYPE_CHECKING:
    import numpy as np


class Centroid(Model, frozen=True, kw_only=True):
    """The class whose mean is nearest.

    Why: a test.

    Example:
        near: {type: centroid}
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """The means."""
        rows, target = training.features.numeric, training.target
        means = [rows[target == code].mean(axis=0).tolist() for code in range(training.classes)]
        (folder / "means.json").write_text(json.dumps(means))
        return {}

    def load(self, folder: Path, device: str) -> Predictor:
        """From the means."""
        return Near(json.loads((folder / "means.json").read_text()))


class Near(Predictor):
    """The fitted means."""

    def __init__(self, means: list[list[float]]) -> None:
        self.means = means

    def predict(self, features: Features) -> "np.ndarray[Any, Any]":
        """Softmax of the negative distances."""
        import numpy as np

        gaps = features.numeric[:, None, :].astype(np.float64) - np.asarray(self.means)[None]
        weights = np.exp(-np.sqrt((gaps**2).sum(axis=2)))
        return weights / weights.sum(axis=1, keepdims=True)
''',
    "src/mlspec/metrics/hits.py": '''
"""Right answers."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np


class Hits(Metric, frozen=True, kw_only=True):
    """The share of right answers.

    Why: a test.

    Example:
        metrics: [hits]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def score(self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]") -> float:
        """The share."""
        return float((prediction.argmax(axis=1) == truth).mean())
''',
    "src/mlspec/rules/loud_name.py": '''
"""The project's name is in capitals.

Why: a test.

Instead: write it small.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The name."""
    name = view.project.project.name
    if name.isupper():
        yield view.diagnostic("loud-name", ("project", "name"), f"'{name}' is loud", f"did you mean '{name.lower()}'?")
''',
    "backends/mlspec_backends/counted.py": '''
"""Every step in this process, counted."""

from mlspec.engine.backend import Setting
from mlspec.store.store import Store
from mlspec_backends.inline import Inline


class Counted(Inline):
    """Leaves the number of steps behind."""

    def __init__(self, setting: Setting, store: Store) -> None:
        super().__init__(setting, store)
        self.file = setting.root / "counted"
        self.count = 0

    def submit(self, task):
        """One more."""
        self.count += 1
        self.file.write_text(str(self.count))
        super().submit(task)


def start(setting: Setting, store: Store) -> Counted:
    """The backend."""
    return Counted(setting, store)
''',
}
SPEC = """
mlspec: 1
project: {name: NAME}
constraints: {quality: [{metric: hits, at_least: 0.8}]}
data:
  sources: {rows: {path: rows.pipes}}
  columns: {target: kind}
  personal: {y: {kind: sensitive, action: halve}}
preprocessing: {numeric: [shift: 2]}
model: {candidates: {near: {type: centroid}}, select: {metric: hits}}
evaluation: {metrics: [hits]}
backend: {engine: counted}
"""


def test_one_new_file_makes_a_new_plug_in_of_every_kind(tmp_path: Path) -> None:
    for part in ("src", "backends"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        assert not (tmp_path / name).exists()
        (tmp_path / name).write_text(text.lstrip())
    folder = tmp_path / "project"
    folder.mkdir()
    rows = [f"{i % 7 + 10 * (i % 2)}|{i % 5}|{'ab'[i % 2]}" for i in range(300)]
    (folder / "rows.pipes").write_text("\n".join(["x|y|kind", *rows]) + "\n")
    paths = os.pathsep.join(str(tmp_path / part) for part in ("src", "backends"))

    def mlspec(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = "import sys; from mlspec.cli import main; sys.exit(main())"
        environment = {**os.environ, "PYTHONPATH": paths, "NO_COLOR": "1"}
        command = [sys.executable, "-c", program, *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)

    (folder / "project.yaml").write_text(SPEC.replace("NAME", "LOUD"))
    refused = mlspec("validate")
    assert refused.returncode == 2
    assert "error[loud-name]: 'LOUD' is loud" in refused.stderr
    assert "Instead: write it small." in mlspec("explain", "loud-name").stdout

    (folder / "project.yaml").write_text(SPEC.replace("NAME", "quiet"))
    done = mlspec("run", "--format", "json")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["outcome"] == "passed"
    assert last["scores"][0]["metric"] == "hits"
    assert last["candidates"][0]["model"] == "centroid"
    assert int((folder / "counted").read_text()) == len(last["steps"])

    schema = json.loads(mlspec("schema").stdout)
    assert all(f'"{name}"' in json.dumps(schema) for name in ("pipes", "shift", "halve", "centroid", "hits"))
    assert "Adds a number." in mlspec("explain", "shift").stdout
