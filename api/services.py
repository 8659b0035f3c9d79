"""What the routes work with: opened by the app's lifespan, handed to each request, closed at its end."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TypedDict
from weakref import WeakValueDictionary

from starlette.requests import Request

from api.held_cards import HeldCards
from api.kept import Kept
from api.live.stage import LiveStage
from api.popular import Popular
from api.purging import Purging
from api.removing import Removing
from api.schemas import JobRequest
from api.telling import Telling
from front.audio_links import AudioLinks
from front.widget_tokens import WidgetTokens
from settings import Settings
from speech.batch_ports import Batches
from speech.caller import client_of
from speech.card import Card
from speech.chat_ports import Completions, Conversations
from speech.client import PRIVATE, Client
from speech.client_ports import Clients
from speech.errors import (
    Unavailable,
    UnknownJob,
)
from speech.index_ports import CardIndex
from speech.job import Job, JobStatus
from speech.ledger_ports import Ledger
from speech.ports import Audience, AudioStore, Breaker, Callers, Claim, Dispatch, JobBoard, JobWatch
from speech.recipe import Recipe, is_private, owner_of, scope_of
from speech.request import SpeechRequest
from speech.upstream_key import UpstreamKeys
from storage.batch_files import BatchFiles
from storage.claiming import Claiming
from storage.heartbeats import Heartbeats
from storage.idempotency_keys import IdempotencyKeys
from storage.job_list import JobList
from storage.paying import Payer, Paying
from storage.queue_figures import QueueFigures

log = logging.getLogger(__name__)

# So many batches are checked side by side; the others wait on disk.
_CHECKED_AT_ONCE = 2
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")
# 4 MB of bodies at the most.
_ORDERS_HELD, _HELD_BODY = 1024, 4096
# A longer one is read in a thread.
_QUICK_BODY = 16_384
# How long a bucket may take before somebody who listens is sent to what is live.
_FIRST_LOOK_SECONDS = 0.3
# What a poller without `wait` is asked to leave between two looks at a render.
_POLL_SECONDS = 1


class State(TypedDict):
    """The lifespan's state, as `request.state` shows it."""

    services: Services


@dataclass(frozen=True, kw_only=True)
class Services:
    """The wired ports of this process, and the few things that need more than one of them."""

    settings: Settings
    board: JobBoard
    watch: JobWatch
    callers: Callers
    queue: QueueFigures
    jobs: JobList
    keys: IdempotencyKeys
    store: AudioStore
    dispatch: Dispatch
    heartbeats: Heartbeats
    audience: Audience
    stage: LiveStage
    breaker: Callable[[str], Breaker]
    upstream_keys: UpstreamKeys
    clients: Clients
    conversations: Conversations
    completions: Completions
    popular: Popular
    cards: HeldCards
    removing: Removing
    purging: Purging
    ledger: Ledger
    paying: Paying
    telling: Telling
    tokens: WidgetTokens
    links: AudioLinks
    index: CardIndex
    batch_files: BatchFiles
    batches: Batches
    checking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CHECKED_AT_ONCE))
    _taking: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @staticmethod
    def of(request: Request) -> Services:
        """The services of the app that serves this request."""
        services: Services = request.state.services
        return services

    def order(self, body: bytes) -> tuple[JobRequest, Recipe]:
        """What a body asks for, and its recipe with what the service adds to it; raises InvalidRequest.

        What is asked for often comes in the same bytes: reading, normalising and naming it is held for short ones.
        """
        return self._order(body) if len(body) <= _HELD_BODY else self._read_order(body)

    async def read_order(self, body: bytes) -> tuple[JobRequest, Recipe]:
        """The same without keeping others waiting: a long text, or its Markdown, takes a while to read."""
        return self.order(body) if len(body) <= _QUICK_BODY else await asyncio.to_thread(self._read_order, body)

    def _read_order(self, body: bytes) -> tuple[JobRequest, Recipe]:
        wanted = JobRequest.read(body)
        return wanted, self.recipe(wanted.speech_request(default_voice=self.settings.server.voice))

    def recipe(self, request: SpeechRequest) -> Recipe:
        """A request with what the service adds to it; those of short texts are held with their names."""
        return self._recipe(request) if len(request.text) <= _HELD_BODY else self.make_recipe(request)

    def make_recipe(self, request: SpeechRequest) -> Recipe:
        """The same, without holding any."""
        xai = self.settings.xai
        return Recipe(request=request, model=xai.model, speak_mode=xai.speak_mode)

    @cached_property
    def _recipe(self) -> Callable[[SpeechRequest], Recipe]:
        return lru_cache(maxsize=_ORDERS_HELD)(self.make_recipe)

    @cached_property
    def _order(self) -> Callable[[bytes], tuple[JobRequest, Recipe]]:
        return lru_cache(maxsize=_ORDERS_HELD)(self._read_order)

    async def recipe_for(self, recipe: Recipe, client_id: str | None) -> Recipe:
        """The recipe under the names that are this client's: its own when the client is private."""
        scope = await self.scope_for(client_id)
        return recipe if scope is None else replace(recipe, scope=scope)

    async def scope_for(self, client_id: str | None) -> str | None:
        """The scope of this client's names; None when they are those that all share."""
        # What isn't the form of a stored client's id is the caller's own business.
        client = await self.clients.get(client_id) if client_id and client_id.strip(".") else None
        return None if client is None else self._scope(client)

    def scoped(self, recipe: Recipe, client: Client) -> Recipe:
        """The recipe under a stored client's names."""
        scope = self._scope(client)
        return recipe if scope is None else replace(recipe, scope=scope)

    def _scope(self, client: Client) -> str | None:
        return scope_of(client.id, key=self._scope_key) if client.cache == PRIVATE else None

    @cached_property
    def _scope_key(self) -> bytes:
        return self.settings.derived("private-names")[0]

    def owners(self, client_id: str) -> frozenset[str]:
        """What the cards of a client's private audio say of it, under each secret that still counts."""
        return frozenset(owner_of(scope_of(client_id, key=key)) for key in self.settings.derived("private-names"))

    async def claim(self, recipe: Recipe, *, refresh: bool, caller: str, payer: Payer | None = None) -> Claim:
        """Joins the job or starts it, for the client that the caller names: it is counted there, within its limits.
        A `payer` has been admitted already.

        Raises TooManyRequests, and what Claiming does.
        """
        if payer is None:
            payer = await self.paying.admit(client_of(caller))
        return await self._claiming.claim(recipe, refresh=refresh, caller=caller, payer=payer)

    @cached_property
    def _claiming(self) -> Claiming:
        return Claiming(
            board=self.board,
            card=self.card,
            index=self.index,
            dispatch=self.dispatch,
            breaker=self.breaker,
            keys=self.upstream_keys,
            queue=self.queue,
            paying=self.paying,
        )

    def held_card(self, name: str) -> Card | None:
        """The card of what this process knows to be ready, without asking anybody; None otherwise."""
        return self.cards.held(name)

    async def withdraw(self, name: str, *, caller: str) -> None:
        """The caller no longer wants this job; what has ended stays as it is. Raises UnknownJob."""
        await self.telling.webhooks.withdraw(name, caller=caller)
        try:
            await self.callers.withdraw(name, caller=caller)
        except UnknownJob:
            if await self.card(name) is None:
                raise

    async def retry_after(self, job: Job) -> int:
        """The seconds after which it is worth looking at a live job again."""
        return await self.queue.until_start(job.name) if job.status is JobStatus.QUEUED else _POLL_SECONDS

    async def job(self, name: str, *, wait: float = 0) -> Job | None:
        """The job as the board has it, or as its card tells it when the board knows nothing."""
        # The watch reads once for all who ask at the same moment.
        job = await self.watch.until_end(name, seconds=wait)
        if job is not None:
            return job
        card = await self.card(name)
        return None if card is None else Job.ready(card)

    async def audio(self, name: str, *, wait: float = 0) -> tuple[Card | None, Job | None]:
        """The card of a job's audio, or the job that has none: it is under way, failed, or unknown (None).

        A bucket that is away or hangs keeps nobody from a job that is under way.
        """
        card = await self._card_unless_live(name)
        if card is not None:
            return card, None
        job = await self.job(name, wait=wait)
        if job is None or job.status is not JobStatus.READY:
            return None, job
        card = await self.card(name)
        if card is None:
            await self.lost(name)
        return card, None

    async def _card_unless_live(self, name: str) -> Card | None:
        try:
            async with asyncio.timeout(_FIRST_LOOK_SECONDS):
                return await self.card(name)
        except (TimeoutError, Unavailable):
            with suppress(Unavailable):
                job = await self.watch.until_end(name, seconds=0)
                if job is not None and not job.status.is_end:
                    return None
        return await self.card(name)

    async def lost(self, name: str) -> None:
        """The board or a card says ready, but the bucket is another one, or was emptied: the bucket is right."""
        self.cards.forget(name)
        await self.removing.mend(name)
        await self.board.lost(name)
        await self.index.discard([name])

    async def card(self, name: str) -> Card | None:
        """The card of a name, or None when there is none."""
        return await self.cards.card(name)

    def taking(self, batch_id: str) -> asyncio.Lock:
        """Held by whoever takes this batch: what is put twice at once may be torn for whoever reads it."""
        return self._taking.setdefault(batch_id, asyncio.Lock())

    @cached_property
    def kept(self) -> Kept:
        """What the bucket has of many names."""
        return Kept(index=self.index, card=self._seen_card)

    async def _seen_card(self, name: str) -> Card | None:
        # Those of a batch must not drive out what is asked for often.
        return self.held_card(name) or await self.store.card(name)

    def audio_url(self, name: str, request: Request) -> str:
        """Where the audio of a job is heard: at the CDN, at PUBLIC_URL, or where this request came in.

        What is private is heard here alone, by a link that expires.
        """
        if (cdn := self.settings.bucket.cdn_url) and not is_private(name):
            return f"{cdn.rstrip('/')}/{name}"
        url = f"{self.base_url(request)}/v1/audio/{name}"
        return f"{url}?signature={self.links.sign(name)}" if is_private(name) else url

    def base_url(self, request: Request) -> str:
        """Where we are: at PUBLIC_URL, or where this request came in; without a slash at its end."""
        base = self.settings.server.public_url
        if base is None:
            # One that names no host (HTTP/1.0), or something else, gets where we listen.
            host = request.headers.get("host", "")
            if not _HOST.fullmatch(host):
                host = f"{self.settings.server.host}:{self.settings.server.port}"
            base = f"{request.scope['scheme']}://{host}"
        return base.rstrip("/")
