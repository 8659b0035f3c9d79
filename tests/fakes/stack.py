"""The whole system as processes of its own: real Redis, real S3, the simulator, the api and Celery workers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx

from tests.fakes.frail_proxy import FrailProxy
from tests.fakes.programs import AT_ONCE, SECRET, Program, Programs
from tests.fakes.services import LOOPBACK, RedisServer, S3Server, free_port, rclone_server, redis_server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass
class Stack(Programs):
    """A running system and handles on its parts."""

    redis: RedisServer
    s3: S3Server
    api_port: int

    @property
    def api(self) -> str:
        """The api's address."""
        return f"http://{LOOPBACK}:{self.api_port}"

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A client of the api; `base_url` names another process of it."""
        return httpx.AsyncClient(**{"base_url": self.api, "timeout": 40, **options})

    def utterances(self) -> int:
        """How many utterances the simulator was asked for."""
        spoken: int = self.control("GET", "stats")["utterances"]
        return spoken

    def keys(self, prefix: str = "") -> list[str]:
        """The keys in the bucket that start like this."""
        pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def card(self, name: str) -> dict[str, Any]:
        """What the bucket's card says."""
        body = self._s3().get_object(Bucket=self._bucket, Key=f"cards/{name}.json")["Body"]
        document: dict[str, Any] = json.loads(body.read())
        return document

    def body(self, key: str) -> bytes:
        """What lies under a key."""
        return self._s3().get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def remove(self, key: str) -> None:
        """Takes an object out of the bucket, as its own rules or somebody else would."""
        self._s3().delete_object(Bucket=self._bucket, Key=key)

    @property
    def _bucket(self) -> str:
        return self.settings["S3_BUCKET"]

    def _s3(self) -> S3Client:
        return boto3.client(
            "s3",
            endpoint_url=self.s3.endpoint_url,
            aws_access_key_id=self.s3.access_key_id,
            aws_secret_access_key=self.s3.secret_access_key,
            region_name=self.s3.region,
        )

    def start_worker(self, name: str, *lanes: str, **environment: str) -> Program:
        """Starts a worker for these lanes."""
        flags = ["-P", "threads", "-c", "32", "-n", f"{name}@testing", "-Q", ",".join(lanes)]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        return self.start(name, "celery", "-A", "celery_config", "worker", *flags, *quiet, **environment)

    def start_api(self, name: str, **environment: str) -> str:
        """Starts one more api process and waits until it answers; its address."""
        port = free_port()
        self.start(name, "api", API_PORT=str(port), **environment)
        url = f"http://{LOOPBACK}:{port}"
        self.wait(lambda: httpx.get(f"{url}/health").status_code == 200)
        return url

    def ready(self) -> dict[str, Any]:
        """What `/ready` says; to whoever has the first of the keys, where there are some."""
        key = self.settings.get("RECITE_API_KEYS", "").partition(",")[0]
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        document: dict[str, Any] = httpx.get(f"{self.api}/ready", headers=headers).json()
        return document

    def wait_until_ready(self) -> None:
        """Waits until every piece is there."""
        self.wait(lambda: self.ready()["status"] == "ready")


@contextmanager
def stack(*, before_bucket: FrailProxy | None = None, **settings: str) -> Iterator[Stack]:
    """The system with one worker for all lanes, without delays unless the settings say otherwise."""
    with ExitStack() as exits:
        redis, s3 = exits.enter_context(redis_server()), exits.enter_context(rclone_server())
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="recite-testing-")))
        api_port, simulator_port = free_port(), free_port()
        if before_bucket:
            before_bucket.target = s3.port
        system = Stack(
            folder=folder,
            redis=redis,
            s3=s3,
            api_port=api_port,
            simulator_port=simulator_port,
            settings={
                **AT_ONCE,
                "RECITE_SECRET": SECRET,
                "API_PORT": str(api_port),
                "SIMULATOR_PORT": str(simulator_port),
                "REDIS_URL": redis.url,
                "S3_ENDPOINT_URL": before_bucket.url if before_bucket else s3.endpoint_url,
                "S3_BUCKET": "testing-recite",
                "AWS_ACCESS_KEY_ID": s3.access_key_id,
                "AWS_SECRET_ACCESS_KEY": s3.secret_access_key,
                "API_URL": f"ws://{LOOPBACK}:{simulator_port}/v1/realtime",
                "XAI_REST_URL": f"http://{LOOPBACK}:{simulator_port}/v1",
                "XAI_API_KEY": "testing-key-that-must-not-show",
                **settings,
            },
        )
        exits.callback(system.end)
        system.start("api", "api")
        system.start_worker("worker", "interactive", "bulk", "outbox")
        system.start_simulator()
        system.wait_until_ready()
        yield system
