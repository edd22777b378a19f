"""From a finished run to a release: what a bundle holds, who must approve it, and what a registry refuses."""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
import referencing
import yaml
from tests import hardware

from mlspec import api
from mlspec.api import using
from mlspec.cli import main
from mlspec.diagnostics import SpecError, render
from mlspec.machine import signing
from mlspec.release import bundle, dora, ledger, registry
from mlspec.release.ledger import Entry
from mlspec.report.facts.delivery_facts import Figures
from mlspec.testing import faults

pytest.importorskip("cryptography")
HERE = Path(__file__).parent
WHO = {f"GIT_{who}_{what}": "team@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
OPERATION = "operation:\n  release:\n    approve: {{ann: '{key}'}}\n    stages: [staging, production]\n"
POINTS = int(os.environ.get("MLSPEC_POINTS", "4"))  # of each kind that are tried; all: MLSPEC_POINTS=1000
CLI = "import os, sys; os.chdir(sys.argv.pop(1)); from mlspec.cli import main; sys.exit(main())"


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, **WHO, "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


class Team:
    """A project that was run and committed, with an approver, a key that signs, and a registry."""

    def __init__(self, root: Path, keys: Path) -> None:
        self.root, self.registry = root, root / "mlspec.registry"
        self.signer, self.ann, self.eve = (keys / f"{name}.pem" for name in ("signer", "ann", "eve"))

    def copy(self, folder: Path) -> "Team":
        root = folder / "penguins"
        shutil.copytree(self.root, root, symlinks=True)
        api.adopt(root)  # what was copied counts as made elsewhere
        return Team(root, self.signer.parent)

    def release(self, version: str) -> registry.Released:
        """Released with the approval that it needs."""
        assert "error[approval-missing]" in said(lambda: api.release(self.root, version=version, key=self.signer))
        (waiting,) = {path.name for path in (self.registry / "bundles").iterdir()} - self.digests()
        api.approve(waiting, key=self.ann, registry=self.registry)
        return api.release(self.root, version=version, key=self.signer)

    def digests(self) -> set[str]:
        return {entry.bundle for entry in api.releases(self.registry)}


@pytest.fixture(scope="module", name="made")
def made_fixture(ran_once: tuple[Path, object], tmp_path_factory: pytest.TempPathFactory) -> Team:
    """To be copied, not changed; two versions are released."""
    root = tmp_path_factory.mktemp("team") / "penguins"
    shutil.copytree(ran_once[0], root, symlinks=True)
    api.adopt(root)
    team = Team(root, root.parent)
    api.make_keys(team.signer)
    api.make_keys(team.eve)
    spec = root / "project.yaml"
    spec.write_text(spec.read_text() + OPERATION.format(key=api.make_keys(team.ann)))
    api.run(root)  # nothing to compute: it is the report that says who approves
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "A run"]):
        git(root, *command)
    team.release("1.0")
    team.release("1.1")
    return team


@pytest.fixture(name="team")
def team_fixture(made: Team, tmp_path: Path) -> Team:
    return made.copy(tmp_path)


def said(call: Callable[[], object]) -> str:
    """What a user reads of the refusal."""
    with pytest.raises(SpecError) as error:
        call()
    return render(error.value.diagnostics, {})


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_run_gives_the_same_bundle_to_the_byte(made: Team, tmp_path: Path) -> None:
    def other(version: str) -> registry.Released:
        return api.release(made.root, version=version, key=made.signer, registry=tmp_path / "other")

    for version in ("1.0", "1.1"):
        text = said(partial(other, version))
        digest = next(e.bundle for e in api.releases(made.registry) if e.version == version)
        assert text == (
            f"error[approval-missing]: bundle {digest[:12]} is made, but not yet approved by ann\n"
            f"  = each of them: mlspec release approve {digest[:12]} --key FILE\n"
            "  = then mlspec release again\n  = see: mlspec explain approval-missing\n\n1 error\n"
        )
    assert tree(tmp_path / "other" / "bundles") == tree(made.registry / "bundles")
    again = api.release(made.root, version="1.0", key=made.signer)
    assert not again.is_new
    assert len(api.releases(made.registry)) == 4


def test_what_a_bundle_holds(made: Team) -> None:
    folder = api.release(made.root, version="1.0", key=made.signer).folder
    run = api.last(made.root)
    found = bundle.verify(folder)
    assert found.digest == folder.name == hashlib.sha256((folder / "bundle.json").read_bytes()).hexdigest()
    assert found.signed_by == signing.public_of(signing.private_seed(made.signer.read_text()))
    assert tree(folder / "package") == tree(Path(run.model or ""))
    assert using.folder_of(folder) == folder / "package", "a bundle predicts"
    about = found.bundle
    assert (about.name, about.version, about.run) == ("penguins", "1.0", run.id)
    assert about.commit == git(made.root, "rev-parse", "HEAD").strip()
    assert about.gates == {"gate.quality.balanced_accuracy": "pass"}
    assert json.loads((folder / "evidence.jsonl").read_text().splitlines()[0])["verdict"] == "pass"
    assert json.loads((folder / "spec.json").read_text())["data"]["split"]["seed"] == 7
    pinned = dict(line.split("==") for line in (folder / "environment.txt").read_text().splitlines()[1:])
    assert {"polars", "numpy", "scikit-learn", "mlspec-compiler", "joblib"} <= pinned.keys()
    assert all(importlib.metadata.version(name) == version for name, version in pinned.items())
    schemas = [(path.name, json.loads(path.read_text())) for path in (HERE / "cyclonedx").iterdir()]
    resources = [(f"http://cyclonedx.org/schema/{name}", referencing.Resource.from_contents(s)) for name, s in schemas]
    bill = json.loads((folder / "sbom.cdx.json").read_text())
    known = dict(schemas)["bom-1.6.SNAPSHOT.schema.json"]
    checked = jsonschema.Draft7Validator(known, registry=referencing.Registry().with_resources(resources))
    assert [error.message for error in checked.iter_errors(bill)] == []
    assert {one["name"] for one in bill["components"] if one["type"] == "library"} == pinned.keys()
    assert bill["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["type"] == (
        "accuracy"
    )


def edited(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    """The bundle of somebody who knows how the digests are made."""
    about = json.loads((folder / "bundle.json").read_text())
    change(about)
    (folder / "bundle.json").write_text(json.dumps(about))
    (folder / "signature.json").unlink()


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed file": (
        lambda at: (at / "package/state.json").write_text("{}"),
        "'package/state.json' is not the file that was released: its SHA-256 digest does not match",
    ),
    "a file with one more byte": (
        lambda at: (at / "evidence.jsonl").write_bytes((at / "evidence.jsonl").read_bytes() + b"\n"),
        "'evidence.jsonl' is not the file that was released: its SHA-256 digest does not match",
    ),
    "a missing file": (lambda at: (at / "environment.txt").unlink(), "'environment.txt' is missing"),
    "one file more": (lambda at: (at / "package/run.sh").touch(), "'package/run.sh' is not part of it"),
    "one folder more": (lambda at: (at / "code").mkdir(), "'code' is not part of it"),
    "a link": (
        lambda at: [(at / "spec.json").unlink(), (at / "spec.json").symlink_to("/etc/hostname")],
        "'spec.json' is a link",
    ),
    "a linked folder": (
        lambda at: [(at / "package").rename(at.parent / "p"), (at / "package").symlink_to(at.parent / "p")],
        "'package' is a link",
    ),
    "a pipe": (
        lambda at: [(at / "spec.json").unlink(), os.mkfifo(at / "spec.json")],
        "'spec.json' can't be read: not a regular file",
    ),
    "a name that leads out": (
        lambda at: edited(at, lambda about: about["files"].update({"../out": about["files"].pop("spec.json")})),  # type: ignore[attr-defined]
        "bundle.json: a listed name is none of a file in it",
    ),
    "a size beyond all bounds": (
        lambda at: edited(at, lambda about: about["files"]["spec.json"].update(bytes=1 << 40)),  # type: ignore[index]
        "bundle.json: it has more than 68,719,476,736 bytes",
    ),
    "an unknown key": (
        lambda at: edited(at, lambda about: about.update(hook="rm")),
        "bundle.json: Object contains unknown field `hook`",
    ),
    "a package that lists others": (
        lambda at: [
            edited(at, lambda about: about["files"].pop("package/state.json")),  # type: ignore[attr-defined]
            (at / "package/state.json").unlink(),
        ],
        "'package/package.json' lists other files",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bundle_from_anybody_is_refused_where_it_is_not_as_released(name: str, made: Team, tmp_path: Path) -> None:
    change, text = HOSTILE[name]
    folder = tmp_path / "b"
    shutil.copytree(made.registry / "bundles" / max(made.digests()), folder)
    assert bundle.verify(folder).signed_by
    change(folder)
    message = f"error[bundle-damaged]: '{folder}' is not a bundle that mlspec released: {text}\n"
    assert said(lambda: bundle.verify(folder)).startswith(message)


def test_a_signature_is_that_of_the_key_for_this_bundle(made: Team, tmp_path: Path) -> None:
    one, other = (made.registry / "bundles" / digest for digest in sorted(made.digests()))
    folder = tmp_path / "b"
    shutil.copytree(one, folder)
    signer, eve = (signing.public_of(signing.private_seed(key.read_text())) for key in (made.signer, made.eve))
    assert api.verify_bundle(folder, key=signer).signed_by == signer
    assert f"'{folder}' is signed by {signer}, not by {eve}" in said(lambda: api.verify_bundle(folder, key=eve))
    shutil.copy(other / "signature.json", folder)
    wrong = f"the signature of '{folder}' is not that of {signer} for this bundle"
    assert wrong in said(lambda: api.verify_bundle(folder))
    (folder / "signature.json").unlink()
    assert api.verify_bundle(folder).signed_by == ""
    assert f"'{folder}' is not signed" in said(lambda: api.verify_bundle(folder, key=signer))


def test_stages_have_an_order_and_a_way_back(made: Team, tmp_path: Path) -> None:
    place = tmp_path / "registry"
    shutil.copytree(made.registry, place)

    def promote(version: str, stage: str) -> str:
        return api.promote(version, stage, registry=place).entry.version

    early = said(lambda: promote("1.0", "production"))
    assert early.startswith("error[promotion-refused]: '1.0' has not been in 'staging'\n")
    assert "error[promotion-refused]: 'prod' is no stage of the spec\n  = stages: staging, production" in said(
        lambda: promote("1.0", "prod")
    )
    for version in ("1.0", "1.1"):
        for stage in ("staging", "production"):
            assert promote(version, stage) == version
    assert said(lambda: promote("1.1", "production")).startswith(
        "error[promotion-refused]: 'production' has '1.1' already\n"
    )
    assert registry.staged(place, "production").name == api.releases(place)[-1].bundle
    back = api.rollback("production", reason="slow", registry=place)
    assert (back.entry.version, back.entry.reason, back.before and back.before.version) == ("1.0", "slow", "1.1")
    assert registry.now_in(api.releases(place), "staging").version == "1.1"  # type: ignore[union-attr]
    assert said(lambda: api.rollback("production", registry=place)).startswith(
        "error[no-earlier-bundle]: stage 'production' has had one bundle, so there is none to go back to\n"
    )
    assert promote("1.1", "production") == "1.1"
    damaged = registry.folder_of(place, back.entry.bundle) / "spec.json"
    damaged.write_text("{}")
    assert said(lambda: api.rollback("production", registry=place)).startswith("error[bundle-damaged]")
    assert said(lambda: api.note("incident", "prod", registry=place)).startswith(
        "error[unknown-stage]: stage 'prod' has no bundle\n  = stages: staging, production\n"
    )
    assert said(lambda: promote("2.0", "staging")).startswith(
        f"error[unknown-bundle]: there is no bundle '2.0' in '{place}'\n"
    )


def test_an_approval_is_the_signature_of_an_approver_for_one_bundle(made: Team, tmp_path: Path) -> None:
    place = tmp_path / "registry"
    shutil.copytree(made.registry, place)
    assert said(lambda: api.approve("1.0", key=made.eve, registry=place)) == (
        "error[approval-refused]: this key is of no approver of the bundle\n"
        "  = approvers: ann\n  = see: mlspec explain approval-refused\n\n1 error\n"
    )
    _entry, is_new = api.approve("1.0", key=made.ann, registry=place)
    assert not is_new
    # Of somebody who can write the ledger, and chain its lines, but has not the key: another bundle's approval.
    approval, released, other, _ = api.releases(place)
    (place / "ledger.jsonl").unlink()
    for entry in (msgspec_replace(approval, signature=other.signature), released):
        with ledger.writing(place) as known:
            ledger.append(place, known, entry)
    assert said(lambda: api.promote("1.0", "staging", registry=place)).startswith(
        f"error[promotion-refused]: bundle {released.bundle[:12]} is not approved by ann\n"
    )


def msgspec_replace(entry: Entry, **changes: object) -> Entry:
    from msgspec.structs import replace

    return replace(entry, **changes)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda lines: [lines[0].replace(b"ann", b"eve"), *lines[1:]], "line 2 does not follow line 1"),
        (lambda lines: [lines[0], *lines[2:]], "line 2 does not follow line 1"),
        (lambda lines: [lines[0][:-1] + b"\r", *lines[1:]], "line 1: JSON is malformed"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "line 1 does not follow line 0"),
        (lambda lines: [*lines, b"{}\n"], "line 5: Object missing required field `event`"),
    ],
    ids=["edited", "removed", "joined", "swapped", "added"],
)
def test_a_ledger_with_a_broken_chain_is_used_for_nothing(
    change: Callable[[list[bytes]], list[bytes]], text: str, made: Team, tmp_path: Path
) -> None:
    place = tmp_path / "registry"
    shutil.copytree(made.registry, place)
    file = place / "ledger.jsonl"
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    before = file.read_bytes()
    for call in (
        lambda: api.releases(place),
        lambda: api.promote("1.0", "staging", registry=place),
        lambda: api.rollback("staging", registry=place),
        lambda: api.release(made.root, version="1.0", key=made.signer, registry=place),
    ):
        assert said(call).startswith(f"error[ledger-damaged]: the ledger '{file}' is damaged: {text}")
    assert file.read_bytes() == before


def test_a_line_that_was_cut_off_is_no_entry(made: Team, tmp_path: Path) -> None:
    place = tmp_path / "registry"
    shutil.copytree(made.registry, place)
    file = place / "ledger.jsonl"
    before = file.read_bytes()
    file.write_bytes(before + b'{"number":5,"before":"')
    assert len(api.releases(place)) == 4
    api.promote("1.0", "staging", registry=place)
    assert file.read_bytes().startswith(before + b'{"number":5,')
    assert len(api.releases(place)) == 5


def test_the_figures_of_dora_are_queries_of_the_ledger() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    entries: list[Entry] = []

    def happened(hour: float, event: ledger.Event, name: str, stage: str = "live", **more: dict[str, str]) -> None:
        time = (start + timedelta(hours=hour)).isoformat()
        entries.append(
            Entry(
                number=len(entries) + 1, time=time, event=event, project="p", version=name, bundle=name * 64,
                who="a", stage=stage, **more,
            )
        )  # fmt: skip

    for name, hour in (("a", 0), ("b", 30), ("c", 50)):
        happened(hour + 2, "released", name, "", evidence={"committed": (start + timedelta(hours=hour)).isoformat()})
    happened(4, "promoted", "a")  # four hours after its commit
    happened(31, "promoted", "b")  # one
    happened(34, "rolled_back", "a")  # without an incident: three hours after what it took back
    happened(56, "promoted", "c")  # six
    happened(60, "incident", "c")
    happened(61, "incident", "c")
    happened(62, "restored", "c")
    happened(63, "incident", "c")
    (live,) = dora.figures(entries, start + timedelta(days=21, hours=4))
    assert live == Figures(
        stage="live",
        deployments=3,
        deployments_per_week=1.0,
        lead_time=4 * 3600.0,
        failures=2,
        change_failure_rate=2 / 3,
        time_to_restore=2.5 * 3600.0,
    )


def test_an_address_is_no_registry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["releases", "--registry", "s3://bucket/churn"]) == 2
    assert capsys.readouterr().err == (
        "error[registry-not-a-folder]: 's3://bucket/churn' is no folder: a registry needs locks\n"
        "  = name a folder, local or of a shared file system\n"
        "  = see: mlspec explain registry-not-a-folder\n\n1 error\n"
    )


def test_nothing_of_a_private_key_is_ever_shown(
    made: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert made.ann.stat().st_mode & 0o777 == 0o600
    secret = made.ann.read_text().splitlines()[1]
    broken = tmp_path / "broken.pem"
    broken.write_text(made.ann.read_text().replace(secret, secret[:-4]))
    monkeypatch.chdir(made.root)
    assert main(["release", "--key", str(broken)]) == 2
    assert main(["release", "verify", str(tmp_path), "--key", str(made.ann)]) == 2
    assert main(["release", "keygen", str(made.ann)]) == 2
    monkeypatch.setenv("MLSPEC_RELEASE_KEY", secret)
    assert main(["release"]) == 2
    monkeypatch.delenv("MLSPEC_RELEASE_KEY")
    assert main(["release"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    shown = [line for line in err.splitlines() if line.startswith("error[")]
    assert shown == [
        f"error[key-unusable]: '{broken}' is no key that can be used: it is no Ed25519 key",
        f"error[key-unusable]: '{made.ann}' is no key that can be used: "
        "it is a private key, which must stay with its owner",
        f"error[file-exists]: '{made.ann}' exists already",
        "error[key-unusable]: $MLSPEC_RELEASE_KEY is no key that can be used: it is no Ed25519 private key",
        "error[key-unusable]: there is no key to sign with",
    ]
    assert secret[-20:-4] not in err
    monkeypatch.setenv("MLSPEC_RELEASE_KEY", made.signer.read_text())
    assert main(["release", "--version", "1.0"]) == 0


def test_what_is_not_as_in_the_commit_or_the_run_is_not_released(team: Team) -> None:
    def refused() -> list[str]:
        lines = said(lambda: api.release(team.root, unsigned=True)).splitlines()
        return [line for line in lines if line.startswith("error")]

    run = api.last(team.root).id
    (team.root / "notes.txt").write_text("x")
    assert refused() == ["error[tree-not-clean]: not as in the last commit: notes.txt"]
    (team.root / ".gitignore").write_text("notes.txt\n.gitignore\n")
    spec = team.root / "project.yaml"
    spec.write_text(spec.read_text().replace("goal: Tell", "goal: Say"))
    assert refused() == [
        f"error[run-not-current]: the spec has changed since run '{run}'",
        "error[tree-not-clean]: not as in the last commit: project.yaml",
    ]
    git(team.root, "checkout", "-q", "project.yaml")
    (Path(api.last(team.root).model or "") / "state.json").write_text("{}")
    assert len(refused()) == 1
    assert refused()[0].startswith("error[package-damaged]: ")
    (team.root / ".mlspec/runs" / run / "evidence.jsonl").write_text("{}\n")
    assert refused()[1:] == [f"error[run-not-current]: run '{run}' was made elsewhere"]
    lock = team.root / "mlspec.lock"
    lock.unlink()
    git(team.root, "commit", "-qam", "gone")
    api.adopt(team.root)
    assert refused()[1] == f"error[run-not-current]: there is no mlspec.lock of run '{run}'"
    shutil.rmtree(team.root / ".git")
    assert refused()[-1] == (
        "error[tree-not-clean]: the spec is not in a git commit, so a release could not be traced to it"
    )


def test_what_starts_the_service_runs_without_root_on_a_file_system_that_it_cannot_write_to(
    made: Team, tmp_path: Path
) -> None:
    folder = made.registry / "bundles" / max(made.digests())

    def written(form: str, **more: str) -> dict[str, str]:
        done = api.package(folder, form, tmp_path / form, **more)
        return {name: (done.folder / name).read_text() for name in done.files}

    image = f"python:3.11-slim@sha256:{'0' * 64}"
    lines = written("docker", image=image)["Dockerfile"].splitlines()
    assert f"FROM {image}" in lines
    assert lines.index("USER 10001:10001") < lines.index(
        'ENTRYPOINT ["mlspec", "serve", "/bundle", "--host", "0.0.0.0", "--port", "8080"]'
    )
    assert bundle.verify(tmp_path / "docker" / "bundle").digest == folder.name
    (unit,) = written("systemd", command=sys.executable).values()
    assert {"DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes"} <= set(unit.splitlines())
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "verify", tmp_path / "systemd" / "penguins.service"]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""
    manifests = [yaml.safe_load(text) for form in ("kubernetes", "kserve") for text in written(form).values()]
    deployment, service, inference = manifests
    assert [one["kind"] for one in manifests] == ["Deployment", "Service", "InferenceService"]
    pods = deployment["spec"]["template"]["spec"], inference["spec"]["predictor"]
    for container in (pod["containers"][0] for pod in pods):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    with pytest.raises(SpecError, match="can't be written into such a file"):
        written("docker", image="python\nRUN true")
    with pytest.raises(SpecError, match="exists already"):
        written("docker")


def test_names_that_are_taken_or_belong_to_others(team: Team, made: Team, tmp_path: Path) -> None:
    spec = team.root / "project.yaml"
    spec.write_text(spec.read_text().replace("name: penguins", "name: gulls"))
    assert "'1 0' can't be a version" in said(lambda: api.release(made.root, version="1 0", unsigned=True))
    assert "'in production' can't be a stage" in said(lambda: api.promote("1.0", "in production", registry=tmp_path))
    known = Entry(event="released", project="gulls", version="1.0", bundle="0" * 64, who="a", evidence={"run": "r"})
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "bundles").symlink_to(made.root)
    assert said(lambda: api.release(made.root, unsigned=True, registry=tmp_path / "linked")).startswith(
        f"error[state-is-a-link]: '{tmp_path / 'linked' / 'bundles'}' is a link"
    )
    for place in ("gulls", "taken"):
        (tmp_path / place).mkdir()
        entry = known if place == "gulls" else msgspec_replace(known, project="penguins")
        with ledger.writing(tmp_path / place) as found:
            ledger.append(tmp_path / place, found, entry)
    assert said(lambda: api.release(made.root, unsigned=True, registry=tmp_path / "gulls")).startswith(
        f"error[registry-of-another-project]: '{tmp_path / 'gulls'}' is the registry of the project 'gulls'\n"
    )
    assert said(lambda: api.release(made.root, version="1.0", unsigned=True, registry=tmp_path / "taken")).startswith(
        "error[version-taken]: version '1.0' was released before, from run 'r'\n"
    )


@pytest.mark.slow
def test_a_run_whose_gates_do_not_hold_is_not_released(team: Team) -> None:
    spec = team.root / "project.yaml"
    text = spec.read_text()
    for bound, state in (("1", "fails"), ("0.9", "is undecided")):
        spec.write_text(text.replace("at_least: 0.85", f"at_least: {bound}"))
        api.run(team.root)
        git(team.root, "commit", "-qam", "another bound")
        assert said(lambda: api.release(team.root, unsigned=True)).startswith(
            f"error[gate-not-passed]: gate.quality.balanced_accuracy {state}: balanced_accuracy at least {bound}\n"
        )
    waiver = "  waivers: [{requirement: quality.balanced_accuracy, reason: a trial}]\ndata:"
    spec.write_text(spec.read_text().replace("data:", waiver, 1))
    api.run(team.root)
    git(team.root, "commit", "-qam", "waived")
    assert team.release("2.0").bundle.waived == {"quality.balanced_accuracy": "a trial"}
    # A later run of another spec does not come between.
    other = api.run(team.root, sets=["project.goal=Another"]).id
    assert not api.release(team.root, version="2.0", key=team.signer).is_new
    spec.write_text(spec.read_text().replace("goal: Tell", "goal: Say"))
    git(team.root, "commit", "-qam", "another goal")
    assert said(lambda: api.release(team.root, unsigned=True)).startswith(
        f"error[run-not-current]: run '{other}' was made with --set project.goal=Another\n"
    )


COMMANDS: dict[str, tuple[str, ...]] = {
    "release": ("release", "--version", "1.2", "--key", "@/signer.pem"),
    "rollback": ("release", "rollback", "staging"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_or_on_a_full_disk_at_any_write_the_registry_is_whole(name: str, made: Team, tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    (tmp_path / "before").mkdir()
    before = made.copy(tmp_path / "before")
    for version in ("1.0", "1.1") if name == "rollback" else ("1.0",):
        api.promote(version, "staging", registry=before.registry)
    if name == "release":
        team = before.copy(tmp_path / "waits")
        said(lambda: api.release(team.root, version="1.2", key=team.signer))
        (digest,) = {path.name for path in (team.registry / "bundles").iterdir()} - team.digests()
        api.approve(digest, key=team.ann, registry=team.registry)
        shutil.copy(team.registry / "ledger.jsonl", before.registry)
    place = tmp_path / "work" / "penguins"

    def fresh() -> None:
        shutil.rmtree(place.parent, ignore_errors=True)
        place.parent.mkdir()
        before.copy(place.parent)

    fresh()
    arguments = [part.replace("@", str(made.signer.parent)) for part in COMMANDS[name]]
    kept = place / "mlspec.registry"
    command = [sys.executable, "-c", CLI, str(place), *arguments, "--registry", str(kept)]
    old = api.releases(before.registry)
    try:
        points = faults.points(command, kept, tmp_path / "log")
    except RuntimeError as error:
        hardware.skip(f"strace can't trace here: {error}")
    bundles = set(os.listdir(kept / "bundles"))
    hits: Counter[str] = Counter()
    for way in ("killed", "ENOSPC"):
        candidates = points if way == "killed" else faults.fillable(points)
        for point in candidates[:: max(1, len(candidates) // POINTS)]:
            fresh()
            if way == "killed":
                ended = faults.killed(command, point, tmp_path / "log")
            else:
                ended = faults.full(command, point, tmp_path / "log", for_good=False, error=way, folder=kept)
                assert ended.code in (0, 3) or not ended.hit, ended.output
                assert "Traceback" not in ended.output
            hits[way] += ended.hit
            found = api.releases(kept)
            assert [entry.event for entry in found[: len(old)]] == [entry.event for entry in old], point
            assert len(found) - len(old) in (0, 1), point
            for entry in found:
                bundle.verify(registry.folder_of(kept, entry.bundle)) if entry.event != "approved" else None
            if len(found) == len(old):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                assert done.returncode == 0, (point, done.stderr)
            assert len(api.releases(kept)) == len(old) + 1
            assert set(os.listdir(kept / "bundles")) == bundles
    assert hits["killed"] > 3
    assert hits["ENOSPC"] > 1


@pytest.mark.slow
def test_two_who_promote_at_once_come_one_after_the_other(made: Team, tmp_path: Path) -> None:
    team = made.copy(tmp_path)
    started = [
        subprocess.Popen([sys.executable, "-c", CLI, str(team.root), "release", "promote", version, "staging"])
        for version in ("1.0", "1.1", "1.0", "1.1")
    ]
    codes = [process.wait() for process in started]
    found = [entry.version for entry in api.releases(team.registry) if entry.event == "promoted"]
    assert len(found) == codes.count(0) >= 2
    assert all(one != other for one, other in pairwise(found))


@pytest.mark.slow
def test_a_release_with_an_onnx_file_holds_how_near_its_answers_are(team: Team, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    spec, text = team.root / "project.yaml", (team.root / "project.yaml").read_text()

    def asking(change: str) -> None:
        spec.write_text(text.replace("operation:\n  release:\n", f"operation:\n  release:\n    {change}\n"))
        api.run(team.root)  # nothing to compute
        git(team.root, "add", ".")
        git(team.root, "commit", "-qm", "ONNX")

    asking("formats: [native, onnx]")
    made = [team.copy(tmp_path / name) for name in "ab"]
    digests = []
    for one in made:
        git(one.root, "status")
        assert "error[approval-missing]" in said(partial(api.release, one.root, version="2.0", key=one.signer))
        (new,) = {path.name for path in (one.registry / "bundles").iterdir()} - one.digests()
        digests.append(new)
    assert digests[0] == digests[1]
    found = bundle.verify(made[0].registry / "bundles" / digests[0]).bundle
    assert found.parity.bound == 1e-5
    assert found.parity.largest < 1e-6
    assert found.parity.rows.keys() >= {"test rows", "rows with a missing value", "rows with an extreme value"}
    assert found.holds["model.onnx"] == "preparation and model as one ONNX file"
    asking("formats: [native, onnx]\n    parity: 1e-12")
    text = said(lambda: api.release(team.root, version="3.0", key=team.signer))
    assert "error[onnx-differs]: model.onnx answers otherwise than the model on " in text
    assert "; at most 1e-12 is allowed" in text
