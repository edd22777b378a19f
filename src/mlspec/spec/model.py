"""The ``model`` key: which models compete and how one is chosen."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.mitigation import Mitigation
from mlspec.spec.personalization import Personalization
from mlspec.spec.types import ColumnName, ModelUse, Name, Seconds

PORTFOLIO: dict[str, dict[str, dict[str, Any]]] = {
    "auto": {
        "boost": {"type": "lightgbm"},
        "trees": {"type": "hist_gradient_boosting"},
        "forest": {"type": "random_forest"},
        "mlp": {"type": "torch.mlp"},
        "tabm": {"type": "torch.tabm"},
    }
}

CHECKS = (
    "duplicates",
    "near duplicates",
    "groups",
    "future",
    "drift",
    "labels",
    "leak",
    "target",
    "representation",
    "missing by group",
    "proxy",
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


class Select(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one candidate is chosen, on the validation rows."""

    metric: Annotated[
        str | None,
        Meta(description="The metric to be best at: roc_auc, log_loss or rmse by task if left out."),
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

    folds: Annotated[int, Meta(description="How many parts the rows are cut into; each is held out once.", ge=2, le=50)]
    by: Annotated[
        Literal["random", "stratified", "group", "time"] | None,
        Meta(
            description="How rows become folds: as `data.split` says if left out (stratified for classes, random for "
            "numbers where it is given). time: each fold is trained on what lies before it."
        ),
    ] = None
    column: Annotated[
        ColumnName | None,
        Meta(description="The column that group, time (and stratified) read; the split's if left out."),
    ] = None
    seed: Annotated[int, Meta(description="The seed of the folds.", ge=0)] = 0
    nested: Annotated[
        bool,
        Meta(description="true: tuning searches anew inside each fold, so that its luck isn't counted as skill."),
    ] = False


class ModelSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The models that compete."""

    candidates: Annotated[
        dict[Name, ModelUse],
        Meta(
            description="The models that compete, by name; auto: a few that are good at most tables, chosen by "
            "measurement.",
            min_length=1,
            extra={"presets": PORTFOLIO},
        ),
    ]
    time: Annotated[
        Seconds | None,
        Meta(
            description="About how long candidates may be searched and trained, together: half goes to the searches "
            "of `tuning` that state no time (where nothing is tuned, to one for the quickest candidate), two fifths to "
            "networks. Results then depend on the machine."
        ),
    ] = None
    select: Annotated[Select, Meta(description="How one of them is chosen.")] = Select()
    cross_validation: Annotated[
        CrossValidation | None,
        Meta(description="Candidates are scored by cross-validation, not on the validation rows alone."),
    ] = None
    ensemble: Annotated[
        Literal["none", "greedy"],
        Meta(
            description="greedy: blend the candidates by their held-out predictions; the blend is selected only where "
            "its gain over the best of them is shown by a paired interval."
        ),
    ] = "none"
    checks: Annotated[
        Literal["off", "warn", "stop"],
        Meta(
            description="Look for what goes wrong before training for long: duplicates across splits, drift, labels "
            "that mean nothing, a feature that knows the target; and in networks what keeps them from learning. warn: "
            "show it; stop: end the run."
        ),
    ] = "warn"
    accept: Annotated[
        dict[Annotated[str, Meta(min_length=1)], str],
        Meta(
            description="Findings of the checks that are known and fine, each with the reason, which the report shows.",
            examples=[{"leak": "The reading is taken in the same minute."}],
        ),
    ] = {}
    calibrate: Annotated[
        Literal["none", "isotonic", "sigmoid"],
        Meta(
            description="Correct the selected model's probabilities by a curve that is fitted on the validation rows: "
            "a staircase (isotonic: wants about 1,000 rows, and gives rows of one stair one rank) or a sigmoid."
        ),
    ] = "none"
    seed: Annotated[int, Meta(description="The seed of everything random in training.", ge=0)] = 0
    repeats: Annotated[
        int,
        Meta(
            description="With how many seeds each candidate is trained: what differs between them is luck, and the "
            "report shows it. Nothing is chosen by the further ones.",
            ge=1,
            le=20,
        ),
    ] = 1
    personalization: Annotated[
        Personalization | None, Meta(description="Models of their own for groups of rows, or for users.")
    ] = None

    mitigation: Annotated[
        Mitigation | None, Meta(description="What is done so that groups of people are treated less differently.")
    ] = None

    @property
    def personal(self) -> Personalization | None:
        """The personalization, where groups are to have answers of their own."""
        wanted = self.personalization
        return None if wanted is None or wanted.level == "global" or wanted.key is None else wanted
