"""The embedded twins of what is not given: which are needed, how they are reached, what they tell the settings."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cli import ports
from settings import Settings

_SIMULATOR_KEY = "simulator"
_COMMENT = "# Written by recite up at each start: how the embedded services are reached."


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisTwin:
    """An embedded Redis on loopback."""

    port: int
    password: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketTwin:
    """An embedded S3 server on loopback."""

    port: int
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Twins:
    """The twins of this start; None where the real thing is given. `simulator` is its port."""

    redis: RedisTwin | None
    bucket: BucketTwin | None
    simulator: int | None

    @classmethod
    def needed(cls, settings: Settings, *, before: Mapping[str, str]) -> Twins:
        """Twins for what the settings don't name; ports and secrets stay as they were `before` where they can."""
        return cls(
            redis=_redis(before) if settings.redis.url is None else None,
            bucket=_bucket(before) if settings.bucket.endpoint_url is None else None,
            simulator=settings.simulator.port if settings.xai.api_key is None else None,
        )

    def variables(self) -> dict[str, str]:
        """What the twins tell the settings; nothing of what is given."""
        told: dict[str, str] = {}
        if self.redis:
            told["REDIS_URL"] = f"redis://:{self.redis.password}@127.0.0.1:{self.redis.port}/0"
        if self.bucket:
            told["S3_ENDPOINT_URL"] = f"http://127.0.0.1:{self.bucket.port}"
            told["AWS_ACCESS_KEY_ID"] = self.bucket.access_key_id
            told["AWS_SECRET_ACCESS_KEY"] = self.bucket.secret_access_key
        if self.simulator:
            told["XAI_API_KEY"] = _SIMULATOR_KEY
            told["API_URL"] = f"ws://127.0.0.1:{self.simulator}/v1/realtime"
            told["XAI_REST_URL"] = f"http://127.0.0.1:{self.simulator}/v1"
        return told


def write_variables(variables: Mapping[str, str], *, comment: str = _COMMENT) -> str:
    """An env file that `read_variables` and the settings read."""
    lines = [comment]
    for name, value in variables.items():
        quoted = value.replace("\\", "\\\\").replace("'", "\\'")
        lines.append(f"{name}='{quoted}'")
    return "\n".join(lines) + "\n"


def read_variables(path: Path) -> dict[str, str]:
    """The variables of the start before this one; none when there was none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    found = re.findall(r"^(\w+)='(.*)'$", text, flags=re.MULTILINE)
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in found}


def _redis(before: Mapping[str, str]) -> RedisTwin:
    old = urlsplit(before.get("REDIS_URL", ""))
    return RedisTwin(port=ports.pick(_port(old.netloc)), password=old.password or secrets.token_hex(24))


def _bucket(before: Mapping[str, str]) -> BucketTwin:
    # Keys that are set are for another store: they are neither used nor written down here.
    key_id, secret = before.get("AWS_ACCESS_KEY_ID"), before.get("AWS_SECRET_ACCESS_KEY")
    return BucketTwin(
        port=ports.pick(_port(urlsplit(before.get("S3_ENDPOINT_URL", "")).netloc)),
        access_key_id=key_id or f"recite{secrets.token_hex(7)}",
        secret_access_key=secret or secrets.token_hex(24),
    )


def _port(netloc: str) -> int | None:
    port = netloc.rpartition(":")[2]
    return int(port) if port.isdecimal() else None
