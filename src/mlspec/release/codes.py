"""The pages of what releases and registries refuse."""

PAGES: dict[str, str] = {
    "gate-not-passed": """A gate of the run fails, is undecided, or was not reached.

Why: a release says that every requirement holds. Undecided means that the evidence is too small to say so.

Instead: improve the model or collect more test rows, and run again; or waive the requirement with a reason
(`constraints.waivers`), which the release then shows.
""",
    "run-not-current": """The last run is not one of what is here now.

Why: a bundle states the spec, the lock and the versions of libraries of its model. They must be those that made it: the
spec without `--profile` and `--set`, `mlspec.lock` of the same run, the libraries that are installed.

Instead: `mlspec run`, then commit `mlspec.lock`. Where nothing but text of the spec has changed, nothing is trained
again.
""",
    "tree-not-clean": """Files of the project are not as in the last git commit, or the project is in none.

Why: a bundle names the commit that its spec is in, so that a release can be traced, reviewed and made again.

Instead: commit the files, `mlspec.lock` among them, or list in `.gitignore` what does not belong to the project. Only
the folder of the spec is compared.
""",
    "approval-missing": """A bundle is not yet approved by everybody whom the spec names.

Why: `operation.release.approve` names who must say yes to each release. An approval is signed and is valid for one
bundle alone, so the bundle is made first and waits in the registry.

Instead: each approver runs `mlspec release approve DIGEST --key FILE` with their own key; then run `mlspec release`
again.
""",
    "approval-refused": """A key does not belong to an approver of this bundle.

Why: only those can approve whom the spec of the bundle names under `operation.release.approve`.

Instead: use the private key that belongs to the public key in the spec. An approver who was added later approves the
next bundle.
""",
    "key-unusable": """A signing key is missing or cannot be read.

Why: bundles and approvals are signed with Ed25519 keys in PEM files without a password.

Instead: `mlspec release keygen FILE` makes a key, `openssl genpkey -algorithm ed25519 -out FILE` too; pass it with
`--key`, or its text in the environment variable `MLSPEC_RELEASE_KEY`. `--unsigned` releases without a signature.
""",
    "bundle-damaged": """A folder is not a bundle as it was released.

Why: `bundle.json` lists every file with its size and SHA-256 digest. A file that is missing, changed, not listed, or a
link was not there at the release.

Instead: fetch the bundle again, or roll back to another one.
""",
    "signature-wrong": """A bundle is not signed by the expected key, or its signature does not fit its content.

Why: the signature says who released a bundle; without it anyone could have made the folder.

Instead: check which key signs your releases, and where the folder comes from.
""",
    "version-taken": """A version with this name was released before, from another run.

Why: a name that means two bundles means nothing.

Instead: choose another name with `--version`.
""",
    "onnx-not-possible": """The model that is to be released has no form in ONNX.

Why: `operation.release.formats` asks for `onnx`. One file has the preparation and the model, so each step of it needs a
form there; the message names the first that has none.

Instead: prepare the column otherwise, select another candidate, or leave `onnx` out: the native model serves too.
docs/operation.md lists what has a form in ONNX.
""",
    "onnx-differs": """The ONNX file does not answer as the model does.

Why: both are compared on test rows, and on rows that are made to be on thresholds of trees, with missing values,
categories that no training row has, and extreme numbers. On one of them the difference is above
`operation.release.parity`.

Instead: the message says what kind of row it is. A larger `parity` allows the difference; else leave `onnx` out.
""",
    "test-rows-gone": """The test rows of the run are no longer in the store.

Why: the ONNX file is compared with the model on them before it is released.

Instead: `mlspec run` computes them again.
""",
    "ledger-damaged": """The ledger of a registry was changed.

Why: each line of `ledger.jsonl` contains the digest of the line before, so a line that was edited, removed or swapped
is noticed. What such a ledger says of approvals and stages cannot be trusted.

Instead: restore the file from a copy or a backup.
""",
    "registry-of-another-project": """The registry contains releases of another project.

Why: stages and versions have one name each in a registry; `production` of two projects would be one stage.

Instead: use a folder for each project: `operation.release.registry`, or `--registry`.
""",
    "registry-not-a-folder": """A registry is named by an address.

Why: whatever changes a registry does so alone, by a lock of the kernel. Object stores have no such locks, so two
writers could add to the ledger at once.

Instead: name a folder, local or of a shared file system that has locks: `operation.release.registry`, or `--registry`.
""",
    "unknown-bundle": """The registry has no such bundle, or several that begin like this.

Instead: `mlspec releases` lists them; name a version, or at least six characters of a digest.
""",
    "unknown-stage": """The stage has no bundle.

Instead: `mlspec releases` lists the stages; `mlspec release promote VERSION STAGE` gives one a bundle.
""",
    "promotion-refused": """A stage may not have this bundle.

Why: a stage gets bundles that are released, approved, in the order of `operation.release.stages` where the spec states
it, and not twice in a row.

Instead: the message says what is missing.
""",
    "rollout-refused": """A rollout can't begin, or there is none to stop.

Why: a rollout tries a released bundle beside the one that its stage has, by `operation.rollout` of the candidate's
spec, one at a time, and for clients that get answers of the same kind from both.

Instead: the message says what is missing. A bundle without a rollout is promoted at once.
""",
    "no-earlier-bundle": """The stage has no earlier bundle to go back to.

Why: a rollback gives a stage the bundle that it had before the present one; what was rolled back does not count.

Instead: `mlspec release promote VERSION STAGE` with a version that works.
""",
}
