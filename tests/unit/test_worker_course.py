"""A batch on its way, without anything around it: whose turn it is, what is known, and how long it takes."""

from __future__ import annotations

import asyncio

import pytest

from speech.batch import PIECE_LINES, BatchLine, BatchStatus, Outcome
from speech.job import JobError
from speech.recipe import Recipe
from tests.fakes.batches import batch_lines, make_batch
from tests.fakes.jobs import make_recipe
from worker.course import Course
from worker.drive import next_course
from worker.outcomes import Ending, Outcomes
from worker.pace import Pace

pytestmark = pytest.mark.unit

LENGTHS = {"long": 100, "short": 5, "late": 50}
RENDERED = Ending(outcome=Outcome.RENDERED, duration_ms=900, cost=50)
FAILED = Ending(outcome=Outcome.FAILED, error=JobError(code="no_audio", message="None.", retryable=True))


def recipes(*texts: str) -> list[Recipe]:
    return [make_recipe(text) for text in texts]


def course_of(lines: list[BatchLine]) -> Course:
    batch = make_batch(lines)
    return Course(batch=batch, run=1, outcomes=Outcomes(batch.lines), clock=lambda: 0.0)


def begun(course: Course) -> BatchLine:
    """The next line, as if it were under way."""
    line = course.next_line()
    course.in_flight[line.place] = asyncio.get_running_loop().create_future()  # type: ignore[assignment]
    return line


async def test_batches_share_the_slots_evenly_whatever_their_lengths() -> None:
    lines = [batch_lines(recipes(*(f"{name} {n}" for n in range(count)))) for name, count in LENGTHS.items()]
    courses = [course_of(some) for some in lines]
    for course, some in zip(courses[:2], lines, strict=False):
        course.take_in(0, some)
    taken = []
    for turn in range(12):
        if turn == 6:
            courses[2].take_in(0, lines[2])
        following = next_course(courses)
        assert following is not None
        following.turn = turn
        begun(following)
        taken.append(courses.index(following))
    assert taken == [0, 1, 0, 1, 0, 1, 2, 2, 2, 0, 1, 2]
    assert next_course([course_of(lines[0])]) is None


def test_equal_lines_share_an_end_and_are_paid_once() -> None:
    lines = batch_lines(recipes("a", "b", "a", "a"))
    course = course_of(lines)
    course.take_in(0, lines)
    assert [course.next_line().place for _ in range(2)] == [0, 1]
    assert not course.has_lines
    course.outcomes.set(0, RENDERED)
    assert [one.place for one in course.untold(0)] == [0, 2, 3]
    course.tell(0, course.untold(0), key="first")
    assert course.untold(0) == []
    assert course.state().results == 1
    course.outcomes.set(1, FAILED)
    results = course.untold(0)
    assert [one.outcome for one in results] == [Outcome.RENDERED, Outcome.FAILED, Outcome.RENDERED, Outcome.RENDERED]
    assert [one.cost for one in results] == [50, 0, 0, 0]
    assert results[1].error == FAILED.error
    assert course.tell(0, results, key="second") == "first"
    course.is_read = True
    assert course.is_made
    state = course.ended(now=7.0)
    assert (state.status, state.results, state.cost, state.ended_at) == (BatchStatus.COMPLETED, 4, 50, 7.0)


def test_what_an_earlier_driver_told_is_not_made_again() -> None:
    lines = batch_lines(recipes(*(f"line {number % 1500}" for number in range(2 * PIECE_LINES))))
    earlier = course_of(lines)
    for number in range(2):
        earlier.take_in(number, lines[number * PIECE_LINES : (number + 1) * PIECE_LINES])
    while earlier.has_lines:
        place = earlier.next_line().place
        if place != PIECE_LINES + 1:
            earlier.outcomes.set(place, RENDERED)
    told = [earlier.untold(number) for number in range(2)]

    later = course_of(lines)
    for number, results in enumerate(told):
        later.recall(number, results, key=f"piece {number}")
    assert [later.is_settled(number) for number in range(2)] == [True, False]
    assert later.state().counts == {Outcome.RENDERED: 2 * PIECE_LINES - 1}
    later.take_in(1, lines[PIECE_LINES:])
    assert later.next_line().place == PIECE_LINES + 1
    assert not later.has_lines
    assert later.state().cost == earlier.state().cost
    later.outcomes.set(PIECE_LINES + 1, RENDERED)
    assert later.tell(1, later.untold(1), key="newer") == "piece 1"
    assert later.state().results == 2 * PIECE_LINES


async def test_what_is_called_off_is_known_at_once() -> None:
    lines = batch_lines(recipes("a", "b", "c", "b"))
    course = course_of(lines)
    course.take_in(0, lines)
    line = begun(course)
    course.call_off()
    assert course.in_flight[line.place].cancelled()
    assert course.state().status is BatchStatus.CANCELLING
    assert course.state().counts == {Outcome.CANCELLED: 3}


def test_what_an_earlier_driver_may_have_asked_for_is_given_up() -> None:
    lines = batch_lines(recipes("a", "b", "c", "d"))
    course = course_of(lines)
    course.doubtful = 2
    course.call_off()
    course.take_in(0, lines)
    assert [course.next_line().place for _ in range(2)] == [0, 1]
    assert not course.has_lines
    assert course.state().counts == {Outcome.CANCELLED: 2}


def test_the_time_left_follows_the_last_minute() -> None:
    pace = Pace()
    pace.note(0, now=0)
    assert pace.left(10) is None
    for second in range(1, 101):
        pace.note(second if second < 40 else 40 + 2 * (second - 40), now=second)
    assert pace.left(100) == pytest.approx(50)
    assert pace.left(0) == 0
