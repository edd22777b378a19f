"""The key ``operation.release``: who approves a release, and where releases are kept."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import Name

REGISTRY = "mlspec.registry"
PARITY = 1e-5
PublicKey = Annotated[
    str,
    Meta(
        pattern=r"^ed25519:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$",
        description="An Ed25519 public key: `ed25519:` and the base64 of its 32 bytes.",
    ),
]


class Release(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is released (`mlspec release`)."""

    approve: Annotated[
        dict[Name, PublicKey],
        Meta(
            description="Who must approve a bundle before it is released: names with their public keys. "
            "`mlspec release keygen` makes a pair of keys.",
            examples=[{"growth-ml": "ed25519:1t5VAmAmf+Bl2p3DTYdeRvW3MaX98q2hBuFvDyYlVGw="}],
            extra={"prose": True},
        ),
    ] = {}
    stages: Annotated[
        tuple[Name, ...],
        Meta(
            description="The stages that a bundle goes through, in this order; any name is a stage if left out.",
            examples=[["staging", "production"]],
            extra={"prose": True},
        ),
    ] = ()
    formats: Annotated[
        tuple[Literal["native", "onnx"], ...],
        Meta(
            description="What a bundle holds the model as. `onnx` adds `model.onnx`, preparation and model in one "
            "file; a release is refused where a part of them has no form in ONNX. `native` is always there.",
            examples=[["native", "onnx"]],
            min_length=1,
        ),
    ] = ("native",)
    parity: Annotated[
        float | None,
        Meta(
            description="The largest difference between the answers of `model.onnx` and those of the model: of "
            "probabilities, or of values relative to their size where that is above 1; 1e-5 if left out.",
            gt=0,
            le=0.1,
        ),
    ] = None
    registry: Annotated[
        str,
        Meta(
            description="The folder of releases and their ledger, seen from the spec.",
            min_length=1,
            extra={"prose": True},
        ),
    ] = REGISTRY
