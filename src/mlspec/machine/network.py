"""How processes on several machines reach each other: this machine's interfaces and addresses (IPv4)."""

import contextlib
import fcntl
import os
import socket
import struct
from pathlib import Path

from msgspec import Struct

SIOCGIFADDR = 0x8915
LOOPBACK = "127."
SECONDS = 5.0  # to reach an address


class Endpoint(Struct, frozen=True):
    """A port that listens on all interfaces of a machine: its addresses, those of loopback last, and the machine."""

    port: int
    addresses: tuple[str, ...]
    machine: str


def endpoint(port: int) -> Endpoint:
    """A port of this machine."""
    return Endpoint(port, tuple(interfaces()), machine())


def machine() -> str:
    """What tells this machine from others, and its network from those of its other containers."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink("/proc/self/ns/net")
    except OSError:
        return socket.gethostname()


def interfaces() -> dict[str, str]:
    """This machine's addresses, those of loopback last, and the interface of each."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                answer = fcntl.ioctl(asked.fileno(), SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                found[socket.inet_ntoa(answer[20:24])] = name
    return dict(sorted(found.items(), key=lambda pair: pair[0].startswith(LOOPBACK)))


def reach(target: Endpoint) -> tuple[str, str]:
    """The first address at which this machine reaches a port, and its own address on the way there.

    On the same machine that is loopback; to others it leads through no address that this machine has too. Raises
    OSError where there is none.
    """
    own = interfaces()
    here = target.machine == machine()
    ways = reversed(target.addresses) if here else (one for one in target.addresses if one not in own)
    for address in ways:
        with contextlib.suppress(OSError), socket.create_connection((address, target.port), timeout=SECONDS) as way:
            return address, str(way.getsockname()[0])
    raise OSError(f"none of the addresses {', '.join(target.addresses)} is reached on port {target.port}")
