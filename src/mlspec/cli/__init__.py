"""The command line: one small module a command. A command parses its arguments, calls one function and prints.

Exit codes: 0 done; 1 a constraint does not hold or cannot be decided; 2 the spec or the command is wrong; 3 a step
failed; 70 a mistake in mlspec itself; 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence

import click

from mlspec import __version__
from mlspec.diagnostics import MlspecError, SpecError

HOLDS_NOT, WRONG, STEP_FAILED, INTERNAL, INTERRUPTED, BROKEN_PIPE = 1, 2, 3, 70, 130, 141


class Commands(click.Group):
    """The commands: the modules beside this one. A module is imported when its command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted(name[:-3] for name in os.listdir(__path__[0]) if name.endswith(".py") and name[0] != "_")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if not cmd_name.isidentifier() or cmd_name not in self.list_commands(ctx):
            return None
        import importlib

        command = importlib.import_module(f"mlspec.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with; a mistyped one is told the nearest name."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            from mlspec.cli._output import nearest

            hint = nearest(args[0], self.list_commands(ctx))
            ctx.fail(f"no command '{args[0]}'" + (f"; did you mean '{hint}'?" if hint else ""))
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="mlspec %(version)s")
def commands() -> None:
    """Compile machine-learning projects: one project.yaml, checked, planned, run, and proven."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever ends the command early is told on the error stream."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Who read our output has gone: there is nobody to tell. Python must not try again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return commands.main(arguments, prog_name="mlspec", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return WRONG
    except SpecError as error:
        from mlspec.cli._output import show_diagnostics

        show_diagnostics(error.diagnostics, error.texts)
        return WRONG
    except MlspecError as error:
        click.echo(f"error: {error}", err=True)
        return STEP_FAILED
    except (BrokenPipeError, KeyboardInterrupt, click.Abort):
        raise
    except Exception as error:
        if os.environ.get("MLSPEC_TRACEBACK"):
            raise
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    if isinstance(error, OSError) and error.filename is not None:
        click.echo(f"error: {error.filename}: {(error.strerror or 'cannot be used').lower()}", err=True)
        return STEP_FAILED
    text = " ".join(f"{type(error).__name__}: {error}".split())
    click.echo(f"internal error: {text} (MLSPEC_TRACEBACK=1 shows where; please report it)", err=True)
    return INTERNAL
