"""Recordings of live sessions in an S3 bucket: pieces while they last, one WAV and its document afterwards."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from speech.errors import Unavailable
from storage.bucket import Bucket, error_code
from storage.keys import piece_prefix, recording_key

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_WAV, _DOCUMENT = "wav", "json"
# Parts one after the other: little memory, and rclone wants them in order.
_PART_BYTES = 8 * 1024 * 1024
_TRANSFER = TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, use_threads=False)
_CACHE_CONTROL = "private, max-age=31536000, immutable"
_MOST_REMOVED_AT_ONCE = 1000


class S3Recordings:
    """Implements speech.recording_ports.Recordings on any S3 server; `bucket` is its own, and closed with it."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._is_closed = False

    async def put_piece(self, session_id: str, name: str, body: bytes) -> None:
        """Puts a piece whole."""
        await self._put(piece_prefix(session_id) + name, body, "audio/wav")

    async def unfinished(self) -> list[str]:
        """The sessions of which there are pieces."""
        return await self._bucket.call(self._sessions, seconds=None)

    async def pieces(self, session_id: str) -> dict[str, float]:
        """A session's pieces and how many seconds ago each was put, by the server's own clock."""
        return await self._bucket.call(lambda: self._pieces(piece_prefix(session_id)), seconds=None)

    async def is_finished(self, session_id: str) -> bool:
        """Whether the whole recording is there."""
        key = recording_key(session_id, extension=_DOCUMENT)
        return await self._bucket.call(lambda: self._size(key) is not None)

    async def put_wav(
        self, session_id: str, *, names: Sequence[str], weave: Callable[[Iterator[bytes]], Iterator[bytes]], size: int
    ) -> None:
        """Puts the WAV of `size` bytes that is woven of the pieces' bodies, which are read one after the other."""
        prefix, key = piece_prefix(session_id), recording_key(session_id, extension=_WAV)

        def put() -> None:
            chunks = weave(self._body(prefix + name) for name in names)
            if self._size(key) == size:
                # Overwriting would tear it for whoever reads it; the document still needs what weaving finds.
                for _ in chunks:
                    pass
                return
            headers = {"ContentType": "audio/wav", "CacheControl": _CACHE_CONTROL}
            stream = io.BufferedReader(_Chunks(chunks), buffer_size=io.DEFAULT_BUFFER_SIZE)
            self._bucket.patient.upload_fileobj(stream, self._bucket.name, key, ExtraArgs=headers, Config=_TRANSFER)

        await self._bucket.call(put, seconds=None)

    async def put_document(self, session_id: str, document: bytes) -> None:
        """Puts the document, which makes the recording finished; always the last step."""
        await self._put(recording_key(session_id, extension=_DOCUMENT), document, "application/json")

    async def remove_pieces(self, session_id: str, names: Sequence[str]) -> None:
        """Removes pieces; some may be gone already."""
        keys = [piece_prefix(session_id) + name for name in names]
        for start in range(0, len(keys), _MOST_REMOVED_AT_ONCE):
            some = keys[start : start + _MOST_REMOVED_AT_ONCE]
            await self._bucket.call(lambda some=some: self._remove(some), seconds=None)  # type: ignore[misc]

    async def close(self) -> None:
        """Ends the threads and the connections; a WAV that is being put is given up."""
        self._is_closed = True
        await self._bucket.close()

    async def _put(self, key: str, body: bytes, content_type: str) -> None:
        await self._bucket.call(
            lambda: self._bucket.patient.put_object(
                Bucket=self._bucket.name, Key=key, Body=body, ContentType=content_type, CacheControl=_CACHE_CONTROL
            ),
            seconds=None,
        )

    def _sessions(self) -> list[str]:
        prefix = piece_prefix()
        pages = self._bucket.quick.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket.name, Prefix=prefix, Delimiter="/"
        )
        folders = [folder.get("Prefix", "") for page in pages for folder in page.get("CommonPrefixes", ())]
        return [folder.removeprefix(prefix).rstrip("/") for folder in folders]

    def _pieces(self, prefix: str) -> dict[str, float]:
        found = {}
        for page in self._bucket.quick.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket.name, Prefix=prefix
        ):
            now = parsedate_to_datetime(_headers(page)["date"])
            for entry in page.get("Contents", ()):
                found[entry["Key"].removeprefix(prefix)] = (now - entry["LastModified"]).total_seconds()
        return found

    def _size(self, key: str) -> int | None:
        try:
            return self._bucket.quick.head_object(Bucket=self._bucket.name, Key=key)["ContentLength"]
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchKey", "NotFound"):
                return None
            raise

    def _body(self, key: str) -> bytes:
        if self._is_closed:
            raise Unavailable("bucket")
        return self._bucket.patient.get_object(Bucket=self._bucket.name, Key=key)["Body"].read()

    def _remove(self, keys: Sequence[str]) -> None:
        answer = self._bucket.patient.delete_objects(
            Bucket=self._bucket.name, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        if any(error.get("Code") != "NoSuchKey" for error in answer.get("Errors", ())):
            raise Unavailable("bucket")


class _Chunks(io.RawIOBase):
    """Chunks of bytes as a file that is read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        size = min(len(target), len(self._left))
        target[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _headers(answer: object) -> Mapping[str, str]:
    metadata = cast("Mapping[str, Mapping[str, Mapping[str, str]]]", answer)["ResponseMetadata"]
    return metadata["HTTPHeaders"]
