"""Test hosts: network namespaces of this machine, each with a name, an address and a loopback of its own.

Each has a cable to this machine (a veth pair), and by it reaches whatever listens on this machine's end; `ip` and root
are needed for that. What runs in one host sees nothing else of the network. Where they cannot be had, a home is a host
without a network of its own.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deployments.settings import LOOPBACK

RANGE = f"198.18.{os.getpid() % 250}"
"""Of the addresses that are kept for tests of networks; a part of it for each process."""
NAMED = 'hostname "$0" && exec "$@"'


@dataclass(frozen=True)
class Host:
    """A host, and what it is called; one without a name is this machine.

    Attributes
    ----------
    name : str
        Of the host, and of its namespace.
    address : str
        Its own end of the cable.
    outside : str
        This machine's end.
    """

    name: str
    address: str
    outside: str

    def command(self, *arguments: str) -> list[str]:
        """Return a command as one that runs in this host."""
        if not self.name:
            return list(arguments)
        return [*("ip", "netns", "exec", self.name, "unshare", "--uts", "sh", "-c", NAMED, self.name), *arguments]

    def knows(self, **names: str) -> None:
        """Have names of machines resolved here, as a container's network does; those of before are forgotten."""
        folder = Path("/etc/netns") / self.name
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{address} {name}" for name, address in {"localhost": "127.0.0.1", **names}.items()]
        (folder / "hosts").write_text("\n".join(lines) + "\n")


def can_make_hosts() -> bool:
    """Tell whether this process may make namespaces and cables."""
    if os.geteuid() or not all(map(shutil.which, ("ip", "unshare", "hostname"))):
        return False
    with suppress(subprocess.CalledProcessError), running_hosts(1) as (host,):
        return subprocess.run(host.command("true"), check=False, capture_output=True).returncode == 0
    return False


@contextmanager
def running_hosts(n: int) -> Iterator[Sequence[Host]]:
    """Make hosts; they are gone in the end, and what still ran in them is killed."""
    with ExitStack() as last:
        made = []
        for number in range(n):
            host = Host(f"deepdlt-{os.getpid()}-{number}", f"{RANGE}.{4 * number + 2}", f"{RANGE}.{4 * number + 1}")
            cable = f"dd{os.getpid() % 100_000}{number}"
            last.callback(_remove, host, cable)
            _make(host, cable)
            made.append(host)
        yield made


@contextmanager
def running_hosts_or_homes(n: int) -> Iterator[Sequence[Host]]:
    """Make hosts where that is permitted, and say that they are this machine where it is not."""
    if can_make_hosts():
        with running_hosts(n) as made:
            yield made
    else:
        yield [Host("", LOOPBACK, LOOPBACK)] * n


def _make(host: Host, cable: str) -> None:
    """Make a namespace and its cable."""
    near, far = f"{cable}n", f"{cable}f"
    for line in (
        f"netns add {host.name}",
        f"link add {near} type veth peer name {far} netns {host.name}",
        f"address add {host.outside}/30 dev {near}",
        f"link set {near} up",
        f"-n {host.name} link set lo up",
        f"-n {host.name} address add {host.address}/30 dev {far}",
        f"-n {host.name} link set {far} up",
        f"-n {host.name} route add default via {host.outside}",
    ):
        subprocess.run(["ip", *line.split()], check=True, capture_output=True)


def _remove(host: Host, cable: str) -> None:
    """Remove a namespace with all that runs in it, and its cable, which by itself would go a moment later."""
    there = subprocess.run(["ip", "netns", "pids", host.name], capture_output=True, text=True, check=False)
    for pid in there.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), 9)
    for line in (f"link delete {cable}n", f"netns delete {host.name}"):
        subprocess.run(["ip", *line.split()], check=False, capture_output=True)
    shutil.rmtree(Path("/etc/netns") / host.name, ignore_errors=True)
