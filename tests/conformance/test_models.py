"""All our own models run through the suite of ``mlspec.testing``."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from mlspec import registry
from mlspec.plugins.model import Model
from mlspec.testing.models import ModelSuite

NETWORK = {"epochs": 12, "bins": 8, "batch_size": 32, "learning_rate": 0.01}
# `python` is what a user's own class makes of it, and has tests of its own.
APART = {"python"} | (set() if find_spec("catboost") else {"catboost"})


class TestModels(ModelSuite):
    names = [name for name in registry.names("models") if name not in APART]  # noqa: RUF012
    settings = {  # noqa: RUF012
        "catboost": {"trees": 40, "learning_rate": 0.1},
        "extra_trees": {"trees": 20},
        "hist_gradient_boosting": {"max_iter": 40},
        "lightgbm": {"trees": 40, "learning_rate": 0.1},
        "random_forest": {"trees": 20},
        "torch.cnn": {**NETWORK, "hidden": [32]},
        "torch.ft_transformer": {**NETWORK, "layers": 1, "heads": 2},
        "torch.mlp": {**NETWORK, "hidden": [32]},
        "torch.resnet": {**NETWORK, "units": 32, "inner": 32},
        "torch.tabm": {**NETWORK, "members": 4, "hidden": [32]},
    }

    @pytest.mark.slow
    def test_its_onnx_form_answers_as_it_does_in_every_task(self, plugin: Model, tmp_path: Path) -> None:
        pytest.importorskip("onnxruntime")
        for task in sorted(plugin.tasks) if type(plugin).to_onnx is not Model.to_onnx else ():
            given = self.training(plugin, tmp_path / task, task)
            plugin.fit(given, tmp_path / task / "model")
            self.compare_onnx(plugin, given, tmp_path / task / "model")
