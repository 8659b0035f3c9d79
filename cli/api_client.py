"""The api over HTTP, as the commands need it; every way it can fail ends in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import IO, Any
from urllib.parse import urlsplit

import httpx

from cli.api_url import running_api_url
from cli.failure import Failure, Unreachable
from settings import load_settings
from speech.addresses import is_loopback
from speech.api_key import Right

_WAIT = 30
# Between two looks at a job that somebody watches.
_LOOK = 1
# The server holds an answer for as long as it was asked to wait.
_TIMEOUT = httpx.Timeout(_WAIT + 15, connect=5)
# What waits longer than this in a queue has nobody who takes it.
_PATIENCE = 120
_LINES_SHOWN = 20
_ENDS = ("ready", "failed", "cancelled")
_WHERE = "start it with ./start.sh, run this in its folder, or name another with --url"


class ApiClient:
    """Jobs, audio and voices of one running Recite."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def speak(
        self, order: dict[str, Any], *, on_change: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """Posts a job and waits for its end; returns the ready job, with `cache` as the POST told it.

        Until then `on_change` is shown the job, from the first answer on and every second.
        """
        first_wait, wait = (0, _LOOK) if on_change else (_WAIT, _WAIT)
        job = self.document("POST", "/v1/jobs", json=order, headers={"Prefer": f"wait={first_wait}"})
        cache = job.get("cache")
        given_up = monotonic() + _PATIENCE
        while job["status"] not in _ENDS:
            if on_change:
                on_change(job)
            if job["status"] == "queued" and monotonic() > given_up:
                raise Failure("the job still waits in its queue: is a worker running? recite doctor looks")
            job = self.document("GET", f"/v1/jobs/{job['id']}", params={"wait": wait})
        if job["status"] != "ready":
            raise Failure(_failed(job))
        return {**job, "cache": cache}

    def download(self, name: str, file: IO[bytes]) -> int:
        """Writes a ready job's audio to an open file; returns the number of bytes."""
        with self._spoken_errors(), self._http.stream("GET", f"/v1/audio/{name}") as answer:
            if answer.status_code != 200:
                answer.read()
                raise _refusal(answer)
            return sum(file.write(piece) for piece in answer.iter_bytes())

    def voices(self) -> list[dict[str, Any]]:
        """What `GET /v1/voices` lists."""
        listed: list[dict[str, Any]] = self.document("GET", "/v1/voices")["voices"]
        return listed

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a path, whatever the status."""
        with self._spoken_errors():
            answer = self._http.get(path)
        return answer.status_code, _document(answer)

    def lines(self, path: str, *, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The documents of an answer that has one on each line."""
        with self._spoken_errors(), self._http.stream("GET", path, params=params) as answer:
            if answer.status_code != 200:
                answer.read()
                raise _refusal(answer)
            yield from map(json.loads, answer.iter_lines())

    def document(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        """The JSON that a call is answered with, nothing for an empty answer; `parts` are httpx'."""
        with self._spoken_errors():
            answer = self._http.request(method, path, **parts)
        if answer.status_code >= 400:
            raise _refusal(answer)
        document = _document(answer)
        if not document and answer.status_code != 204:
            raise Failure(f"{self._http.base_url} is no Recite: its answer is no JSON; look at --url")
        return document

    @contextmanager
    def _spoken_errors(self) -> Iterator[None]:
        place = str(self._http.base_url).rstrip("/")
        try:
            yield
        except httpx.ConnectError:
            raise Unreachable(f"nothing answers at {place}: {_WHERE}") from None
        except httpx.TimeoutException:
            raise Unreachable(f"{place} did not answer in time: look at it with recite doctor") from None
        except httpx.HTTPError as error:
            raise Unreachable(f"the connection to {place} broke ({type(error).__name__}): try again") from None


@contextmanager
def open_api(
    *,
    url: str | None = None,
    key: str | None = None,
    rights: Collection[Right] = (Right.SUBMIT, Right.READ),
    seconds: float | None = None,
) -> Iterator[ApiClient]:
    """The api of the settings, or the given one; the settings' key goes to no other address.

    `rights`: what the key must be good for. `seconds`: how long an answer may take, where nobody waits longer.
    """
    if url is None:
        settings = load_settings(with_embedded=False)
        url = running_api_url(settings)
        key = key or settings.server.own_key(*rights)
    elif not url.startswith(("http://", "https://")):
        raise Failure(f"--url must begin with http:// or https://: {url}")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    direct = is_loopback(urlsplit(url).hostname)
    with httpx.Client(
        base_url=url, headers=headers, timeout=seconds or _TIMEOUT, follow_redirects=True, trust_env=not direct
    ) as http:
        yield ApiClient(http)


def open_admin(*, url: str | None = None, key: str | None = None) -> AbstractContextManager[ApiClient]:
    """The same with a key that may change what is kept and who may ask."""
    return open_api(url=url, key=key, rights=(Right.ADMIN,))


def _refusal(answer: httpx.Response) -> Failure:
    """The words of a problem+json, and a line for each line of a file that is wrong; its status when there are none."""
    document = _document(answer)
    words = document.get("detail") or document.get("title") or f"HTTP {answer.status_code}"
    wrong = [error for error in document.get("errors") or () if error.get("line") is not None]
    if wrong:
        words = "\n".join([document.get("title", words), *map(_wrong_line, wrong[:_LINES_SHOWN])])
        more = len(wrong) - _LINES_SHOWN + document.get("more_errors", 0)
        words += f"\nand {more} more" if more > 0 else ""
    kind = Unreachable if answer.status_code >= 500 else Failure
    return kind(f"{words}{'; name a key with --key or RECITE_API_KEYS' if answer.status_code == 401 else ''}")


def _wrong_line(error: dict[str, Any]) -> str:
    return f"line {error['line']}, {error['field']}: {error['message']}"


def _failed(job: dict[str, Any]) -> str:
    error = job.get("error") or {}
    again = "; try again" if error.get("retryable") else ""
    verb = {"failed": "failed", "cancelled": "was cancelled"}.get(job["status"], f"is {job['status']}")
    return f"the job {verb}: {error.get('message', 'no reason given')}{again}"


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
