"""``mlspec completion``: the shell script that completes commands, options and names."""

import click

from mlspec.cli._output import result


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash  eval "$(mlspec completion bash)"    in ~/.bashrc
    zsh   eval "$(mlspec completion zsh)"     in ~/.zshrc
    fish  mlspec completion fish | source     in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from mlspec.cli._commands import commands

    found = get_completion_class(shell)
    assert found is not None
    result(found(commands, {}, "mlspec", "_MLSPEC_COMPLETE").source(), form="data")
