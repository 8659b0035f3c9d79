"""start.sh and test.sh install what changed, once, and say what is missing; with a Python that only takes notes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
TOOLS = ("basename", "cat", "chmod", "cksum", "cp", "dirname", "env", "id", "mkdir", "rm")
# Makes an environment of itself; what it is told to do lands in `calls`. While `broken` exists, installing fails.
FAKE_PYTHON = """#!/bin/sh
printf 'python %s\\n' "$*" >> calls
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp recite.fake .venv/bin/recite ;;
  *" install "*) [ ! -e broken ] ;;
esac
"""
FAKE_RECITE = '#!/bin/sh\necho recite "$@" >> calls\n'


class Checkout:
    """The scripts and what they read, with a PATH that holds nothing else."""

    def __init__(self, place: Path) -> None:
        self.path = place / "a check out"
        (self.path / "deploy").mkdir(parents=True)
        for name in ("start.sh", "test.sh", "deploy/environment.sh"):
            shutil.copy(ROOT / name, self.path / name)
        for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
            (self.path / name).write_text("first\n")
        self.programs = place / "bin"
        self.programs.mkdir()
        for tool in TOOLS:
            (self.programs / tool).symlink_to(shutil.which(tool) or tool)
        self.install("python3.11", FAKE_PYTHON)
        self.install("chromium", "#!/bin/sh\n")
        (self.path / "recite.fake").write_text(FAKE_RECITE)
        (self.path / "recite.fake").chmod(0o755)

    def install(self, name: str, script: str) -> None:
        (self.programs / name).write_text(script)
        (self.programs / name).chmod(0o755)

    def run(self, script: str, *arguments: str) -> tuple[int, str, list[str]]:
        """Exit status, standard error and what Python and recite were told, version checks left aside."""
        (self.path / "calls").unlink(missing_ok=True)
        environment = {"PATH": str(self.programs), "HOME": os.environ.get("HOME", "/")}
        command = [str(self.path / script), *arguments]
        ended = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
        calls = (self.path / "calls").read_text().splitlines() if (self.path / "calls").exists() else []
        return (
            ended.returncode,
            ended.stderr,
            [call for call in calls if " -c " not in call and "--version" not in call],
        )

    def installed(self, script: str) -> list[str]:
        """The last word of each pip call that a run makes."""
        return [call.split()[-1] for call in self.run(script)[2] if " install " in call]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_first_start_installs_with_hashes_and_then_runs(checkout: Checkout) -> None:
    status, _, calls = checkout.run("start.sh", "--some", "argument")

    assert status == 0
    assert [call.split("-qq ")[-1] for call in calls] == [
        "python -m venv --clear .venv",
        "install --require-hashes --requirement requirements.lock",
        "install --no-deps --no-build-isolation --editable .",
        "recite up --some argument",
    ]


def test_the_second_start_installs_nothing(checkout: Checkout) -> None:
    checkout.run("start.sh")

    assert checkout.run("start.sh") == (0, "", ["recite up"])


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_change_installs_again(checkout: Checkout, name: str) -> None:
    checkout.run("start.sh")
    (checkout.path / name).write_text("second\n")

    assert checkout.installed("start.sh") == ["requirements.lock", "."]


def test_a_checkout_that_moved_installs_again(checkout: Checkout) -> None:
    checkout.run("start.sh")
    checkout.path = checkout.path.rename(checkout.path.with_name("moved"))

    assert checkout.installed("start.sh") == ["requirements.lock", "."]


def test_an_interrupted_installation_is_repeated(checkout: Checkout) -> None:
    (checkout.path / "broken").touch()
    status, said, calls = checkout.run("start.sh")
    (checkout.path / "broken").unlink()

    assert status == 1
    assert "Installing requirements.lock failed" in said
    assert not any("recite" in call for call in calls if not call.startswith("python"))
    assert checkout.installed("start.sh") == ["requirements.lock", "."]


def test_both_scripts_share_one_environment(checkout: Checkout) -> None:
    assert checkout.installed("start.sh") == ["requirements.lock", "."]
    assert checkout.installed("test.sh") == ["requirements-dev.lock", "."]
    assert checkout.installed("start.sh") == []
    assert checkout.installed("test.sh") == []


def test_the_tests_run_last_with_the_given_arguments(checkout: Checkout) -> None:
    checkout.run("test.sh")

    _, _, calls = checkout.run("test.sh", "tests/unit", "-k", "two words")

    assert calls == [
        "python -m ruff check .",
        "python -m ruff format --check .",
        "python -m mypy",
        "python -m pytest tests/unit -k two words",
    ]


def test_all_tests_are_shared_out_among_processes(checkout: Checkout) -> None:
    calls = checkout.run("test.sh", "-x")[2]

    assert calls[-1] == "python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -x"


def test_without_python_it_says_which_one_is_needed(checkout: Checkout) -> None:
    (checkout.programs / "python3.11").unlink()

    status, said, _ = checkout.run("start.sh")

    assert status == 1
    assert "Python 3.11 or 3.12" in said


def test_a_python_of_another_version_is_passed_over(checkout: Checkout) -> None:
    checkout.install("python3.11", "#!/bin/sh\nexit 1\n")
    checkout.install("python3", FAKE_PYTHON)

    assert checkout.run("start.sh")[0] == 0


def test_without_a_browser_and_a_way_to_get_one_it_says_so(checkout: Checkout) -> None:
    (checkout.programs / "chromium").unlink()

    status, said, calls = checkout.run("test.sh")

    assert status == 1
    assert "Chromium or Chrome" in said
    assert not any("pytest" in call for call in calls)
