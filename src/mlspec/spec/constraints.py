"""The ``constraints`` key: what must hold. Each entry becomes a gate, a step with a verdict and evidence."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.spec.privacy import PrivacyGates
from mlspec.spec.types import Bytes, Columns, Seconds, Share

FairnessMetric = Literal[
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
]


class QualityGate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on a metric of the selected model on the test split; the whole interval must be on the right side."""

    metric: Annotated[str, Meta(description="A metric that `evaluation.metrics` computes.", examples=["roc_auc"])]
    at_least: Annotated[float | None, Meta(description="The lowest acceptable value.")] = None
    at_most: Annotated[float | None, Meta(description="The highest acceptable value.")] = None
    beats: Annotated[
        str | None,
        Meta(
            description="A baseline that the model must beat: its name, or `baseline` for all.",
            examples=["baseline"],
        ),
    ] = None
    by: Annotated[
        float, Meta(description="The margin by which the baseline must be beaten, in the metric's unit.", ge=0)
    ] = 0.0


class FairnessGate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on how differently the decisions treat groups of the test rows; the whole interval must be inside."""

    metric: Annotated[
        FairnessMetric,
        Meta(
            description="What is compared between groups: the selection rate (demographic parity), the true positive "
            "rate (equal opportunity), or the true and false positive rates (equalized odds)."
        ),
    ]
    group: Annotated[
        Columns,
        Meta(
            description="The column whose values are the groups, or several columns for their intersections.",
            examples=["sex", ["sex", "race"]],
        ),
    ]
    at_most: Annotated[Share | None, Meta(description="The largest allowed difference between two groups.")] = None
    at_least: Annotated[
        Share | None,
        Meta(description="The smallest allowed ratio of two groups, the smaller rate divided by the larger."),
    ] = None
    minimum_rows: Annotated[
        int,
        Meta(description="The verdict is unknown for a group with fewer rows behind a rate.", ge=2),
    ] = 30


class Abstention(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what `project.users.abstain_below` leads to, on the test rows."""

    coverage_at_least: Annotated[
        Share | None, Meta(description="The lowest allowed coverage: the share of rows decided without a person.")
    ] = None
    risk_at_most: Annotated[
        Share | None, Meta(description="The highest allowed error rate among the rows decided without a person.")
    ] = None


class Latency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on the time of one prediction: the exported model with its preparation, one process, warm."""

    p50: Annotated[Seconds | None, Meta(description="Bound on the median time.")] = None
    p95: Annotated[Seconds | None, Meta(description="Bound on the 95th percentile.")] = None
    p99: Annotated[Seconds | None, Meta(description="Bound on the 99th percentile.")] = None
    batch: Annotated[int, Meta(description="Rows in one request.", ge=1, le=100_000)] = 1


class Throughput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on how fast many rows are answered: the exported model with its preparation, one process, warm."""

    rows_per_second: Annotated[float, Meta(description="The lowest allowed number of rows per second.", gt=0)]
    batch: Annotated[int, Meta(description="Rows in one request.", ge=1, le=100_000)] = 1000


class Size(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what is shipped."""

    model: Annotated[Bytes | None, Meta(description="Bound on the exported model with its preparation, in bytes.")] = (
        None
    )
    memory: Annotated[
        Bytes | None,
        Meta(description="Bound on the peak memory of a separate process that loads the model and predicts one row."),
    ] = None


class Waiver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A requirement that is knowingly not held to. It is still measured where it can be, and shown with the reason."""

    requirement: Annotated[
        str,
        Meta(
            description="The requirement's name, as `mlspec validate --requirements` lists them.",
            examples=["quality.roc_auc", "goals.trust"],
        ),
    ]
    reason: Annotated[
        str,
        Meta(description="The justification for waiving it; shown in the report.", min_length=1, extra={"prose": True}),
    ]


class Money(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on what making the model may cost, by a stated price of an hour."""

    at_most: Annotated[float, Meta(description="The highest allowed cost of all steps that lead to the model.", ge=0)]
    cpu_hour: Annotated[float, Meta(description="The price of an hour of a step on the CPU.", ge=0)] = 0.0
    gpu_hour: Annotated[float, Meta(description="The price of an hour of a step on a GPU.", ge=0)] = 0.0
    unit: Annotated[str, Meta(description="The currency; shown in the report.", examples=["EUR"])] = ""


class Infrastructure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and on what the project may run; anything else is an error, what this machine is not, one in `run`."""

    engines: Annotated[
        tuple[str, ...] | None, Meta(description="Engines that may run the steps.", examples=[["local"]])
    ] = None
    devices: Annotated[
        tuple[Literal["cpu", "cuda", "mps"], ...] | None, Meta(description="Kinds of devices that may be used.")
    ] = None
    platforms: Annotated[
        tuple[Literal["linux", "darwin", "win32"], ...] | None, Meta(description="Operating systems that may be used.")
    ] = None
    machines: Annotated[
        tuple[str, ...] | None,
        Meta(description="Processor architectures that may be used.", examples=[["x86_64", "arm64"]]),
    ] = None


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what making the model may take."""

    wall_time: Annotated[
        Seconds | None, Meta(description="Bound on the total time of all steps that lead to the model.")
    ] = None
    memory: Annotated[Bytes | None, Meta(description="Bound on the peak memory of any step.")] = None
    gpus: Annotated[int | None, Meta(description="The number of GPUs that may be used; 0 forbids them.", ge=0)] = None
    gpu_hours: Annotated[float | None, Meta(description="Bound on the total hours that steps spend on GPUs.", ge=0)] = (
        None
    )
    money: Annotated[Money | None, Meta(description="Bound on the cost, at the stated prices.")] = None


class Constraints(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold. Every entry is decided by a gate: pass, fail, or unknown (which is not a pass)."""

    quality: Annotated[tuple[QualityGate, ...], Meta(description="Bounds on metrics.")] = ()
    fairness: Annotated[
        tuple[FairnessGate, ...], Meta(description="Bounds on how differently decisions treat groups of people.")
    ] = ()
    privacy: Annotated[
        PrivacyGates | None, Meta(description="Bounds on personal data in the data and in the model.")
    ] = None
    abstention: Annotated[
        Abstention | None, Meta(description="Bounds on the coverage and error rate of decisions made without a person.")
    ] = None
    latency: Annotated[Latency | None, Meta(description="Bounds on the time of one prediction.")] = None
    throughput: Annotated[Throughput | None, Meta(description="A bound on rows predicted per second.")] = None
    size: Annotated[Size | None, Meta(description="Bounds on the exported model.")] = None
    budget: Annotated[Budget | None, Meta(description="Bounds on the resources used to make the model.")] = None
    deadline: Annotated[
        Seconds | None,
        Meta(description="Bound on the critical path: the time that remains with any number of workers."),
    ] = None
    infrastructure: Annotated[Infrastructure | None, Meta(description="Where the project may run.")] = None
    reviewers: Annotated[
        dict[str, tuple[str, ...]],
        Meta(
            description="Who must approve a change, by section of the spec; `mlspec compile --format codeowners` "
            "writes the lines.",
            examples=[{"data": ["@data-team"], "constraints": ["@risk"]}],
            extra={"prose": True},
        ),
    ] = {}
    waivers: Annotated[
        tuple[Waiver, ...], Meta(description="Requirements that are waived, each with a justification.")
    ] = ()
