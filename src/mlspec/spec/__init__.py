"""Document -> Project: frozen typed values, one module a top-level key, and the schema that follows from the types."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.backend import PRESETS, Backend
from mlspec.spec.constraints import Constraints
from mlspec.spec.data import Data
from mlspec.spec.evaluation import Evaluation
from mlspec.spec.model import ModelSection
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
    data: Annotated[Data, Meta(description="Where rows come from and what they are.")]
    preprocessing: Annotated[Preprocessing, Meta(description="What is done to columns before a model sees them.")] = (
        Preprocessing()
    )
    model: Annotated[ModelSection, Meta(description="Which models compete.")]
    tuning: Annotated[dict[Name, Tuning], Meta(description="Candidates whose settings are searched for, by name.")] = {}
    evaluation: Annotated[Evaluation, Meta(description="What is measured on the test split.")] = Evaluation()
    report: Annotated[ReportSection, Meta(description="Where runs are told of, beside their own folders.")] = (
        ReportSection()
    )
    storage: Annotated[Storage, Meta(description="How long what runs leave is kept, and how a shared store is.")] = (
        Storage()
    )
    backends: Annotated[dict[Name, Backend], Meta(description="Backends of your own, by name.")] = {}
    backend: Annotated[
        Backend,
        Meta(
            description="Who carries the steps out, on what, and within what limits: a name, or the settings.",
            extra={"presets": PRESETS, "named": "backends"},
        ),
    ] = Backend()
    profiles: Annotated[
        dict[Name, dict[str, Any]],
        Meta(
            description="Named overlays: `mlspec run --profile NAME` lays one over the rest.",
            extra={"overlay": True},
        ),
    ] = {}
