"""Clusters for the tests of this folder."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from tests.backends import ray_cluster, slurm_cluster


class Started(Protocol):
    def start(self) -> None: ...
    def end(self) -> None: ...


C = TypeVar("C", bound=Started)


@contextmanager
def running(kind: Callable[[Path], C]) -> Iterator[C]:
    """A cluster on this machine, in a folder of its own: the path of a socket may not be long."""
    folder = Path(tempfile.mkdtemp(prefix="mlspec-"))
    cluster = kind(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[slurm_cluster.Cluster]:
    """Two nodes of SLURM; tests are skipped where it is not installed."""
    if missing := slurm_cluster.lacking():
        pytest.skip(f"{', '.join(missing)} not installed: apt-get install slurmctld slurmd slurm-client munge")
    with running(slurm_cluster.Cluster) as cluster:
        yield cluster


@pytest.fixture
def cluster(running_cluster: slurm_cluster.Cluster, monkeypatch: pytest.MonkeyPatch) -> slurm_cluster.Cluster:
    """The cluster, as the one that SLURM's commands ask."""
    monkeypatch.setenv("SLURM_CONF", str(running_cluster.config))
    return running_cluster


@pytest.fixture(scope="session")
def running_ray() -> Iterator[ray_cluster.Cluster]:
    """Two nodes of Ray."""
    with running(ray_cluster.Cluster) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def ray(running_ray: ray_cluster.Cluster) -> Iterator[ray_cluster.Cluster]:
    """The cluster. This process has a connection to it, which runs use and leave: Ray's processes on the nodes live on
    from one to the next."""
    from mlspec_backends._ray_cluster import Connection

    with pytest.MonkeyPatch.context() as patch:
        for name, value in running_ray.environment.items():
            patch.setenv(name, value)
        connection = Connection(None)
        yield running_ray
        connection.close()
