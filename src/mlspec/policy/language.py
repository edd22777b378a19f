"""``policy.yaml``: what an organisation requires of the specs in a folder and below it.

A policy is never part of a spec: it is read beside and above a spec, up to the repository's root. Each one checks the
spec by itself, so that a policy further down can require more, but never allow more.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

from mlspec.plugins.base import Task

Reason = Annotated[str, Meta(description="Why; shown with each violation.", min_length=1)]
Patterns = Annotated[tuple[str, ...], Meta(extra={"one": True}, min_length=1, max_length=100)]


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The specs that an entry applies to; all where it is left out."""

    paths: Annotated[
        Patterns | None,
        Meta(
            description="Paths of specs, from the policy's folder: * is any part of a name, ** any number of folders.",
            examples=["credit/**"],
        ),
    ] = None
    tasks: Annotated[tuple[Task, ...] | None, Meta(description="Kinds of predictions.", min_length=1)] = None


Applies = Annotated[When | None, Meta(description="The specs that it applies to; all if left out.")]


class Required(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Constraints, written as below `constraints` of a spec."""

    gates: Annotated[dict[str, Any], Meta(extra={"plugin_keys": "constraints"})] = {}


class GateRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Gates that every spec states at least as strictly, and does not waive."""

    require: Annotated[Required, Meta(description="The gates, written as below `constraints` of a spec.")]
    reason: Reason
    when: Applies = None


class KeyRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that every spec states; with a bound or a list, what its value may be, stated or by default."""

    key: Annotated[str, Meta(description="The key's path.", min_length=1, examples=["project.owners"])]
    at_least: Annotated[
        float | None, Meta(description="The lowest allowed value; of durations in seconds, of sizes in bytes.")
    ] = None
    at_most: Annotated[
        float | None, Meta(description="The highest allowed value; of durations in seconds, of sizes in bytes.")
    ] = None
    allowed: Annotated[
        tuple[str | int | float | bool, ...] | None,
        Meta(description="The allowed values; of a list, the allowed entries.", min_length=1),
    ] = None
    reason: Reason
    when: Applies = None


class SourceRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sources that are allowed: where a policy has such entries, each source fits one of them."""

    types: Annotated[
        Patterns | None, Meta(description="Types of sources, as `format` names them.", examples=[["csv", "parquet"]])
    ] = None
    paths: Annotated[
        Patterns | None,
        Meta(
            description="Paths from the policy's folder, addresses, or connections: * is any part of a name, ** any "
            "number of folders.",
            examples=[["data/**", "https://data.example.org/**"]],
        ),
    ] = None
    reason: Reason
    when: Applies = None


class BackendRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A backend that no spec uses."""

    engine: Annotated[str, Meta(description="The engine, as `backend.engine` names it.", min_length=1)]
    reason: Reason
    when: Applies = None


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every spec in the policy's folder, and in folders below it, has to fulfil."""

    gates: Annotated[
        tuple[GateRule, ...], Meta(description="Minimal gates: every spec has them, at least as strict.")
    ] = ()
    keys: Annotated[tuple[KeyRule, ...], Meta(description="Required keys, and the values that they may have.")] = ()
    sources: Annotated[
        tuple[SourceRule, ...], Meta(description="Allowed sources; without entries, all are allowed.")
    ] = ()
    backends: Annotated[tuple[BackendRule, ...], Meta(description="Forbidden backends.")] = ()
