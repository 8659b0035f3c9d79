"""A listener that costs little, so that a thousand of them fit beside what is measured."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools
import orjson

from bench.load import post

_PIECE = 64 * 1024
# The head of a live WAV names no length, that of a finished one does.
WAV_HEAD = 44


@dataclass
class _Answer:
    """One HTTP answer as it comes in; only the first bytes of a body and its hash are held."""

    start: bytes = b""
    size: int = 0
    is_complete: bool = False
    digest: object = field(default_factory=hashlib.sha256)

    def on_body(self, body: bytes) -> None:
        head, sound = body[: max(0, WAV_HEAD - self.size)], body[max(0, WAV_HEAD - self.size) :]
        self.start = (self.start + head + sound)[:4096]
        self.size += len(body)
        self.digest.update(sound)  # type: ignore[attr-defined]

    def on_message_complete(self) -> None:
        self.is_complete = True


class Listener:
    """One connection to an api process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, api: str) -> Listener:
        """Opens the connection."""
        address = urlsplit(api)
        return cls(*await asyncio.open_connection(address.hostname, address.port))

    async def order(self, text: str) -> str:
        """Posts a job for WAV; its name."""
        answer = await self._call(post("/v1/jobs", orjson.dumps({"text": text, "format": "wav"}), host="127.0.0.1"))
        name: str = orjson.loads(answer.start)["id"]
        return name

    async def listen(self, name: str) -> tuple[str, int]:
        """Hears the job to its end; the hash of its samples, and how many bytes came."""
        answer = await self._call(f"GET /v1/audio/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        return answer.digest.hexdigest(), answer.size  # type: ignore[attr-defined]

    def close(self) -> None:
        """Hangs up."""
        self._writer.close()

    async def _call(self, request: bytes) -> _Answer:
        self._writer.write(request)
        answer = _Answer()
        parser = httptools.HttpResponseParser(answer)
        while not answer.is_complete:
            data = await self._reader.read(_PIECE)
            if not data:
                raise SystemExit("the connection ended before the answer did")
            parser.feed_data(data)
        if parser.get_status_code() not in (200, 202):
            raise SystemExit(f"an answer had status {parser.get_status_code()}: {answer.start.decode()}")
        return answer
