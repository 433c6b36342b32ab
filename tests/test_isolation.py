"""What ends badly in an isolated process costs one answer."""

from contextlib import closing

import pytest

from music.song import Reason, Refused
from pipelines.isolation import Isolated

FAULTS = "tests.faults:fail"


@pytest.fixture
def isolated():
    with closing(Isolated(FAULTS, seconds=1)) as call:
        yield call


def refusal(call: Isolated, data: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        call(data)
    return refused.value


@pytest.mark.parametrize(
    ("fault", "reason", "detail"),
    [
        (b"abort", Reason.CRASHED, "SIGABRT"),
        (b"exit", Reason.CRASHED, "exit code 7"),
        (b"raise", Reason.CRASHED, "LookupError: no such thing \\udc80"),
        (b"loop", Reason.TOO_SLOW, "more than 1 seconds"),
        (b"sleep", Reason.TOO_SLOW, "more than 1 seconds"),
        (b"allocate", Reason.TOO_MUCH_MEMORY, "more than 2147483648 bytes"),
        (b"refuse", Reason.NO_NOTES, "not one"),
    ],
)
def test_a_fault_costs_one_answer(isolated, fault, reason, detail):
    assert isolated(b"before") == b"before"
    refused = refusal(isolated, fault)
    assert (refused.reason, refused.detail) == (reason, detail)
    assert isolated(b"after") == b"after"
