"""The compiler: one literal tuple of passes, each a function from a graph to a graph, in a file that says why it is
where it is."""

from collections.abc import Callable

from mlspec.graph.graph import Graph
from mlspec.graph.passes.blending import blending
from mlspec.graph.passes.checks import checks
from mlspec.graph.passes.code import code
from mlspec.graph.passes.combining import combining
from mlspec.graph.passes.cross_validation import cross_validation
from mlspec.graph.passes.cycles import cycles
from mlspec.graph.passes.environment import environment
from mlspec.graph.passes.evaluation import evaluation
from mlspec.graph.passes.expectations import expectations
from mlspec.graph.passes.files import files
from mlspec.graph.passes.gates import gates
from mlspec.graph.passes.measurements import measurements
from mlspec.graph.passes.merge_equal import merge_equal
from mlspec.graph.passes.mitigation import mitigation
from mlspec.graph.passes.monitoring import monitoring
from mlspec.graph.passes.parts import parts
from mlspec.graph.passes.personalization import personalization
from mlspec.graph.passes.preparation import preparation
from mlspec.graph.passes.references import references
from mlspec.graph.passes.refitting import refitting
from mlspec.graph.passes.repeats import repeats
from mlspec.graph.passes.resources import resources
from mlspec.graph.passes.scaling import scaling
from mlspec.graph.passes.schemas import schemas
from mlspec.graph.passes.selection import selection
from mlspec.graph.passes.sources import sources
from mlspec.graph.passes.split import split
from mlspec.graph.passes.timing import timing
from mlspec.graph.passes.training import training
from mlspec.graph.passes.tuning import tuning

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    sources,
    combining,
    expectations,
    split,
    preparation,
    checks,
    tuning,
    training,
    repeats,
    cross_validation,
    timing,
    blending,
    selection,
    evaluation,
    measurements,
    monitoring,
    mitigation,
    scaling,
    refitting,
    personalization,
    gates,
    merge_equal,
    parts,
    schemas,
    code,
    environment,
    files,
    cycles,
    references,
    resources,
)
