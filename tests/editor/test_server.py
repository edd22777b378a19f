"""The language server as an editor starts it: a process, and real messages of the protocol on its stdin and stdout."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import BaseLanguageClient

ROOT = Path(__file__).parents[2]
START = "import sys; from mlspec.cli import main; sys.exit(main(['lsp', '--stdio']))"


class Editor:
    """A client that keeps what was published."""

    def __init__(self, folder: Path) -> None:
        self.client = BaseLanguageClient("editor", "1")
        self.folder, self.published = folder, asyncio.Queue[lsp.PublishDiagnosticsParams]()
        self.version = 0

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def publish(params: lsp.PublishDiagnosticsParams) -> None:
            self.published.put_nowait(params)

        @self.client.feature(lsp.WINDOW_SHOW_MESSAGE)
        def message(params: lsp.ShowMessageParams) -> None:
            self.told = params.message

    async def start(self) -> lsp.InitializeResult:
        await self.client.start_io(sys.executable, "-c", START, cwd=str(self.folder))
        found = await self.client.initialize_async(
            lsp.InitializeParams(
                capabilities=lsp.ClientCapabilities(),
                root_uri=self.folder.as_uri(),
                initialization_options={"inlayHints": True},
            )
        )
        self.client.initialized(lsp.InitializedParams())
        return found

    def uri(self, name: str = "project.yaml") -> str:
        return (self.folder / name).as_uri()

    def here(self, line: int, character: int) -> dict[str, Any]:
        return {"text_document": lsp.TextDocumentIdentifier(self.uri()), "position": lsp.Position(line, character)}

    async def open(self, text: str, name: str = "project.yaml") -> list[lsp.Diagnostic]:
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(self.uri(name), "yaml", 0, text))
        )
        return list((await self.published.get()).diagnostics)

    async def type(self, *texts: str) -> list[lsp.Diagnostic]:
        for text in texts:
            self.version += 1
            document = lsp.VersionedTextDocumentIdentifier(self.version, self.uri())
            change = lsp.TextDocumentContentChangeWholeDocument(text)
            self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [change]))
        return list((await self.published.get()).diagnostics)

    async def stop(self) -> int | None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        process: Any = self.client._server
        return int(await process.wait())


async def session(folder: Path) -> None:
    editor = Editor(folder)
    client = editor.client
    started = await editor.start()
    assert started.server_info is not None
    assert started.server_info.name == "mlspec"
    good = (folder / "project.yaml").read_text()
    rows = good.split("\n")
    document = lsp.TextDocumentIdentifier(editor.uri())

    # Diagnostics, also of what was typed last alone, and while the file is no YAML.
    assert await editor.open(good) == []
    wrong = good.replace("balanced_accuracy", "balanced_acuracy")
    (found,) = await editor.type(good + "#", good + "# ", wrong)
    assert (found.code, found.range.start.line, found.source) == ("gate-on-uncomputed-metric", 7, "mlspec")
    assert found.message.split("\n")[1] == "did you mean 'balanced_accuracy'?"
    (action,) = await client.text_document_code_action_async(
        lsp.CodeActionParams(document, found.range, lsp.CodeActionContext([found]))
    )
    assert isinstance(action, lsp.CodeAction)
    assert action.edit is not None
    assert action.edit.changes is not None
    (edit,) = action.edit.changes[editor.uri()]
    assert (edit.new_text, edit.range) == ("balanced_accuracy", found.range)
    (found,) = await editor.type(good.replace("species}", "species"))
    assert found.code == "syntax"

    # Completion while it is: columns from the data.
    line = next(index for index, row in enumerate(rows) if "target:" in row)
    listed = await client.text_document_completion_async(lsp.CompletionParams(**editor.here(line, 21)))
    assert isinstance(listed, lsp.CompletionList)
    assert {"island", "bill_length_mm"} <= {item.label for item in listed.items}
    assert await editor.type(good) == []

    said = await client.text_document_hover_async(lsp.HoverParams(**editor.here(line, 22)))
    assert said is not None
    assert isinstance(said.contents, lsp.MarkupContent)
    assert said.contents.value.startswith("`species`: category, the target")
    shown = await client.text_document_code_lens_async(lsp.CodeLensParams(document))
    titles = [one.command.title for one in shown or () if one.command is not None]
    assert titles == [
        "show the steps to run",
        "last run: balanced_accuracy at least 0.85: 0.98 [0.87, 1.00], pass",
    ]
    asked = lsp.ExecuteCommandParams("mlspec.plan", [editor.uri()])
    assert "steps to run" in await client.workspace_execute_command_async(asked)
    inlays = await client.text_document_inlay_hint_async(
        lsp.InlayHintParams(document, lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0)))
    )
    assert any("validation: 0.1" in str(one.label) for one in inlays or ())
    outline = await client.text_document_document_symbol_async(lsp.DocumentSymbolParams(document))
    assert [one.name for one in outline or ()] == ["mlspec", "project", "constraints", "data", "model"]

    tuned = good + "tuning: {linear: {trials: 2}}\n"
    assert await editor.type(tuned) == []
    at = next(index for index, row in enumerate(rows) if "linear:" in row)
    (given,) = await client.text_document_definition_async(
        lsp.DefinitionParams(**editor.here(tuned.count("\n") - 1, 10))
    )
    assert given.range.start == lsp.Position(at, 4)
    context = lsp.ReferenceContext(include_declaration=True)
    assert (
        len(await client.text_document_references_async(lsp.ReferenceParams(**editor.here(at, 5), context=context)))
        == 2
    )
    renamed = await client.text_document_rename_async(lsp.RenameParams(**editor.here(at, 5), new_name="flat"))
    assert renamed is not None
    assert renamed.changes is not None
    assert [one.new_text for one in renamed.changes[editor.uri()]] == ["flat", "flat"]
    assert await client.text_document_rename_async(lsp.RenameParams(**editor.here(at, 5), new_name="1 2")) is None

    # A file beside the spec that has changed.
    (folder / "mlspec.lock").unlink()
    event = lsp.FileEvent((folder / "mlspec.lock").as_uri(), lsp.FileChangeType.Deleted)
    client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))
    assert list((await editor.published.get()).diagnostics) == []
    assert len(await client.text_document_code_lens_async(lsp.CodeLensParams(document)) or ()) == 1

    # Places that there are not, a file of five megabytes, a file that is no spec.
    for place in ((10**6, 10**6), (0, 2**31 - 1), (at, 2**31 - 1)):
        await client.text_document_hover_async(lsp.HoverParams(**editor.here(*place)))
        await client.text_document_completion_async(lsp.CompletionParams(**editor.here(*place)))
    (found,) = await editor.type("mlspec: 1\n" + "# 😀\n" * 1_000_000)
    assert found.code == "file-too-large"
    other = lsp.TextDocumentItem(editor.uri("other.yaml"), "yaml", 0, "name: [")
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(other))
    outline = await client.text_document_document_symbol_async(
        lsp.DocumentSymbolParams(lsp.TextDocumentIdentifier(other.uri))
    )
    assert list(outline or ()) == []
    assert editor.published.empty()
    assert await editor.stop() == 0


@pytest.mark.slow
def test_a_session_over_the_protocol(tmp_path: Path) -> None:
    folder = tmp_path / "birds"
    shutil.copytree(ROOT / "specs/penguins", folder, ignore=shutil.ignore_patterns(".mlspec"))
    before = sorted(path.name for path in folder.iterdir())
    asyncio.run(asyncio.wait_for(session(folder), 120))
    after = sorted(path.name for path in folder.iterdir() if path.name != ".mlspec")
    assert after == [name for name in before if name != "mlspec.lock"]
