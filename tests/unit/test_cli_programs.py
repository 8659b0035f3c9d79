"""What the supervisor and Redis are told, as they themselves read it."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions  # type: ignore[import-untyped]

from cli.data_dir import DataDir
from cli.failure import Failure
from cli.programs import Program, bucket_environment, programs, redis_conf, supervisor_conf
from cli.twins import BucketTwin, RedisTwin, Twins

pytestmark = pytest.mark.unit

TWINS = Twins(
    redis=RedisTwin(port=20_001, password="redis-secret"),
    bucket=BucketTwin(port=20_002, access_key_id="key-id", secret_access_key="s3-secret"),
    simulator=8090,
)
WORKERS = ("worker-interactive", "worker-bulk", "worker-outbox")
NO_TWINS = Twins(redis=None, bucket=None, simulator=None)


@pytest.fixture
def home(tmp_path: Path) -> DataDir:
    return DataDir.open(tmp_path / "an odd 'place")


def understood(home: DataDir, started: list[Program], directory: Path) -> dict[str, Any]:
    """The programs as supervisord reads its configuration."""
    file = home.write("supervisord.conf", supervisor_conf(started, home=home, directory=directory))
    options = ServerOptions()
    options.realize(["--configuration", str(file)], doc="")
    groups = options.process_group_configs
    return {config.name: (group, config) for group in groups for config in group.process_configs}


def test_everything_is_started_when_nothing_is_given(home: DataDir, tmp_path: Path) -> None:
    found = understood(home, programs(TWINS, home=home, grace_seconds=30), tmp_path)

    assert set(found) == {"redis", "s3", "simulator", *WORKERS, "relay", "api", "announce"}


def test_only_our_own_is_started_when_all_is_given(home: DataDir) -> None:
    started = programs(NO_TWINS, home=home, grace_seconds=30)

    assert [program.name for program in started] == [*WORKERS, "relay", "api", "announce"]


def test_odd_paths_and_percents_arrive(home: DataDir, tmp_path: Path) -> None:
    found = understood(home, programs(TWINS, home=home, grace_seconds=30), tmp_path)

    assert shlex.split(found["redis"][1].command)[1] == str(home.child("redis.conf"))
    assert shlex.split(found["s3"][1].command)[-1] == str(home.child("s3"))
    assert found["api"][1].stdout_logfile == str(home.log("api"))
    assert "interactive@%h" in shlex.split(found["worker-interactive"][1].command)


def test_workers_stop_before_what_they_need(home: DataDir, tmp_path: Path) -> None:
    found = understood(home, programs(TWINS, home=home, grace_seconds=30), tmp_path)

    order = sorted(found, key=lambda name: (found[name][0].priority, name))

    assert order == ["redis", "s3", "simulator", "relay", *sorted(WORKERS), "api", "announce"]
    assert {found[name][0].name for name in (*WORKERS, "relay")} == {"slow"}


def test_a_worker_may_finish_its_render_and_what_dies_comes_back(home: DataDir, tmp_path: Path) -> None:
    found = understood(home, programs(TWINS, home=home, grace_seconds=90), tmp_path)

    assert all(found[name][1].stopwaitsecs > 90 for name in ("worker-bulk", "relay"))
    assert all(config.killasgroup for _, config in found.values())
    assert {config.autorestart.__name__ for _, config in found.values()} == {"RestartUnconditionally"}


def test_the_simulator_stays_on_loopback(home: DataDir, tmp_path: Path) -> None:
    found = understood(home, programs(TWINS, home=home, grace_seconds=30), tmp_path)

    assert found["simulator"][1].environment["HOST"] == "127.0.0.1"


def test_no_secret_is_in_the_configuration_or_on_a_command_line(home: DataDir, tmp_path: Path) -> None:
    text = supervisor_conf(programs(TWINS, home=home, grace_seconds=30), home=home, directory=tmp_path)

    assert "redis-secret" not in text
    assert "s3-secret" not in text


@pytest.mark.parametrize("path", ["/srv/number #1", "/srv/a ;b", "/srv/100%"])
def test_a_path_that_supervisord_would_cut_is_refused(home: DataDir, path: str) -> None:
    with pytest.raises(Failure, match="can't be used"):
        supervisor_conf([], home=home, directory=Path(path))


def test_rclone_reads_both_halves_of_the_key() -> None:
    twin = BucketTwin(port=1, access_key_id="id", secret_access_key='s"e"cret')

    environment = bucket_environment(twin)

    assert next(csv.reader([environment["RCLONE_AUTH_KEY"]])) == ['id,s"e"cret']
    assert environment["RCLONE_CONFIG"] == "/dev/null"


def test_redis_is_private_and_keeps_every_write(home: DataDir) -> None:
    lines = redis_conf(RedisTwin(port=20_001, password="pass"), home=home).splitlines()

    assert {"bind 127.0.0.1", "port 20001", "requirepass pass", "appendonly yes"} <= set(lines)
    assert f'dir "{home.child("redis")}"' in lines
