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
}


class Backend(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who carries the steps out, on what, and within what limits.

    ``cpu``, ``gpu``, ``multi-gpu``, ``dvc`` and ``dvc-gpu`` are names for whole settings; ``backends`` adds others.
    """

    engine: Annotated[
        str,
        Meta(
            description="The engine that runs the steps.", extra={"engines": True}, examples=["local", "inline", "dvc"]
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
    store: Annotated[
        str | None,
        Meta(
            description="A store shared with others: a folder, or a URL that fsspec supports. Results are looked up "
            "there before they are computed, and uploaded afterwards.",
            min_length=1,
            examples=["/mnt/team/mlspec", "s3://bucket/mlspec"],
        ),
    ] = None
