// Starts `mlspec lsp` and connects VS Code to it. All that is known of a spec is known by the server.
const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

function start() {
  const settings = vscode.workspace.getConfiguration("mlspec");
  const [command, ...args] = settings.get("command");
  client = new LanguageClient(
    "mlspec",
    "mlspec",
    { command, args, transport: TransportKind.stdio },
    {
      documentSelector: [{ scheme: "file", language: "yaml" }],
      initializationOptions: { inlayHints: settings.get("inlayHints") },
      synchronize: {
        configurationSection: "mlspec",
        fileEvents: vscode.workspace.createFileSystemWatcher("**/{mlspec.lock,policy.yaml}"),
      },
    },
  );
  return client.start().catch((error) => {
    vscode.window.showErrorMessage(
      `mlspec could not be started (${error.message}). Install it with: pip install 'mlspec-compiler[lsp]', ` +
        "or name the program in the setting mlspec.command.",
    );
  });
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("mlspec.restart", async () => {
      await client?.stop().catch(() => undefined);
      await start();
    }),
  );
  await start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
