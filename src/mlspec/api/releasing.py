"""Releases runs, and moves releases between stages."""

import getpass
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import python_paths
from mlspec.specfile import find

if TYPE_CHECKING:
    from mlspec.release.bundle import Verified
    from mlspec.release.ledger import Entry, Event
    from mlspec.release.registry import Released, Staged

KEY = "MLSPEC_RELEASE_KEY"


@python_paths.only_own()
def release(
    spec: str | os.PathLike[str] | None = None,
    *,
    registry: str | os.PathLike[str] | None = None,
    version: str | None = None,
    key: str | os.PathLike[str] | None = None,
    unsigned: bool = False,
) -> "Released":
    """Make a bundle of a project's last run in its registry, and list it as released.

    ``version``: its name, the run's id if left out. It is signed by the private key in the file ``key``, or in the
    environment variable MLSPEC_RELEASE_KEY; ``unsigned``: by none. Raises SpecError with all that keeps the run from
    being released.
    """
    import msgspec

    from mlspec.api.checking import validate
    from mlspec.engine.run import lockfile
    from mlspec.machine import git_state
    from mlspec.release import make, refusals
    from mlspec.release import registry as registries
    from mlspec.release.bundle import Version

    seed = None if unsigned else private_key(key)
    checked = validate(spec)
    lock = lockfile.read(lockfile.beside(checked.root))
    facts = refusals.chosen(checked.root, checked.project, lock)
    found = refusals.refusals(checked.root, facts, checked.project, checked.document, lock)
    if found:
        raise SpecError(found, checked.document.texts)
    state = git_state.state(checked.root)
    assert lock is not None
    assert state is not None
    try:
        name = msgspec.convert(version or facts.id, Version)
    except msgspec.ValidationError:
        message, note = f"'{version}' can't be a version", "letters, digits, and . + _ -, at most 64"
        raise SpecError([Diagnostic(code="bad-name", message=message, notes=(note,))]) from None
    wanted = None if checked.project.operation is None else checked.project.operation.release
    onnx = None
    if wanted is not None and "onnx" in wanted.formats:
        from mlspec.release import onnx_file

        onnx = onnx_file.made(checked.root, facts, wanted, checked.document)
    made = make.Made(checked.root, checked.project, facts, lock, state, name, onnx)
    folder = registry_folder(registry, checked.path)
    _prepare(folder)
    return registries.release(folder, made, seed, who())


@python_paths.only_own()
def verify_bundle(bundle: str | os.PathLike[str], *, key: str | None = None) -> "Verified":
    """Check every file of a bundle against its digest, and its signature; ``key``: a public key that must have signed
    it, as text or in a file. Raises SpecError for what is not as it was released."""
    from mlspec.release import bundle as bundles

    return bundles.verify(Path(bundle), None if key is None else public_key(key))


@python_paths.only_own()
def approve(
    bundle: str, *, key: str | os.PathLike[str] | None = None, registry: str | os.PathLike[str] | None = None
) -> "tuple[Entry, bool]":
    """Approve a bundle by the private key of one of its approvers; the entry of the ledger, and whether it is new."""
    from mlspec.release import registry as registries

    return registries.approve(registry_folder(registry), bundle, private_key(key))


@python_paths.only_own()
def promote(bundle: str, stage: str, *, reason: str = "", registry: str | os.PathLike[str] | None = None) -> "Staged":
    """Give a stage a released bundle, named by its version, its digest or its folder."""
    from mlspec.release import registry as registries

    return registries.promote(registry_folder(registry), bundle, _stage(stage), who(), reason)


@python_paths.only_own()
def rollback(stage: str, *, reason: str = "", registry: str | os.PathLike[str] | None = None) -> "Staged":
    """Give a stage the bundle that it had before."""
    from mlspec.release import registry as registries

    return registries.rollback(registry_folder(registry), stage, who(), reason)


@python_paths.only_own()
def note(event: "Event", stage: str, *, reason: str = "", registry: str | os.PathLike[str] | None = None) -> "Entry":
    """Record that a stage began to fail (``incident``), or works again (``restored``)."""
    from mlspec.release import registry as registries

    return registries.note(registry_folder(registry), event, stage, who(), reason)


@python_paths.only_own()
def releases(registry: str | os.PathLike[str] | None = None) -> "tuple[Entry, ...]":
    """All entries of a registry's ledger, the first one first. Raises SpecError where its chain is broken."""
    from mlspec.release import ledger

    return ledger.read(registry_folder(registry)).entries


def private_key(file: str | os.PathLike[str] | None) -> bytes:
    """The private key in a file, or in the environment variable MLSPEC_RELEASE_KEY. Raises SpecError."""
    from mlspec.machine import safe_files, signing
    from mlspec.release.bundle import demand_cryptography

    text = os.environ.get(KEY, "")
    where = f"${KEY}" if file is None else f"'{os.fspath(file)}'"
    if file is None and not text:
        message, notes = (
            "there is no key to sign with",
            (f"--key FILE, or ${KEY}", "mlspec release keygen FILE makes one"),
        )
        raise SpecError([Diagnostic(code="key-unusable", message=message, notes=notes)])
    demand_cryptography()
    try:
        return signing.private_seed(text if file is None else safe_files.read(file, signing.LARGEST).decode())
    except (OSError, ValueError) as error:
        raise _unusable(where, error) from None


def public_key(stated: str) -> str:
    """A public key as text, or the one in a file. Raises SpecError."""
    from mlspec.machine import safe_files, signing

    try:
        if stated.startswith(signing.PREFIX):
            return signing.public_key(stated)
        return signing.public_key(safe_files.read(stated, signing.LARGEST).decode())
    except (OSError, ValueError) as error:
        raise _unusable("the key" if stated.startswith(signing.PREFIX) else f"'{stated}'", error) from None


@python_paths.only_own()
def make_keys(file: str | os.PathLike[str]) -> str:
    """Write a new private key to a file that its owner alone can read; its public key. Raises SpecError where there is
    such a file."""
    from mlspec.machine import signing
    from mlspec.release.bundle import demand_cryptography
    from mlspec.store import files

    demand_cryptography()
    private, public = signing.generated()
    try:
        files.write(Path(file), private.encode(), mode=0o600)
    except FileExistsError:
        message, note = f"'{os.fspath(file)}' exists already", "name another file: a key that is gone cannot sign again"
        raise SpecError([Diagnostic(code="file-exists", message=message, notes=(note,))]) from None
    return public


def who() -> str:
    """Who does something, as this machine knows them."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):
        name = "unknown"
    return f"{name}@{platform.node() or 'unknown'}"


def registry_folder(stated: str | os.PathLike[str] | None = None, spec: str | os.PathLike[str] | None = None) -> Path:
    """The folder of a registry: as stated, or as the spec says it."""
    from mlspec.spec.operation.release import REGISTRY
    from mlspec.spec.read import read

    if stated is not None:
        return Path(_folder(os.fspath(stated)))
    path = find(spec)
    operation = read(path, large=True)[0].operation
    named = REGISTRY if operation is None or operation.release is None else operation.release.registry
    return Path(path).parent / Path(_folder(named)).expanduser()


def _folder(named: str) -> str:
    """What names a folder. Raises SpecError for an address."""
    if "://" not in named:
        return named
    message, note = f"'{named}' is no folder: a registry needs locks", "name a folder, local or of a shared file system"
    raise SpecError([Diagnostic(code="registry-not-a-folder", message=message, notes=(note,))])


def _prepare(registry: Path) -> None:
    """Make the folder of a registry; version control ignores a new one. Raises SpecError where one that is written to
    is a link."""
    from mlspec import paths
    from mlspec.machine import whole_files
    from mlspec.release import ledger
    from mlspec.release.registry import BUNDLES

    for folder in (registry, registry / BUNDLES):
        paths.demand_no_link(folder)
    registry.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(registry / ledger.FILE) and not os.path.lexists(registry / ".gitignore"):
        whole_files.replace(registry / ".gitignore", b"*\n", sync=False)


def _stage(name: str) -> str:
    import msgspec

    from mlspec.spec.types import Name

    try:
        return msgspec.convert(name, Name)
    except msgspec.ValidationError:
        message, note = f"'{name}' can't be a stage", "letters, digits, _ and -, starting with a letter"
        raise SpecError([Diagnostic(code="bad-name", message=message, notes=(note,))]) from None


def _unusable(where: str, error: Exception) -> SpecError:
    """A key can't be used; nothing of it is in the message."""
    from mlspec.machine.signing import KeyTextError

    text = (error.strerror or "it can't be read").lower() if isinstance(error, OSError) else str(error)
    text = text if isinstance(error, OSError | KeyTextError) else "it is no text"
    return SpecError([Diagnostic(code="key-unusable", message=f"{where} is no key that can be used: {text}")])
