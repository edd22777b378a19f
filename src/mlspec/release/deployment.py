"""Files with which others start ``mlspec serve`` on a bundle: a container, a systemd unit, Kubernetes, KServe.

Everything runs without root, on a file system that it can't write to, with no capabilities.
"""

import re
from collections.abc import Callable
from typing import Any

from mlspec.release.bundle import PACKAGE, Bundle

PORT = 8080
USER = 10001
LIVE, READY = "/v2/health/live", "/v2/health/ready"
GRACE = 30  # seconds in which requests that are being answered end
SERVERS = ("starlette", "uvicorn")  # what `mlspec serve` needs of an environment

DOCKERFILE = """\
# {name} {version}: bundle {digest}
# docker build -t {label}:{tag} .
# docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:{port}:{port} \\
#   {label}:{tag}
FROM {image}
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY bundle/environment.txt /tmp/environment.txt
RUN python -m pip install --no-cache-dir --no-deps -r /tmp/environment.txt && rm /tmp/environment.txt
COPY bundle /bundle
USER {user}:{user}
EXPOSE {port}
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", \\
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}{ready}', timeout=2)"]
ENTRYPOINT ["mlspec", "serve", "/bundle", "--host", "0.0.0.0", "--port", "{port}"]
"""

UNIT = """\
# {name} {version}: bundle {digest}
# The bundle is in /opt/{label}/bundle, its environment.txt is installed in /opt/{label}/venv.
[Unit]
Description={name} {version} (mlspec serve)
After=network.target

[Service]
ExecStart={command} serve /opt/{label}/bundle --host 127.0.0.1 --port {port}
Restart=on-failure
TimeoutStopSec={grace}
DynamicUser=yes
StateDirectory={label}
WorkingDirectory=%S/{label}
UMask=0077
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources

[Install]
WantedBy=multi-user.target
"""


def docker(said: Bundle, digest: str, image: str) -> dict[str, str]:
    """A Dockerfile for a folder that also has the ``bundle``; ``image``: the one with Python to start from."""
    values = {"port": PORT, "user": USER, "ready": READY, "label": label(said), "tag": tag(said), "image": image}
    return {"Dockerfile": DOCKERFILE.format(name=said.name, version=said.version, digest=digest, **values)}


def systemd(said: Bundle, digest: str, command: str) -> dict[str, str]:
    """A unit; ``command``: where ``mlspec`` is installed, /opt/NAME/venv/bin/mlspec if empty."""
    own = label(said)
    command = command or f"/opt/{own}/venv/bin/mlspec"
    values = {"label": own, "command": command, "port": PORT, "grace": GRACE}
    return {f"{own}.service": UNIT.format(name=said.name, version=said.version, digest=digest, **values)}


def kubernetes(said: Bundle, digest: str, image: str) -> dict[str, str]:
    """A Deployment and a Service for an image that the Dockerfile has built."""
    own = label(said)
    chosen = {"app.kubernetes.io/name": own}
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(own, image, "http")],
        "volumes": [_volume(said)],
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(said, digest),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": chosen},
            "template": {"metadata": _metadata(said, digest, named=False), "spec": pod},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(said, digest),
        "spec": {"selector": chosen, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }
    return {"deployment.yaml": _yaml(deployment), "service.yaml": _yaml(service)}


def kserve(said: Bundle, digest: str, image: str) -> dict[str, str]:
    """An InferenceService with a container of one's own, for an image that the Dockerfile has built."""
    predictor = {
        "containers": [_container("kserve-container", image, "http1")],
        "volumes": [_volume(said)],
    }
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": _metadata(said, digest),
        "spec": {"predictor": predictor},
    }
    return {"inferenceservice.yaml": _yaml(service)}


FORMATS: dict[str, Callable[[Bundle, str, str], dict[str, str]]] = {
    "docker": docker,
    "systemd": systemd,
    "kubernetes": kubernetes,
    "kserve": kserve,
}


def label(said: Bundle) -> str:
    """The project's name as images, units and clusters write names."""
    return re.sub(r"[^a-z0-9-]", "-", said.name.lower())[:63].strip("-")


def tag(said: Bundle) -> str:
    """The version as images and clusters write versions."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", said.version)[:63].strip("._-")


def _container(name: str, image: str, port: str) -> dict[str, Any]:
    def probe(path: str, **more: int) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": PORT}, "timeoutSeconds": 3, **more}

    return {
        "name": name,
        "image": image,
        "ports": [{"name": port, "containerPort": PORT, "protocol": "TCP"}],
        "startupProbe": probe(READY, periodSeconds=2, failureThreshold=60),
        "readinessProbe": probe(READY, periodSeconds=5),
        "livenessProbe": probe(LIVE, periodSeconds=10),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }


def _volume(said: Bundle) -> dict[str, Any]:
    """The one folder that can be written to, with room for a copy of the model."""
    size = sum(file.bytes for name, file in said.files.items() if name.startswith(f"{PACKAGE}/"))
    return {"name": "tmp", "emptyDir": {"sizeLimit": f"{64 + 2 * (size >> 20)}Mi"}}


def _metadata(said: Bundle, digest: str, *, named: bool = True) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": label(said), "app.kubernetes.io/version": tag(said)}
    found: dict[str, Any] = {"name": label(said)} if named else {}
    return found | {"labels": labels, "annotations": {"mlspec/bundle": digest, "mlspec/run": said.run}}


def _yaml(value: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(value, sort_keys=False, width=110)
