"""The way in, the same at every front: who may call, which pages, what errors and ids look like, in this order."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from secrets import token_hex

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from starlette.types import ASGIApp, Scope

from front.access import BearerAccess
from front.cors import ClientsCors
from front.openapi import describe
from front.origins import OwnPages
from front.pages import Pages
from front.problems import install_problems
from front.widget_tokens import WidgetTokens
from front.widgets import WidgetAccess
from speech.api_key import ApiKey
from speech.client_ports import Clients

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Door:
    """What the settings say of all fronts; `is_local`: only this machine can reach it."""

    keys: Collection[ApiKey]
    origins: Collection[str]
    public_url: str | None
    is_local: bool
    tokens: WidgetTokens

    def hang(
        self,
        app: FastAPI,
        *,
        public: Sequence[str],
        opens: Sequence[str],
        of_clients: Sequence[str],
        methods: Sequence[str],
        exposed: Sequence[str],
        errors: Callable[[ASGIApp], ASGIApp] | None = None,
    ) -> None:
        """Puts it before an app whose state keeps `services` with `clients`. `public` paths need no key, a widget's
        token `opens` calls, clients' pages get to those `of_clients`; `errors` is a shape of its own for problems.
        """
        pages = Pages(origins=self.origins, public_url=self.public_url, clients=_clients)
        install_problems(app)
        describe(app, needs_key=bool(self.keys), public=public)
        # The last one added is the outermost: every answer carries its id, and refusals can be read across origins.
        app.add_middleware(BearerAccess, keys=self.keys, public=public)
        app.add_middleware(WidgetAccess, tokens=self.tokens, pages=pages, opens=opens)
        app.add_middleware(OwnPages, pages=pages, of_clients=of_clients, is_local=self.is_local and not self.keys)
        if errors is not None:
            app.add_middleware(errors)
        app.add_middleware(
            ClientsCors,
            pages=pages,
            of_clients=of_clients,
            public=public,
            allow_methods=methods,
            expose_headers=exposed,
        )
        app.add_middleware(
            CorrelationIdMiddleware,
            generator=lambda: token_hex(16),
            validator=lambda id: _CORRELATION_ID.fullmatch(id) is not None,
        )


def _clients(scope: Scope) -> Clients:
    clients: Clients = scope["state"]["services"].clients
    return clients
