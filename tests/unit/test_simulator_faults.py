"""The table of faults and the plan that hands them out."""

from __future__ import annotations

import pytest

from simulator.faults import FAULTS, Act, Fault, FaultPlan
from speech.errors import UpstreamBusy
from speech.job import JobStatus

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("fault", FAULTS.values(), ids=str)
def test_a_row_is_complete(fault: Fault) -> None:
    assert FAULTS[fault.name] is fault
    assert fault.does
    assert (fault.code is None) == (fault.end_state is JobStatus.READY)
    assert not (fault.retried and fault.end_state is JobStatus.READY)


def test_every_act_has_a_row() -> None:
    assert {fault.act for fault in FAULTS.values()} == set(Act)


def test_a_row_knows_what_becomes_of_the_job() -> None:
    busy, wrong_key, odd = FAULTS["refuse_429"], FAULTS["refuse_401"], FAULTS["odd_bytes"]
    assert (busy.error, busy.retried, busy.end_state) == (UpstreamBusy, True, JobStatus.FAILED)
    assert (wrong_key.code, wrong_key.retried) == ("key_rejected", False)
    assert (odd.code, odd.retried, odd.end_state) == (None, False, JobStatus.READY)


def test_a_plan_is_counted_down() -> None:
    plan = FaultPlan()
    plan.add(FAULTS["stall"], times=2)
    plan.add(FAULTS["silence"])
    met = [plan.take(connecting=False) for _ in range(4)]
    assert [fault and fault.name for fault in met] == ["stall", "stall", "silence", "silence"]
    assert plan.pending() == {"silence": None}


def test_connections_and_utterances_meet_their_own_faults() -> None:
    plan = FaultPlan()
    plan.add(FAULTS["refuse_429"], times=1)
    assert plan.take(connecting=False) is None
    assert plan.take(connecting=True) is FAULTS["refuse_429"]
    assert plan.take(connecting=True) is None


def test_a_cleared_plan_is_empty() -> None:
    plan = FaultPlan()
    plan.add(FAULTS["stall"])
    plan.clear()
    assert plan.take(connecting=False) is None
