"""The ``model`` key: which models compete and how one is chosen."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.mitigation import Mitigation
from mlspec.spec.personalization import Personalization
from mlspec.spec.types import ColumnName, ModelUse, Name, Seconds

PORTFOLIO: dict[str, dict[str, dict[str, Any]]] = {
    "auto": {
        "linear": {"type": "linear"},
        "boost": {"type": "lightgbm"},
        "smooth": {"type": "lightgbm", "extra_trees": True, "learning_rate": 0.03, "num_leaves": 31, "patience": 100},
        "cat": {"type": "catboost"},
        "extra": {"type": "extra_trees"},
        "forest": {"type": "random_forest"},
        "tabm": {"type": "torch.tabm"},
        "mlp": {"type": "torch.mlp"},
        "resnet": {"type": "torch.resnet"},
    }
}

DATA_CHECKS = (
    "duplicates",
    "near duplicates",
    "classes",
    "constant",
    "groups",
    "future",
    "drift",
    "labels",
    "leak",
    "target",
)
GROUP_CHECKS = ("representation", "missing by group", "proxy")
NETWORK_CHECKS = (
    "finite",
    "rows apart",
    "repeatable",
    "live units",
    "gradients",
    "loss at start",
    "direction",
    "fresh gradients",
    "moving weights",
    "learning rate",
    "one batch",
)
CHECKS = (*DATA_CHECKS, *GROUP_CHECKS, *NETWORK_CHECKS)


class Select(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one candidate is chosen, on the validation rows."""

    metric: Annotated[
        str | None,
        Meta(description="The metric that selects the model: roc_auc, log_loss or rmse by task if left out."),
    ] = None
    rule: Annotated[
        Literal["best", "one_standard_error"],
        Meta(
            description="best: the best value. one_standard_error: the simplest candidate whose paired difference to "
            "the best is within one standard error."
        ),
    ] = "best"


class CrossValidation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scores candidates on every row that is no test row, each predicted by a model that has not seen it."""

    folds: Annotated[int, Meta(description="The number of folds; each is held out once.", ge=2, le=50)]
    by: Annotated[
        Literal["random", "stratified", "group", "time"] | None,
        Meta(
            description="How rows are assigned to folds: like `data.split` if left out (stratified for classes, "
            "random for numbers where the split is given). time: each fold is trained on the rows before it."
        ),
    ] = None
    column: Annotated[
        ColumnName | None,
        Meta(description="The column that group, time (and stratified) use; that of the split if left out."),
    ] = None
    repeats: Annotated[
        int,
        Meta(
            description="How often rows are divided into folds, each time with another seed; the predictions of a row "
            "are averaged. More than 1 helps on small tables.",
            ge=1,
            le=20,
        ),
    ] = 1
    seed: Annotated[int, Meta(description="The seed of the folds.", ge=0)] = 0
    nested: Annotated[
        bool,
        Meta(description="true: tuning is repeated inside each fold, so that the score is not biased by tuning."),
    ] = False


class ModelSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The models that compete."""

    candidates: Annotated[
        dict[Name, ModelUse],
        Meta(
            description="The candidate models, by name; auto: a small portfolio that is good on most tables, chosen "
            "by benchmarks.",
            min_length=1,
            extra={"presets": PORTFOLIO},
        ),
    ]
    time: Annotated[
        Seconds | None,
        Meta(
            description="How long candidates may be tuned and trained in total, in wall time: half for the searches of "
            "`tuning` that state no time, the rest for all trainings. What quick candidates leave is used by the "
            "others; one for which no time is left is not trained. Results then depend on the machine."
        ),
    ] = None
    select: Annotated[Select, Meta(description="How a candidate is selected.")] = Select()
    cross_validation: Annotated[
        CrossValidation | None,
        Meta(description="Score candidates by cross-validation, not only on the validation rows."),
    ] = None
    ensemble: Annotated[
        Literal["none", "greedy"],
        Meta(
            description="greedy: blend the candidates by their held-out predictions; the blend is selected unless a "
            "paired interval shows that it is worse than the best candidate."
        ),
    ] = "none"
    final: Annotated[
        Literal["refit", "split", "bag"],
        Meta(
            description="What becomes of the selected model. refit: it is fitted again on training and validation "
            "rows, with the settings and the number of rounds found; thresholds and calibration stay. split: it stays "
            "as it was trained on the training rows. bag: it is the mean of the models of the folds."
        ),
    ] = "refit"
    checks: Annotated[
        Literal["off", "warn", "stop"] | dict[Annotated[str, Meta(min_length=1)], Literal["warn", "stop"]],
        Meta(
            description="Check for problems before long training: duplicates across splits, drift, uninformative "
            "labels, target leakage; for networks also whether they can learn. warn: report findings; stop: end the "
            "run; a mapping: what each check does, those that it does not name warn.",
            examples=["stop", {"leak": "stop"}],
        ),
    ] = "warn"
    accept: Annotated[
        dict[Annotated[str, Meta(min_length=1)], str],
        Meta(
            description="Findings of the checks that are known and accepted, each with a reason that the report shows.",
            examples=[{"leak": "The reading is taken in the same minute."}],
        ),
    ] = {}
    calibrate: Annotated[
        Literal["none", "isotonic", "sigmoid"],
        Meta(
            description="Recalibrate the selected model's probabilities on the validation rows: isotonic (a step "
            "function: needs about 1,000 rows, and makes ties) or sigmoid."
        ),
    ] = "none"
    seed: Annotated[int, Meta(description="The seed of all randomness in training.", ge=0)] = 0
    repeats: Annotated[
        int,
        Meta(
            description="The number of seeds with which each candidate is trained; the report shows how much the "
            "selecting metric, and each metric of the selected candidate on the test rows, vary with the seed. The "
            "additional seeds take no part in the selection.",
            ge=1,
            le=20,
        ),
    ] = 1
    personalization: Annotated[
        Personalization | None, Meta(description="Separate models for groups of rows, or for users.")
    ] = None

    mitigation: Annotated[
        Mitigation | None, Meta(description="How to reduce differences between groups of people.")
    ] = None

    def stopping(self, checks: tuple[str, ...]) -> bool | list[str]:
        """Whether a finding of these checks ends a run, or those of which do."""
        if isinstance(self.checks, str):
            return self.checks == "stop" and checks != GROUP_CHECKS
        return sorted(name for name in checks if self.checks.get(name) == "stop") or False

    @property
    def personal(self) -> Personalization | None:
        """The personalization, where groups are to have answers of their own."""
        wanted = self.personalization
        return None if wanted is None or wanted.level == "global" or wanted.key is None else wanted
