"""The control calls under /control: counters, faults, sessions, conversations, chats, accounts, options."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator.chat_faults import CHAT_FAULTS
from simulator.faults import FAULTS, Fault
from simulator.options import Options
from simulator.upstream import Upstream


class FaultOrder(BaseModel):
    """Which fault the next connections or utterances meet, or chats; `times` None: always, `text`, `key` None: any."""

    model_config = ConfigDict(extra="forbid", strict=True)

    fault: str
    times: int | None = Field(None, ge=1)
    text: str | None = None
    key: str | None = None


class AccountOrder(BaseModel):
    """What a key may do from now on; None: as all others."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: str
    max_sessions: int | None = Field(None, ge=0)
    retry_after: int = Field(1, ge=0)


class HangUpOrder(BaseModel):
    """How all open sessions end: with a close code, or (None) without a close frame."""

    model_config = ConfigDict(extra="forbid", strict=True)

    code: int | None = Field(1001, ge=1000, le=4999)


async def _stats(request: Request) -> JSONResponse:
    return _counted(_upstream(request))


async def _reset(request: Request) -> JSONResponse:
    upstream = _upstream(request)
    upstream.stats.reset()
    upstream.bills.reset()
    upstream.chats.clear()
    upstream.accounts.reset()
    upstream.clear_faults()
    return _counted(upstream)


async def _show_faults(request: Request) -> JSONResponse:
    rows = [_shown_fault(fault) for fault in FAULTS.values()]
    chat_rows = [{"name": fault.name, "does": fault.does} for fault in CHAT_FAULTS.values()]
    return JSONResponse({"planned": _upstream(request).pending_faults(), "faults": rows, "chat_faults": chat_rows})


async def _plan_fault(request: Request) -> JSONResponse:
    order = FaultOrder.model_validate(await _body(request))
    _upstream(request).plan_fault(order.fault, times=order.times, text=order.text, key=order.key)
    return JSONResponse({"planned": _upstream(request).pending_faults()})


async def _clear_faults(request: Request) -> JSONResponse:
    _upstream(request).clear_faults()
    return JSONResponse({"planned": _upstream(request).pending_faults()})


async def _hang_up(request: Request) -> JSONResponse:
    order = HangUpOrder.model_validate(await _body(request) if await request.body() else {})
    _upstream(request).hang_up(order.code)
    return _counted(_upstream(request))


async def _conversations(request: Request) -> JSONResponse:
    return JSONResponse({"conversations": _upstream(request).conversations.to_json()})


async def _chats(request: Request) -> JSONResponse:
    return JSONResponse({"chats": _upstream(request).chats.to_json()})


async def _accounts(request: Request) -> JSONResponse:
    return JSONResponse({"accounts": _upstream(request).accounts.to_json()})


async def _change_account(request: Request) -> JSONResponse:
    order = AccountOrder.model_validate(await _body(request))
    account = _upstream(request).accounts.of(order.key)
    account.max_sessions, account.retry_after = order.max_sessions, order.retry_after
    return JSONResponse(account.to_json())


async def _show_settings(request: Request) -> JSONResponse:
    return _shown(_upstream(request).options)


async def _change_settings(request: Request) -> JSONResponse:
    upstream = _upstream(request)
    upstream.options = upstream.options.changed(await _body(request))
    return _shown(upstream.options)


async def refuse_input(_request: Request, error: Exception) -> JSONResponse:
    """400 with what is wrong: one line per field, without the values."""
    if isinstance(error, ValidationError):
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        message = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in problems)
    else:
        message = str(error)
    return JSONResponse({"code": "invalid_request", "error": message}, status_code=400)


ROUTES = [
    Route("/control/stats", _stats, methods=["GET"]),
    Route("/control/reset", _reset, methods=["POST"]),
    Route("/control/faults", _show_faults, methods=["GET"]),
    Route("/control/faults", _plan_fault, methods=["POST"]),
    Route("/control/faults", _clear_faults, methods=["DELETE"]),
    Route("/control/hang_up", _hang_up, methods=["POST"]),
    Route("/control/conversations", _conversations, methods=["GET"]),
    Route("/control/chats", _chats, methods=["GET"]),
    Route("/control/accounts", _accounts, methods=["GET"]),
    Route("/control/accounts", _change_account, methods=["POST"]),
    Route("/control/settings", _show_settings, methods=["GET"]),
    Route("/control/settings", _change_settings, methods=["POST"]),
]


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def _upstream(request: Request) -> Upstream:
    upstream: Upstream = request.app.state.upstream
    return upstream


def _counted(upstream: Upstream) -> JSONResponse:
    return JSONResponse({**upstream.stats.to_json(), **upstream.bills.to_json(upstream.options)})


def _shown_fault(fault: Fault) -> dict[str, Any]:
    fates = fault.fates
    occasions = {"once": fates.once, "always": fates.always}
    columns = {
        occasion: {
            "end_state": fate.end_state,
            "error": fate.code,
            "audio": fate.audio,
            "kept": fate.kept,
            "paid": fate.paid,
        }
        for occasion, fate in occasions.items()
    }
    return {"name": fault.name, "does": fault.does, "retried": fates.retried, **columns}


def _shown(options: Options) -> JSONResponse:
    return JSONResponse(options.model_dump(mode="json", exclude={"keys"}))
