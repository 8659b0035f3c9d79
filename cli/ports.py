"""TCP ports of this machine: whether one is free, who has it, and which one to take."""

from __future__ import annotations

import errno
import os
import random
import socket
from contextlib import closing
from pathlib import Path

# Below the range that systems hand out for outgoing connections, so that none of those takes a port back.
_EMBEDDED_PORTS = range(20_000, 30_000)


def problem(port: int, *, host: str, variable: str) -> str | None:
    """Why a server can't listen there and what to do, in one sentence; None when it can."""
    try:
        _bind(port, host)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            taken = f"port {port} ({variable}) is in use by {_owner(port) or 'another program'}"
            return f"{taken}: stop that, or set {variable} to another port"
        if error.errno == errno.EACCES:
            return f"port {port} ({variable}) needs more rights than this user has: set {variable} to 1024 or more"
        return f"HOST {host} can't be listened on ({error.strerror or error}): set HOST to an address of this machine"
    return None


def pick(preferred: int | None) -> int:
    """A free loopback port: the preferred one if it is free."""
    candidates = random.sample(_EMBEDDED_PORTS, 50)
    for port in ([preferred] if preferred else []) + candidates:
        if problem(port, host="127.0.0.1", variable="") is None:
            return port
    raise OSError(errno.EADDRINUSE, "no free port")


def _bind(port: int, host: str) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with closing(socket.socket(family, kind, protocol)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)


def _owner(port: int) -> str | None:
    """The listening program and its process id, where /proc tells it."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        try:
            if any(os.readlink(link) in inodes for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue
    return None


def _listening(port: int) -> set[str]:
    """The inodes of the sockets that listen on a port."""
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes
