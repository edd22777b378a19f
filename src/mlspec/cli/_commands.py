"""All commands as one click group; a command's module is imported when it is asked for."""

import os

import click

from mlspec import __version__


class Commands(click.Group):
    """The commands: the modules beside this one. A module is imported when its command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted(
            name[:-3] for name in os.listdir(os.path.dirname(__file__)) if name.endswith(".py") and name[0] != "_"
        )

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
        """The command that the arguments begin with; suggests the closest command for a mistyped one."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            from mlspec.cli._output import nearest

            hint = nearest(args[0], self.list_commands(ctx))
            ctx.fail(f"no command '{args[0]}'" + (f"; did you mean '{hint}'?" if hint else ""))
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="mlspec %(version)s (mlspec-compiler)")
def commands() -> None:
    """Compile machine-learning projects: one project.yaml, checked, planned, run, and proven."""
