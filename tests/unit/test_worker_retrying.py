import pytest

from speech.errors import (
    KeyRejected,
    ReciteError,
    RenderError,
    Unavailable,
    UpstreamBusy,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from speech.retry import RetryPolicy
from worker.retrying import Retrying

pytestmark = pytest.mark.unit


class Clockwork:
    """A step that fails as it is told, and what was waited between its tries."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.waited: list[float] = []
        self.again = 0

    async def step(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def once_more(self) -> None:
        self.again += 1

    async def run(self, attempts: int = 3) -> str:
        policy = RetryPolicy(attempts=attempts, first_delay=1.0, longest_delay=10.0)
        retrying = Retrying(policy=policy, sleep=self.sleep, jitter=lambda: 1.0)
        return await retrying(self.step, name="ara-0.mp3", again=self.once_more)


async def test_what_works_at_once_is_not_waited_for() -> None:
    clockwork = Clockwork()
    assert await clockwork.run() == "done"
    assert (clockwork.waited, clockwork.again) == ([], 0)


async def test_what_passes_is_tried_again_with_growing_pauses() -> None:
    clockwork = Clockwork(UpstreamTimeout(), Unavailable("bucket"))
    assert await clockwork.run() == "done"
    assert (clockwork.waited, clockwork.again) == ([1.0, 2.0], 2)


async def test_the_last_error_is_the_one_that_is_raised() -> None:
    clockwork = Clockwork(UpstreamTimeout(), UpstreamTimeout(), UpstreamBusy(retry_after=1))
    with pytest.raises(UpstreamBusy):
        await clockwork.run()
    assert clockwork.again == 2


@pytest.mark.parametrize("error", [KeyRejected(), RenderError()])
async def test_what_will_not_pass_is_not_tried_again(error: ReciteError) -> None:
    clockwork = Clockwork(error)
    with pytest.raises(type(error)):
        await clockwork.run()
    assert clockwork.waited == []


async def test_a_bug_is_not_tried_again() -> None:
    clockwork = Clockwork(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await clockwork.run()
    assert clockwork.again == 0


async def test_the_server_says_how_long() -> None:
    clockwork = Clockwork(UpstreamBusy(retry_after=6))
    await clockwork.run()
    assert clockwork.waited == [6]


async def test_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    await Clockwork(UpstreamUnreachable("The host name is not known"), Unavailable("bucket")).run()
    assert [record.getMessage() for record in caplog.records] == [
        "[X.AI TTS] ara-0.mp3: attempt 1: upstream_unreachable (The host name is not known), again in 1.0 s",
        "[X.AI TTS] ara-0.mp3: attempt 2: unavailable (bucket does not answer; try again shortly), again in 2.0 s",
    ]
