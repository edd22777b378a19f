"""The folder of a release: what its ``bundle.json`` says, and whether its files are those that this lists.

A folder may come from anybody. Names never lead out of it, links and files that are not listed are refused, and no more
bytes are read than are listed. The digest of a bundle is that of its ``bundle.json``; a signature covers the same
bytes.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import json_values, safe_files, signing
from mlspec.spec.operation.release import PublicKey
from mlspec.spec.types import Name
from mlspec.steps.serving import package_format
from mlspec.steps.serving.package_format import File

ABOUT, SIGNATURE = "bundle.json", "signature.json"
PACKAGE, CARD, EVIDENCE = "package", "model-card.md", "evidence.jsonl"
SPEC, LOCK, ENVIRONMENT, SBOM = "spec.json", "mlspec.lock", "environment.txt", "sbom.cdx.json"
ONNX = "model.onnx"
OF_ONNX = "preparation and model as one ONNX file"
HOLDS = {
    PACKAGE: "the model, as `mlspec predict` loads it",
    CARD: "the model card",
    EVIDENCE: "what was checked of each requirement",
    SPEC: "the spec with all defaults",
    LOCK: "the lock of the run",
    ENVIRONMENT: "the installed distributions that the model needs",
    SBOM: "the bill of materials (CycloneDX 1.6)",
}
PURPOSE = "bundle"
LARGEST_ABOUT = 64 << 20  # bytes of bundle.json
LARGEST_SIGNATURE = 4096
LARGEST = 1 << 36  # bytes of all files together
READ = 1 << 20
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Version = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}\Z")]


class Parity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far the answers of ``model.onnx`` are from those of the model: the ``largest`` difference, rounded up, the
    ``bound``, and the rows that were compared by what they are."""

    bound: float
    largest: float
    rows: dict[str, int]
    onnxruntime: str


class Bundle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bundle is: the ``project`` and the ``run`` that it was made from and when that ``started``, the ``commit``
    that has the spec and when it was ``committed``, the verdict of each gate, the reasons of waived ones.

    ``approve`` and ``stages`` are what the spec demands of its release. ``holds`` says what each entry of the folder
    is; ``parity`` is there where one of them is ``model.onnx``. ``files`` are all files but ``bundle.json`` and
    ``signature.json``, by their names with slashes.
    """

    format: Literal[1] = 1
    name: Name
    version: Version
    run: str
    started: str
    commit: str
    committed: str
    mlspec: str
    candidate: str
    gates: dict[str, str]
    waived: dict[str, str] = {}
    approve: dict[Name, PublicKey] = {}
    stages: tuple[Name, ...] = ()
    holds: dict[str, str] = {}
    parity: Parity | msgspec.UnsetType = msgspec.UNSET
    files: dict[str, File]


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signed the bytes of ``bundle.json``, and the signature as base64."""

    format: Literal[1] = 1
    key: PublicKey
    signature: str


class Verified(Struct, frozen=True):
    """A bundle all of whose files are as listed, its digest, and the key that signed it, "" where none did."""

    bundle: Bundle
    digest: str
    signed_by: str


def encode(bundle: Bundle | Signature) -> bytes:
    """The JSON text, the same for equal values."""
    return msgspec.json.format(msgspec.json.encode(bundle, order="sorted"), indent=1) + b"\n"


def is_bundle(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder says that it is a bundle."""
    return os.path.lexists(os.path.join(folder, ABOUT))


def read(folder: Path) -> tuple[Bundle, bytes]:
    """What a bundle says of itself, and the bytes that say so; its files are not looked at. Raises SpecError."""
    try:
        content = safe_files.read(safe_files.inside(folder, ABOUT), LARGEST_ABOUT)
        about = json_values.decode(content, Bundle)
        wrong = next((name for name in about.files if not safe_files.stays_inside(name)), None)
        if wrong is not None or {ABOUT, SIGNATURE} & about.files.keys():
            raise ValueError("a listed name is none of a file in it")
        if sum(file.bytes for file in about.files.values()) > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} bytes")
    except (OSError, ValueError) as error:
        text = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        raise damaged(folder, f"{ABOUT}: {text}") from None
    return about, content


def verify(folder: Path, key: str | None = None) -> Verified:
    """Check all files of a bundle, and its signature; ``key``: it must be signed by that public key.

    Raises SpecError that names the first file which is missing, changed, a link or not listed.
    """
    about, content = read(folder)
    digest = hashlib.sha256(content).hexdigest()
    present = dict(_present(folder, about))
    missing = about.files.keys() - present.keys()
    if missing:
        raise damaged(folder, f"'{min(missing)}' is missing")
    for name, listed in sorted(about.files.items()):
        check(folder, name, listed)
    _check_package(folder, about)
    return Verified(about, digest, _signed_by(folder, content, key, SIGNATURE in present))


def _present(folder: Path, about: Bundle) -> Iterator[tuple[str, None]]:
    """The names of all files. Raises SpecError for a link and for what is not listed."""
    parents = {"/".join(name.split("/")[:end]) for name in about.files for end in range(1, name.count("/") + 1)}
    for base, folders, names in os.walk(folder):
        inner = Path(base).relative_to(folder).as_posix()
        before = "" if inner == "." else f"{inner}/"
        for name in (*folders, *names):
            full = before + name
            if os.path.islink(os.path.join(base, name)):
                raise damaged(folder, f"'{full}' is a link")
            known = full in parents if name in folders else full in about.files or full in (ABOUT, SIGNATURE)
            if not known:
                raise damaged(folder, f"'{full}' is not part of it")
        yield from ((before + name, None) for name in names)


def check(folder: Path, name: str, listed: File) -> None:
    """Raises SpecError where a file of a bundle is not the one that it lists."""
    total, left = hashlib.sha256(), listed.bytes + 1
    try:
        with safe_files.opened(safe_files.inside(folder, name)) as file:
            while left and (piece := file.read(min(READ, left))):
                total.update(piece)
                left -= len(piece)
    except (OSError, safe_files.UnsafePathError) as error:
        text = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        raise damaged(folder, f"'{name}' can't be read: {text}") from None
    if left != 1 or total.hexdigest() != listed.sha256:
        raise damaged(folder, f"'{name}' is not the file that was released: its SHA-256 digest does not match")


def _check_package(folder: Path, about: Bundle) -> None:
    """The package lists what the bundle lists of it. Raises SpecError."""
    try:
        listed = package_format.read_about(folder / PACKAGE).files
    except package_format.PackageError as error:
        raise SpecError([Diagnostic(code=error.code, message=str(error), notes=error.notes)]) from None
    own = {name.removeprefix(f"{PACKAGE}/"): file for name, file in about.files.items() if name.startswith(PACKAGE)}
    own.pop(package_format.ABOUT, None)
    if own != listed:
        raise damaged(folder, f"'{PACKAGE}/{package_format.ABOUT}' lists other files")


def _signed_by(folder: Path, content: bytes, key: str | None, has_signature: bool) -> str:
    if not has_signature:
        if key is None:
            return ""
        raise wrong_signature(f"'{folder}' is not signed", "mlspec release --key FILE signs it")
    try:
        found = json_values.read(safe_files.inside(folder, SIGNATURE), Signature, most=LARGEST_SIGNATURE)
    except (OSError, ValueError) as error:
        raise damaged(folder, f"{SIGNATURE}: {error}") from None
    demand_cryptography()
    if key is not None and found.key != key:
        raise wrong_signature(f"'{folder}' is signed by {found.key}, not by {key}")
    if not signing.is_signed(found.key, PURPOSE, content, found.signature):
        raise wrong_signature(f"the signature of '{folder}' is not that of {found.key} for this bundle")
    return found.key


def signed(content: bytes, seed: bytes) -> Signature:
    """The signature of the bytes of a ``bundle.json``."""
    return Signature(key=signing.public_of(seed), signature=signing.sign(seed, PURPOSE, content))


def damaged(folder: Path, text: str) -> SpecError:
    """A folder is no bundle that can be used."""
    message = f"'{folder}' is not a bundle that mlspec released: {text}"
    return SpecError([Diagnostic(code="bundle-damaged", message=message)])


def wrong_signature(message: str, *notes: str) -> SpecError:
    """A bundle is not signed as it should be."""
    return SpecError([Diagnostic(code="signature-wrong", message=message, notes=notes)])


def demand_cryptography() -> None:
    """Raises SpecError where signatures can't be made or checked."""
    from importlib.util import find_spec

    if find_spec("cryptography") is None:
        message, note = "signatures need cryptography, which is not installed", "pip install 'mlspec-compiler[release]'"
        raise SpecError([Diagnostic(code="library-not-installed", message=message, notes=(note,))])
