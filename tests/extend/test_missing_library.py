"""A library that a plug-in needs and that is not here is named at its place in the spec, whatever the kind."""

from pathlib import Path

import pytest

# Each is one of ours under another name, so that the library is all that it lacks.
LIKE = {
    "sources": ("csv", "Csv"),
    "transforms": ("scale", "Scale"),
    "anonymizers": ("drop", "Drop"),
    "models": ("ridge", "Ridge"),
    "metrics": ("mae", "Mae"),
    "baselines": ("mean", "Mean"),
}
NAMING = '''
from mlspec.{kind}.{like} import {cls}


class Lacking{cls}({cls}, frozen=True, kw_only=True):
    """One of ours. Why: a test. Example: none"""

    libraries = ("nowhere-to-be-found",)
'''
SPEC = """\
mlspec: 1
project: {name: lacking}
data:
  sources: {rows: {path: rows.csv, format: lacking_csv}}
  columns: {target: y}
  personal: {z: {kind: sensitive, action: lacking_drop}}
preprocessing: {numeric: [lacking_scale]}
model: {candidates: {one: {type: lacking_ridge}}, select: {metric: lacking_mae}}
evaluation: {metrics: [lacking_mae], baselines: [lacking_mean]}
backend: {engine: lacking}
"""


@pytest.fixture(scope="module")
def project(tree: Path, tmp_path_factory) -> Path:
    for kind, (like, cls) in LIKE.items():
        text = NAMING.format(kind=kind, like=like, cls=cls)
        (tree / "src/mlspec" / kind / f"lacking_{like}.py").write_text(text)
        (tree / "src/mlspec" / kind / f"importing_{like}.py").write_text(f"import nowhere_to_be_found\n{text}")
    engine = "from mlspec_backends.inline import start\n\nLIBRARIES = ('nowhere-to-be-found',)\n"
    (tree / "backends/mlspec_backends/lacking.py").write_text(engine)
    (tree / "backends/mlspec_backends/importing.py").write_text(f"import nowhere_to_be_found\n{engine}")
    folder = tmp_path_factory.mktemp("lacking")
    (folder / "rows.csv").write_text("x,z,y\n" + "".join(f"{i},{i % 5},{i * 2}.5\n" for i in range(60)))
    return folder


def places(shown: str) -> dict[str, str]:
    """The message of each diagnostic about a library, and the line and column of its place."""
    parts = [part.splitlines() for part in shown.split("error[library-not-installed]: ")[1:]]
    return {part[0]: part[1].strip().removeprefix("--> ") for part in parts}


def test_a_run_names_what_each_kind_lacks_and_where_before_it_reads_anything(project: Path, mlspec) -> None:
    (project / "project.yaml").write_text(SPEC)
    checked = mlspec(project, "validate")
    assert checked.returncode == 0, checked.stderr
    refused = mlspec(project, "run")
    assert refused.returncode == 2, refused.stderr
    wanted = "needs nowhere-to-be-found, which is not installed here"
    assert places(refused.stderr) == {
        f"source 'lacking_csv' {wanted}": "project.yaml:4:13",
        f"anonymizer 'lacking_drop' {wanted}": "project.yaml:6:35",
        f"transform 'lacking_scale' {wanted}": "project.yaml:7:27",
        f"model 'lacking_ridge' {wanted}": "project.yaml:8:22",
        f"metric 'lacking_mae' {wanted}": "project.yaml:9:24",
        f"baseline 'lacking_mean' {wanted}": "project.yaml:9:50",
        f"engine 'lacking' {wanted}": "project.yaml:10:19",
    }


def test_a_plug_in_that_imports_it_at_once_is_named_by_every_command(project: Path, mlspec) -> None:
    (project / "project.yaml").write_text(SPEC.replace("lacking_", "importing_"))
    refused = mlspec(project, "validate")
    assert refused.returncode == 2, refused.stderr
    wanted = "needs nowhere_to_be_found, which is not installed here"
    kinds = ("source", "anonymizer", "transform", "model", "metric", "baseline")
    assert sorted(message.partition(" ")[0] for message in places(refused.stderr)) == sorted(kinds)
    assert all(message.endswith(wanted) for message in places(refused.stderr))
    # What is broken keeps nothing else from being used: not even the search for a source by its ending.
    plain = SPEC.replace(", format: lacking_csv", "").replace("lacking_", "")
    (project / "project.yaml").write_text(plain.replace("engine: lacking", "engine: importing"))
    checked = mlspec(project, "validate")
    assert checked.returncode == 0, checked.stderr
    refused = mlspec(project, "run")
    assert refused.returncode == 2, refused.stderr
    assert places(refused.stderr) == {f"engine 'importing' {wanted}": "project.yaml:10:19"}


def test_a_source_that_needs_it_to_look_at_a_file_says_so(project: Path, tree: Path, mlspec) -> None:
    text = NAMING.format(kind="sources", like="csv", cls="Csv").replace("LackingCsv", "LookingCsv")
    text += "\n    def head(self, path):\n        import nowhere_to_be_found\n"
    (tree / "src/mlspec/sources/looking_csv.py").write_text(text)
    (project / "project.yaml").write_text(SPEC.replace("lacking_csv", "looking_csv"))
    refused = mlspec(project, "validate")
    assert refused.returncode == 2, refused.stderr
    assert refused.stderr == (
        "error[library-not-installed]: source 'looking_csv' needs nowhere_to_be_found, which is not installed here\n"
        " --> project.yaml:4:13\n"
        "  |\n"
        "4 |   sources: {rows: {path: rows.csv, format: looking_csv}}\n"
        "  |             ^^^^ pip install nowhere_to_be_found\n"
        "  = see: mlspec explain library-not-installed\n\n1 error\n"
    )


def test_a_class_of_another_name_than_its_file_is_an_error(project: Path, tree: Path, mlspec) -> None:
    text = NAMING.format(kind="metrics", like="mae", cls="Mae").replace("LackingMae", "OtherName")
    (tree / "src/mlspec/metrics/misnamed.py").write_text(text)
    (project / "project.yaml").write_text(SPEC.replace("[lacking_mae]", "[misnamed]"))
    refused = mlspec(project, "validate")
    assert refused.returncode == 2, refused.stderr
    assert (
        "error[plugin-broken]: metric 'misnamed' can't be used: mlspec.metrics.misnamed has no class 'Misnamed', named "
        "after its file\n --> project.yaml:9:24\n"
    ) in refused.stderr
    assert "a subclass of mlspec.plugins.metric.Metric" in refused.stderr


def test_a_plug_in_that_breaks_when_it_is_imported_and_an_engine_that_is_none_are_errors(
    project: Path, tree: Path, mlspec
) -> None:
    (tree / "src/mlspec/metrics/raising.py").write_text("raise ValueError('no such luck')\n")
    (project / "project.yaml").write_text(SPEC.replace("[lacking_mae]", "[raising]"))
    refused = mlspec(project, "validate")
    assert refused.returncode == 2, refused.stderr
    assert "error[plugin-broken]: metric 'raising' can't be imported: ValueError: no such luck\n" in refused.stderr
    (tree / "backends/mlspec_backends/idle.py").write_text("")
    (project / "project.yaml").write_text(SPEC.replace("engine: lacking", "engine: idle"))
    refused = mlspec(project, "run")
    assert refused.returncode == 2, refused.stderr
    wanted = "error[plugin-broken]: engine 'idle' can't be used: mlspec_backends.idle has no function 'start'\n"
    assert f"{wanted}  --> project.yaml:10:19\n" in refused.stderr
