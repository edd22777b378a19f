"""``mlspec lsp``: what editors ask."""

import click


@click.command(name="lsp")
@click.option("--stdio", is_flag=True, hidden=True, help="Some editors say it; there is no other way.")
def command(stdio: bool) -> int:
    """Answer an editor on stdin and stdout, by the Language Server Protocol.

    Diagnostics as you type, completion of keys, plug-ins, columns and metrics, fixes, references and names, the last
    run's values at its gates. Nothing is run and nothing leaves the machine. docs/editors.md says how editors start it.
    """
    del stdio
    import importlib.util

    if importlib.util.find_spec("pygls") is None:
        from mlspec.diagnostics import Diagnostic, SpecError

        message, note = (
            "the language server needs pygls, which is not installed here",
            "pip install 'mlspec-compiler[lsp]'",
        )
        raise SpecError([Diagnostic(code="library-not-installed", message=message, notes=(note,))])
    from mlspec.editor.server import serve

    serve()
    return 0
