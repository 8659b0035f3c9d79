"""The commands that look after what is kept, run as people and programs run them, against a running system."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.buckets import client_on
from tests.fakes.environment import plain_environment
from tests.fakes.recite_up import own_settings, recite
from tests.fakes.services import S3Server, rclone_server
from tests.fakes.stack import Stack, stack
from tests.fakes.terminal import recite_at_terminal

pytestmark = pytest.mark.integration

ADMIN, CALLER, AI_KEY = "testing-admin-key", "testing-caller-key", "xai-testing-key-that-must-not-show"


@pytest.fixture(scope="module")
def house() -> Iterator[Stack]:
    with stack(RECITE_API_KEYS=f"{ADMIN}, submit+read:{CALLER}") as running:
        yield running


class Shell:
    """Runs commands in a folder, against a service elsewhere: its address and the key are all that it knows."""

    def __init__(self, house: Stack, folder: Path) -> None:
        self.folder = folder
        self.environment = {**plain_environment(), "RECITE_URL": house.api, "RECITE_KEY": ADMIN}

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> tuple[int, str]:
        """Exit status and all that was said."""
        done = recite(*arguments, environment={**self.environment, **environment}, directory=self.folder, stdin=stdin)
        return done.returncode, done.stdout + done.stderr

    def read(self, *arguments: str, **environment: str) -> Any:
        """What a command that must succeed prints as JSON, and nothing else."""
        status, said = self.run(*arguments, "--json", **environment)
        assert status == 0, said
        return json.loads(said)


@pytest.fixture
def shell(house: Stack, tmp_path: Path) -> Shell:
    return Shell(house, tmp_path)


def test_jobs_are_listed_shown_and_cancelled(house: Stack, shell: Shell) -> None:
    said = shell.read("say", "A job to be looked at.", "-o", "a.mp3", "--voice", "leo")
    assert (shell.folder / "a.mp3").stat().st_size == said["bytes"]
    listed = shell.read("jobs", "list", "--voice", "leo", "--status", "ready")
    assert [job["id"] for job in listed] == [said["id"]]
    assert shell.read("jobs", "show", said["id"])["bytes"] == said["bytes"]
    status, shown = shell.run("jobs", "list", "-n", "1")
    assert (status, said["id"] in shown, "ready" in shown) == (0, True, True)
    assert shell.run("jobs", "cancel", said["id"]) == (0, f"{said['id']}: it is ready already, and stays\n")

    house.control("POST", "settings", first_audio_ms=20_000)
    slow = httpx.post(
        f"{house.api}/v1/jobs", json={"text": "Nobody wants this."}, headers={"Authorization": f"Bearer {ADMIN}"}
    ).json()["id"]
    assert shell.run("jobs", "cancel", slow) == (0, f"{slow}: it is cancelled\n")
    assert shell.run("jobs", "show", slow)[0] == 1
    house.control("POST", "settings", first_audio_ms=0)

    assert shell.run("jobs", "show", "ara-" + 40 * "0" + ".mp3") == (1, "recite: No such job; post it again\n")
    status, shown = shell.run("jobs", "list", "--status", "asleep")
    assert (status, shown.count("\n")) == (1, 1)
    assert shown.startswith("recite: status: ")


def test_clients_are_kept_and_their_keys_are_never_shown(shell: Shell) -> None:
    (shell.folder / "prompt.txt").write_text("Be brief.\nBe kind.", encoding="utf-8")
    fields = (
        "name=Shop",
        "voice=eve",
        "system_prompt=@prompt.txt",
        "allowed_origins=https://a.example,https://b.example",
    )
    status, shown = shell.run("clients", "set", "shop", *fields, "--ai-key", stdin=f"{AI_KEY}\n")
    assert (status, AI_KEY in shown) == (0, False)
    changed = shell.read("clients", "set", "shop", "monthly_character_budget=5000", "name=null")
    kept = shell.read("clients", "show", "shop")
    assert kept == changed
    assert (kept["name"], kept["voice"], kept["system_prompt"]) == ("", "eve", "Be brief.\nBe kind.")
    assert kept["allowed_origins"] == ["https://a.example", "https://b.example"]
    assert kept["has_ai_api_key"]
    assert not shell.read("clients", "set", "shop", "--no-ai-key")["has_ai_api_key"]
    assert shell.read("clients", "set", "shop", "--ai-key", RECITE_AI_KEY=AI_KEY)["has_ai_api_key"]
    assert [client["id"] for client in shell.read("clients", "list")] == ["shop"]
    assert shell.read("clients", "usage", "shop")["characters_left"] == 5000

    status, shown = shell.run("clients", "set", "shop", f"ai_api_key={AI_KEY}")
    assert (status, AI_KEY in shown) == (1, False)
    assert shell.run("clients", "delete", "shop") == (1, "recite: nobody is there to ask: add --yes if it is meant\n")
    assert shell.run("clients", "delete", "shop", "--yes") == (0, "shop is removed; its audio stays\n")
    assert shell.run("clients", "show", "shop")[0] == 1
    status, shown = shell.run("clients", "list", RECITE_KEY=CALLER)
    assert (status, "scope admin" in shown) == (1, True)


def test_a_purge_counts_asks_and_removes(house: Stack, shell: Shell) -> None:
    for name in ("a.mp3", "a.wav"):
        shell.read("say", "Rex will be forgotten.", "-o", name, "--voice", "rex")
    told = shell.read("purge", "--voice", "rex", "--dry-run")
    assert (told["audio"], told["masters"], told["dry_run"]) == (2, 1, True)

    def at_terminal(answer: str) -> tuple[int, str]:
        return recite_at_terminal(
            *("purge", "--voice", "rex"), environment=shell.environment, directory=shell.folder, answer=answer
        )

    status, shown = at_terminal("n")
    assert (status, "Remove 2 files and 1 master" in shown, "Nothing is changed." in shown) == (1, True, True)
    assert len(house.keys("audio/rex-")) == 2
    status, shown = at_terminal("y")
    assert (status, "2 files and 1 master" in shown) == (0, True)
    assert [key for area in ("cards", "audio", "masters", "uses") for key in house.keys(f"{area}/rex-")] == []
    assert shell.run("purge", "--voice", "rex", "--yes") == (0, "There is nothing to remove.\n")
    status, shown = shell.run("purge", "--yes")
    assert (status, shown.count("\n")) == (1, 1)


def test_stats_say_what_was_saved(shell: Shell) -> None:
    before = shell.read("stats")["requests"]["misses"]
    shell.read("say", "To be counted.", "-o", "a.mp3")
    while (figures := shell.read("stats"))["requests"]["misses"] == before:
        pass
    assert figures["bought"]["usd"] > 0
    status, shown = shell.run("stats")
    assert status == 0
    assert all(word in shown for word in ("hits, joins, misses", "bought", "saved", "kept"))


def test_the_doctor_speaks_json(shell: Shell, house: Stack) -> None:
    settings = {name: value for name, value in house.settings.items() if not name.startswith("SIMULATOR")}
    status, said = shell.run("doctor", "--json", **settings)
    found = json.loads(said)
    wrong = [check["name"] for check in found["checks"] if not check["ok"]]
    # Nobody runs a relay here.
    assert (status, found["well"], wrong) == (1, False, ["relay"])


@pytest.mark.parametrize(
    ("words", "offered"),
    [("recite say --voice al", "altair"), ("recite purge --older-than 1d --vo", "--voice"), ("recite pur", "purge")],
)
def test_shells_complete_words(shell: Shell, words: str, offered: str) -> None:
    bash = {"_RECITE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    assert shell.run(**bash)[1].split() == [offered]
    asked = {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    for name in ("zsh", "fish"):
        assert offered in shell.run(_RECITE_COMPLETE=f"complete_{name}", **asked)[1]


def test_bash_takes_the_completion_that_it_is_shown(shell: Shell) -> None:
    program = f"{shlex.quote(sys.executable)} -m cli"
    script = f"""recite() {{ {program} "$@"; }}
        eval "$({program} --show-completion)"
        complete -p recite
    """
    done = subprocess.run(
        ["bash", "-c", script], env=shell.environment, cwd=shell.folder, capture_output=True, text=True, check=True
    )
    assert "_recite_completion" in done.stdout


def test_jobs_are_completed_from_the_service(shell: Shell) -> None:
    name = shell.read("say", "Complete my name.", "-o", "a.mp3", "--voice", "sal")["id"]
    asked = {"_RECITE_COMPLETE": "complete_bash", "COMP_WORDS": "recite jobs show sal-", "COMP_CWORD": "3"}
    assert shell.run(**asked)[1].split() == [name]
    assert shell.run(**asked, RECITE_URL="http://127.0.0.1:1") == (0, "\n")


def setup_on(server: S3Server, folder: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    environment = own_settings(
        folder,
        S3_ENDPOINT_URL=server.endpoint_url,
        S3_BUCKET="testing-setup",
        AWS_ACCESS_KEY_ID=server.access_key_id,
        AWS_SECRET_ACCESS_KEY=server.secret_access_key,
        **settings,
    )
    done = recite("bucket", "setup", *arguments, environment=environment, directory=folder)
    return done.returncode, done.stdout + done.stderr


def test_the_bucket_expires_audio_where_its_server_can(moto_s3: S3Server, tmp_path: Path) -> None:
    status, said = setup_on(moto_s3, tmp_path, "--expire-after", "90d", AUDIO_DELIVERY="redirect")
    assert (status, said) == (
        0,
        "bucket testing-setup: audio expires 90 days after it was made; pages may read by signed addresses\n",
    )
    rules = client_on(moto_s3).get_bucket_lifecycle_configuration(Bucket="testing-setup")["Rules"]
    assert {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules}["cards/"] == 90
    assert client_on(moto_s3).get_bucket_cors(Bucket="testing-setup")["CORSRules"]
    assert json.loads(setup_on(moto_s3, tmp_path, "--json")[1])["expire_after_days"] == 90
    assert setup_on(moto_s3, tmp_path, "--expire-after", "never") == (0, "bucket testing-setup: nothing expires\n")
    assert setup_on(moto_s3, tmp_path, "--expire-after", "1h")[0] == 1


def test_the_embedded_server_says_that_it_can_t(tmp_path: Path) -> None:
    with rclone_server() as server:
        status, said = setup_on(server, tmp_path, "--expire-after", "30d")
        assert (status, said.count("\n"), "recite purge --older-than 30d" in said) == (1, 1, True)
        assert setup_on(server, tmp_path)[0] == 0
