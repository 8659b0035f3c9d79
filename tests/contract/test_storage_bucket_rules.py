"""The bucket's own rules, on a server that has them and on one that has none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from speech.errors import NoSuchRules
from storage.bucket import Bucket
from storage.bucket_rules import S3BucketRules
from tests.fakes.buckets import bucket_on, client_on
from tests.fakes.services import S3Server

pytestmark = pytest.mark.contract

THEIRS = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "other/"}, "Expiration": {"Days": 1}}


@pytest.fixture
async def opened(server: S3Server, bucket: str) -> AsyncIterator[Bucket]:
    client_on(server).create_bucket(Bucket=bucket)
    opened = bucket_on(server, bucket=bucket)
    yield opened
    await opened.close()


def days(server: S3Server, bucket: str) -> dict[str, int]:
    rules = client_on(server).get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules}


@pytest.mark.parametrize("server", ["moto_s3"], indirect=True)
async def test_cards_expire_before_what_they_name(server: S3Server, bucket: str, opened: Bucket) -> None:
    eyes, rules = client_on(server), S3BucketRules(opened)
    eyes.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={"Rules": [THEIRS]},  # type: ignore[list-item]
    )
    assert await rules.expiry() is None
    for number in (30, 90):
        await rules.expire(number)
        assert await rules.expiry() == number
        later = dict.fromkeys(("audio/", "masters/", "uses/"), number + 2)
        assert days(server, bucket) == {"other/": 1, "cards/": number, **later}
    await rules.expire(None)
    assert days(server, bucket) == {"other/": 1}
    assert await rules.expiry() is None


@pytest.mark.parametrize("server", ["moto_s3"], indirect=True)
async def test_without_rules_nothing_is_left(server: S3Server, bucket: str, opened: Bucket) -> None:
    rules = S3BucketRules(opened)
    await rules.expire(None)
    await rules.expire(7)
    await rules.expire(None)
    assert await rules.expiry() is None


@pytest.mark.parametrize("server", ["moto_s3"], indirect=True)
async def test_pages_may_read(server: S3Server, bucket: str, opened: Bucket) -> None:
    rules = S3BucketRules(opened)
    for _ in range(2):
        await rules.open_to_pages()
        [rule] = client_on(server).get_bucket_cors(Bucket=bucket)["CORSRules"]
        assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == (["*"], ["GET", "HEAD"])


@pytest.mark.parametrize(
    "ask",
    [lambda rules: rules.expire(30), S3BucketRules.open_to_pages],
    ids=["expiry", "pages"],
)
@pytest.mark.parametrize("server", ["rclone_s3"], indirect=True)
async def test_a_server_without_rules_says_so_and_keeps_its_bucket(
    server: S3Server, bucket: str, opened: Bucket, ask: Callable[[S3BucketRules], Awaitable[None]]
) -> None:
    rules = S3BucketRules(opened)
    with pytest.raises(NoSuchRules):
        await ask(rules)
    await rules.expire(None)
    assert await rules.expiry() is None
    assert bucket in [one["Name"] for one in client_on(server).list_buckets()["Buckets"]]
