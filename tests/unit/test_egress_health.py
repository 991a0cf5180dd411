"""Breaker, holds, pauses and the bucket, by a clock that the test turns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.gateway.egress.breaker import Breaker
from athena.gateway.egress.lanes import Lanes
from athena.gateway.egress.policy import Policy
from athena.gateway.egress.turnstile import Bucket
from athena.gateway.types import Failure, FailureKind, Model, Provider

HERE = Model(Provider("local", "openai", "http://127.0.0.1:1", True, "llama"), "qwen")
THERE = Model(Provider("anthropic", "anthropic", "http://127.0.0.1:1", False, "anthropic"), "claude")
ILL = Failure("overloaded", "Overloaded", status=529)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lanes(clock: Clock) -> Lanes:
    return Lanes(Policy(ill_after=3, cool_s=5, longest_cool_s=15, spend_s=300, longest_hold_s=900), clock)


def fail(lanes: Lanes, failure: Failure = ILL, times: int = 1, model: Model = THERE, account: str = "") -> None:
    for _ in range(times):
        lanes.enter(model, account).bad(failure)


class TestBreaker:
    def test_opens_after_failures_in_a_row_and_names_the_time_left(self, lanes: Lanes, clock: Clock) -> None:
        fail(lanes, times=2)
        assert lanes.refusal(THERE, "") is None
        fail(lanes)
        clock.now += 1.5
        refusal = lanes.refusal(THERE, "")
        assert refusal is not None
        assert (refusal.kind, refusal.status, refusal.retry_after_s) == ("overloaded", 529, 4)
        assert lanes.refusal(HERE, "") is None

    def test_one_good_answer_clears_it(self, lanes: Lanes) -> None:
        fail(lanes, times=2)
        lanes.enter(THERE, "").good()
        fail(lanes, times=2)
        assert lanes.refusal(THERE, "") is None

    @pytest.mark.parametrize("kind", ["rate", "spend", "auth", "missing", "context", "request"])
    def test_a_refusal_shows_that_it_is_there(self, lanes: Lanes, kind: FailureKind) -> None:
        fail(lanes, times=2)
        fail(lanes, Failure(kind, "no", status=400))
        fail(lanes, times=2)
        assert lanes.cooling(THERE) is None

    def test_a_refusal_of_ours_says_nothing_of_it(self, lanes: Lanes) -> None:
        fail(lanes, times=2)
        fail(lanes, Failure("refused", "local-only"))
        fail(lanes)
        assert lanes.cooling(THERE) is not None

    def test_one_probe_at_a_time_and_longer_pauses(self, lanes: Lanes, clock: Clock) -> None:
        fail(lanes, times=3)
        for pause in (5, 10, 15, 15):
            clock.now += pause - 0.1
            assert lanes.cooling(THERE) is not None
            clock.now += 0.2
            assert lanes.cooling(THERE) is None
            probe = lanes.enter(THERE, "")
            assert lanes.cooling(THERE) is not None, "somebody is trying"
            probe.bad(ILL)
        clock.now += 15.1
        lanes.enter(THERE, "").good()
        fail(lanes, times=3)
        clock.now += 5.1
        assert lanes.cooling(THERE) is None, "after a success the first pause is short again"

    def test_a_probe_that_is_left_is_nobodys_verdict(self, lanes: Lanes, clock: Clock) -> None:
        fail(lanes, times=3)
        clock.now += 6
        lanes.enter(THERE, "").leave()
        assert lanes.cooling(THERE) is None

    def test_a_probe_that_hangs_counts_as_gone(self, lanes: Lanes, clock: Clock) -> None:
        fail(lanes, times=3)
        clock.now += 6
        lanes.enter(THERE, "")
        clock.now += 14.9
        assert lanes.cooling(THERE) is not None
        clock.now += 0.2
        assert lanes.cooling(THERE) is None

    def test_requests_from_before_it_opened_change_nothing(self) -> None:
        breaker = Breaker(1, 5, 60)
        breaker.bad(0, probe=False)
        breaker.bad(4, probe=False)
        assert breaker.closed_for(5) is None

    @given(st.lists(st.sampled_from(["good", "bad", "leave", "wait"]), max_size=60))
    def test_never_more_than_one_probe_and_never_shut_for_ever(self, acts: list[str]) -> None:
        clock = Clock()
        lanes = Lanes(Policy(ill_after=2, cool_s=5, longest_cool_s=20), clock)
        for act in acts:
            if act == "wait":
                clock.now += 3
                continue
            if lanes.refusal(THERE, "") is not None:
                continue
            half_open = "anthropic/claude" in lanes._breakers and lanes._breakers["anthropic/claude"].open
            admission = lanes.enter(THERE, "")
            if half_open:
                assert lanes.refusal(THERE, "") is not None
            if act == "bad":
                admission.bad(ILL)
            else:
                {"good": admission.good, "leave": admission.leave}[act]()
        clock.now += 20.1
        assert lanes.refusal(THERE, "") is None


class TestHolds:
    def test_a_rate_limit_lasts_as_long_as_was_said_for_its_account(self, lanes: Lanes, clock: Clock) -> None:
        fail(lanes, Failure("rate", "slow down", status=429, body=b"verbatim", retry_after_s=30), account="a")
        clock.now += 10
        refusal = lanes.refusal(THERE, "a")
        assert refusal is not None
        assert (refusal.kind, refusal.body, refusal.retry_after_s) == ("rate", b"verbatim", 20)
        assert lanes.refusal(THERE, "b") is None
        clock.now += 21
        assert lanes.refusal(THERE, "a") is None

    def test_a_spend_limit_names_no_time_and_an_answer_ends_it(self, lanes: Lanes, clock: Clock) -> None:
        fail(lanes, Failure("spend", "pay", status=429))
        clock.now += 299
        refusal = lanes.refusal(THERE, "")
        assert refusal is not None
        assert refusal.retry_after_s is None
        lanes.enter(THERE, "").good()
        assert lanes.refusal(THERE, "") is None

    def test_ten_hours_are_not_believed(self, lanes: Lanes, clock: Clock) -> None:
        fail(lanes, Failure("rate", "tomorrow", status=429, retry_after_s=36000))
        clock.now += 901
        assert lanes.refusal(THERE, "") is None

    def test_what_is_remembered_has_an_end(self, lanes: Lanes) -> None:
        for number in range(5000):
            fail(lanes, Failure("rate", "slow", retry_after_s=600), account=str(number))
        assert lanes.refusal(THERE, "0") is None
        assert lanes.refusal(THERE, "4999") is not None
        assert len(lanes._holds) == 4096


class TestPause:
    @pytest.mark.parametrize("kind", ["spend", "auth", "missing", "context", "request", "refused"])
    def test_what_would_be_the_same_is_not_asked_again(self, kind: FailureKind) -> None:
        assert Policy().pause(Failure(kind, ""), 1, left_s=600, others=False) is None

    @given(made=st.integers(1, 20), dice=st.floats(0, 1, exclude_max=True), left=st.floats(0, 100))
    def test_full_jitter_within_what_is_left(self, made: int, dice: float, left: float) -> None:
        policy = Policy(tries=30, pause_s=0.5, longest_pause_s=8, dice=lambda: dice)
        pause = policy.pause(ILL, made, left_s=left, others=False)
        whole = min(8, 0.5 * 2 ** (made - 1))
        assert pause == (dice * whole if dice * whole < left else None)

    def test_as_many_tries_as_allowed(self) -> None:
        policy = Policy(tries=3)
        assert policy.pause(ILL, 2, left_s=600, others=True) is not None
        assert policy.pause(ILL, 3, left_s=600, others=False) is None

    def test_a_time_that_was_named_is_waited_for_if_it_fits(self) -> None:
        policy = Policy(patience_s=10, dice=lambda: 0.0)
        limited = Failure("rate", "", retry_after_s=30)
        assert policy.pause(limited, 1, left_s=60, others=False) == 30
        assert policy.pause(limited, 1, left_s=60, others=True) is None, "another model is there now"
        assert policy.pause(limited, 1, left_s=29, others=False) is None
        assert policy.pause(Failure("rate", "", retry_after_s=4), 1, left_s=60, others=True) == 4


class TestBucket:
    @given(
        per_minute=st.integers(1, 600),
        burst=st.integers(1, 10),
        gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60),
    )
    def test_never_more_than_the_burst_and_the_rate(self, per_minute: int, burst: int, gaps: list[float]) -> None:
        bucket, now, taken = Bucket(per_minute, burst, 0.0), 0.0, []
        for gap in gaps:
            now += gap
            if bucket.wait_s(now) == 0:
                bucket.take(now)
                taken.append(now)
        for first in range(len(taken)):
            for last in range(first, len(taken)):
                allowed = burst + (taken[last] - taken[first]) * per_minute / 60
                assert last - first + 1 <= allowed + 1e-6

    @given(per_minute=st.integers(1, 600), burst=st.integers(1, 10), ahead=st.integers(0, 20))
    def test_who_waits_as_long_as_told_gets_a_token(self, per_minute: int, burst: int, ahead: int) -> None:
        bucket, now = Bucket(per_minute, burst, 0.0), 0.0
        told = bucket.wait_s(now, ahead)
        for _ in range(ahead):
            now += bucket.wait_s(now)
            bucket.take(now)
        assert now + bucket.wait_s(now) == pytest.approx(told, abs=1e-6)
