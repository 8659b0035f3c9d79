"""The api's answers become results or sentences."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cli.api_client import ApiClient
from cli.failure import Failure

pytestmark = pytest.mark.unit

JOB = {"id": "ara-1.mp3", "status": "rendering", "cache": "miss"}


def client(answer: Callable[[httpx.Request], httpx.Response]) -> ApiClient:
    http = httpx.Client(base_url="http://here:1", transport=httpx.MockTransport(answer), follow_redirects=True)
    return ApiClient(http)


def answering(*answers: httpx.Response) -> tuple[ApiClient, list[httpx.Request]]:
    """A client whose calls get these answers in turn, and the calls."""
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return answers[len(calls) - 1]

    return client(answer), calls


def job(**changes: Any) -> httpx.Response:
    return httpx.Response(200, json={**JOB, **changes})


def test_a_job_is_waited_for() -> None:
    api, calls = answering(httpx.Response(202, json=JOB), job(), job(status="ready", cache=None, duration_ms=5))

    done = api.speak({"text": "a"})

    assert (done["status"], done["duration_ms"], done["cache"]) == ("ready", 5, "miss")
    assert calls[0].headers["Prefer"] == "wait=30"
    assert [str(call.url) for call in calls[1:]] == ["http://here:1/v1/jobs/ara-1.mp3?wait=30"] * 2


def test_a_failed_job_says_why_and_whether_to_try_again() -> None:
    error = {"code": "x", "message": "The voice service was silent", "retryable": True}
    api, _ = answering(job(status="failed", error=error))

    with pytest.raises(Failure, match="failed: The voice service was silent; try again"):
        api.speak({"text": "a"})


def test_a_problem_is_told_in_its_own_words() -> None:
    problem = {"title": "The request is not valid", "detail": "text: is empty; 1 to 100000 characters"}
    api, _ = answering(httpx.Response(422, json=problem))

    with pytest.raises(Failure, match=r"^text: is empty; 1 to 100000 characters$"):
        api.speak({"text": ""})


def test_a_missing_key_says_where_to_name_one() -> None:
    api, _ = answering(httpx.Response(401, json={"detail": "A valid API key is needed"}))

    with pytest.raises(Failure, match="--key"):
        api.voices()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectError("refused"), "nothing answers at http://here:1: start it with ./start.sh"),
        (httpx.ReadTimeout("slow"), "did not answer in time"),
        (httpx.RemoteProtocolError("torn"), "the connection to http://here:1 broke"),
    ],
)
def test_a_broken_connection_is_a_sentence(error: Exception, words: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(Failure, match=words):
        client(answer).voices()


def test_another_programs_page_is_no_answer() -> None:
    api, _ = answering(httpx.Response(200, text="<html>"))

    with pytest.raises(Failure, match="is no Recite"):
        api.voices()


def test_audio_is_written_as_it_comes() -> None:
    api, _ = answering(httpx.Response(200, content=b"sound"))
    file = io.BytesIO()

    assert api.download("ara-1.mp3", file) == 5
    assert file.getvalue() == b"sound"


def test_a_key_does_not_follow_a_redirect_to_the_store() -> None:
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        if request.url.host == "here":
            return httpx.Response(307, headers={"Location": "http://store:2/signed"})
        return httpx.Response(200, content=b"sound")

    headers = {"Authorization": "Bearer key"}
    transport = httpx.MockTransport(answer)
    http = httpx.Client(base_url="http://here:1", transport=transport, headers=headers, follow_redirects=True)
    ApiClient(http).download("ara-1.mp3", io.BytesIO())

    assert ["authorization" in one for one in seen] == [True, False]
