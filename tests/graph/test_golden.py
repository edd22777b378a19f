"""Each example's compiled graph stands beside it; a change of the compiler shows there, in the review.

Write them again with ``MLSPEC_UPDATE=1 pytest tests/graph/test_golden.py``.
"""

import os
import shutil
from pathlib import Path

import pytest

from mlspec.graph.build import compile_graph
from mlspec.graph.show.golden import as_text
from mlspec.rules import check
from mlspec.spec.read import read

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*/project.yaml"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.parent.name)
def test_the_compiled_graph_is_the_one_beside_the_spec(spec: Path, tmp_path: Path) -> None:
    # Compiling leaves a cache beside the spec; the example's own folder stays clean.
    folder = shutil.copytree(spec.parent, tmp_path / "spec", ignore=shutil.ignore_patterns(".mlspec"))
    project, document = read(folder / spec.name)
    facts, _diagnostics = check.facts(project, document, folder)
    written = as_text(compile_graph(project, facts, document))
    golden = spec.parent / "graph.txt"
    if os.environ.get("MLSPEC_UPDATE"):
        golden.write_text(written, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == written
