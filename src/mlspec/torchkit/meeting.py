"""Where processes on several machines meet that train together: a TCPStore of the first one.

Gloo would listen on the address that the machine's name has, which often is loopback. So the interface is found: the
one through which the first machine is reached, unless ``GLOO_SOCKET_IFNAME`` names it.
"""

import os
from collections.abc import Callable
from datetime import timedelta

from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]

from mlspec.diagnostics import StepError
from mlspec.machine import network
from mlspec.machine.network import Endpoint

INTERFACE = "GLOO_SOCKET_IFNAME"
WAIT = timedelta(minutes=5)  # for all to have started


def opened(size: int, publish: Callable[[Endpoint], None]) -> Store:
    """The first process's; ``publish`` lets the others know of it. Raises StepError when they reach it differently."""
    store = TCPStore("127.0.0.1", 0, size, is_master=True, wait_for_workers=False, timeout=WAIT)
    place = network.endpoint(store.port)
    publish(place)
    ways = sorted({_of(store, f"way/{rank}") for rank in range(1, size)} - {""})
    if len(ways) > 1 and INTERFACE not in os.environ:
        raise StepError(
            f"the nodes reach the first one at different addresses ({', '.join(ways)}): set {INTERFACE} to the "
            "interface of the network that they share"
        )
    own = network.interfaces()
    address = ways[0] if ways else next(reversed(place.addresses))
    _use(address, store.port, own[address])
    store.set("interface", own[address])
    return store


def joined(rank: int, size: int, place: Endpoint) -> Store:
    """Another process's. Raises StepError when it is not reached."""
    try:
        address, mine = network.reach(place)
    except OSError as error:
        raise StepError(f"process {rank + 1} of {size} does not reach the first one: {error}") from None
    store = TCPStore(address, place.port, size, is_master=False, timeout=WAIT)
    here = place.machine == network.machine()
    store.set(f"way/{rank}", "" if here else address)
    theirs = _of(store, "interface")
    _use(address, place.port, theirs if here else network.interfaces()[mine])
    return store


def _use(address: str, port: int, interface: str) -> None:
    os.environ.setdefault(INTERFACE, interface)
    os.environ |= {"MASTER_ADDR": address, "MASTER_PORT": str(port)}


def _of(store: Store, key: str) -> str:
    text: str = store.get(key).decode()
    return text
