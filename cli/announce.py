"""Says when everything is ready, what is not, and what went away later; run by the supervisor as `cli.announce`."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cli.api_url import api_url, relay_url
from settings import Settings, load_settings
from speech.api_key import Right

# HTTP status, None when nobody answers, and the JSON that came.
Answer = tuple[int | None, dict[str, Any]]

_PATIENCE = 60
_PAUSE = 0.1
_GLANCE = 3
_told: set[str] = set()
_LOGS = {
    "api": "api",
    "redis": "redis",
    "bucket": "s3",
    "worker_interactive": "worker-interactive",
    "worker_bulk": "worker-bulk",
    "worker_outbox": "worker-outbox",
    "simulator": "simulator",
    "relay": "relay",
}


def main() -> None:
    """Waits until everything is ready, however long it takes, and then keeps an eye on it."""
    settings = load_settings()
    _await_all(settings)
    missing: dict[str, str] = {}
    while True:
        time.sleep(_GLANCE)
        # What the supervisor starts again at once is not worth a word.
        before, missing = missing, missing_pieces(settings, ask=_asked)
        for line in changes(before, missing, told=_told):
            _print(line)


def changes(before: Mapping[str, str], now: Mapping[str, str], *, told: set[str]) -> list[str]:
    """What to say of two glances in a row: a piece that was missing in both, or that is back. `told` remembers."""
    gone = [name for name in now if name in before and name not in told]
    back = [name for name in told if name not in now]
    told.difference_update(back)
    told.update(gone)
    lines = [f"{name} {now[name]}: start it again, or look at its settings; recite doctor says more" for name in gone]
    return [*lines, *(f"{name} is back" for name in back)]


def _await_all(settings: Settings) -> None:
    waited_from = time.monotonic()
    has_complained = False
    while missing := missing_pieces(settings, ask=_asked):
        if time.monotonic() - waited_from > _PATIENCE and not has_complained:
            _print(complaint(missing, logs=settings.server.data_dir / "logs"))
            has_complained = True
        time.sleep(_PAUSE)
    _print(f"Recite is ready: {api_url(settings)}")


def missing_pieces(settings: Settings, *, ask: Callable[[str, str | None], Answer]) -> dict[str, str]:
    """The pieces that are not ready, each with what is known of it."""
    key = settings.server.own_key(Right.READ)
    # With nothing but hashes nobody here has a key: that the api lives must do.
    call = "ready" if key or not settings.server.api_keys else "health"
    status, answer = ask(f"{api_url(settings)}/{call}", key)
    if status is None:
        return {"api": "does not answer"}
    missing = {name: "is not ready" for name, check in answer.get("checks", {}).items() if check.get("status") != "ok"}
    if status != 200 and not missing:
        missing["api"] = f"answers with HTTP {status}"
    health, _ = ask(f"{relay_url(settings)}/health", None)
    if health != 200:
        missing["relay"] = "does not answer" if health is None else f"answers with HTTP {health}"
    if settings.xai.realtime_url.startswith(f"ws://127.0.0.1:{settings.simulator.port}/"):
        stats, _ = ask(f"http://127.0.0.1:{settings.simulator.port}/control/stats", None)
        if stats != 200:
            missing["simulator"] = "does not answer"
    return missing


def _asked(url: str, key: str | None) -> Answer:
    """HTTP status and JSON of a GET; None when nobody answers."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    # Proxies of the environment are for the world outside, not for this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return answer.status, _json(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, _json(error.read())
    except OSError:
        return None, {}


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def complaint(missing: Mapping[str, str], *, logs: Path) -> str:
    """One sentence: what is missing, and where its log is."""
    pieces = (f"{name} {state} (log: {logs / _LOGS.get(name, 'api')}.log)" for name, state in missing.items())
    return f"Recite is not ready after {_PATIENCE} s: {'; '.join(pieces)}"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
