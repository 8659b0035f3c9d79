"""One attempt at telling somebody something over HTTP: how long it may take, how far it is redirected."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping

import httpx

from front.webhook_urls import check_form, check_reach
from speech.webhook_delivery import Attempt, Problem
from worker.checked_transport import ForbiddenAddress

_REDIRECTS = 3
# Those after which a POST stays one.
_STAYS_POST = frozenset({301, 302, 307, 308})
# What a receiver may say before it is no longer listened to; nobody reads it.
_MOST_BYTES = 16_384


class Postman:
    """Posts by a transport that checks addresses; the whole attempt, redirects included, has `seconds`."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, allow_private: bool, seconds: float) -> None:
        self._client = httpx.AsyncClient(
            transport=transport, timeout=seconds, trust_env=False, headers={"User-Agent": "Recite-Webhooks/1"}
        )
        self._allow_private = allow_private
        self._seconds = seconds

    async def aclose(self) -> None:
        """Closes what is open."""
        await self._client.aclose()

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """How it went; never raises for anything that the other side does."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(url, body=body, headers=headers)
        except (TimeoutError, httpx.TimeoutException):
            return Attempt(problem=Problem.TIMEOUT)
        except ForbiddenAddress:
            return Attempt(problem=Problem.FORBIDDEN_ADDRESS)
        except (httpx.HTTPError, httpx.InvalidURL):
            return Attempt(problem=Problem.UNREACHABLE)

    async def _follow(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Attempt:
        for _ in range(_REDIRECTS):
            answer, location = await self._once(url, body=body, headers=headers)
            if location is None:
                return answer
            try:
                url = check_form(str(httpx.URL(url).join(location)))
            except (ValueError, httpx.InvalidURL):
                return Attempt(answered=answer.answered, problem=Problem.BAD_REDIRECT)
            try:
                check_reach(url, allow_private=self._allow_private)
            except ValueError:
                return Attempt(answered=answer.answered, problem=Problem.FORBIDDEN_ADDRESS)
        answer, location = await self._once(url, body=body, headers=headers)
        return answer if location is None else Attempt(answered=answer.answered, problem=Problem.BAD_REDIRECT)

    async def _once(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> tuple[Attempt, str | None]:
        """The answer, and where to go on if it leads elsewhere."""
        async with self._client.stream("POST", url, content=body, headers=headers) as response:
            read = 0
            async for piece in response.aiter_raw():
                read += len(piece)
                if read > _MOST_BYTES:
                    break
            leads_on = response.status_code in _STAYS_POST
            return _attempt(response), response.headers.get("location") if leads_on else None


def _attempt(response: httpx.Response) -> Attempt:
    if response.is_success:
        return Attempt(answered=response.status_code)
    problem = Problem.GONE if response.status_code == httpx.codes.GONE else Problem.BAD_ANSWER
    return Attempt(answered=response.status_code, problem=problem, retry_after=_retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    """In seconds; a date is not waited for."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
