"""`recite up`: checks that everything can start, writes down how, and becomes the supervisor of it all."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import typer

from cli import leftovers, preflight, programs, secret
from cli.api_url import API_ADDRESS, RELAY_ADDRESS, api_url, relay_url
from cli.data_dir import DataDir
from cli.failure import Failure
from cli.twins import Twins, read_variables, write_variables
from settings import EMBEDDED_FILE, load_settings


def up() -> NoReturn:
    """Replaces this process by the supervisor; raises Failure with a sentence per obstacle."""
    settings = load_settings(with_embedded=False)
    home = DataDir.open(settings.server.data_dir)
    home.lock()
    ended = leftovers.end(home.child("run"))
    if ended:
        typer.echo(f"Ended {ended} of the programs that an interrupted start had left running", err=True)
    twins = Twins.needed(settings, before=read_variables(home.child(EMBEDDED_FILE)))
    obstacles = preflight.obstacles(settings, twins)
    if obstacles:
        raise Failure("\n".join(obstacles))
    secret.keep(home, settings, twins)
    addresses = {API_ADDRESS: api_url(settings), RELAY_ADDRESS: relay_url(settings)}
    _become_supervisor(home, twins, grace_seconds=settings.xai.shutdown_grace.total_seconds(), addresses=addresses)


def _become_supervisor(home: DataDir, twins: Twins, *, grace_seconds: float, addresses: Mapping[str, str]) -> NoReturn:
    started = programs.programs(twins, home=home, grace_seconds=grace_seconds)
    home.write(EMBEDDED_FILE, write_variables({**twins.variables(), **addresses}))
    if twins.redis:
        home.write("redis.conf", programs.redis_conf(twins.redis, home=home))
    configuration = home.write("supervisord.conf", programs.supervisor_conf(started, home=home, directory=Path.cwd()))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    if twins.bucket:
        environment |= programs.bucket_environment(twins.bucket)
    command = [sys.executable, "-m", "cli.supervise", str(configuration), str(home.child("run"))]
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)
