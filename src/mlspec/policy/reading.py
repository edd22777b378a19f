"""policy.yaml -> Policy: read like a spec, each mistake at its place."""

from collections.abc import Iterator

from msgspec import Struct

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import LARGEST, Document, Path, parse
from mlspec.machine import allowed_reads, safe_files
from mlspec.policy.language import Policy
from mlspec.spec import Project, suggest
from mlspec.spec.load import load_as
from mlspec.spec.shape import keys, shape


class ReadPolicy(Struct, frozen=True):
    """A policy with the document that it was read from; ``file``: as messages name it."""

    file: str
    policy: Policy
    document: Document

    def line(self, path: Path) -> str:
        """A place in it, as FILE:LINE."""
        return f"{self.file}:{self.document.span(path).line}"


def from_file(path: str, file: str, reads: allowed_reads.Reads | None) -> ReadPolicy:
    """The policy in a file; ``reads``: which files may be read, all for None. Raises SpecError for everything that is
    wrong with it: a policy that can't be read must not count as none."""
    try:
        why = "" if reads is None else allowed_reads.refusal(reads, path)
        if not why:
            return from_text(safe_files.read(path, LARGEST), file)
    except (OSError, ValueError) as error:
        why = f"can't be read: {(getattr(error, 'strerror', None) or str(error)).lower()}"
    raise SpecError([unreadable(file, why)])


def unreadable(file: str, why: str) -> Diagnostic:
    """That a policy is there, but can't be read."""
    note = "a policy that can't be read must not count as none: correct it, or delete it"
    return Diagnostic(code="policy-unreadable", message=f"{file} {why}", notes=(note,))


def from_text(text: bytes, file: str) -> ReadPolicy:
    """The policy in a text. Raises SpecError with everything that is wrong with it."""
    document = _parsed(text, file)
    policy = load_as(Policy, document, "the policy")
    found = list(_mistakes(policy, document))
    if found:
        raise SpecError(found, document.texts)
    return ReadPolicy(file, policy, document)


def _parsed(text: bytes, file: str) -> Document:
    try:
        return parse(text, file)
    except SpecError as error:
        raise SpecError(error.diagnostics, {file: text.decode("utf-8", "replace")}) from None


def _mistakes(policy: Policy, document: Document) -> Iterator[Diagnostic]:
    """Entries that require nothing, and keys that no spec can have."""
    for index, gate in enumerate(policy.gates):
        if not gate.require.gates:
            yield _at(document, ("gates", index, "require"), "empty", "this entry requires no gate", "name one")
    for index, source in enumerate(policy.sources):
        if source.types is None and source.paths is None:
            at: Path = ("sources", index)
            yield _at(document, at, "missing-key", "this entry allows every source", "add types or paths")
    for index, wanted in enumerate(policy.keys):
        wrong = _unknown_key(wanted.key)
        if wrong is not None:
            message = f"no spec has a key '{wanted.key}'"
            yield _at(document, ("keys", index, "key"), "unknown-key", message, wrong)


def _at(document: Document, path: Path, code: str, message: str, label: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, span=document.span(path), label=label)


def _unknown_key(dotted: str) -> str | None:
    """What is wrong with a path of keys, None where a spec can have it."""
    wanted = shape(Project)
    parts = dotted.split(".")
    for place, part in enumerate(parts):
        if wanted.kind in ("plugin", "step", "any") or wanted.extra.get("presets"):
            return None  # which keys there are depends on what a spec chooses
        if wanted.kind == "map":
            wanted = wanted.items[1]
            continue
        if wanted.kind != "object":
            return f"'{'.'.join(parts[:place])}' has no keys"
        known = keys(wanted.cls)
        if part not in known:
            return suggest.label(part, known).text
        wanted = known[part].shape
    return None
