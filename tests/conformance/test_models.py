"""All our own models run through the suite of ``mlspec.testing``."""

from importlib.util import find_spec

from mlspec import registry
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
