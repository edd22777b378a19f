"""What is known of the selected model's answers beyond its scores, as frozen values: a part of ``RunFacts``."""

from typing import Annotated

from msgspec import Meta, Struct


class Estimate(Struct, frozen=True):
    """A value and its interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None


class Slice(Struct, frozen=True):
    """A part of the test rows."""

    values: Annotated[tuple[str, ...], Meta(description="the value of each slicing column")]
    rows: int
    metrics: Annotated[dict[str, Estimate] | None, Meta(description="null: too few rows")] = None


class Slicing(Struct, frozen=True):
    """Test rows cut by the values of columns."""

    columns: tuple[str, ...]
    slices: tuple[Slice, ...] = ()


class WorseSlice(Struct, frozen=True, kw_only=True):
    """A part of the test rows in which the mean error is greater than in the rest."""

    columns: tuple[str, ...]
    values: tuple[str, ...]
    rows: int
    mean: float
    rest: float
    difference: float
    low: float
    high: float


class WorstSlices(Struct, frozen=True, kw_only=True):
    """Where the model errs most, of all parts that were looked at; intervals hold for all of them at once."""

    error: str
    looked_at: int
    level: float
    slices: tuple[WorseSlice, ...] = ()


class GroupAnswers(Struct, frozen=True, kw_only=True):
    """A group of rows, and who answers it."""

    group: Annotated[str, Meta(description="the key's value; for users a digest")]
    answered_by: Annotated[str, Meta(description="own or global")]
    reason: str
    train_rows: int
    validation_rows: int
    one: Annotated[float | None, Meta(description="the shared model's value on the group's validation rows")] = None
    own: Annotated[float | None, Meta(description="the value of the group's own model on the same rows")] = None
    gain: Annotated[Estimate | None, Meta(description="by how much the group's own model is better on these rows")] = (
        None
    )
    test: Annotated[
        Estimate | None, Meta(description="the same on the test rows, where the group's own model predicts")
    ] = None


class PersonalFacts(Struct, frozen=True, kw_only=True):
    """Groups that may be answered by models of their own."""

    key: str
    level: str
    strategy: str
    metric: str
    min_group_size: int
    confidence: float
    compared: int
    groups: tuple[GroupAnswers, ...] = ()


class Group(Struct, frozen=True, kw_only=True):
    """A group of test rows; each rate is the number of rows predicted positive, and of how many."""

    values: tuple[str, ...]
    rows: int
    selection_rate: tuple[int, int]
    true_positive_rate: tuple[int, int]
    false_positive_rate: tuple[int, int]


class Fairness(Struct, frozen=True, kw_only=True):
    """A measure of how differently groups are treated."""

    metric: str
    group: tuple[str, ...]
    minimum_rows: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    level: float
    pair: Annotated[tuple[tuple[str, ...], ...] | None, Meta(description="the two groups furthest apart")] = None
    too_few: tuple[tuple[str, ...], ...] = ()
    groups: tuple[Group, ...] = ()


class ReliabilityBin(Struct, frozen=True, kw_only=True):
    """Rows with similar probabilities: the mean of those, and how often they came true."""

    predicted: float
    observed: float
    low: float
    high: float
    n: int


class Abstaining(Struct, frozen=True, kw_only=True):
    """The risk-coverage curve: deciding only the most certain rows."""

    curve: Annotated[
        tuple[tuple[float, float, float], ...],
        Meta(
            description="probability of the most probable class, coverage (share of rows with at least that "
            "probability), error rate of these"
        ),
    ] = ()
    below: Annotated[float | None, Meta(description="predictions with a lower probability go to a person")] = None
    coverage: Estimate | None = None
    risk: Estimate | None = None


class Decisions(Struct, frozen=True, kw_only=True):
    """The decisions on the test rows."""

    threshold: Annotated[
        float | None, Meta(description="chosen on the validation rows; null: the most probable class")
    ] = None
    confusion: Annotated[tuple[tuple[int, ...], ...], Meta(description="a row per true class")] = ()
    classes: tuple[str, ...] = ()
    costs: dict[str, float] | None = None
    cost_curve: Annotated[tuple[tuple[float, float], ...] | None, Meta(description="threshold, cost per test row")] = (
        None
    )
    abstention: Abstaining = Abstaining()


class ColumnImportance(Struct, frozen=True):
    """By how much a metric gets worse when a column is shuffled: mean and spread over several times."""

    column: str
    value: float
    spread: float


class Partial(Struct, frozen=True):
    """The mean prediction when a column has one value in all rows."""

    column: str
    values: tuple[float | str, ...]
    means: tuple[float, ...]
    ordered: bool = False


class Importance(Struct, frozen=True, kw_only=True):
    """How much the model relies on each column, on the validation rows."""

    metric: str
    score: float
    rows: int
    repeats: int
    left_out: int = 0
    predicts: Annotated[str | None, Meta(description="the class whose probability `partial` describes")] = None
    columns: tuple[ColumnImportance, ...] = ()
    partial: tuple[Partial, ...] = ()


class EvaluationFacts(Struct, frozen=True, kw_only=True):
    """What is known of the selected model's answers beyond its scores."""

    selection_reason: Annotated[str | None, Meta(description="why this candidate, where a rule decided")] = None
    differences: Annotated[
        dict[str, Estimate], Meta(description="by how much the best candidate is better, on the validation rows")
    ] = {}
    calibration: Annotated[str | None, Meta(description="how probabilities were corrected")] = None
    personalization: PersonalFacts | None = None
    slices: tuple[Slicing, ...] = ()
    worst_slices: WorstSlices | None = None
    fairness: tuple[Fairness, ...] = ()
    reliability: tuple[ReliabilityBin, ...] = ()
    decisions: Decisions | None = None
    importance: Importance | None = None
