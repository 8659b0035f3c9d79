"""`recite bucket setup`: makes the bucket, and has it expire audio by itself where its server can."""

from __future__ import annotations

import asyncio

import typer

from cli.failure import Failure
from cli.output import print_json
from settings import Settings, load_settings
from speech.ages import FORM, parse_age
from speech.errors import NoSuchRules, Unavailable
from storage.audio_store import S3AudioStore
from storage.bucket import Bucket
from storage.bucket_rules import S3BucketRules

NEVER = "never"
_DAY = 86_400


def setup(*, expire_after: str | None = None, as_json: bool = False) -> None:
    """Does what the settings and the option ask for, and says what the bucket does then."""
    days = None if expire_after in (None, NEVER) else _days(str(expire_after))
    settings = load_settings()
    if settings.bucket.endpoint_url is None and settings.bucket.access_key_id is None:
        raise Failure(
            "no bucket is named: set S3_ENDPOINT_URL or AWS_ACCESS_KEY_ID, or start everything with ./start.sh"
        )
    try:
        expiry = asyncio.run(_set_up(settings, days=days, changes=expire_after is not None))
    except Unavailable as error:
        raise Failure(error.detail) from None
    name, pages = settings.bucket.bucket, settings.bucket.delivery == "redirect"
    if as_json:
        print_json({"bucket": name, "expire_after_days": expiry, "open_to_pages": pages})
        return
    expires = "nothing expires" if expiry is None else f"audio expires {expiry} days after it was made"
    typer.echo(f"bucket {name}: {expires}{'; pages may read by signed addresses' if pages else ''}")


async def _set_up(settings: Settings, *, days: int | None, changes: bool) -> int | None:
    options = settings.bucket.store_options()
    store = S3AudioStore(settings.bucket.bucket, **options)
    bucket = Bucket(settings.bucket.bucket, **options, threads=1)
    rules = S3BucketRules(bucket)
    try:
        await store.ensure()
        if changes:
            await _expire(rules, days)
        if settings.bucket.delivery == "redirect":
            await _open_to_pages(rules)
        return await rules.expiry()
    finally:
        await store.close()
        await bucket.close()


async def _expire(rules: S3BucketRules, days: int | None) -> None:
    try:
        await rules.expire(days)
    except NoSuchRules:
        raise Failure(
            f"the bucket's server can't expire audio by itself: run recite purge --older-than {days}d now and then"
        ) from None


async def _open_to_pages(rules: S3BucketRules) -> None:
    try:
        await rules.open_to_pages()
    except NoSuchRules:
        raise Failure(
            "the bucket's server has no rules that let pages read from it: let its own settings do, "
            "or use AUDIO_DELIVERY=proxy"
        ) from None


def _days(age: str) -> int:
    try:
        days, rest = divmod(parse_age(age), _DAY)
    except ValueError:
        days, rest = 0, 0
    if days < 1 or rest:
        raise Failure(f"--expire-after is whole days ({FORM}), or {NEVER}")
    return days
