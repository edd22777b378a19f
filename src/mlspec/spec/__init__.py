"""Document -> Project: frozen typed values, one module a top-level key, and the schema that follows from the types."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.backend import PRESETS, Backend
from mlspec.spec.constraints import Constraints
from mlspec.spec.data import Data
from mlspec.spec.evaluation import Evaluation
from mlspec.spec.model import ModelSection
from mlspec.spec.operation import Operation
from mlspec.spec.preprocessing import Preprocessing
from mlspec.spec.project import ProjectInfo
from mlspec.spec.storage import Storage
from mlspec.spec.tracking import ReportSection
from mlspec.spec.tuning import Tuning
from mlspec.spec.types import Name


class Project(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole spec, in the order in which a project is thought through."""

    mlspec: Annotated[Literal[1], Meta(description="The version of the language.")] = 1
    project: Annotated[ProjectInfo, Meta(description="What the project is for.")]
    constraints: Annotated[Constraints, Meta(description="What must hold; each entry becomes a gate.")] = Constraints()
    data: Annotated[Data, Meta(description="The data: sources, columns, split, expectations.")]
    preprocessing: Annotated[Preprocessing, Meta(description="How columns are prepared before training.")] = (
        Preprocessing()
    )
    model: Annotated[ModelSection, Meta(description="The models to compare.")]
    tuning: Annotated[dict[Name, Tuning], Meta(description="Candidates whose settings are tuned, by name.")] = {}
    evaluation: Annotated[Evaluation, Meta(description="What is measured on the test rows.")] = Evaluation()
    operation: Annotated[
        Operation | None,
        Meta(description="How a model is released and served, what must hold then, and when to train again."),
    ] = None
    report: Annotated[
        ReportSection, Meta(description="Where runs are also logged, in addition to their own folders.")
    ] = ReportSection()
    storage: Annotated[
        Storage, Meta(description="How long runs and snapshots are kept, and how a shared store is encrypted.")
    ] = Storage()
    backends: Annotated[dict[Name, Backend], Meta(description="Named backends of your own.")] = {}
    backend: Annotated[
        Backend,
        Meta(
            description="The execution backend with its devices and limits: a name, or the settings.",
            extra={"presets": PRESETS, "named": "backends"},
        ),
    ] = Backend()
    profiles: Annotated[
        dict[Name, dict[str, Any]],
        Meta(
            description="Named sets of overrides: `mlspec run --profile NAME` applies one.",
            extra={"overlay": True},
        ),
    ] = {}
