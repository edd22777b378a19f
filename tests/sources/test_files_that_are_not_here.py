"""A file that is not here, or that holds no table: named with what to do, before anything runs."""

import json
from pathlib import Path

import pytest

from mlspec import api
from mlspec.diagnostics import SpecError

SPEC = {
    "project": {"name": "t", "task": "binary_classification"},
    "data": {"sources": {}, "columns": {"target": "y"}},
    "model": {"candidates": {"one": {"type": "logistic_regression"}}},
}
DVC = "outs:\n- md5: 00\n  path: t.csv\n"


@pytest.mark.parametrize(
    ("path", "files", "text"),
    [
        ("raw/t.csv", {"raw/t.csv.dvc": DVC}, "'raw/t.csv.dvc' is here, its data is not: run `dvc pull`"),
        ("raw/2024/t.csv", {"raw.dvc": DVC}, "'raw.dvc' is here, its data is not: run `dvc pull`"),
        (r"..\raw\t.csv", {}, "write / between folders: ../raw/t.csv"),
        ("t.csv", {"t.csv": "a,y\n1,b\0\n"}, "this is not text: line 2 has a zero byte"),
        ("t.csv", {"t.csv": "\n\n"}, "the file is empty"),
        ("t.csv", {"t.csv/part.txt": ""}, "no file matches"),
    ],
)
def test_it_is_named_with_what_to_do(
    path: str, files: dict[str, str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content)
    SPEC["data"]["sources"] = {"t": {"path": path}}  # type: ignore[index]
    Path("project.yaml").write_text(json.dumps({"mlspec": 1, **SPEC}))
    with pytest.raises(SpecError) as error:
        api.validate("project.yaml")
    found = error.value.diagnostics[0]
    said = " ".join((found.message, found.label, *found.notes)).lower()
    assert text.lower() in said
