"""Processes that train one network together give what one process gives, and end together."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from safetensors.numpy import load_file
from tests import hardware

from mlspec.diagnostics import StepError
from mlspec.machine import child_process, network
from mlspec.steps.job import Job, LostError
from mlspec.steps.training import distributed

# Trains networks whose layers look at whole batches: dropout, batch norm, attention with dropout, members.
WORK = """
import json, os, signal
from pathlib import Path
import torch
from safetensors.torch import save_file
from mlspec.torchkit import backbones, device, loop, outputs

NETWORKS = {
    "mlp": {"kind": "mlp", "hidden": [16], "activation": "relu", "dropout": 0.3},
    "resnet": {"kind": "resnet", "blocks": 1, "units": 8, "inner": 8, "dropout": 0.2, "residual_dropout": 0.1},
    "tabm": {"kind": "tabm", "members": 3, "hidden": [8], "activation": "relu", "dropout": 0.2},
    "transformer": {"kind": "ft_transformer", "token": 4, "layers": 1, "heads": 2, "inner": 8, "dropout": 0.2},
}

def run(job):
    job.outputs["out"].mkdir(parents=True, exist_ok=True)
    for name in job.params["networks"]:
        calls = 0
        own = outputs.of_members(2)

        def loss(output, target):
            nonlocal calls
            calls += 1
            if os.environ.get("RANK") == "1" and calls == job.params.get("dies_at"):
                os.kill(os.getpid(), signal.SIGKILL)
            if os.environ.get("RANK") == "1" and job.params.get("raises"):
                raise ValueError("no such luck")
            return own(output, target)

        with device.seeded(3, torch.device("cpu"), 1):
            inputs = torch.randn(300, 8)
            target = (inputs[:, 0] + inputs[:, 1] > 0).float()
            module = backbones.build(NETWORKS[name], 8, 1)
            rows = loop.Rows((inputs[:200],), target[:200])
            validation = loop.Rows((inputs[200:],), target[200:])
            settings = loop.Settings(
                epochs=3, batch_size=33, learning_rate=0.01, checkpoint_seconds=0.0, seconds=float(job.seconds)
            )
            history = loop.train(
                module, rows, validation, loss, settings, seed=3, folder=job.scratch / name, progress=job.progress
            )
        with torch.inference_mode():
            answers = module(inputs).contiguous()
        save_file({"answers": answers, **module.state_dict()}, job.outputs["out"] / f"{name}.safetensors")
        (job.outputs["out"] / f"{name}.json").write_text(json.dumps(history))
        print(name, "seen by", os.environ.get("RANK"))
"""
TOLD: list[Any] = []
ALL = ["mlp", "resnet", "tabm", "transformer"]


def trained(
    folder: Path,
    count: int,
    told: list[Any] | None = None,
    elsewhere: tuple[tuple[str, ...], ...] = (),
    **params: Any,
) -> dict[str, dict[str, Any]]:
    """The weights of each network, trained by that many processes."""
    out = folder / "out"
    job = Job(
        id="train",
        kind="train",
        params={"networks": ALL, **params},
        inputs={},
        outputs={"out": out},
        scratch=folder,
        root=folder,
        processes=count,
        seconds=1e6,
        elsewhere=elsewhere,
        progress=lambda what, share, figures: told.append((what, share, figures)) if told is not None else None,
    )
    distributed.together(job, "group_work")
    return {name: load_file(out / f"{name}.safetensors") for name in job.params["networks"]}


def history(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / f"{name}.json").read_text())
    return found


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("together")
    (folder / "group_work.py").write_text(WORK)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


@pytest.fixture(scope="module")
def whole(code: Path) -> dict[str, dict[str, Any]]:
    """What two processes give that nothing disturbs."""
    return trained(code / "whole", 2, TOLD)


@pytest.fixture
def other() -> Iterator[tuple[str, ...]]:
    """What runs a command on another machine, as far as the network goes: one interface leads there."""
    name = f"mlspec{os.getpid()}"
    ends = f"{name}a"[-15:], f"{name}b"[-15:]
    ip, there = shutil.which("ip") or "ip", ("ip", "netns", "exec", name, "ip")
    commands = [
        (ip, "netns", "add", name),
        (ip, "link", "add", ends[0], "type", "veth", "peer", "name", ends[1], "netns", name),
        (ip, "addr", "add", "198.18.77.1/24", "dev", ends[0]),
        (ip, "link", "set", ends[0], "up"),
        (*there, "addr", "add", "198.18.77.2/24", "dev", ends[1]),
        (*there, "link", "set", ends[1], "up"),
        (*there, "link", "set", "lo", "up"),
    ]
    try:
        for command in commands:
            if subprocess.run(command, check=False, capture_output=True).returncode:
                hardware.skip("no network of its own can be made")
        yield (ip, "netns", "exec", name)
    finally:
        # The interface goes with the namespace that its other end is in.
        subprocess.run((ip, "netns", "delete", name), check=False, capture_output=True)


@pytest.mark.slow
def test_processes_on_two_machines_find_the_network_between_them(
    code: Path, whole: dict[str, dict[str, Any]], other: tuple[str, ...]
) -> None:
    command = (*other, *child_process.command("mlspec.steps.training.member"))
    apart = trained(code / "apart", 2, elsewhere=(command,), networks=["mlp"])
    assert history(code / "apart", "mlp") == history(code / "whole", "mlp")
    for part, tensor in whole["mlp"].items():
        np.testing.assert_array_equal(apart["mlp"][part], tensor, err_msg=part)


def test_another_machine_is_reached_by_no_address_that_this_one_has_too() -> None:
    with socket.create_server(("", 0)) as server:
        here = network.endpoint(server.getsockname()[1])
        assert network.reach(here) == ("127.0.0.1", "127.0.0.1")
        there = replace(here, machine="another", addresses=("127.0.0.1", next(iter(network.interfaces()))))
        with pytest.raises(OSError, match=f"^none of the addresses .* is reached on port {here.port}$"):
            network.reach(there)


@pytest.mark.slow
def test_a_process_that_is_lost_with_its_machine_is_not_the_fault_of_the_step(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "GRACE", 0.2)
    cause = "^process 2 of 2 is lost: the command that started it ended with exit code 7$"
    with pytest.raises(LostError, match=cause):
        trained(code / "lost", 2, elsewhere=(("sh", "-c", "exit 7"),), networks=["mlp"])


@pytest.mark.slow
def test_two_processes_give_what_one_gives(code: Path, whole: dict[str, dict[str, Any]]) -> None:
    one = trained(code / "one", 1)
    for name, found in one.items():
        alone, both = history(code / "one", name), history(code / "whole", name)
        assert both["train_loss"] == pytest.approx(alone["train_loss"], rel=1e-5)
        # Biases before a norm have no gradient but rounding, of which Adam makes steps; the running means lag behind.
        loose = name == "resnet"
        assert both["validation_loss"] == pytest.approx(alone["validation_loss"], rel=1e-2 if loose else 1e-5)
        np.testing.assert_allclose(
            whole[name]["answers"], found["answers"], rtol=1e-3, atol=2e-2 if loose else 1e-4, err_msg=name
        )
    assert [what for what, _, _ in TOLD] == [f"epoch {epoch} of 3" for epoch in (1, 2, 3)] * len(ALL)


@pytest.mark.slow
def test_a_process_that_dies_ends_all_and_the_next_training_goes_on(
    code: Path, whole: dict[str, dict[str, Any]]
) -> None:
    with pytest.raises(StepError, match=r"^process 2 of 2 was killed by SIGKILL$"):
        trained(code / "killed", 2, networks=["resnet"], dies_at=10)
    assert (code / "killed" / "resnet").is_dir()
    resumed = trained(code / "killed", 2, networks=["resnet"])["resnet"]
    assert history(code / "killed", "resnet")["epochs"] == 3
    for part, tensor in whole["resnet"].items():
        np.testing.assert_array_equal(resumed[part], tensor, err_msg=part)


@pytest.mark.slow
def test_the_first_cause_is_reported_with_all_that_was_printed(code: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StepError, match=r"^ValueError: no such luck$"):
        trained(code / "raising", 2, networks=["mlp"], raises=True)
    assert 'raise ValueError("no such luck")' in capsys.readouterr().out
