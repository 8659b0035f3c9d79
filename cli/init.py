"""`recite init`: an `.env` with fresh secrets, that ./start.sh and docker compose both read."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

import typer

import settings
from cli.failure import Failure


def init(*, force: bool = False, public_url: str | None = None) -> None:
    """Writes `.env`, readable by its owner only; raises Failure rather than replace one, unless forced."""
    target, example = settings.ENV_FILE, _example()
    if target.exists() and not force:
        raise Failure(f"{target} is there already: edit it, or replace it with recite init --force")
    try:
        text = filled(example.read_text(encoding="utf-8"), values=_fresh(public_url))
    except OSError:
        raise Failure(f"{example} can't be read: run recite init in the checkout") from None
    draft = target.with_name(f"{target.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(target)
    typer.echo(f"{target} is written: add XAI_API_KEY to it, then ./start.sh or docker compose up")


def filled(example: str, *, values: dict[str, str]) -> str:
    """The example with these variables set; every other line stays as it is."""
    for name, value in values.items():
        example, found = re.subn(rf"^#({name})=\S+", rf"\1={value}", example, flags=re.MULTILINE)
        if not found:
            raise Failure(f".env.example has no {name}: get it back from the repository")
    return example


def _example() -> Path:
    """The checkout's: the one here, or else the one beside the code; an image holds none."""
    here = Path(".env.example")
    return here if here.exists() else Path(settings.__file__).with_name(here.name)


def _fresh(public_url: str | None) -> dict[str, str]:
    fresh = {
        "RECITE_API_KEYS": f"recite-{secrets.token_hex(24)}",
        "AWS_ACCESS_KEY_ID": f"recite{secrets.token_hex(7)}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(24),
        "RECITE_SECRET": secrets.token_hex(32),
        "REDIS_PASSWORD": secrets.token_hex(24),
    }
    if public_url is None:
        return fresh
    if not re.fullmatch(r"https?://\S+", public_url):
        raise Failure("--public-url must begin with http:// or https:// and hold no space")
    return {**fresh, "PUBLIC_URL": public_url.rstrip("/")}
