"""The pages of the codes that no rule file tells of: reading a file, its shape, its overlays, and running it."""

PAGES: dict[str, str] = {
    "syntax": """The file is not YAML.

Why: nothing can be read from a file whose structure is unclear.

Instead: the message names what was expected and where; a value with ': ', '#', '[' or '{' in it wants quotes.
""",
    "tab": """A tab stands where YAML takes only spaces.

Why: how wide a tab is differs from editor to editor, so YAML does not allow it for indentation.

Instead: indent with two spaces.
""",
    "merge-conflict": """The file has git's conflict markers in it.

Why: an unfinished merge holds two versions of the same lines.

Instead: keep the lines that are meant and delete the markers.
""",
    "duplicate-key": """A key stands twice in one mapping.

Why: most YAML readers let the second win in silence; the first is then a lie.

Instead: delete one of the two; both places are shown.
""",
    "merge-key": """A merge key ('<<') is used.

Why: YAML 1.2 has none, and a second way to overlay values would make it unclear where a value comes from.

Instead: write the keys out, or use a profile.
""",
    "tag": """A tag ('!something') is used.

Why: a tag can make a reader build any object; a spec is plain data, safe to read from a stranger.

Instead: delete the tag; put text in quotes.
""",
    "key-not-text": """A key is not text.

Why: every key of the language is a name; 1, true or a list can't be one.

Instead: put it in quotes if it is a name of your own.
""",
    "not-a-number": """A number is not finite, or an integer has more than 64 bits.

Why: NaN and infinity are no thresholds, rates or shares; comparing with them gives no answer. An integer of more than
64 bits fits into no column of a table.

Instead: write a finite number (1e20 rather than 100000000000000000000), or leave the key out where there is no bound.
""",
    "unknown-alias": """An alias ('*name') has no anchor ('&name') before it.

Why: there is nothing that it could stand for.

Instead: write the value out.
""",
    "recursive-alias": """An alias stands inside what it names.

Why: the value would have no end.

Instead: write the value out.
""",
    "too-many-aliases": """Aliases stand for more than 10,000 values.

Why: a few bytes of nested aliases can stand for billions of values (a YAML bomb).

Instead: write the values out, or use a profile.
""",
    "too-deep": """Values are nested deeper than 64 levels.

Why: nothing in the language is; such a file is meant to exhaust a reader.

Instead: mend the indentation or the brackets.
""",
    "several-documents": """The file holds more than one YAML document.

Why: one file tells one project.

Instead: delete the line '---' in the middle, or make two files of it.
""",
    "empty-file": """The file has nothing in it.

Instead: `mlspec init DATA` writes a first spec from a look at the data.
""",
    "file-too-large": """The file is larger than 1 MiB, or holds more than 200,000 values.

Why: a spec is written by people; a file of this size is mostly a mistake, sometimes an attack.

Instead: name the right file, or add --large if it is meant.
""",
    "not-utf-8": """The file is not UTF-8 text.

Why: in any other encoding the same bytes are other letters.

Instead: save the file as UTF-8.
""",
    "spec-not-found": """There is no spec to read.

Instead: name the file or its folder, stand in a folder below it, or write one with `mlspec init DATA`.
""",
    "unknown-key": """A key is not part of the language.

Why: a key that nothing reads would look as if it did something.

Instead: use the name that is suggested; `mlspec explain KEY` tells what a key is for.
""",
    "missing-key": """A key that has no default is left out.

Instead: add it; the note says what it is for.
""",
    "wrong-type": """A value is of another type than the key takes.

Why: YAML tells numbers, booleans, text, lists and mappings apart by how they are written. Since YAML 1.2 `yes`, `no`,
`on` and `off` are text; true and false are the booleans.

Instead: write it in the form that the message names; quotes make text of anything.
""",
    "not-allowed": """A value is not one of those that the key takes.

Instead: use one of the values listed.
""",
    "out-of-range": """A number lies outside the range that makes sense for the key.

Instead: choose one inside; `mlspec explain KEY` shows the range.
""",
    "bad-unit": """A time or a size is written without its unit, or with one that does not exist.

Why: 5 could be seconds or milliseconds.

Instead: times as 5ms, 30s, 10m, 2h or 1h30m; sizes as 512kB, 20MB, 4GB (decimal) or 512KiB, 4GiB (binary).
""",
    "bad-name": """A name or a value has a form that can't stand there.

Why: names become parts of step ids, file names and commands.

Instead: letters, digits, '_' and '-', starting with a letter; for other values the message names the form.
""",
    "empty": """Something that needs some entries, or some text, is empty or has fewer.

Instead: fill it, or delete the key where it has a default.
""",
    "unknown-plugin": """There is no source, step, model or metric of that name.

Instead: use the name that is suggested, or install the distribution that brings it; `mlspec explain NAME` tells about
each.
""",
    "schema-violation": """The spec is not as the published JSON Schema says (`mlspec validate --schema`).

Why: the schema is read by jsonschema, independently of mlspec's own reader; a spec that both accept has the structure
that the language describes. What names refer to, and whether values fit the data, only mlspec's own rules know.

Instead: follow the message. If `mlspec validate` without `--schema` accepts the spec, please report it: the two readers
are meant to agree.
""",
    "plugin-settings": """A plug-in of another distribution declares settings that make no JSON Schema.

Why: its fields are its keys in a spec. One of a type that YAML can't state can be neither checked nor offered by an
editor.

Instead: give the field a type of text, number, boolean, list or mapping, or remove the distribution.
""",
    "format-unclear": """The format of a file does not follow from its name.

Instead: add `format`, or give the file a known ending (.csv, .csv.gz, .parquet, .jsonl, .arrow).
""",
    "unknown-profile": """There is no profile of that name in the spec.

Instead: use one that is listed under `profiles`.
""",
    "bad-set": """A setting on the command line is not of the form KEY=VALUE.

Instead: for example `--set model.candidates.mlp.epochs=5`; the value is read as YAML.
""",
    "file-outside": """A file that the spec leads to is outside the repository, or belongs to git or to mlspec.

Why: validate, compile and diff are safe on the spec of a stranger. What they say shows names and values of the data, so
they read regular files of the spec's own work tree alone (of the spec's folder where there is no repository), after
links are resolved; never those of a git directory or of `.mlspec`.

Instead: move the file into the repository. Where you trust the spec, add --allow-outside; `mlspec run` reads whatever
the spec says.
""",
    "source-not-found": """A file that a source names can't be read.

Why: paths start at the spec's folder, not where the command was started.

Instead: mend the path; near names in that folder are suggested.
""",
    "source-unreadable": """A file is not of the format that its source says.

Instead: mend the file, or say its true `format`.
""",
    "sources-differ": """Two sources do not have the same columns.

Why: several sources are stacked, row under row.

Instead: bring them to the same columns.
""",
    "bad-source": """The settings of a source contradict each other or lack one.

Instead: do what stands behind the underline; `mlspec explain sql`, `csv` and so on show all settings.
""",
    "source-schema-unknown": """Which columns a source has is not known before it has been read.

Why: validate and compile connect to nothing and run nobody's code; a guess would make every later check worthless.

Instead: `mlspec run` reads the source and pins its columns in mlspec.lock, which is to be committed; or state them in
the source's `schema`.
""",
    "source-unavailable": """A source can't be had: it is down, too slow, breaks off, or gives another thing than asked.

Why: what came before is kept, and nothing half-read is taken for it.

Instead: mend what the message names; `mlspec run --offline` runs on the last good snapshot; `retries`, `timeout` and
`fallback` say how hard to try and what to read instead.
""",
    "source-fell-back": """A source can't be had; the file that its `fallback` names is read in its place.

Instead: look at why; results of this run are those of the fallback.
""",
    "no-snapshot": """`--offline` has no snapshot of a source to run on.

Instead: run once with a connection; the snapshot stays in .mlspec/snapshots.
""",
    "source-stale": """The content of a source is older than its `fresh_within` allows.

Instead: refresh the source, or say how old it may be.
""",
    "data-changed": """A source is not what mlspec.lock has pinned, and its `on_change` says that this matters.

Why: numbers of before and after are no longer of the same data.

Instead: look at what changed; `mlspec run --accept-data` takes it as it is and pins it. `on_change: accept` is for
sources that are meant to change.
""",
    "bad-join": """A join names a source or a column wrongly, or brings a column that is there already.

Why: a join that does not fit gives missing values everywhere, or twice as many rows, and nothing fails.

Instead: keys stand in both sources under the same name and with the same type; `prefix` and `columns` keep names apart.
""",
    "bad-expression": """An expression of a derived column or of the filter can't be read, or does not fit its columns.

Why: it would fail, or give something else than meant, only when it runs.

Instead: SQL over the columns of the row: + - * / % ||, comparisons, AND OR NOT, IS NULL, BETWEEN, IN, LIKE, CASE WHEN,
CAST, EXTRACT, and the functions ABS ROUND FLOOR CEIL LN LOG10 EXP SQRT COALESCE NULLIF GREATEST LEAST LOWER UPPER TRIM
LENGTH SUBSTR STARTS_WITH ENDS_WITH. Names with other characters than letters, digits and _ stand in double quotes.
""",
    "secret-in-spec": """A password stands in the spec, or a reference to one where it would be shown.

Why: a spec is committed, reviewed and printed; what stands in it is no secret. The value of `${env:NAME}` is filled in
only in the process that connects, and only from `connection`: everything else is part of digests, logs and reports.

Instead: write `${env:NAME}` in the connection string in place of the password, and set NAME where it runs. Object
stores read their credentials from the environment by themselves.
""",
    "contract-unreadable": """A data contract can't be read, or is of a form that isn't known.

Instead: an Open Data Contract Standard document (version 3), a Great Expectations suite, a pandera or Frictionless
schema, a Croissant description, or a Hugging Face dataset's card or `dataset_infos.json`, of 1 MiB at most.
""",
    "contract-invalid": """A data contract is not as the schema of its own standard says.

Why: a mistyped key or value would be left out in silence, and its check with it. Open Data Contracts (version 3) and
Frictionless table schemas are checked by the JSON Schema that their standard publishes; it is shipped, never fetched.

Instead: correct the contract at the places shown.
""",
    "contract-too-large": """A data contract states more than 500 columns and expectations, too many to add to a spec.

Why: each is placed among what the spec says already, which takes ever longer.

Instead: `mlspec contract import FILE` without `--write` prints all of it, to be copied into the spec.
""",
    "not-as-expected": """The data is not as an expectation of severity `warn` says.

Instead: look at the rows in the report; mend the data, or the expectation.
""",
    "lock-unreadable": """`mlspec.lock` can't be read: it is damaged, too large, or nested too deeply.

Why: it comes with the spec, from whoever committed it; what it says is evidence, and damaged evidence is none.

Instead: take it from the last commit that had a good one (`git checkout HEAD -- mlspec.lock`), or delete it; the next
run writes it.
""",
    "state-is-a-link": """A folder under `.mlspec` is a link.

Why: what is written there would be written elsewhere, for example by a link that somebody committed.

Instead: delete the link; the next run makes a folder.
""",
    "package-brings-code": """An exported model brings code of its own (`type: python`), which loading it would run.

Why: a model's folder may come from anybody. All other models are loaded without running anything of theirs.

Instead: read the files that the message lists. If you trust them: `mlspec predict --trust-code ...`, or
`api.load_model(..., trust_code=True)`.
""",
    "package-damaged": """A folder is no exported model, or not as it was exported.

A file is missing, changed, or not listed in its `package.json`; or it holds what can't be read.

Why: a model's folder may come from anybody, and what reads its files is native code, which a damaged file can crash.

Instead: copy or download the folder again; `mlspec run` exports it again. Files of your own belong beside the folder.
""",
    "package-version": """An exported model was written by another version of mlspec, in another format.

Instead: of an older one, run the project again, which exports it in today's format; of a newer one, use that version.
""",
    "prediction-failed": """The library of a model, or a model's own code, raised an error for these rows.

Why: the rows hold a value that it can't take, such as an infinite number, or the model is damaged.

Instead: look at the rows first; predict a few of them at a time to find the one. If all fail, export the model again.
""",
    "dvc-yaml-unusable": """No stages can be added to the `dvc.yaml` beside the spec.

Why: what others wrote in it is left as it is, to the byte; for that its `stages` have to be a mapping that is indented,
not one in braces.

Instead: mend the file, or write its stages in lines of their own.
""",
    "dvc-stage-taken": """A stage in `dvc.yaml` has the name of a step, and mlspec did not write it for this spec.

Why: two stages can't have one name, and what others wrote is never touched.

Instead: rename that stage, or put the spec into a folder of its own.
""",
    "dvc-out-of-date": """DVC's files tell of other steps, or other values, than the spec does.

Why: DVC would record a result under values that it did not come from.

Instead: `mlspec compile --format dvc` writes `dvc.yaml` and `mlspec.params` anew; so does
`mlspec run --backend dvc`.
""",
}
