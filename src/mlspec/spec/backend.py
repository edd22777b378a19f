"""The ``backend`` and ``backends`` keys: who carries the steps out, on what, and within what limits."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import Bytes, Seconds

PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "gpu": {"device": "cuda"},
    "multi-gpu": {"device": "cuda", "processes": "auto"},
    "dvc": {"engine": "dvc"},
    "dvc-gpu": {"engine": "dvc", "device": "cuda"},
    "slurm": {"engine": "slurm"},
    "ray": {"engine": "ray"},
}
# What may be passed on to sbatch. Others would change what a job runs, or what mlspec knows of it; and sbatch takes the
# beginning of a name for the name.
_OPTIONS = """
begin comment constraint cpu-freq deadline exclude exclusive gpu-bind gpu-freq gres gres-flags hint licenses mail-type
mail-user mem mem-bind mem-per-cpu nice nodelist prefer priority reservation switches threads-per-core time tmp wckey
"""
OPTIONS = frozenset(_OPTIONS.split())
Option = Annotated[
    str,
    Meta(
        pattern=r"^--[a-z][a-z-]*(=[A-Za-z0-9_.,:@/+=%&|!*()\[\] -]+)?$",
        description="--name or --name=value, without quotes, backslashes, $ and line breaks.",
    ),
]
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.,@+-]*$"


class Backend(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who carries the steps out, on what, and within what limits.

    ``cpu``, ``gpu``, ``multi-gpu``, ``dvc``, ``dvc-gpu``, ``slurm`` and ``ray`` are names for whole settings;
    ``backends`` adds others.
    """

    engine: Annotated[
        str,
        Meta(
            description="The engine that runs the steps.",
            extra={"engines": True},
            examples=["local", "inline", "dvc", "slurm", "ray"],
        ),
    ] = "local"
    device: Annotated[
        str,
        Meta(
            description="The device that networks train on.",
            pattern=r"^(cpu|auto|mps|cuda(:[0-9]+)?)$",
            examples=["cpu", "cuda", "cuda:1", "auto"],
        ),
    ] = "cpu"
    precision: Annotated[
        Literal["fp32", "tf32", "bf16", "fp16"],
        Meta(
            description="The precision of networks during training; their weights stay fp32. tf32 is for NVIDIA GPUs."
        ),
    ] = "fp32"
    compile: Annotated[
        bool,
        Meta(
            description="Compile networks with torch.compile before training, on a GPU with CUDA graphs: takes "
            "seconds at the start, and makes each step faster."
        ),
    ] = False
    processes: Annotated[
        Literal["auto", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        Meta(
            description="Processes that train one network together, each on its share of every batch: a number, or "
            "auto for one per GPU of the machine."
        ),
    ] = 1
    nodes: Annotated[
        int,
        Meta(
            description="Machines of a cluster that train one network together: `processes` are spread over them, the "
            "same number on each.",
            ge=1,
            le=16,
        ),
    ] = 1
    reproducible: Annotated[
        Literal["machine", "portable"],
        Meta(
            description="Where the same spec gives the same bytes: on machines with the same processor, with all "
            "instructions that it has; or portable, on every x86-64 machine with AVX2, more slowly. portable needs "
            "device: cpu."
        ),
    ] = "machine"
    on_out_of_memory: Annotated[
        Literal["fail", "accumulate"],
        Meta(
            description="What to do if a batch does not fit in memory: fail, with an error that says which batch "
            "size fits; or split it in halves and accumulate their gradients."
        ),
    ] = "fail"
    workers: Annotated[
        int | None,
        Meta(description="Steps that run at the same time; the number of cores if left out.", ge=1, le=256),
    ] = None
    memory: Annotated[
        Bytes | None,
        Meta(
            description="Memory that running steps may use together; if they use more, the largest is stopped. If "
            "left out, steps are planned for the free memory, and none is stopped."
        ),
    ] = None
    step_timeout: Annotated[
        Seconds | None, Meta(description="A step that takes longer is stopped and counts as failed.")
    ] = None
    run_timeout: Annotated[
        Seconds | None, Meta(description="A run that takes longer is stopped; results so far are kept.")
    ] = None
    partition: Annotated[
        str | None,
        Meta(
            description="The partition of a SLURM cluster, its default one if left out; several names with commas.",
            pattern=NAME,
            examples=["gpu"],
        ),
    ] = None
    account: Annotated[
        str | None, Meta(description="The SLURM account that is charged for the jobs.", pattern=NAME)
    ] = None
    qos: Annotated[str | None, Meta(description="The SLURM quality of service of the jobs.", pattern=NAME)] = None
    options: Annotated[
        tuple[Option, ...],
        Meta(
            description="Other options of sbatch for all jobs, as one text each.",
            examples=[["--constraint=a100", "--time=4:00:00"]],
        ),
    ] = ()
    address: Annotated[
        str | None,
        Meta(
            description="The Ray cluster: auto, or HOST:PORT of its controller. auto, which is taken if left out, is "
            "the one that the environment variable RAY_ADDRESS names, else the one of this machine.",
            pattern=r"^(auto|([A-Za-z0-9_.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5})$",
            examples=["auto", "head.cluster.example:6379"],
        ),
    ] = None
    accelerator: Annotated[
        str | None,
        Meta(
            description="The type of the GPUs that Ray gives to steps that train on one, as Ray names it.",
            pattern=NAME,
            examples=["A100"],
        ),
    ] = None
    resources: Annotated[
        dict[Annotated[str, Meta(pattern=NAME)], Annotated[float, Meta(gt=0, le=1_000_000)]],
        Meta(
            description="Custom resources of a Ray cluster that each step takes meanwhile, by name.",
            examples=[{"licence": 1}],
        ),
    ] = {}
    shared_folder: Annotated[
        bool,
        Meta(
            description="Whether the nodes of a cluster see the folder of the spec. If false, inputs and results go "
            "through `store`, and each process has a folder of its own on its node."
        ),
    ] = True
    store: Annotated[
        str | None,
        Meta(
            description="A store shared with others: a folder, or a URL that fsspec supports. Results are looked up "
            "there before they are computed, and uploaded afterwards.",
            min_length=1,
            examples=["/mnt/team/mlspec", "s3://bucket/mlspec"],
        ),
    ] = None
