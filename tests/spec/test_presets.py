"""Names that stand for a mapping are that mapping where something is laid over them."""

from pathlib import Path

from mlspec.spec.read import read

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
    assert sorted(plain.model.candidates) == ["boost", "forest", "mlp", "tabm", "trees"]
    assert sorted(quick.model.candidates) == ["boost", "forest", "mlp", "trees"]
    settings = {name: use.plugin for name, use in quick.model.candidates.items()}
    assert (settings["mlp"].epochs, settings["boost"].trees) == (1, 7)  # type: ignore[attr-defined]
    assert (quick.backend.device, quick.backend.workers) == ("cuda", 3)
    # What the name stands for is told of where the name stands.
    assert document.span(("model", "candidates", "forest", "type")).line == 3
