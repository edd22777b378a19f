"""``mlspec release``: makes a bundle of a run, and moves bundles between stages."""

from collections.abc import Callable
from typing import Any

import click

from mlspec.cli._output import result, talk
from mlspec.diagnostics import printable

registry = click.option(
    "--registry",
    type=click.Path(),
    metavar="FOLDER",
    help="The folder of releases; operation.release.registry of the spec if left out.",
)
reason = click.option("--reason", default="", metavar="TEXT", help="Why; recorded in the ledger.")
key = click.option("--key", type=click.Path(), metavar="FILE", help="The private key; $MLSPEC_RELEASE_KEY if left out.")


@click.group(name="release", invoke_without_command=True)
@click.option("--spec", metavar="SPEC", type=click.Path(), help="The project; the one in this folder if left out.")
@registry
@click.option("--version", metavar="NAME", help="The version's name; the run's id if left out.")
@key
@click.option("--unsigned", is_flag=True, help="Do not sign the bundle.")
@click.pass_context
def command(
    ctx: click.Context, spec: str | None, registry: str | None, version: str | None, key: str | None, unsigned: bool
) -> None:
    """Release the last run: a bundle of its model with evidence, listed in a registry.

    Refused where a gate fails or is undecided, a requirement has no check, the spec or a library has changed since the
    run, a file differs from the last commit, an approval is missing, or the model's files are damaged. The same run
    gives the same bundle, to the byte.

    \b
    mlspec release keygen release.pem
    mlspec release --key release.pem --version 1.0.0
    mlspec release promote 1.0.0 production
    mlspec release rollout 1.1.0 production
    mlspec release rollback production
    """
    if ctx.invoked_subcommand is not None:
        if any((spec, registry, version, key, unsigned)):
            ctx.fail("these options belong behind the name of the action")
        return
    from mlspec import api

    if unsigned and key is not None:
        raise click.UsageError("--key and --unsigned cannot be combined")
    done = api.release(spec, registry=registry, version=version, key=key, unsigned=unsigned)
    state = "released" if done.is_new else "was released before"
    signed = f"signed by {done.signed_by}" if done.signed_by else "not signed"
    result(printable(f"{state}: {done.bundle.name} {done.bundle.version}, {len(done.bundle.files)} files, {signed}"))
    for name, why in done.bundle.waived.items():
        result(printable(f"waived: {name}: {why}"))
    result(printable(f"bundle: {done.folder}"))


@command.command(name="verify")
@click.argument("bundle", type=click.Path())
@click.option("--key", metavar="PUBLIC", help="The public key that must have signed it: ed25519:..., or a file.")
def verify(bundle: str, key: str | None) -> None:
    """Check a bundle from anywhere: all files by their digests, and the signature."""
    from mlspec import api

    found = api.verify_bundle(bundle, key=key)
    said = found.bundle
    whose = "" if key is not None or not found.signed_by else " (no --key was given to compare it with)"
    signed = f"signed by {found.signed_by}{whose}" if found.signed_by else "not signed"
    result(printable(f"whole: {said.name} {said.version}, {len(said.files)} files, {signed}"))
    result(f"digest: {found.digest}")


@command.command(name="keygen")
@click.argument("file", type=click.Path())
def keygen(file: str) -> None:
    """Make a pair of keys: the private one in FILE, which only you can read; the public one is printed."""
    from mlspec import api

    result(api.make_keys(file))
    talk(printable(f"wrote the private key to {file}: keep it out of version control"))


@command.command(name="approve")
@click.argument("bundle")
@key
@registry
def approve(bundle: str, key: str | None, registry: str | None) -> None:
    """Approve a bundle (its digest, version or folder), as the approver whose private key this is."""
    from mlspec import api

    entry, is_new = api.approve(bundle, key=key, registry=registry)
    state = "approved" if is_new else "was approved before"
    result(printable(f"{state}: {entry.project} {entry.version} ({entry.bundle[:12]}) by {entry.who}"))


@command.command(name="promote")
@click.argument("bundle", metavar="BUNDLE|VERSION")
@click.argument("stage")
@reason
@registry
def promote(bundle: str, stage: str, reason: str, registry: str | None) -> None:
    """Give a stage, with a name of your own, a released bundle."""
    from mlspec import api

    _moved(api.promote(bundle, stage, reason=reason, registry=registry))


@command.command(name="rollback")
@click.argument("stage")
@reason
@registry
def rollback(stage: str, reason: str, registry: str | None) -> None:
    """Give a stage the bundle that it had before."""
    from mlspec import api

    _moved(api.rollback(stage, reason=reason, registry=registry))


@command.command(name="rollout")
@click.argument("bundle", metavar="BUNDLE|VERSION")
@click.argument("stage")
@reason
@registry
def rollout(bundle: str, stage: str, reason: str, registry: str | None) -> None:
    """Try a released bundle in a stage beside the one in service, as `operation.rollout` of its spec says.

    `mlspec serve STAGE --log LOG` then tries it as a shadow, as a canary, or as one after the other. A guard that fails
    ends it. `mlspec releases` shows what is under way.
    """
    from mlspec import api

    begun = api.start_rollout(bundle, stage, reason=reason, registry=registry)
    result(printable(f"{begun.stage}: {begun.version} ({begun.bundle[:12]}) is tried as a {begun.trial}"))


@command.command(name="stop")
@click.argument("stage")
@reason
@registry
def stop(stage: str, reason: str, registry: str | None) -> None:
    """End the rollout of a stage: all requests go to the bundle in service."""
    from mlspec import api

    ended = api.stop_rollout(stage, reason=reason, registry=registry)
    result(printable(f"{ended.stage}: {ended.version} is tried no more"))


def _moved(done: Any) -> None:
    before = "" if done.before is None else f" (before: {done.before.version})"
    result(printable(f"{done.stage}: {done.entry.version} ({done.entry.bundle[:12]}){before}"))


def _note(name: str, text: str) -> Callable[..., None]:
    @command.command(name=name, help=text)
    @click.argument("stage")
    @reason
    @registry
    def noted(stage: str, reason: str, registry: str | None) -> None:
        from mlspec import api

        entry = api.note(name, stage, reason=reason, registry=registry)  # type: ignore[arg-type]
        result(printable(f"{name}: {stage} ({entry.version})"))

    return noted


_note("incident", "Record that the bundle of a stage fails, for the figures of `mlspec releases --dora`.")
_note("restored", "Record that a stage works again without another bundle.")
