"""Names that stand for a mapping are that mapping where something is applied to them."""

import os
from pathlib import Path

import pytest

from mlspec.diagnostics import SpecError, render
from mlspec.document import parse
from mlspec.spec.backend import PRESETS, Backend
from mlspec.spec.dump import resolved
from mlspec.spec.load import load
from mlspec.spec.read import read

GOLDEN = Path(__file__).parent / "golden" / "backends.txt"
SPEC = """\
project: {name: small}
data: {sources: {people: {path: people.csv}}, columns: {target: income}}
model: {candidates: auto}
backend: gpu
profiles:
  quick: {model: {candidates: {mlp: {epochs: 1}, tabm: null}}}
"""


def test_a_profile_and_a_setting_change_one_candidate_of_auto(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(SPEC)
    plain, _ = read(file)
    quick, document = read(file, profile="quick", sets=["model.candidates.boost.trees=7", "backend.workers=3"])
    assert set(plain.model.candidates) - set(quick.model.candidates) == {"tabm"}
    assert set(plain.model.candidates) == {
        *("boost", "cat", "extra", "forest", "linear", "mlp", "resnet", "smooth", "tabm"),
    }
    settings = {name: use.plugin for name, use in quick.model.candidates.items()}
    assert (settings["mlp"].epochs, settings["boost"].trees) == (1, 7)  # type: ignore[attr-defined]
    assert (quick.backend.device, quick.backend.workers) == ("cuda", 3)
    # Errors in the settings of a name are reported at the name.
    assert document.span(("model", "candidates", "forest", "type")).line == 3


NAMED = """\
project: {name: small}
data: {sources: {people: {path: people.csv}}, columns: {target: income}}
model: {candidates: {one: {type: ridge}}}
backends:
  big: {device: "cuda:1", precision: bf16, step_timeout: 2h}
  gpu: {device: cuda, compile: true}
backend: big
profiles:
  home: {backends: {small: {workers: 1}}, backend: small}
  fast: {backend: {precision: fp16}}
  own: {backends: {big: {workers: 9}}}
"""


def test_a_name_of_the_spec_is_what_it_stands_for(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(NAMED)
    plain, document = read(file)
    assert plain.backend == Backend(device="cuda:1", precision="bf16", step_timeout=7200.0)
    assert plain.backend == plain.backends["big"]
    # Each setting stands where it was written, the whole where the name stands.
    assert document.span(("backend", "step_timeout")).line == 5
    assert document.span(("backend",)).line == 7
    fast, document = read(file, profile="fast", sets=["backend.workers=3"])
    assert fast.backend == Backend(device="cuda:1", precision="fp16", step_timeout=7200.0, workers=3)
    assert document.span(("backend", "precision")).line == 10
    assert read(file, profile="home")[0].backend == Backend(workers=1)
    assert read(file, profile="own")[0].backend.workers == 9
    assert read(file, sets=["backend=gpu"])[0].backend == Backend(device="cuda", compile=True)
    assert read(file, sets=["backend=cpu"])[0].backend == Backend()
    assert load(parse(resolved(plain), "resolved")) == plain


def test_every_built_in_name_is_a_backend() -> None:
    assert {name: Backend(**settings) for name, settings in PRESETS.items()} == {
        "cpu": Backend(),
        "gpu": Backend(device="cuda"),
        "multi-gpu": Backend(device="cuda", processes="auto"),
        "dvc": Backend(engine="dvc"),
        "dvc-gpu": Backend(engine="dvc", device="cuda"),
        "slurm": Backend(engine="slurm"),
        "ray": Backend(engine="ray"),
    }


MISTAKES = """\
project: {name: small}
data: {sources: {people: {path: people.csv}}, columns: {target: income}}
model: {candidates: {one: {type: ridge}}}
backends:
  big: {device: cuda, precison: bf16, processes: 99, memory: 4}
backend: %s
profiles:
  smoke: {backend: bigg}
"""


@pytest.mark.parametrize("sets", [[], ["backend.workers=2"]], ids=["as it is", "with something applied to it"])
def test_what_is_wrong_with_a_name_is_reported_once_and_where_it_stands(tmp_path: Path, sets: list[str]) -> None:
    (tmp_path / "project.yaml").write_text(MISTAKES % "big")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        with pytest.raises(SpecError) as caught:
            read("project.yaml", sets=sets)
    shown = render(caught.value.diagnostics, {"project.yaml": MISTAKES % "big"})
    if os.environ.get("MLSPEC_UPDATE"):
        GOLDEN.write_text(shown)
    assert shown == GOLDEN.read_text()
