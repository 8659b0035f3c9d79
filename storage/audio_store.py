"""The audio store in an S3 bucket: objects under their content's hash, and the cards that make them count."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError
from botocore.response import StreamingBody

from speech.card import Card
from speech.errors import Unavailable, UnknownJob
from speech.ports import Area
from speech.recipe import is_job_name, is_private
from storage.bucket import UPLOAD_SECONDS, Bucket, error_code, missing_bucket
from storage.content_disposition import attachment, without_controls
from storage.keys import CACHE_CONTROL, CARDS, PRIVATE, card_key, name_of_card, object_key, use_key

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CreateBucketRequestTypeDef, GetObjectRequestTypeDef

log = logging.getLogger(__name__)

PIECE_BYTES = 1024 * 1024
_READ_SECONDS = 30.0
# So few bytes come with the head: they are worth no thread of their own.
_FEW_BYTES = 64 * 1024
# Parts one after the other: little memory, and rclone wants them in order.
_TRANSFER = TransferConfig(multipart_threshold=8 * PIECE_BYTES, multipart_chunksize=8 * PIECE_BYTES, use_threads=False)
# A server that tears overwrites shows half a card for a moment, or fails to show it.
_TORN_DELAYS = (0.01, 0.03, 0.1, 0.3)
_TORN_CODES = frozenset({"InternalError", "500"})
_TAKEN = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists", "OperationAborted"})
_NO_SUCH_REGION = frozenset({"InvalidLocationConstraint", "IllegalLocationConstraintException", "InvalidRegion"})


class S3AudioStore:
    """Implements speech.ports.AudioStore on any S3-compatible server. Nothing connects before the first call.

    `public_url` is the server's address as browsers see it. A missing object raises UnknownJob; a bucket that is
    dead, hangs or refuses us raises Unavailable within two seconds.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint_url: str | None = None,
        public_url: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        region: str = "us-east-1",
        threads: int = 16,
    ) -> None:
        self._bucket = Bucket(
            bucket,
            endpoint_url=endpoint_url,
            public_url=public_url,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            session_token=session_token,
            region=region,
            threads=threads,
        )

    async def ensure(self) -> None:
        """Makes the bucket when it is missing; several may try at once."""
        if not await self._bucket.call(self._bucket_exists):
            await self._bucket.call(self._make_bucket)
            await self.check()

    async def check(self) -> None:
        """Returns when the bucket answers; raises Unavailable otherwise, also when it is missing."""
        if not await self._bucket.call(self._bucket_exists):
            raise missing_bucket()

    async def card(self, name: str) -> Card | None:
        """The card of a name, or None when there is none or it is no card; an outage raises Unavailable."""
        for delay in (*_TORN_DELAYS, None):
            try:
                return await self._bucket.call(lambda: self._card(name))
            except UnknownJob:
                return None
            except ValueError as error:
                if delay is not None:
                    await asyncio.sleep(delay)
                elif error.__cause__ is not None:
                    raise Unavailable("bucket") from error
        log.warning("%s: its card can't be read, as if there was none", name)
        return None

    async def put(self, area: Area, name: str, body: Path, *, sha256: str, extension: str, content_type: str) -> str:
        """Puts a finished file whole, unless it is there, and returns its key."""
        key = object_key(area, name, sha256=sha256, extension=extension)
        # Overwriting would tear it for whoever reads it.
        if not await self._bucket.call(lambda: self._is_kept(key, body)):
            headers = {
                "ContentType": content_type,
                "CacheControl": PRIVATE if is_private(name) else CACHE_CONTROL[area],
            }
            await self._bucket.call(lambda: self._upload(key, body, headers), seconds=None)
        return key

    async def put_card(self, card: Card) -> None:
        """Puts the card, which makes its object count; always the last step."""
        await self._bucket.call(
            lambda: self._bucket.quick.put_object(
                Bucket=self._bucket.name,
                Key=card_key(card.name),
                Body=card.to_json(),
                ContentType="application/json",
                CacheControl="no-cache",
            )
        )

    async def use(self, utterance: str, *, job: str) -> None:
        """Marks that a job uses a master: before it looks whether there is one, or before it puts one."""
        key = use_key(utterance, job=job)
        await self._bucket.call(lambda: self._bucket.quick.put_object(Bucket=self._bucket.name, Key=key, Body=b""))

    async def names(self) -> AsyncIterator[list[str]]:
        """The names of all jobs that have a card, page by page, each listed when it is wanted."""
        lister = self._bucket.patient.get_paginator("list_objects_v2")
        pages = iter(lister.paginate(Bucket=self._bucket.name, Prefix=CARDS))
        # A server that keeps files in a folder reads all of it for each page.
        while page := await self._bucket.call(lambda: next(pages, None), seconds=UPLOAD_SECONDS):
            yield [name for entry in page.get("Contents", ()) if is_job_name(name := name_of_card(entry["Key"]))]

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """The object's bytes from `start` up to but not including `end`; fewer, or none, where it has no more."""
        return (await self._read(key, start, end))[0]

    async def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The same bytes in pieces of a megabyte, each asked for when it is wanted: no connection waits meanwhile."""
        while end is None or start < end:
            piece, size = await self._read(key, start, min(start + PIECE_BYTES, end or start + PIECE_BYTES))
            if not piece:
                return
            yield piece
            start, end = start + len(piece), min(size, end or size)

    async def presigned_url(self, key: str, *, seconds: int, content_type: str, file_name: str | None = None) -> str:
        """A URL by which a browser gets the object itself; `file_name` makes it a download."""
        parameters = {"Bucket": self._bucket.name, "Key": key, "ResponseContentType": without_controls(content_type)}
        if file_name is not None:
            parameters["ResponseContentDisposition"] = attachment(file_name)
        return await self._bucket.call(
            lambda: self._bucket.signer.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
        )

    async def close(self) -> None:
        """Ends the threads and the connections."""
        await self._bucket.close()

    async def _read(self, key: str, start: int, end: int | None) -> tuple[bytes, int]:
        """The bytes and the whole object's size."""
        if end is not None and end <= start:
            return b"", end
        # The head comes in time or the bucket is away; the bytes may be many, and only their silence is an outage.
        body, size = await self._bucket.call(lambda: self._open(key, start, end))
        if isinstance(body, bytes):
            return body, size
        content = await self._bucket.call(body.read, seconds=_READ_SECONDS)
        return content, size

    def _open(self, key: str, start: int = 0, end: int | None = None) -> tuple[StreamingBody | bytes, int]:
        """The bytes where they are few, and come with the head; else where to read them. And the object's size."""
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket.name, "Key": key}
        if start or end is not None:
            request["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        try:
            answer = self._bucket.quick.get_object(**request)
        except ClientError as error:
            if error_code(error) in ("InvalidRange", "416"):
                return b"", start
            raise
        length, total = answer["ContentLength"], answer.get("ContentRange", "").rpartition("/")[2]
        size = int(total) if total.isdecimal() else start + length
        body = answer["Body"]
        return body.read() if length <= _FEW_BYTES else body, size

    def _card(self, name: str) -> Card:
        try:
            body, _ = self._open(card_key(name))
            document = body if isinstance(body, bytes) else body.read()
        except (ClientError, IncompleteReadError, ResponseStreamingError) as error:
            if isinstance(error, ClientError) and error_code(error) not in _TORN_CODES:
                raise
            raise ValueError("torn while it was read") from error
        return Card.from_json(document)

    def _is_kept(self, key: str, body: Path) -> bool:
        try:
            head = self._bucket.quick.head_object(Bucket=self._bucket.name, Key=key)
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchKey", "NotFound"):
                return False
            raise
        return head["ContentLength"] == body.stat().st_size

    def _upload(self, key: str, body: Path, headers: dict[str, Any]) -> None:
        if body.stat().st_size <= PIECE_BYTES:
            # For a file boto3 would ask first whether the server wants it, and wait for the answer.
            self._bucket.patient.put_object(Bucket=self._bucket.name, Key=key, Body=body.read_bytes(), **headers)
            return
        self._bucket.patient.upload_file(str(body), self._bucket.name, key, ExtraArgs=headers, Config=_TRANSFER)

    def _bucket_exists(self) -> bool:
        try:
            self._bucket.quick.head_bucket(Bucket=self._bucket.name)
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchBucket", "NotFound"):
                return False
            raise
        return True

    def _make_bucket(self) -> None:
        bare: CreateBucketRequestTypeDef = {"Bucket": self._bucket.name}
        # AWS refuses its first region by name and wants every other one; other servers may know no regions.
        constraint: Any = {"LocationConstraint": self._bucket.region}
        requests = [bare]
        if self._bucket.region != "us-east-1":
            requests.insert(0, {**bare, "CreateBucketConfiguration": constraint})
        for request in requests:
            try:
                self._bucket.quick.create_bucket(**request)
                return
            except ClientError as error:
                if error_code(error) in _TAKEN:
                    return
                if request is bare or error_code(error) not in _NO_SUCH_REGION:
                    raise
