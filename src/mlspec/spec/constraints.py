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
    """A bound on a metric of the selected model on the test split; the whole interval must lie on the right side."""

    metric: Annotated[str, Meta(description="A metric that `evaluation.metrics` computes.", examples=["roc_auc"])]
    at_least: Annotated[float | None, Meta(description="The least value that is good enough.")] = None
    at_most: Annotated[float | None, Meta(description="The greatest value that is good enough.")] = None
    beats: Annotated[
        str | None,
        Meta(
            description="A baseline to do better than: its name, or `baseline` for all.",
            examples=["baseline"],
        ),
    ] = None
    by: Annotated[float, Meta(description="By how much the baseline is to be beaten, in the metric's unit.", ge=0)] = (
        0.0
    )


class FairnessGate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on how differently the decisions treat groups of the test rows; the whole interval must lie inside."""

    metric: Annotated[
        FairnessMetric,
        Meta(
            description="What is compared: how often groups are called positive (demographic parity), how often their "
            "positives are found (equal opportunity), or that and how often their negatives are called positive "
            "(equalized odds)."
        ),
    ]
    group: Annotated[
        Columns,
        Meta(
            description="The column whose values are the groups, or several columns for their intersections.",
            examples=["sex", ["sex", "race"]],
        ),
    ]
    at_most: Annotated[Share | None, Meta(description="The greatest difference between two groups.")] = None
    at_least: Annotated[
        Share | None, Meta(description="The least ratio of two groups, the smaller over the greater.")
    ] = None
    minimum_rows: Annotated[
        int,
        Meta(description="A rate that rests on fewer rows of a group is not judged: the verdict is unknown.", ge=2),
    ] = 30


class Abstention(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what `project.users.abstain_below` leads to, on the test rows."""

    coverage_at_least: Annotated[
        Share | None, Meta(description="The least share of rows that are decided without a person.")
    ] = None
    risk_at_most: Annotated[
        Share | None, Meta(description="The greatest share of wrong decisions among the rows decided without a person.")
    ] = None


class Latency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on the time of one prediction: the exported model with its preparation, one process, warm."""

    p50: Annotated[Seconds | None, Meta(description="Bound on the median time.")] = None
    p95: Annotated[Seconds | None, Meta(description="Bound on the 95th percentile.")] = None
    p99: Annotated[Seconds | None, Meta(description="Bound on the 99th percentile.")] = None
    batch: Annotated[int, Meta(description="Rows in one request.", ge=1, le=100_000)] = 1


class Throughput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on how fast many rows are answered: the exported model with its preparation, one process, warm."""

    rows_per_second: Annotated[float, Meta(description="The least number of rows a second.", gt=0)]
    batch: Annotated[int, Meta(description="Rows in one request.", ge=1, le=100_000)] = 1000


class Size(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what is shipped."""

    model: Annotated[Bytes | None, Meta(description="Bound on the exported model with its preparation, in bytes.")] = (
        None
    )
    memory: Annotated[
        Bytes | None,
        Meta(description="Bound on the peak memory of a process of its own that loads the model and answers a row."),
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
        str, Meta(description="Why it is not held to; shown in the report.", min_length=1, extra={"prose": True})
    ]


class Money(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on what making the model may cost, by a stated price of an hour."""

    at_most: Annotated[float, Meta(description="The greatest cost of all steps that lead to the model.", ge=0)]
    cpu_hour: Annotated[float, Meta(description="What an hour of a step on the CPU costs.", ge=0)] = 0.0
    gpu_hour: Annotated[float, Meta(description="What an hour of a step on a GPU costs.", ge=0)] = 0.0
    unit: Annotated[str, Meta(description="What the money is; shown.", examples=["EUR"])] = ""


class Infrastructure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and on what the project may run; anything else is an error, what this machine is not, one in `run`."""

    engines: Annotated[
        tuple[str, ...] | None, Meta(description="Engines that may carry the steps out.", examples=[["local"]])
    ] = None
    devices: Annotated[
        tuple[Literal["cpu", "cuda", "mps"], ...] | None, Meta(description="Kinds of devices that may compute.")
    ] = None
    platforms: Annotated[
        tuple[Literal["linux", "darwin", "win32"], ...] | None, Meta(description="Operating systems.")
    ] = None
    machines: Annotated[
        tuple[str, ...] | None, Meta(description="Kinds of processors.", examples=[["x86_64", "arm64"]])
    ] = None


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what making the model may take."""

    wall_time: Annotated[
        Seconds | None, Meta(description="Bound on the time of all steps that lead to the model, added up.")
    ] = None
    memory: Annotated[Bytes | None, Meta(description="Bound on the peak memory of any step.")] = None
    gpus: Annotated[int | None, Meta(description="How many GPUs may be used; 0 forbids them.", ge=0)] = None
    gpu_hours: Annotated[
        float | None, Meta(description="Bound on the hours that steps spend on GPUs, added up.", ge=0)
    ] = None
    money: Annotated[Money | None, Meta(description="Bound on the cost, by a stated price.")] = None


class Constraints(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold. Every entry is checked by a gate that passes, fails, or can't tell (which is no pass)."""

    quality: Annotated[tuple[QualityGate, ...], Meta(description="Bounds on metrics.")] = ()
    fairness: Annotated[
        tuple[FairnessGate, ...], Meta(description="Bounds on how differently groups of people are treated.")
    ] = ()
    privacy: Annotated[
        PrivacyGates | None, Meta(description="What must hold of what data and model tell of people.")
    ] = None
    abstention: Annotated[
        Abstention | None, Meta(description="Bounds on what is handed to a person, and what is not.")
    ] = None
    latency: Annotated[Latency | None, Meta(description="Bounds on the time of one prediction.")] = None
    throughput: Annotated[Throughput | None, Meta(description="A bound on how fast many rows are answered.")] = None
    size: Annotated[Size | None, Meta(description="Bounds on what is shipped.")] = None
    budget: Annotated[Budget | None, Meta(description="Bounds on what making the model may take.")] = None
    deadline: Annotated[
        Seconds | None,
        Meta(description="Bound on the longest way through the steps: what no number of workers makes shorter."),
    ] = None
    infrastructure: Annotated[Infrastructure | None, Meta(description="Where and on what the project may run.")] = None
    reviewers: Annotated[
        dict[str, tuple[str, ...]],
        Meta(
            description="Who has to agree to a change, by section of the spec; `mlspec compile --format codeowners` "
            "writes the lines.",
            examples=[{"data": ["@data-team"], "constraints": ["@risk"]}],
            extra={"prose": True},
        ),
    ] = {}
    waivers: Annotated[
        tuple[Waiver, ...], Meta(description="Requirements that are not held to, each with the reason.")
    ] = ()
