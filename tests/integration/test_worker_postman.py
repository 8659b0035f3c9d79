"""The postman over real sockets: whom it reaches, whom it refuses to, and how long it waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from speech.webhook_delivery import Attempt, Problem
from tests.fakes.certificates import tls_for
from tests.fakes.polling import until
from tests.fakes.receivers import Receiver, receiver
from tests.fakes.services import LOOPBACK, free_port
from worker.checked_transport import CheckedTransport, Resolver
from worker.postman import Postman

pytestmark = pytest.mark.integration

PUBLIC = "93.184.216.34"


class Names:
    """What each look at a name finds; the last answer stays."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self._answers.get(host, [[host]])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
async def hooks() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


@asynccontextmanager
async def postman(
    names: Any, *, is_allowed: Callable[[str], bool] = lambda address: True, seconds: float = 20, verify: Any = None
) -> AsyncIterator[Postman]:
    transport = CheckedTransport(resolve=names, is_allowed=is_allowed, verify=verify)
    opened = Postman(transport, allow_private=True, seconds=seconds)
    try:
        yield opened
    finally:
        await opened.aclose()


async def post(one: Postman, url: str) -> Attempt:
    return await one.post(url, body=b"{}", headers={"webhook-id": "msg_1"})


def named(hooks: Receiver, name: str, path: str = "/hook") -> str:
    """The receiver's address under another name."""
    return f"{urlsplit(hooks.url).scheme}://{name}:{urlsplit(hooks.url).port}{path}"


async def test_it_connects_to_the_very_address_that_was_checked(hooks: Receiver) -> None:
    """A name that leads elsewhere at the second look (DNS rebinding) is never looked at twice."""
    names = Names(hooks_example=[[LOOPBACK], ["10.9.9.9"]])
    async with postman(names, is_allowed=lambda address: address == LOOPBACK) as one:
        assert await post(one, named(hooks, "hooks.example")) == Attempt(answered=200)
        assert names.asked == ["hooks.example"]
        assert hooks.got[0].headers["host"] == named(hooks, "hooks.example", "").removeprefix("http://")
        # The next request is looked at anew, also where a connection could have been kept.
        assert (await post(one, named(hooks, "hooks.example"))).problem is Problem.FORBIDDEN_ADDRESS
    assert len(hooks.got) == 1


async def test_a_name_that_leads_inward_among_others_is_refused(hooks: Receiver) -> None:
    names = Names(mixed_example=[[PUBLIC, LOOPBACK]], empty_example=[[]])
    async with postman(names, is_allowed=lambda address: address == PUBLIC) as one:
        assert (await post(one, named(hooks, "mixed.example"))).problem is Problem.FORBIDDEN_ADDRESS
        assert (await post(one, named(hooks, LOOPBACK))).problem is Problem.FORBIDDEN_ADDRESS
        assert (await post(one, named(hooks, "empty.example"))).problem is Problem.UNREACHABLE
    assert hooks.got == []


async def test_another_address_is_tried_where_one_takes_no_connection(hooks: Receiver) -> None:
    names = Names(two_example=[["::1", LOOPBACK]])
    async with postman(names) as one:
        assert await post(one, named(hooks, "two.example")) == Attempt(answered=200)


async def test_every_redirect_is_checked(hooks: Receiver) -> None:
    names = Names(front_example=[[LOOPBACK]], inward_example=[["10.1.2.3"]])
    hooks.answers["/inward"] = [(307, named(hooks, "inward.example"))]
    hooks.answers["/literal"] = [(301, "http://169.254.169.254/latest/meta-data")]
    hooks.answers["/file"] = [(302, "file:///etc/passwd")]
    hooks.answers["/away"] = [(308, "/there")]
    hooks.answers["/round"] = [(302, "/round")]
    hooks.answers["/see"] = [(303, "/there")]
    async with postman(names, is_allowed=lambda address: address == LOOPBACK) as one:
        said = {
            path: await post(one, named(hooks, "front.example", path))
            for path in ("/inward", "/literal", "/file", "/away", "/round", "/see")
        }
    assert said == {
        "/inward": Attempt(problem=Problem.FORBIDDEN_ADDRESS),
        "/literal": Attempt(problem=Problem.FORBIDDEN_ADDRESS),
        "/file": Attempt(answered=302, problem=Problem.BAD_REDIRECT),
        "/away": Attempt(answered=200),
        "/round": Attempt(answered=302, problem=Problem.BAD_REDIRECT),
        "/see": Attempt(answered=303, problem=Problem.BAD_ANSWER),
    }
    assert [one.body for one in hooks.at("/there")] == [b"{}"]
    assert len(hooks.at("/round")) == 4


async def test_only_secure_redirects_are_followed_where_private_ones_are_not_allowed(
    hooks: Receiver, tmp_path: Path
) -> None:
    server, client = tls_for("secure.example", folder=tmp_path)
    names = Names(secure_example=[[LOOPBACK]])
    async with receiver(tls=server) as secure:
        secure.answers["/down"] = [(307, named(hooks, "secure.example"))]
        transport = CheckedTransport(resolve=names, is_allowed=lambda address: True, verify=client)
        one = Postman(transport, allow_private=False, seconds=20)
        said = await post(one, named(secure, "secure.example", "/down"))
        await one.aclose()
    assert (said.problem, hooks.got) == (Problem.FORBIDDEN_ADDRESS, [])


async def test_the_certificate_must_be_the_names_own(tmp_path: Path) -> None:
    server, client = tls_for("right.example", folder=tmp_path)
    names = Names(right_example=[[LOOPBACK]], wrong_example=[[LOOPBACK]])
    async with receiver(tls=server) as secure, postman(names, verify=client) as one:
        assert await post(one, named(secure, "right.example")) == Attempt(answered=200)
        assert (await post(one, named(secure, "wrong.example"))).problem is Problem.UNREACHABLE
        assert (await post(one, named(secure, LOOPBACK))).problem is Problem.UNREACHABLE
        assert len(secure.got) == 1


async def test_who_says_nothing_is_not_waited_for(hooks: Receiver) -> None:
    hooks.answers["/hang"] = [0]
    async with postman(Names(), seconds=0.3) as one:
        assert await post(one, f"{hooks.url}/hang") == Attempt(problem=Problem.TIMEOUT)
    assert len(hooks.at("/hang")) == 1


async def test_what_the_receiver_asks_for_is_heard(hooks: Receiver) -> None:
    hooks.answers["/busy"] = [(429, "ignored\r\nRetry-After: 7")]
    hooks.answers["/endless"] = [(200, f"ignored\r\nX: {'x' * 300_000}")]
    async with postman(Names()) as one:
        assert await post(one, f"{hooks.url}/busy") == Attempt(
            answered=429, problem=Problem.BAD_ANSWER, retry_after=7.0
        )
        assert (await post(one, f"{hooks.url}/endless")).problem is Problem.UNREACHABLE
        assert (await post(one, f"http://{LOOPBACK}:{free_port()}/")).problem is Problem.UNREACHABLE


async def test_an_answer_is_not_heard_for_ever(hooks: Receiver) -> None:
    hooks.answers["/talks"] = [(200, "ignored\r\n\r\n" + "x" * 30_000_000)]
    async with postman(Names()) as one:
        assert await post(one, f"{hooks.url}/talks") == Attempt(answered=200)

    async def is_cut() -> bool:
        return hooks.cut == 1

    await until(is_cut)


async def test_the_systems_resolver_knows_this_machine() -> None:
    resolver = Resolver()
    assert LOOPBACK in await resolver("localhost", 80)
    assert await resolver("127.1", 80) == [LOOPBACK]
    resolver.close()
