"""The language server: the protocol's messages around the pure functions of this package, over stdin and stdout."""

import asyncio
import os
from collections.abc import Callable, Iterable

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from mlspec import __version__
from mlspec.api.fixing import safe
from mlspec.diagnostics import Diagnostic, Edit, MlspecError, Span, printable
from mlspec.editor import completion, hover, lenses, names
from mlspec.editor.choices import Choice
from mlspec.editor.positions import Encoding, character, column
from mlspec.editor.state import Opened, is_spec, opened
from mlspec.edits import written

DELAY = 0.1  # seconds without a change before a text is checked
SEVERITIES = {"error": lsp.DiagnosticSeverity.Error, "warning": lsp.DiagnosticSeverity.Warning}
KINDS = {
    "key": lsp.CompletionItemKind.Property,
    "value": lsp.CompletionItemKind.EnumMember,
    "column": lsp.CompletionItemKind.Field,
    "plugin": lsp.CompletionItemKind.Class,
    "name": lsp.CompletionItemKind.Reference,
    "unit": lsp.CompletionItemKind.Unit,
}
ENCODINGS: dict[object, Encoding] = {
    lsp.PositionEncodingKind.Utf8: "utf-8",
    lsp.PositionEncodingKind.Utf16: "utf-16",
    lsp.PositionEncodingKind.Utf32: "utf-32",
}
PLAN = "mlspec.plan"
FIX_ALL = lsp.CodeActionKind.SourceFixAll


class Session:
    """What is open, by its address; texts that wait to be checked; what the client has asked for."""

    def __init__(self, server: LanguageServer, delay: float) -> None:
        self.server, self.delay = server, delay
        self.open: dict[str, Opened] = {}
        self.waiting: dict[str, asyncio.TimerHandle] = {}
        self.plans: dict[str, str] = {}
        self.inlays = False

    def text(self, uri: str) -> str:
        """What the client holds."""
        return self.server.workspace.get_text_document(uri).source.replace("\r\n", "\n").removeprefix("\ufeff")

    def check(self, uri: str) -> Opened | None:
        """Check what the client holds, and publish what was found; None where it is no spec."""
        waiting = self.waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()
        file, text = to_fs_path(uri), self.text(uri)
        if not uri.startswith("file:") or not file or not is_spec(file, text):
            if self.open.pop(uri, None) is not None:
                self.publish(uri, ())
            return None
        self.open[uri] = found = opened(file, text, self.open.get(uri))
        self.publish(uri, [self.diagnostic(found, one) for one in found.diagnostics])
        return found

    def later(self, uri: str) -> None:
        """Check a text once it has not changed for a moment."""
        waiting = self.waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()
        self.waiting[uri] = asyncio.get_running_loop().call_later(self.delay, self.check, uri)

    def current(self, uri: str) -> Opened | None:
        """What is known of the text that the client holds now."""
        return self.check(uri) if uri in self.waiting else self.open.get(uri)

    def close(self, uri: str) -> None:
        """Forget a text."""
        waiting = self.waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()
        self.open.pop(uri, None)
        self.plans.pop(uri, None)
        self.publish(uri, ())

    def publish(self, uri: str, diagnostics: Iterable[lsp.Diagnostic]) -> None:
        """Tell the client what is wrong."""
        self.server.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri=uri, diagnostics=list(diagnostics))
        )

    @property
    def encoding(self) -> Encoding:
        """How the client counts characters."""
        return ENCODINGS.get(self.server.workspace.position_encoding, "utf-16")

    def place(self, found: Opened, position: lsp.Position) -> tuple[int, int]:
        """A place in a text, counted from 0; the nearest where there is no such place."""
        lines = found.text.split("\n")
        line = min(max(position.line, 0), len(lines) - 1)
        return line, column(lines[line], position.character, self.encoding)

    def range(self, found: Opened, span: Span | None) -> lsp.Range:
        """A span as the client counts it; the first line where there is none in this file."""
        lines = found.text.split("\n")
        if span is None or span.file != found.file:
            return lsp.Range(lsp.Position(0, 0), lsp.Position(0, character(lines[0], len(lines[0]), self.encoding)))

        def position(line: int, at: int) -> lsp.Position:
            if line > len(lines):
                return lsp.Position(len(lines) - 1, character(lines[-1], len(lines[-1]), self.encoding))
            return lsp.Position(line - 1, character(lines[line - 1], at - 1, self.encoding))

        return lsp.Range(position(span.line, span.column), position(span.end_line, span.end_column))

    def diagnostic(self, found: Opened, one: Diagnostic) -> lsp.Diagnostic:
        """A finding as the protocol has it."""
        here = one.span is None or one.span.file == found.file
        where = "" if here or one.span is None else f"{one.span.file}:{one.span.line}: "
        return lsp.Diagnostic(
            range=self.range(found, one.span),
            message=printable_lines([where + one.message, one.label, *one.notes]),
            severity=SEVERITIES.get(one.severity, lsp.DiagnosticSeverity.Information),
            code=one.code,
            source="mlspec",
            related_information=[
                lsp.DiagnosticRelatedInformation(
                    location=lsp.Location(self.uri(found), self.range(found, label.span)), message=label.text
                )
                for label in one.also
                if label.span.file == found.file
            ],
        )

    def uri(self, found: Opened) -> str:
        """The address of an open text."""
        return next((uri for uri, one in self.open.items() if one.file == found.file), "")

    def edit(self, uri: str, found: Opened, edits: Iterable[Edit]) -> lsp.WorkspaceEdit:
        """Edits of one text as the protocol has them."""
        made = [lsp.TextEdit(self.range(found, edit.span), edit.text) for edit in edits]
        return lsp.WorkspaceEdit(changes={uri: list(made)})


def printable_lines(lines: Iterable[str]) -> str:
    """Texts from a spec, each on a line of its own, without control characters."""
    return "\n".join(printable(line) for line in lines if line)


def make(delay: float = DELAY) -> LanguageServer:
    """The server with everything that it answers."""
    server = LanguageServer("mlspec", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
    session = Session(server, delay)
    _texts(server, session)
    _questions(server, session)
    _changes(server, session)
    _hints(server, session)
    return server


def serve() -> None:
    """Answer on stdin and stdout until the client leaves. What else is printed meanwhile goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    make().start_io(stdout=answers)


def _texts(server: LanguageServer, session: Session) -> None:
    @server.feature(lsp.INITIALIZED)
    def initialized(_params: lsp.InitializedParams) -> None:
        return None

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        session.check(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        session.later(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: lsp.DidSaveTextDocumentParams) -> None:
        session.plans.pop(params.text_document.uri, None)
        session.check(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        session.close(params.text_document.uri)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def changed(_params: lsp.DidChangeWatchedFilesParams) -> None:
        # A run has written a lock, or a policy is another.
        for uri in list(session.open):
            session.plans.pop(uri, None)
            session.check(uri)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configured(params: lsp.DidChangeConfigurationParams) -> None:
        given = params.settings if isinstance(params.settings, dict) else getattr(params.settings, "__dict__", {})
        own = given.get("mlspec", given)
        session.inlays = _setting(own, "inlayHints", session.inlays)


def _setting(given: object, name: str, default: bool) -> bool:
    value = given.get(name, default) if isinstance(given, dict) else getattr(given, name, default)
    return value if isinstance(value, bool) else default


def _questions(server: LanguageServer, session: Session) -> None:
    @server.feature(
        lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[" ", ":", "[", "{", ",", "-"])
    )
    def complete(params: lsp.CompletionParams) -> lsp.CompletionList:
        found = session.current(params.text_document.uri)
        if found is None:
            return lsp.CompletionList(is_incomplete=False, items=[])
        line, at = session.place(found, params.position)
        here, offered = completion.completion(found, line, at)
        span = Span(found.file, line + 1, here.start + 1, line + 1, at + 1)
        where = session.range(found, span)
        items = [_item(one, where, index, in_flow=here.in_flow) for index, one in enumerate(offered)]
        return lsp.CompletionList(is_incomplete=False, items=items)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        found = session.current(params.text_document.uri)
        said = None if found is None else hover.hover(found, *session.place(found, params.position))
        if found is None or said is None:
            return None
        text = lsp.MarkupContent(lsp.MarkupKind.Markdown, said[0])
        return lsp.Hover(contents=text, range=session.range(found, said[1]))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def definition(params: lsp.DefinitionParams) -> list[lsp.Location]:
        return _locations(session, params.text_document.uri, params.position, names.definitions)

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def references(params: lsp.ReferenceParams) -> list[lsp.Location]:
        return _locations(session, params.text_document.uri, params.position, names.references)

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outline(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        found = session.current(params.text_document.uri)
        return [] if found is None else [_symbol(session, found, one) for one in lenses.symbols(found)]


def _item(one: Choice, where: lsp.Range, index: int, *, in_flow: bool) -> lsp.CompletionItem:
    text = one.text if one.kind in ("value", "unit") else written(one.text)
    behind = {"": "", "value": ": ", "mapping": ":", "list": ": "}[one.follows]
    if one.follows == "mapping" and in_flow:
        behind = ": "
    return lsp.CompletionItem(
        label=one.text,
        kind=KINDS[one.kind],
        detail=one.detail or None,
        documentation=one.about or None,
        sort_text=f"{index:04}",
        text_edit=lsp.TextEdit(where, text + behind),
        filter_text=text,
    )


def _symbol(session: Session, found: Opened, one: lenses.Symbol) -> lsp.DocumentSymbol:
    return lsp.DocumentSymbol(
        name=printable(one.name) or "''",
        kind=lsp.SymbolKind.Module if one.below else lsp.SymbolKind.Property,
        range=session.range(found, one.whole),
        selection_range=session.range(found, one.key),
        children=[_symbol(session, found, below) for below in one.below],
    )


def _locations(
    session: Session, uri: str, position: lsp.Position, find: Callable[[Opened, int, int], list[Span]]
) -> list[lsp.Location]:
    found = session.current(uri)
    if found is None:
        return []
    return [lsp.Location(uri, session.range(found, span)) for span in find(found, *session.place(found, position))]


def _changes(server: LanguageServer, session: Session) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare(params: lsp.PrepareRenameParams) -> lsp.Range | None:
        found = session.current(params.text_document.uri)
        here = None if found is None else names.named(found, *session.place(found, params.position))
        return None if found is None or here is None else session.range(found, here.span)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    def rename(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        found = session.current(params.text_document.uri)
        if found is None:
            return None
        edits = names.renamed(found, *session.place(found, params.position), params.new_name)
        if isinstance(edits, str):
            server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, printable(edits)))
            return None
        return session.edit(params.text_document.uri, found, edits)

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix, FIX_ALL])
    )
    def actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri = params.text_document.uri
        found = session.current(uri)
        made: list[lsp.CodeAction] = []
        if found is not None and FIX_ALL in (params.context.only or ()):
            edits = safe(found.diagnostics, found.file)
            if edits:
                whole = session.edit(uri, found, edits)
                made.append(lsp.CodeAction("apply all certain fixes", kind=FIX_ALL, edit=whole))
        for one in () if found is None else found.diagnostics:
            assert found is not None
            where = session.range(found, one.span)
            if where.end.line < params.range.start.line or where.start.line > params.range.end.line:
                continue
            for fix in one.fixes:
                if all(edit.span.file == found.file for edit in fix.edits):
                    made.append(
                        lsp.CodeAction(
                            title=printable(fix.title),
                            kind=lsp.CodeActionKind.QuickFix,
                            diagnostics=[session.diagnostic(found, one)],
                            edit=session.edit(uri, found, fix.edits),
                            is_preferred=fix.safe or None,
                        )
                    )
        return made


def _hints(server: LanguageServer, session: Session) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_CODE_LENS)
    def shown(params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
        uri = params.text_document.uri
        found = session.current(uri)
        if found is None:
            return []
        first = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))
        plan = lsp.Command(session.plans.get(uri, "show the steps to run"), PLAN, arguments=[uri])
        made = [lsp.CodeLens(first, plan)] if found.is_current else []
        for one in lenses.lenses(found):
            made.append(lsp.CodeLens(session.range(found, one.span), lsp.Command(printable(one.text), "")))
        return made

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    def inlay(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        found = session.current(params.text_document.uri) if session.inlays else None
        if found is None:
            return []
        return [
            lsp.InlayHint(session.range(found, one.span).start, f"  {printable(one.text)}", padding_left=True)
            for one in lenses.inlays(found, params.range.start.line, params.range.end.line)
        ]

    @server.command(PLAN)
    def plan(uri: str) -> str:
        """What is still to be run of the spec as it is saved; nothing is run."""
        found = session.open.get(uri)
        if found is None:
            return ""
        from mlspec.editor.plan import steps_to_run

        try:
            session.plans[uri] = steps_to_run(found.file)
        except MlspecError as error:
            session.plans[uri] = printable(str(error))
        workspace = server.client_capabilities.workspace
        if workspace is not None and workspace.code_lens is not None and workspace.code_lens.refresh_support:
            server.workspace_code_lens_refresh(None)
        return session.plans[uri]

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        session.inlays = _setting(params.initialization_options, "inlayHints", False)
