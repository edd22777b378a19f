"""The pages of codes without a rule file: reading a file, its shape, its overrides, and running it."""

PAGES: dict[str, str] = {
    "plugin-broken": """A plug-in is installed, but can't be used: its module can't be imported, or lacks its class.

Why: its name is known from its file or its distribution, and its class has to be found by that name: `RandomForest` in
`random_forest.py`, the underscores left out, upper and lower case aside.

Instead: repair the plug-in; `pytest` on its conformance suite (`mlspec.testing`) shows what is missing.
""",
    "syntax": """The file is not YAML.

Why: nothing can be read from a file whose structure is unclear.

Instead: the message says what was expected and where; put a value that contains ': ', '#', '[' or '{' in quotes.
""",
    "tab": """A tab is used where YAML allows only spaces.

Why: editors show tabs with different widths, so YAML does not allow them for indentation.

Instead: indent with two spaces.
""",
    "merge-conflict": """The file contains git's conflict markers.

Why: an unfinished merge contains two versions of the same lines.

Instead: keep the right lines and delete the markers.
""",
    "duplicate-key": """A mapping has the same key twice.

Why: most YAML readers silently use the second; the first is then misleading.

Instead: delete one of the two; both places are shown.
""",
    "merge-key": """A merge key ('<<') is used.

Why: YAML 1.2 has no merge keys, and a second way to override values would make it unclear where a value comes from.

Instead: write the keys out, or use a profile.
""",
    "tag": """A tag ('!something') is used.

Why: a tag can make a reader construct any object; a spec is plain data, so it is safe to read specs that you do not
trust.

Instead: delete the tag; put text in quotes.
""",
    "key-not-text": """A key is not text.

Why: every key of the language is a name, and 1, true or a list is not a name.

Instead: put it in quotes if it is a name of your own.
""",
    "not-a-number": """A number is not finite, or an integer has more than 64 bits.

Why: NaN and infinity cannot be thresholds, rates or shares, because comparisons with them are undefined. An integer of
more than 64 bits does not fit into a column of a table.

Instead: write a finite number (1e20 rather than 100000000000000000000), or remove the key if there is no bound.
""",
    "unknown-alias": """An alias ('*name') has no anchor ('&name') before it.

Why: the alias has no value.

Instead: write the value out.
""",
    "recursive-alias": """An alias is inside the value that it refers to.

Why: the value would be infinite.

Instead: write the value out.
""",
    "too-many-aliases": """Aliases expand to more than 10,000 values.

Why: a few bytes of nested aliases can expand to billions of values (a YAML bomb).

Instead: write the values out, or use a profile.
""",
    "too-deep": """Values are nested deeper than 64 levels.

Why: no spec needs this; such a file is probably an attack on the reader.

Instead: correct the indentation or the brackets.
""",
    "several-documents": """The file contains more than one YAML document.

Why: one file describes one project.

Instead: delete the line '---' in the middle, or split the file in two.
""",
    "empty-file": """The file is empty.

Instead: `mlspec init DATA` writes a first spec from a look at the data.
""",
    "file-too-large": """The file is larger than 1 MiB, or contains more than 200,000 values.

Why: people write specs; a file of this size is usually a mistake, sometimes an attack.

Instead: name the right file, or add --large if it is intended.
""",
    "not-utf-8": """The file is not UTF-8 text.

Why: in other encodings the same bytes mean different characters.

Instead: save the file as UTF-8.
""",
    "spec-not-found": """No spec was found.

Instead: name the file or its folder, run the command in or below that folder, or write a spec with `mlspec init DATA`.
""",
    "unknown-key": """A key is not part of the language.

Why: a key that nothing reads would look as if it had an effect.

Instead: use the suggested name; `mlspec explain KEY` describes a key.
""",
    "missing-key": """A required key is missing.

Instead: add it; the note describes it.
""",
    "wrong-type": """A value has the wrong type for its key.

Why: YAML infers numbers, booleans, text, lists and mappings from how they are written. Since YAML 1.2 `yes`, `no`, `on`
and `off` are text; true and false are the booleans.

Instead: write the value in the form that the message names; quotes make any value text.
""",
    "not-allowed": """A value is not one of the allowed values of its key.

Instead: use one of the values listed.
""",
    "out-of-range": """A number is outside the allowed range of its key.

Instead: choose a number in the range; `mlspec explain KEY` shows it.
""",
    "bad-unit": """A duration or a size has no unit, or an unknown unit.

Why: 5 could be seconds or milliseconds.

Instead: write durations as 5ms, 30s, 10m, 2h or 1h30m; sizes as 512kB, 20MB, 4GB (decimal) or 512KiB, 4GiB (binary).
""",
    "bad-name": """A name or a value has an invalid form.

Why: names become parts of step ids, file names and commands.

Instead: use letters, digits, '_' and '-', starting with a letter; for other values the message names the form.
""",
    "empty": """A list, mapping or text is empty or too short.

Instead: add entries, or delete the key if it has a default.
""",
    "unknown-plugin": """There is no source, step, model or metric with that name.

Instead: use the suggested name, or install the distribution that provides it; `mlspec explain NAME` describes each.
""",
    "schema-violation": """The spec does not match the published JSON Schema (`mlspec validate --schema`).

Why: the schema is read by jsonschema, independently of mlspec's own reader; a spec that both accept has the structure
that the language describes. What names refer to, and whether values fit the data, only mlspec's own rules know.

Instead: follow the message. If `mlspec validate` without `--schema` accepts the spec, please report it: the two readers
are meant to agree.
""",
    "plugin-settings": """A plug-in of another distribution declares settings that cannot be written as a JSON Schema.

Why: its fields are its keys in a spec. A type that YAML cannot state can neither be checked nor be
offered by an editor.

Instead: give the field a type of text, number, boolean, list or mapping, or remove the distribution.
""",
    "draft-fails": """The spec that `mlspec init` proposes is not valid, or its profile quick fails.

Why: nothing is written that does not work; what can be left out of it has been tried.

Instead: state what is guessed wrongly, or write it with `--no-trial` and correct it.
""",
    "format-unclear": """The format of a file cannot be inferred from its name.

Instead: add `format`, or give the file a known ending (.csv, .csv.gz, .parquet, .jsonl, .arrow).
""",
    "unknown-profile": """The spec has no profile with that name.

Instead: use one that is listed under `profiles`.
""",
    "bad-set": """A setting on the command line does not have the form KEY=VALUE.

Instead: for example `--set model.candidates.mlp.epochs=5`; the value is read as YAML.
""",
    "file-outside": """A file that the spec names is outside the repository, or belongs to git or to mlspec.

Why: validate, compile and diff are safe on specs that you do not trust. Their output can show names and values of the
data, so they read only regular files in the spec's own work tree (or in the spec's folder if there is no repository),
after links are resolved, and never files of a git directory or of `.mlspec`.

Instead: move the file into the repository. If you trust the spec, add --allow-outside; `mlspec run` reads any file that
the spec names.
""",
    "source-not-found": """A file of a source cannot be read.

Why: paths are relative to the spec's folder, not to the working folder of the command.

Instead: correct the path; similar names in that folder are suggested.
""",
    "source-unreadable": """A file does not have the format that its source states.

Instead: correct the file, or its `format`.
""",
    "sources-differ": """Two stacked sources do not have the same columns.

Why: several sources are stacked into one table.

Instead: give them the same columns, or use `join`.
""",
    "bad-source": """The settings of a source contradict each other or lack one.

Instead: follow the label in the message; `mlspec explain sql`, `csv` and so on show all settings.
""",
    "source-schema-unknown": """The columns of a source are unknown until it has been read.

Why: validate and compile open no connection and run no code of the spec; with a guess, later checks would be worthless.

Instead: `mlspec run` reads the source and pins its columns in mlspec.lock, which you commit; or state them in the
source's `schema`.
""",
    "source-unavailable": """A source is unavailable: it is down, too slow, stops early, or returns something
    unexpected.

Why: the last good snapshot is kept, and partial data is never used.

Instead: fix the cause in the message; `mlspec run --offline` uses the last good snapshot; `retries`, `timeout` and
`fallback` control how often to try and what to read instead.
""",
    "source-fell-back": """A source is unavailable; the file that its `fallback` names is read instead.

Instead: find out why; the results of this run use the fallback.
""",
    "no-snapshot": """`--offline` found no snapshot of a source.

Instead: run once with a connection; the snapshot is kept in .mlspec/snapshots.
""",
    "source-stale": """The data of a source is older than its `fresh_within` allows.

Instead: refresh the source, or change the limit.
""",
    "data-changed": """A source differs from what mlspec.lock has pinned, and its `on_change` does not accept that.

Why: results before and after the change come from different data.

Instead: check what changed; `mlspec run --accept-data` accepts and pins the current data. `on_change: accept` is for
sources that change on purpose.
""",
    "bad-join": """A join names an unknown source or column, or adds a column that exists already.

Why: a wrong join gives missing values everywhere, or twice as many rows, without any error.

Instead: keys need the same name and type in both sources; use `prefix` and `columns` to avoid duplicate names.
""",
    "bad-expression": """An expression of a derived column or of the filter is invalid, or does not match the types of
    its columns.

Why: it would fail, or give a wrong result, only when it runs.

Instead: use SQL over the columns of the row: + - * / % ||, comparisons, AND OR NOT, IS NULL, BETWEEN, IN, LIKE, CASE
WHEN, CAST, EXTRACT, and the functions ABS ROUND FLOOR CEIL LN LOG10 EXP SQRT COALESCE NULLIF GREATEST LEAST LOWER UPPER
TRIM LENGTH SUBSTR STARTS_WITH ENDS_WITH. Put names with characters other than letters, digits and _ in double quotes.
""",
    "cycle": """A cycle: a derived column depends on itself through others, or a source is a result in `mlspec.results`
of its own project.

Why: no order of steps can compute it, and a model that learns from its own predictions drifts away from the data.

Instead: the message lists the cycle; one of its members must use another input. To use results as data, copy them out
of `mlspec.results`.
""",
    "secret-in-spec": """The spec contains a password, or a reference to one in a place where it would be shown.

Why: a spec is committed, reviewed and printed, so its contents are not secret. The value of `${env:NAME}` is inserted
only in the process that connects, and only in `connection`: all other keys are part of digests, logs and reports.

Instead: write `${env:NAME}` in the connection string instead of the password, and set NAME in the environment. Object
stores read their credentials from the environment themselves.
""",
    "policy-violation": """A spec does not fulfil a `policy.yaml` beside or above it.

Why: a policy states what an organisation requires of every spec in its folder: gates at least as strict as its own,
keys and their values, allowed sources, forbidden engines. The note names the policy's line and its reason. A profile,
`--set` or `--backend` is checked like the spec itself, and a waiver of a required gate counts as its absence.

Instead: change the spec, or ask the owner of the policy to change it; `mlspec diff` shows a weaker policy as an error.
""",
    "policy-unreadable": """A `policy.yaml` beside or above a spec cannot be read.

Why: it is a link that leads out of the repository, a folder or a device, larger than 1 MiB, or not readable. If it
counted as no policy, a link would be enough to get rid of it.

Instead: make it a regular file in the repository, or delete it.
""",
    "contract-unreadable": """A data contract cannot be read, or has an unknown format.

Instead: use an Open Data Contract Standard document (version 3), a Great Expectations suite, a pandera or Frictionless
schema, a Croissant description, or a Hugging Face dataset's card or `dataset_infos.json`, of 1 MiB at most.
""",
    "contract-invalid": """A data contract does not match the schema of its own standard.

Why: a mistyped key or value would be left out silently, and its check with it. Open Data Contracts (version 3) and
Frictionless table schemas are checked by the JSON Schema that their standard publishes; it is shipped, never fetched.

Instead: correct the contract at the places shown.
""",
    "contract-too-large": """A data contract states more than 500 columns and expectations, too many to add to a spec.

Why: each is placed among what the spec says already, which takes ever longer.

Instead: `mlspec contract import FILE` without `--write` prints all of it, to be copied into the spec.
""",
    "not-as-expected": """The data violates an expectation of severity `warn`.

Instead: look at the rows in the report; correct the data or the expectation.
""",
    "lock-unreadable": """`mlspec.lock` cannot be read: it is damaged, too large, or nested too deeply.

Why: it is committed with the spec and used as evidence; damaged evidence must not be used.

Instead: restore it from the last good commit (`git checkout HEAD -- mlspec.lock`), or delete it; the next run writes
it.
""",
    "state-is-a-link": """A folder under `.mlspec` is a link.

Why: files written there would end up elsewhere, for example through a link that someone committed.

Instead: delete the link; the next run creates a folder.
""",
    "package-brings-code": """An exported model contains code (`type: python`), which loading it would run.

Why: a model's folder may come from anyone. Models of all other types are loaded without running their code.

Instead: read the files that the message lists. If you trust them: `mlspec predict --trust-code ...`, or
`api.load_model(..., trust_code=True)`.
""",
    "package-damaged": """A folder is not an exported model, or was changed after export.

A file is missing, changed, not listed in its `package.json`, or unreadable.

Why: a model's folder may come from anyone, and native code reads its files, which a damaged file can crash.

Instead: copy the folder again, or export the model again with `mlspec run`. Keep your own files outside the
folder.
""",
    "package-version": """An exported model was written by another version of mlspec, in a different format.

Instead: for an older version, run the project again, which exports the current format; for a newer one, use that
version.
""",
    "prediction-failed": """The library of a model, or a model's own code, raised an error for these rows.

Why: the rows contain a value that the model cannot process, such as an infinite number, or the model is damaged.

Instead: check the rows first, and predict a few at a time to find the bad one. If all fail, export the model again.
""",
    "missing-column": """New data lacks a column that the model needs.

Why: the model was trained with it, and a row without it can't be predicted. The order of columns does not matter, nor
do other columns; upper and lower case do.

Instead: add the column, or rename the one that is meant; an empty cell is a missing value.
""",
    "row-refused": """A row of new data can't be predicted: a cell does not fit its column, or the row is empty.

Why: the model knows each column by its type in the training data, and a guess at what another value means could be
wrong without a trace. A category that no training row had is not refused, only counted.

Instead: correct the cells, which are named by line, column and value (never of columns about people). If all numbers
of a CSV file are refused, state how it is written: `--decimal ","`, `--missing "-"`. `mlspec predict --on-error skip`
and `api.predict(..., on_error="skip")` predict the other rows and list these.
""",
    "step-fits-no-node": """A step takes more than any machine of the cluster has.

Why: its job would wait forever. Of a cluster, all nodes together may be large, but a step runs on one of them; a
training runs on as many as `nodes` says, each with its share of `processes`.

Instead: lower the setting that asks for it, name another `partition`, or start larger nodes; `mlspec doctor --backend
NAME` lists the nodes. Most engines train on one node.
""",
    "dvc-yaml-unusable": """Stages cannot be added to the `dvc.yaml` next to the spec.

Why: stages that mlspec did not write are kept unchanged, to the byte; therefore `stages` must be an indented mapping,
not one in braces.

Instead: correct the file, or write its stages on separate lines.
""",
    "dvc-stage-taken": """A stage in `dvc.yaml` has the name of a step, and mlspec did not write it for this spec.

Why: two stages cannot have the same name, and mlspec never changes other stages.

Instead: rename that stage, or move the spec to a separate folder.
""",
    "dvc-out-of-date": """DVC's files contain different steps or values than the spec.

Why: DVC would record a result with the wrong values.

Instead: run `mlspec compile --format dvc`, which writes `dvc.yaml` and `mlspec.params` again, or `mlspec run --backend
dvc`.
""",
}
