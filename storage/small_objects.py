"""Small objects in a bucket that are written once: whole bodies, and lists of keys."""

from __future__ import annotations

from collections.abc import Iterable

from storage.bucket import UPLOAD_SECONDS, Bucket


class SmallObjects:
    """Raises Unavailable when the bucket does not answer."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def put(self, key: str, body: bytes) -> None:
        """Puts an object whole. One that is there must not get another body: some servers tear overwrites."""
        await self._bucket.call(
            lambda: self._bucket.patient.put_object(
                Bucket=self._bucket.name, Key=key, Body=body, CacheControl="no-store"
            ),
            seconds=UPLOAD_SECONDS,
        )

    async def get(self, key: str) -> bytes:
        """An object's body; raises UnknownJob when it is gone."""
        return await self._bucket.call(
            lambda: self._bucket.quick.get_object(Bucket=self._bucket.name, Key=key)["Body"].read()
        )

    async def remove(self, keys: Iterable[str]) -> None:
        """Removes objects, those that are gone included."""

        def removed() -> None:
            for key in keys:
                self._bucket.quick.delete_object(Bucket=self._bucket.name, Key=key)

        await self._bucket.call(removed)

    async def keys(self, prefix: str) -> list[str]:
        """All keys that start like this, sorted."""

        def pages() -> list[str]:
            found = self._bucket.quick.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket.name, Prefix=prefix
            )
            return sorted(entry["Key"] for page in found for entry in page.get("Contents", ()))

        return await self._bucket.call(pages)

    async def some_keys(self, prefix: str, *, after: str, most: int) -> list[str]:
        """The first keys that start like this and come after one, sorted."""

        def page() -> list[str]:
            found = self._bucket.quick.list_objects_v2(
                Bucket=self._bucket.name, Prefix=prefix, StartAfter=after, MaxKeys=most
            )
            return sorted(entry["Key"] for entry in found.get("Contents", ()))

        return await self._bucket.call(page)
