"""What each rule says, word for word: a small spec with one mistake each, and the text that a user sees.

The expected texts are in ``golden/``; ``MLSPEC_UPDATE=1 pytest tests/rules`` writes them again, for the review to read.
"""

import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlspec.diagnostics import Diagnostic, SpecError, render
from mlspec.edits import applied
from mlspec.machine import accelerators
from mlspec.rules import library_not_installed
from mlspec.rules.backend_not_servable import lacks
from mlspec.rules.check import check, facts, rules
from mlspec.spec.backend import Backend
from mlspec.spec.codes import PAGES
from mlspec.spec.read import read
from mlspec.spec.resolve import resolve

GOLDEN = Path(__file__).parent / "golden"
HEADER = "age,height,job,sex,city,seen,group,part,income\n"
ROWS = "".join(
    f"{20 + i},{1.5 + i / 100},{'abc'[i % 3]},{'mf'[i % 2]},{'xyz'[i % 3]},2024-01-{i + 1:02},{i % 4},"
    f"{'train' if i < 15 else 'test'},{'high' if i % 3 else 'low'}\n"
    for i in range(20)
)
BASE = """\
project: {name: small%(project)s}
%(top)sdata:
  sources: %(sources)s
  columns: {target: %(target)s%(columns)s}
%(data)smodel:
  candidates: {one: {type: %(model)s}}
%(end)s"""

APPROVER = "ed25519:1t5VAmAmf+Bl2p3DTYdeRvW3MaX98q2hBuFvDyYlVGw="
CASES: dict[str, dict[str, str]] = {
    "approver-unclear": {
        "end": f"operation:\n  release:\n    approve: {{ann: '{APPROVER}', bob: '{APPROVER}'}}\n"
        "    stages: [live, live]\n"
    },
    "release-does-not-fit": {
        "data": "  derive: {twice: age * 2}\n",
        "model": "python, code: 'people_models:Plain'",
        "end": "preprocessing: {columns: {city: [hash_text: 8]}}\noperation: {release: {formats: [onnx, onnx]}}\n",
    },
    "release-does-not-fit-parity": {"end": "operation: {release: {parity: 1e-6}}\n"},
    "unknown-column-target": {"target": "incme"},
    "unknown-column-everywhere": {
        "columns": ", id: nme, drop: [hight], types: {agee: number}",
        "data": "  expect: [{column: jb, unique: true}]\n  split: {by: group, column: grp}\n",
        "end": "preprocessing: {columns: {ctiy: [encode: one_hot]}}\n",
    },
    "parts-do-not-fit-folder": {"sources": "{a: {path: pets, format: images, parts: file}}", "target": "label"},
    "parts-do-not-fit-joined": {
        "sources": "{rows: {path: people.csv}, towns: {path: people.csv, parts: file}}",
        "data": "  join: [{source: towns, keys: age, columns: [city], prefix: t_}]\n",
    },
    "parts-do-not-fit-personal": {
        "sources": "{rows: {path: people.csv, parts: file}}",
        "data": "  personal: {age: {kind: quasi_identifier, action: {bins: [30]}}}\n",
    },
    "parts-do-not-fit-dvc": {
        "sources": "{rows: {path: people.csv, parts: file}}",
        "end": "backend: {engine: dvc}\n",
    },
    "column-not-usable": {
        "sources": "{odd: {path: odd.parquet}}",
        "target": "y",
        "columns": ", id: took",
        "data": "  expect: [{column: words, missing: {at_most: 0}}]\n",
    },
    "target-in-features-listed": {"columns": ", features: [age, income]"},
    "target-in-features-prepared": {"end": "preprocessing: {columns: {income: [encode: one_hot]}}\n"},
    "sensitive-without-saying-feature": {"columns": ", sensitive: [sex], features: [age, sex]"},
    "sensitive-without-saying-prepared": {
        "columns": ", sensitive: [sex]",
        "end": "preprocessing: {columns: {sex: [encode: one_hot]}}\n",
    },
    "sensitive-without-saying-exception": {"columns": ", use_sensitive: [sex]"},
    "column-with-two-roles": {"columns": ", features: [age, job], drop: [job]"},
    "column-with-two-roles-id": {"columns": ", id: age, features: [age, job]"},
    "task-unclear-date": {"target": "seen"},
    "task-unclear-regression": {"project": ", task: regression"},
    "column-looks-odd": {"sources": "{sales: {path: sales.csv}}", "target": "paid"},
    "unknown-column-unicode": {"sources": "{sales: {path: sales.csv}}", "target": "pai\u0301d"},
    "model-needs-images": {"model": "torch.cnn"},
    "given-split-ignored": {
        "sources": "{pets: {path: pets, format: images}}",
        "target": "label",
        "model": "torch.cnn",
        "data": "  split: {by: stratified}\n",
    },
    "expectation-without-check-image": {
        "columns": ", types: {job: image}",
        "data": "  expect:\n    - {column: job, allowed: [a]}\n    - {column: job, between: [0, 1]}\n"
        "    - {column: job, missing: {at_most: 0}}\n",
    },
    "step-does-not-fit-column-image": {
        "columns": ", types: {job: image}",
        "end": "preprocessing: {image: [image: [8, 8], scale: standard]}\n",
    },
    "metric-does-not-fit-task": {"end": "evaluation: {metrics: [roc_auc, rmse]}\n"},
    "drift-retrains": {
        "end": "operation:\n  monitor: {drift: {psi: {at_most: 0.1}}}\n  retrain: {when: {drift: true}}\n"
    },
    "monitor-does-not-fit": {
        "top": "constraints: {latency: {p99: 20ms}}\n",
        "end": "operation:\n  monitor:\n    quality:\n      - {metric: roc_auc}\n"
        "      - {metric: roc_auc, at_least: 0.9}\n    fairness: true\n    service: {p99: 5ms}\n"
        "  retrain: {when: {quality: false, labels: 10}}\n",
    },
    "monitor-does-not-fit-groups": {
        "top": "constraints: {fairness: [{metric: equal_opportunity_difference, group: sex, at_most: 0.1}]}\n",
        "columns": ", sensitive: [sex]",
        "end": "operation: {monitor: {fairness: true}, retrain: {when: {quality: true}}}\n",
    },
    "monitor-does-not-fit-number": {
        "target": "height",
        "end": "operation: {monitor: {quality: [{metric: mae, at_most: 1, estimated: true}]}, retrain: {when: {}}}\n",
    },
    "monitor-does-not-fit-nothing": {"end": "operation: {monitor: {window: {rows: 100}}}\n"},
    "retraining-does-not-fit": {
        "columns": ", weight: height",
        "data": "  personal: {city: {kind: quasi_identifier, action: {hash: CITY_KEY}}}\n"
        "  split: {by: group, column: group}\n  filter: age > 1\n",
        "end": "operation:\n  monitor: {drift: {psi: {at_most: 0.1}}}\n"
        "  retrain: {when: {age: 90d}, source: people, promote: gates_and_not_worse}\n",
    },
    "retraining-does-not-fit-reading": {
        "sources": "{people: {path: '*e[!ns]*.csv', footer: 0, part: test}}",
        "end": "operation:\n  release: {stages: [trial, live]}\n  monitor: {drift: {psi: {at_most: 0.1}}}\n"
        "  retrain: {when: {age: 90d}, source: people, stage: life}\n",
    },
    "retraining-does-not-fit-name": {
        "end": "operation:\n  monitor: {drift: {psi: {at_most: 0.1}}}\n"
        "  retrain: {when: {age: 90d}, source: peopl, stage: live}\n",
    },
    "rollout-does-not-fit": {
        "end": "operation:\n  monitor: {quality: [{metric: roc_auc, at_least: 0.9, estimated: true}]}\n"
        "  rollout: {guard: [quality, service, service], canary: {share: 0.05, rows: 500, key: bought}}\n",
    },
    "rollout-does-not-fit-labels": {
        "end": "operation:\n  monitor: {quality: [{metric: roc_auc, at_least: 0.9}]}\n"
        "  rollout: {guard: [quality, fairness]}\n",
    },
    "gate-on-uncomputed-metric-monitored": {
        "end": "evaluation: {metrics: [roc_auc]}\noperation:\n  labels: {source: a.csv}\n"
        "  monitor: {quality: [{metric: recall, at_least: 0.5}, {metric: rmse, at_most: 1}]}\n",
    },
    "metric-named-twice": {"end": "evaluation: {metrics: [roc_auc, log_loss, roc_auc]}\n"},
    "gate-on-uncomputed-metric": {
        "top": "constraints: {quality: [{metric: recall, at_least: 0.5}]}\n",
        "end": "evaluation: {metrics: [roc_auc]}\n",
    },
    "gate-on-uncomputed-metric-unknown": {"top": "constraints: {quality: [{metric: roc_acu, at_least: 0.5}]}\n"},
    "split-without-column-folds": {
        "data": "  split: {by: group, column: group}\n",
        "end": "  cross_validation: {folds: 3, by: time, nested: true}\n",
    },
    "transform-does-not-fit": {"columns": ", transform: log"},
    "interaction-does-not-fit": {
        "columns": ", sensitive: [sex]",
        "end": "preprocessing:\n  interactions:\n    - ratio: [age, job]\n    - cross: [city, sex]\n"
        "    - product: [age, hight]\n    - {}\n",
    },
    "personal-without-action": {
        "data": "  personal: {age: {kind: quasi_identifier}, job: {kind: sensitive}, city: {kind: public}}\n"
    },
    "treatment-does-not-fit": {
        "data": "  personal:\n    city: {kind: quasi_identifier, action: {bins: [1, 2]}}\n"
        "    age: {kind: quasi_identifier, action: {bins: [30, 20]}}\n"
        "    income: {kind: sensitive, action: {prefix: 1}}\n"
    },
    "unknown-column-dropped": {
        "columns": ", features: [age, job]",
        "data": "  personal: {job: {kind: sensitive, action: drop}, jbo: {kind: public}}\n"
        "  split: {by: group, column: job}\n",
        "top": "constraints:\n  privacy:\n    k_anonymity: {columns: [aeg], k: 2}\n"
        "    l_diversity: {columns: [age], sensitive: jb, l: 2}\n",
    },
    "identifier-as-feature": {
        "columns": ", features: [age, job]",
        "data": "  personal: {job: {kind: direct_identifier, action: {hash: KEY}}}\n",
        "end": "preprocessing: {columns: {job: [encode: one_hot]}}\n",
    },
    "identifier-as-feature-derived": {
        "columns": ", drop: [kept]",
        "data": "  personal: {job: {kind: direct_identifier, action: {hash: KEY}}}\n"
        '  derive: {first: "SUBSTR(job, 1, 1)", kept: "UPPER(job)", older: age + 1}\n',
    },
    "direct-identifier-kept": {
        "top": "constraints: {privacy: {direct_identifiers: forbid}}\n",
        "data": "  personal: {job: {kind: direct_identifier, action: {keep: It is needed.}}}\n",
    },
    "mitigation-does-not-fit": {
        "project": ", users: {mistakes: {false_negative: 3, recall: {at_least: 0.5}}}",
        "columns": ", sensitive: [sex]",
        "end": "  mitigation: {method: thresholds, group: [sex, job], metric: equal_opportunity_difference}\n",
    },
    "mitigation-does-not-fit-constrained": {
        "project": ", users: {mistakes: {false_negative: 3}}",
        "columns": ", sensitive: [age]",
        "data": "  split: {validation: 0}\n",
        "end": "  calibrate: sigmoid\n  ensemble: greedy\n"
        "  personalization: {level: group, key: city, strategy: shared}\n"
        "  mitigation: {method: constrained, group: age, metric: equalized_odds_difference, at_most: 0.1}\n",
    },
    "mitigation-does-not-fit-reweighing": {
        "columns": ", sensitive: [sex]",
        "data": "  split: {by: group, column: sex}\n",
        "end": "  mitigation: {method: reweighing, group: [sex, income], at_most: 0.1, rounds: 3}\n",
    },
    "mitigation-does-not-fit-task": {
        "target": "age",
        "columns": ", sensitive: [sex]",
        "end": "  mitigation: {method: reweighing, group: sex}\n",
    },
    "mitigation-does-not-fit-weights": {
        "columns": ", sensitive: [sex]",
        "model": "python, code: 'people_models:Plain'",
        "end": "  mitigation: {method: reweighing, group: sex}\n",
    },
    "unknown-column-mitigated": {"end": "  mitigation: {method: reweighing, group: [sx]}\n"},
    "private-training-broken": {
        "columns": ", weight: age, sensitive: [sex]",
        "model": "torch.mlp, class_weight: balanced, private: {epsilon: 1, delta: 0.1, key: NOISE}",
        "end": "  mitigation: {method: reweighing, group: sex}\n  ensemble: greedy\n  repeats: 3\n"
        "  cross_validation: {folds: 3}\n  personalization: {level: group, key: job}\ntuning: {one: {trials: 2}}\n"
        "evaluation: {scaling: {fractions: [0.2, 0.5, 1]}}\n"
        "backend: {engine: local, processes: 2, precision: bf16, compile: true}\n",
    },
    "final-does-not-fit": {
        "columns": ", sensitive: [sex]",
        "end": "  final: bag\n  repeats: 3\n  mitigation: {method: reweighing, group: sex, lawful_basis: consent}\n"
        "evaluation: {scaling: {fractions: [0.25, 0.5, 1]}}\n",
    },
    "final-does-not-fit-groups": {
        "data": "  split: {by: time, column: seen}\n",
        "end": "  final: bag\n  cross_validation: {folds: 3}\n"
        "  personalization: {level: group, key: city, strategy: shared}\n",
    },
    "personalization-does-not-fit": {
        "data": "  split: {by: group, column: city}\n",
        "end": "  ensemble: greedy\n  personalization: {level: group, key: city}\n",
    },
    "personalization-does-not-fit-key": {
        "columns": ", sensitive: [sex]",
        "end": "  personalization: {level: group, key: sex, strategy: shared}\n",
    },
    "personalization-does-not-fit-type": {
        "data": "  split: {validation: 0}\n",
        "end": "  personalization: {level: user, key: height, strategy: embedding}\n",
    },
    "personalization-does-not-fit-nobody": {"end": "  personalization: {level: group}\n"},
    "personalization-does-not-fit-target": {
        "end": "  personalization: {level: group, key: income, strategy: shared}\n"
    },
    "unknown-column-personal": {"end": "  personalization: {level: group, key: ctiy, strategy: shared}\n"},
    "bad-tracking-address": {"end": "report: {mlflow: {tracking_uri: ./mlruns}}\n"},
    "bad-tracking-address-password": {
        "end": "report: {mlflow: {tracking_uri: 'https://me:hunter2@mlflow.example.org'}}\n"
    },
    "bad-join-of-everything": {"data": "  join: [{source: people, keys: age}]\n"},
    "tuning-without-candidate": {"end": "tuning: {onne: {trials: 3}}\n"},
    "bad-tuning-space": {
        "end": "tuning:\n  one:\n    space:\n"
        "      learning_rat: {log: [0.1, 1]}\n      l2_regularization: {log: [0, 10]}\n"
        "      max_iter: {integer: [10, 5]}\n      early_stopping: {choice: [true, maybe]}\n"
        "      learning_rate: {uniform: [0.1, 2]}\n      patience: {uniform: [1, 2], integer: [1, 2]}\n"
    },
    "bad-tuning-space-none": {"end": "tuning: {one: {space: {patience: {}}}}\n"},
    "bad-tuning-space-own": {"model": "python, code: 'os:Nothing'", "end": "tuning: {one: {trials: 3}}\n"},
    "tuner-does-not-fit": {
        "data": "  split: {validation: 0}\n",
        "end": "tuning: {one: {sampler: grid, pruner: asha, space: {learning_rate: {log: [0.1, 1]}}}}\n",
    },
    "tuner-does-not-fit-folds": {
        "end": "tuning: {one: {pruner: wilcoxon, money: 2, space: {learning_rate: {log: [0.1, 1]}}}}\n",
    },
    "contradictory-gates": {
        "top": "constraints:\n  quality:\n    - {metric: log_loss, at_least: 0.5}\n"
        "    - {metric: log_loss, at_most: 0.4}\n"
    },
    "gate-out-of-bounds": {"top": "constraints: {quality: [{metric: roc_auc, at_least: 1.2}]}\n"},
    "gate-out-of-bounds-none": {"top": "constraints: {quality: [{metric: roc_auc}]}\n"},
    "gate-out-of-bounds-direction": {"top": "constraints: {quality: [{metric: roc_auc, at_most: 0.9}]}\n"},
    "gate-out-of-bounds-fairness": {
        "top": "constraints:\n  fairness:\n    - {metric: demographic_parity_ratio, group: sex, at_most: 0.8}\n"
        "    - {metric: equalized_odds_difference, group: [sex, city]}\n  abstention: {}\n",
        "project": ", users: {abstain_below: 0.7}",
    },
    "unknown-column-sliced": {
        "top": "constraints:\n  fairness:\n    - {metric: equalized_odds_difference, group: sxe, at_most: 0.1}\n",
        "end": "evaluation: {slices: [seks, [sex, citi]]}\n",
    },
    "decisions-do-not-fit-task": {
        "target": "height",
        "project": ", users: {mistakes: {false_negative: 5}, abstain_below: 0.7}",
        "top": "constraints:\n  fairness:\n    - {metric: equalized_odds_difference, group: sex, at_most: 0.1}\n",
        "model": "hist_gradient_boosting}}\n  calibrate: isotonic\n#",
    },
    "decisions-do-not-fit-task-abstain": {
        "project": ", users: {abstain_below: 0.5}",
    },
    "decisions-do-not-fit-task-nobody": {"top": "constraints: {abstention: {coverage_at_least: 0.5}}\n"},
    "costs-stated-twice": {
        "project": ", users: {mistakes: {false_negative: 5}}",
        "end": "evaluation: {metrics: [roc_auc, expected_cost: {false_negative: 2}]}\n",
    },
    "unknown-baseline": {"top": "constraints: {quality: [{metric: roc_auc, beats: majorty}]}\n"},
    "unknown-baseline-task": {"end": "evaluation: {baselines: [mean]}\n"},
    "unknown-baseline-stated": {
        "top": "constraints: {quality: [{metric: roc_auc, beats: human}]}\n",
        "end": "evaluation:\n  baselines:\n    - rule: {column: age}\n    - human: {metric: accuracy, value: 0.9}\n"
        "    - rule: {column: hieght, above: 1.6}\n",
    },
    "blend-needs-candidates": {"end": "  ensemble: greedy\n"},
    "blend-needs-candidates-name": {
        "model": "hist_gradient_boosting}, blend: {type: lightgbm",
        "end": "  ensemble: greedy\n",
    },
    "column-with-two-roles-weight": {"columns": ", weight: age, features: [age, job], drop: [age]"},
    "odd-cell": {"source": "", "file": "odd.csv"},
    "odd-cell-sensitive": {"source": "", "file": "odd.csv", "columns": ", sensitive: [age]"},
    "weight-is-no-number": {"columns": ", weight: job"},
    "unknown-column-weight": {"columns": ", weight: wieght"},
    "monotone-does-not-fit": {
        "model": "hist_gradient_boosting, monotone: {age: increasing, job: decreasing, hight: increasing}"
    },
    "monotone-does-not-fit-classes": {
        "target": "job",
        "model": "lightgbm, monotone: {age: increasing}",
    },
    "infrastructure-not-allowed": {
        "top": "constraints: {infrastructure: {devices: [cpu], engines: [dvc]}}\n",
        "end": "backend: {device: mps}\n",
    },
    "reviewers-unclear": {"top": "constraints: {reviewers: {dta: ['@a/b'], model: [ann, 'ann@example.org']}}\n"},
    "unknown-check": {"end": "  accept: {leek: known}\n"},
    "unknown-check-stopping": {"end": "  checks: {leek: stop}\n"},
    "goal-does-not-fit": {
        "project": ", goals: [{name: a, at_least: 1}, {name: b, metric: log_loss, direction: maximize}, "
        "{name: b, metric: roc_auc, at_least: 1.5, tolerance: 0.1}]",
        "top": "constraints: {waivers: [{requirement: goals.a, reason: no}]}\n",
    },
    "gate-on-uncomputed-metric-goal": {
        "project": ", goals: [{name: a, metric: rmse}, {name: b, metric: roc_acu}]",
    },
    "requirement-without-check": {"project": ", goals: [{name: trust, statement: Advisers trust it.}]"},
    "waiver-without-requirement": {
        "project": ", goals: [{name: trust}]",
        "top": "constraints:\n  waivers:\n    - {requirement: goals.trust, reason: asked in spring}\n"
        "    - {requirement: goals.trusty, reason: no}\n    - {requirement: goals.trust, reason: again}\n",
    },
    "trigger-without-bound": {"project": ", users: {trigger: on_request}"},
    "trigger-without-bound-batch": {
        "project": ", users: {trigger: batch}",
        "top": "constraints: {latency: {p95: 5ms}}\n",
    },
    "interface-differs": {
        "columns": ", drop: [seen, group, part]",
        "project": ", interface: {inputs: {age: number, heigt: number, job: category, sex: category, group: integer}, "
        "classes: [high, middle]}",
    },
    "bad-example": {
        "columns": ", drop: [seen]",
        "project": ", users: {examples: [{row: {age: 3}}, {row: {age: x, seen: 2024-01-01}, answer: highest}]}",
    },
    "bad-example-regression": {
        "target": "height",
        "project": ", users: {examples: [{row: {age: 3}, answer: high}, {row: {job: a}}]}",
    },
    "model-does-not-fit-task": {"model": "ridge"},
    "split-without-column": {"data": "  split: {by: group}\n"},
    "split-without-column-given": {"data": "  split: {by: given}\n"},
    "split-without-column-part": {"source": ", part: train"},
    "split-without-column-shares": {"data": "  split: {test: 0.6, validation: 0.4}\n"},
    "split-without-column-time": {"data": "  split: {by: time, column: job}\n"},
    "split-without-column-hash": {"data": "  split: {by: hash}\n"},
    "split-without-column-stratify": {"data": "  split: {by: stratified, stratify: job}\n"},
    "split-without-column-gap": {"data": "  split: {by: time, column: age, gap: 7d}\n"},
    "split-without-column-gap-of-dates": {"data": "  split: {by: time, column: seen, gap: 7}\n"},
    "split-without-column-gap-without-time": {"data": "  split: {gap: 7d}\n"},
    "bad-unit-gap": {"data": "  split: {by: time, column: seen, gap: 7 days}\n"},
    "unknown-column-stratify": {"data": "  split: {by: group, column: group, stratify: jb}\n"},
    "expectation-without-check": {"data": "  expect:\n    - {column: age}\n    - {}\n"},
    "expectation-without-check-type": {"data": "  expect: [{column: job, between: [1, 2]}]\n"},
    "expectation-without-check-anomalies": {
        "data": "  expect:\n    - {column: job, anomalies: {at_most: 0.1}}\n"
        "    - {column: age, anomalies: {}, on_fail: drop_rows}\n"
    },
    "expectation-without-check-together": {
        "columns": ", sensitive: [sex]",
        "data": "  expect:\n    - {columns: [age, job], anomalies: {}}\n"
        "    - {columns: [age, height], anomalies: {together: 3}}\n    - {column: age, anomalies: {together: 3}}\n"
        "    - {column: sex, unseen: {}}\n    - {column: age, unseen: {}}\n    - {rows: {}}\n"
        "    - {column: job, unseen: {}, on_fail: drop_rows}\n    - {columns: [age, height], drift: {}}\n",
    },
    "expectation-without-check-missing": {"data": "  expect: [{column: job, missing: {change: {at_most: 2}}}]\n"},
    "expectation-without-check-personal": {
        "data": "  personal: {job: {kind: quasi_identifier, action: {keep: It is asked for.}}}\n"
        "  expect: [{column: job, drift: {}}]\n"
    },
    "expectation-without-check-bounds": {"data": "  expect: [{rows: {at_least: 9, at_most: 3}}]\n"},
    "unreachable-size": {
        "top": "constraints: {size: {model: 10kB}}\n",
        "model": "torch.mlp, hidden: [512, 512]",
    },
    "batch-too-large": {
        "sources": "{pets: {path: pets, format: images}}",
        "target": "label",
        "model": "torch.ft_transformer",
    },
    "batch-too-large-stated": {
        "sources": "{pets: {path: pets, format: images}}",
        "target": "label",
        "model": "torch.cnn, batch_size: 8",
        "end": "preprocessing: {image: [image: [512, 768]]}\nbackend: {memory: 1GB}\n",
    },
    "rows-beyond-memory": {"end": "backend: {memory: 700B}\n"},
    "backend-contradicts-itself": {
        "end": 'backends:\n  big: {device: "cuda:1", processes: 2, on_out_of_memory: accumulate, engine: inline,\n'
        '    run_timeout: 2h, store: "s3://me:secret@bucket"}\nbackend: big\n',
    },
    "backend-contradicts-itself-precision": {"end": "backend: {precision: tf32, device: mps, processes: 2}\n"},
    "backend-contradicts-itself-portable": {
        "end": "backend: {reproducible: portable, device: cuda, compile: true, engine: inline}\n"
    },
    "backend-contradicts-itself-partition": {
        "end": "backend: {partition: gpu, account: lab, qos: high, options: [--exclusive],\n  shared_folder: false}\n"
    },
    "backend-contradicts-itself-slurm": {
        "end": "backend: {engine: slurm, processes: auto, device: 'cuda:1',\n"
        "  options: [--wrap=id, --partition=gpu, --gpus=2, --nodes=2, --constraint=a100],\n"
        "  shared_folder: false}\n"
    },
    "backend-contradicts-itself-nodes": {"end": "backend: {processes: 3, nodes: 2}\n"},
    "backend-contradicts-itself-apart": {
        "end": "backend: {engine: slurm, processes: 2, nodes: 2, shared_folder: false, store: /store}\n"
    },
    "backend-contradicts-itself-ray": {
        "end": "backend: {engine: ray, processes: auto, device: cpu, accelerator: A100, partition: gpu,\n"
        "  resources: {GPU: 1, licence: 1.5, half: 0.5}, shared_folder: false, nodes: 2}\n"
    },
    "backend-contradicts-itself-address": {
        "end": "backend: {address: 'head:6379', accelerator: A100, resources: {licence: 1}}\n"
    },
    "backend-not-servable-named": {"end": "backends: {big: {device: cuda, store: nowhere}}\nbackend: big\n"},
    "backend-not-servable-budget": {
        "top": "constraints: {budget: {gpus: 0}}\n",
        "end": "backend: {device: mps}\n",
    },
    "step-does-not-fit-column": {"end": "preprocessing: {category: [scale: standard]}\n"},
    "step-does-not-fit-column-period": {"end": "preprocessing: {columns: {age: [cyclical: {}]}}\n"},
    "step-does-not-fit-column-left": {"end": "preprocessing: {category: [impute: most_frequent]}\n"},
    "step-does-not-fit-column-codes": {
        "model": "logistic_regression",
        "end": "preprocessing: {category: [encode: ordinal]}\n",
    },
    "empty-features": {"columns": ", drop: [age, height, job, sex, city, seen, group, part]"},
    "positive-class-unknown": {"columns": ", positive: higher"},
    "user-code-not-found": {"model": "python, code: 'nets:Net'"},
    "user-code-not-found-class": {"model": "python, code: 'people_models:Nett'"},
    "user-code-not-found-source": {
        "sources": "{people: {code: 'people_models:people', schema: {age: integer, income: category}}}",
        "project": ", task: binary_classification",
    },
    "source-not-found": {"source": "", "file": "peopl.csv"},
    "secret-in-spec": {
        "sources": "{people: {path: people.csv, missing: ['${env:NAME}']}, more: {connection: "
        "'postgresql://ann:hunter2@db/x', table: people}}"
    },
    "availability-without-fetching": {"source": ", retries: 3, fallback: older.csv"},
    "bad-source": {"sources": "{people: {connection: 'mysql:x', table: people}, more: {connection: 'sqlite:x.db'}}"},
    "source-schema-unknown": {"sources": "{people: {connection: 'postgresql://db/x', table: people}}"},
    "bad-join": {
        "sources": "{people: {path: people.csv}, towns: {path: towns.csv}}",
        "data": "  join:\n    - {source: town, keys: city}\n    - {source: towns}\n    - {source: towns, keys: city}\n",
    },
    "bad-join-columns": {
        "sources": "{people: {path: people.csv}, towns: {path: towns.csv}}",
        "data": "  join:\n    - source: towns\n      keys: [city, sity]\n      as_of: {row: age, source: since}\n"
        "      columns: [size, siz]\n",
    },
    "bad-join-twice": {
        "sources": "{people: {path: people.csv}, towns: {path: towns.csv}}",
        "data": "  join: [{source: towns, keys: city}]\n",
    },
    "bad-expression": {
        "data": "  derive:\n    ratio: age / heigt\n    job: age + 1\n    rich: income = 'high'\n"
        '    text: "job + 1"\n  filter: age + 1\n',
    },
    "bad-expression-below": {"data": "  derive: {old: young + 1, young: age - 1, bad: aeg, worse: bad + 1}\n"},
    "cycle": {"data": '  derive: {first: third + age, second: first * 2, third: "second - 1", fourth: first}\n'},
    "expectation-without-check-more": {
        "data": "  expect:\n    - {columns: [age, job], between: [1, 2]}\n    - {unique: true}\n"
        "    - {column: job, matches: '(', mean: {at_most: 3}, type: integer}\n    - {column: age, groups: {}}\n"
        "    - {rows: {at_least: 3}, on_fail: drop_rows}\n    - {column: age, quantile: {at: 0.5}}\n"
        "    - {column: age, unique: true, severity: warn, on_fail: quarantine}\n"
        "    - {column: city, refers_to: {source: towns, column: x}, drift: {ks: 0.1}}\n    - {holds: age + 1}\n"
        "    - {column: age, freshness: {at_most: 3d}, tolerance: 0.1}\n",
    },
    "source-unreadable": {"source": "", "file": "broken.csv"},
    "rows-without-target": {"file": "gaps.csv"},
    "too-few-rows": {"file": "gaps.csv", "data": "  filter: income IS NOT NULL\n  split: {by: group, column: part}\n"},
    "too-few-rows-class": {"file": "gaps.csv", "target": "city", "end": "  cross_validation: {folds: 8}\n"},
    "too-few-rows-one": {"file": "gaps.csv", "target": "one", "project": ", task: binary_classification"},
}

HINTED = re.compile(r"did you mean|[-^] .*\bwrite\b|add guardrail: true")
FIXED = [
    "bad-join",
    "expectation-without-check",
    "final-does-not-fit",
    "gate-on-uncomputed-metric",
    "gate-out-of-bounds",
    "given-split-ignored",
    "goal-does-not-fit",
    "interface-differs",
    "positive-class-unknown",
    "retraining-does-not-fit",
    "reviewers-unclear",
    "source-not-found",
    "split-without-column",
    "tuning-without-candidate",
    "unknown-baseline",
    "unknown-check",
    "unknown-column",
    "waiver-without-requirement",
]
TAKEN = ["did you mean 'job'?", "did you mean 'learning_rate'?"]  # the key that is meant is there already


def spec_text(case: dict[str, str]) -> str:
    """The small spec with the case's mistake in it."""
    given = {k: v for k, v in case.items() if k != "file"}
    blank = dict.fromkeys(("project", "top", "source", "columns", "data", "end"), "")
    sources = f"{{people: {{path: people.csv{case.get('source', '')}}}}}"
    text = BASE % {**blank, "target": "income", "model": "hist_gradient_boosting", "sources": sources, **given}
    return text.replace("path: people.csv", f"path: {case['file']}") if "file" in case else text


def said(folder: Path, text: str) -> str:
    """Everything that is said about a spec, as it would be printed."""
    data(folder, text)
    return render(*found(folder, text))


def data(folder: Path, text: str) -> None:
    """The files that a spec names."""
    (folder / "people.csv").write_text(HEADER + ROWS)
    (folder / "towns.csv").write_text("city,size,since,job\nx,1,2024-01-01,a\ny,2,2024-01-01,b\n")
    for name in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (folder / "pets" / name).mkdir(parents=True, exist_ok=True)
        (folder / "pets" / name / "1.png").touch()  # a look at a folder opens no file
    ages = ["20 years" if i == 7 else str(20 + i) for i in range(30)]
    odd = [f"{age},{row.partition(',')[2]}" for age, row in zip(ages, (ROWS * 2).splitlines(), strict=False)]
    (folder / "odd.csv").write_text(HEADER + "\n".join(odd) + "\n")
    (folder / "sales.csv").write_text(
        ",amount,size,share,code,town,paid,pa\u00edd\n"
        + "".join(f'{i},"1,{i:03}",{i or "?"},{i}{"%" * (i % 2)},{i}E1,a{" " * (i % 2)},{i % 2},1\n' for i in range(30))
    )
    gaps = [row.rsplit(",", 1) for row in ROWS.splitlines()]
    (folder / "gaps.csv").write_text(
        HEADER.replace("\n", ",one\n") + "".join(f"{a},{b if i % 5 else ''},x\n" for i, (a, b) in enumerate(gaps))
    )
    (folder / "broken.csv").write_text("a,b\n1,2\n1,2,3\n")
    if "odd.parquet" in text:
        odd = {"took": timedelta(1), "words": [["a"]], "about": {"a": 1}, "x": [1], "y": [0.5]}
        pl.DataFrame(odd).write_parquet(folder / "odd.parquet")
    (folder / "people_models.py").write_text(
        "class Net:\n    pass\n\n\nclass Plain:\n    def fit(self, x, y):\n        pass\n"
    )


def found(folder: Path, text: str) -> tuple[list[Diagnostic], dict[str, str]]:
    """Everything that is wrong with a spec, and the text that it is in."""
    (folder / "project.yaml").write_text(text)
    try:
        project, document = read("project.yaml")
    except SpecError as error:
        return list(error.diagnostics), {"project.yaml": text}
    known, found = facts(project, document, Path())
    project = resolve(project, known.schemas, known.target_levels)
    return [*found, *check(project, document, known)], dict(document.texts)


@pytest.mark.parametrize("name", CASES)
def test_what_it_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = said(tmp_path, spec_text(CASES[name]))
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("MLSPEC_UPDATE"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()
    code = next(c for c in sorted({*rules(), *PAGES}, key=len, reverse=True) if name.startswith(c))
    assert f"[{code}]" in text


def test_every_fix_removes_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data(tmp_path, "odd.parquet")
    fixed: set[str] = set()
    unfixed: list[str] = []
    hinted = [n for n in CASES if HINTED.search((GOLDEN / f"{n}.txt").read_text())]
    for case in map(CASES.__getitem__, hinted):
        text = spec_text(case)
        wrong, _ = found(tmp_path, text)
        for one, fix in [(each, fix) for each in wrong for fix in each.fixes]:
            after, _ = found(tmp_path, applied(text, fix.edits))
            assert (one.code, one.message) not in [(other.code, other.message) for other in after], (case, fix)
            assert not {"syntax", "duplicate-key", "wrong-type"} & {other.code for other in after}, (case, fix)
            fixed.add(one.code)
        unfixed += [one.label for one in wrong if "did you mean '" in one.label and not one.fixes]
    assert sorted(fixed) == FIXED
    assert unfixed == TAKEN


def test_a_spec_without_mistakes_is_met_with_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(tmp_path, spec_text({})) == ""


@pytest.mark.parametrize(
    ("model", "end"),
    [
        ("torch.ft_transformer, dropout: 0", ""),
        ("torch.ft_transformer", "preprocessing: {image: [image: {size: [40, 40], colour: grey}]}\n"),
        ("torch.ft_transformer", "backend: {memory: 16GB}\n"),
        ("torch.ft_transformer", "backend: {device: auto}\n"),
        ("torch.ft_transformer", "backend: {on_out_of_memory: accumulate}\n"),
        ("torch.ft_transformer, batch_size: 4", ""),
        ("torch.mlp", ""),
    ],
)
def test_a_batch_that_may_fit_is_no_mistake(
    model: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case = {"sources": "{pets: {path: pets, format: images}}", "target": "label", "model": model, "end": end}
    assert "batch-too-large" not in said(tmp_path, spec_text(case))


def test_rows_of_the_last_run_do_not_fit_and_so_many_as_are_suggested_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "many.csv").write_text(HEADER + ROWS * 60)
    summary = {"of": "a digest", "rows": 2_000_000_000}
    (tmp_path / "mlspec.lock").write_text(json.dumps({"version": 1, "sources": {"people": {"summary": summary}}}))
    case = {"sources": "{people: {path: many.csv}}", "end": "backend: {memory: 16GB}\n"}
    told = said(tmp_path, spec_text(case))
    assert "rows-beyond-memory" in told
    assert (
        "1,400,000,000 training rows (of the last run) of 11 numbers, 8 bytes each; backend.memory allows 16GB" in told
    )
    hint = re.search(r"add (rows: \d+) to fit it on a sample", told)
    assert hint is not None
    assert "rows-beyond-memory" not in said(
        tmp_path, spec_text({**case, "model": f"hist_gradient_boosting, {hint[1]}"})
    )
    assert "rows-beyond-memory" not in said(tmp_path, spec_text({**case, "data": "  filter: age > 30\n"}))
    assert "rows-beyond-memory" not in said(tmp_path, spec_text({**case, "model": "sgd"}))


def test_every_rule_is_shown() -> None:
    shown = {*CASES, "library-not-installed", "key-not-set"}
    assert [code for code in rules() if not any(name.startswith(code) for name in shown)] == []


def test_a_gpu_that_is_not_there_is_an_error_only_when_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said(tmp_path, spec_text({"end": "backend: {device: mps}\n"}))
    project, document = read("project.yaml")
    known, _found = facts(project, document, Path())
    severities = [
        [d.severity for d in check(project, document, known, running=running) if d.code == "backend-not-servable"]
        for running in (False, True)
    ]
    assert severities == [["warning"], ["error"]]


def test_sources_that_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.csv").write_text("age,income,zip\n1,high,2\n")
    text = spec_text({}).replace(
        "{people: {path: people.csv}}", "{people: {path: people.csv}, others: {path: other.csv}}"
    )
    shown = said(tmp_path, text)
    assert "error[sources-differ]: source 'others' has different columns than 'people'" in shown
    assert "lacks city, group, height, job, part, seen, sex; also has zip" in shown


def test_what_a_release_as_onnx_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said(tmp_path, spec_text({"end": "operation: {release: {formats: [native, onnx]}}\n"}))
    project, document = read("project.yaml")
    monkeypatch.setattr("mlspec.rules.library_not_installed._installed", lambda name: name != "onnxruntime")
    assert render(library_not_installed.lacking(project, document), document.texts) == (
        "error[library-not-installed]: a release as ONNX needs onnxruntime, which is not installed here\n"
        " --> project.yaml:7:23\n  |\n7 | operation: {release: {formats: [native, onnx]}}\n"
        "  |                       ^^^^^^^ pip install 'mlspec-compiler[onnx]'\n"
        "  = see: mlspec explain library-not-installed\n\n1 error\n"
    )


def test_a_library_that_a_run_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said(tmp_path, spec_text({"model": "torch.mlp"}))
    project, document = read("project.yaml")
    known, _found = facts(project, document, Path())
    monkeypatch.setattr("mlspec.rules.library_not_installed._installed", lambda name: name != "torch")
    assert not [d for d in check(project, document, known) if d.code == "library-not-installed"]
    shown = render(
        check(resolve(project, known.schemas, known.target_levels), document, known, running=True), document.texts
    )
    assert (
        shown
        == """\
error[library-not-installed]: model 'torch.mlp' needs torch, which is not installed here
 --> project.yaml:6:16
  |
6 |   candidates: {one: {type: torch.mlp}}
  |                ^^^ pip install 'mlspec-compiler[run]'
  = see: mlspec explain library-not-installed

1 error
"""
    )


def test_a_key_that_a_run_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORT_KEY", "abc")
    personal = (
        "{job: {kind: direct_identifier, action: {hash: NO_KEY}}, city: {kind: sensitive, action: {hash: SHORT_KEY}}}"
    )
    said(tmp_path, spec_text({"data": f"  personal: {personal}\n"}))
    project, document = read("project.yaml")
    known, _found = facts(project, document, Path())
    assert not [d for d in check(project, document, known) if d.code == "key-not-set"]
    found = [d for d in check(project, document, known, running=True) if d.code == "key-not-set"]
    assert [d.message for d in found] == [
        "the key of 'job' is read from $NO_KEY, which is not set",
        "the key of 'city' is read from $SHORT_KEY, which is shorter than 16 characters",
    ]
    assert [d.span is not None and d.span.line for d in found] == [5, 5]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"device": "cuda:2"}, "there is no device 'cuda:2': this machine has 2 GPUs, numbered from 0"),
        ({"device": "cuda", "processes": 4}, "4 processes need a GPU each, but this machine has 2"),
        ({"device": "cuda"}, "backend device 'cuda' needs a GPU build of torch: 2.13.0+cpu is built for CPUs only"),
        ({"compile": True}, "torch.compile needs a C++ compiler for the CPU, but there is none on the PATH"),
        ({"store": "nope://x"}, "the store 'nope://x' can't be opened: fsspec does not know the protocol 'nope'"),
        ({"device": "mps"}, "backend device 'mps' needs a Mac"),
        (
            {"engine": "slurm", "device": "cuda", "processes": 4},
            "the engine 'slurm' needs SLURM's commands: there is no sbatch on the PATH",
        ),
        ({"device": "auto", "processes": "auto", "store": "../shared"}, None),
    ],
    ids=str,
)
def test_what_a_machine_with_two_gpus_lacks(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], told: str | None
) -> None:
    monkeypatch.setattr(accelerators, "gpus", lambda: 2)
    monkeypatch.setattr(accelerators, "is_mac", lambda: False)
    monkeypatch.setattr(accelerators, "compiler", lambda: None)
    monkeypatch.setattr("mlspec.rules.backend_not_servable._torch", lambda: "2.13.0+cpu")
    monkeypatch.setenv("PATH", "")
    found = [message for _key, message in lacks(Backend(**settings), libraries=True)]
    assert (told is None and found == []) or told in found


def test_hidden_gpus_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.listdir", lambda _folder: ["nvidia0", "nvidia1", "nvidia2", "nvidiactl", "null"])
    for visible, count in ((None, 3), ("", 0), ("-1", 0), ("2", 1), ("0,1", 2), ("MIG-a", 1)):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert accelerators.gpus() == count
