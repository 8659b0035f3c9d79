"""What `recite batch` asks the api for; a service that is away for a while is waited for."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

from cli.api_client import ApiClient
from cli.failure import Failure, Unreachable

Result = TypeVar("Result")

_KINDS = {
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".csv": "text/csv",
    ".json": "application/json",
}
# Between two looks; the answer comes at once when there is something new.
_WAIT = 2
# A service that is started again is back within a minute or two.
_TRIES, _PAUSE = 40, 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A file of lines, and what counts for all of them; None: as the service says."""

    file: Path
    voice: str | None = None
    format: str | None = None
    client_id: str | None = None
    skip_invalid: bool = False

    def check(self) -> None:
        """Raises Failure for a file that can't be sent."""
        if self.file.suffix.lower() not in _KINDS:
            raise Failure(f"{self.file}: call it .jsonl, .csv or .json, as what it holds")
        if not self.file.is_file():
            raise Failure(f"{self.file} is no file that can be read: name one with a line for each text")

    def name(self) -> str:
        """Equal for equal orders of equal files."""
        with self.file.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        digest.update(json.dumps(sorted(self.params().items())).encode())
        return digest.hexdigest()

    def params(self) -> dict[str, str]:
        """The query; only what was asked for."""
        asked = {"voice": self.voice, "format": self.format, "client_id": self.client_id}
        asked["skip_invalid"] = "true" if self.skip_invalid else None
        return {name: value for name, value in asked.items() if value is not None}


class BatchCalls:
    """The calls for one batch after the other."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def estimate(self, order: Order) -> dict[str, Any]:
        """What it would take."""
        return self._post(order, {"dry_run": "true"}, headers={})

    def post(self, order: Order) -> dict[str, Any]:
        """The batch; the one that is there when the same order was posted within a day."""
        return self._post(order, {}, headers={"Idempotency-Key": order.name()})

    def find(self, id: str) -> dict[str, Any] | None:
        """The batch, or None when the service doesn't know it."""
        status, document = self._api.get(f"/v1/batches/{id}")
        if status == 404:
            return None
        if status != 200:
            raise Failure(document.get("detail") or document.get("title") or f"HTTP {status}")
        return document

    def batch(self, id: str) -> dict[str, Any]:
        """How it stands."""
        return patiently(lambda: self._api.document("GET", f"/v1/batches/{id}"))

    def act(self, id: str, verb: str) -> dict[str, Any]:
        """`cancel` or `retry`; the batch as it stands then."""
        return self._api.document("POST", f"/v1/batches/{id}/{verb}")

    def results(self, id: str, *, after: int) -> Iterator[dict[str, Any]]:
        """The results after so many; waits a moment when there are none."""
        params = {"after": after, "wait": _WAIT}
        # Held whole: whoever works on them may take longer than the service keeps the connection.
        yield from patiently(lambda: list(self._api.lines(f"/v1/batches/{id}/results", params=params)))

    def download(self, result: dict[str, Any], file: IO[bytes]) -> None:
        """Writes a line's audio."""
        signature = urlsplit(result["audio_url"]).query

        def fetch() -> None:
            file.seek(0)
            file.truncate()
            self._api.download(f"{result['id']}?{signature}" if signature else result["id"], file)

        patiently(fetch)

    def _post(self, order: Order, more: dict[str, str], *, headers: dict[str, str]) -> dict[str, Any]:
        kind = _KINDS[order.file.suffix.lower()]
        with order.file.open("rb") as file:
            return self._api.document(
                *("POST", "/v1/batches"),
                params={**order.params(), **more},
                content=file,
                headers={**headers, "Content-Type": kind},
            )


def patiently(call: Callable[[], Result], *, pause: Callable[[float], None] = time.sleep) -> Result:
    """The call's result; one that meets nobody is tried for two minutes."""
    for _ in range(_TRIES):
        try:
            return call()
        except Unreachable:
            pause(_PAUSE)
    return call()
