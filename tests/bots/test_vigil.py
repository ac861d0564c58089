from videocli.bots.results import Blocked, Silence, Standing
from videocli.bots.vigil import LEAVE_SECONDS, LOOK_SECONDS, SILENT_SECONDS, Vigil

BLOCKED = Blocked("bot-1", "b.py, line 2")


def looked_at(vigil: Vigil, seconds: float, *, is_to_leave: bool = False) -> Vigil:
    for _ in range(round(seconds / LOOK_SECONDS)):
        vigil.look(is_to_leave=is_to_leave)
    return vigil


def test_a_process_that_speaks_now_and_then_is_not_silent() -> None:
    vigil = looked_at(Vigil(), SILENT_SECONDS - 1)
    vigil.heard()
    looked_at(vigil, SILENT_SECONDS - 1)
    assert (vigil.silence, vigil.longest) == (None, None)
    assert vigil.as_of_now(Standing(lag=0.1)) == Standing(lag=0.1)


def test_the_loop_of_a_silent_one_is_late_by_its_silence_at_least() -> None:
    vigil = looked_at(Vigil(), 8)
    vigil.blocked = BLOCKED
    assert vigil.as_of_now(Standing(lag=0.1)) == Standing(lag=8.0, silence=8.0, held_up=BLOCKED.words)
    assert vigil.as_of_now(Standing(lag=9.0)).lag == 9.0


def test_the_longest_silence_is_kept_with_what_was_known_of_it() -> None:
    vigil = Vigil()
    vigil.blocked = BLOCKED
    looked_at(vigil, 8)
    vigil.heard()
    looked_at(vigil, 5)
    assert vigil.longest == Silence(8.0, BLOCKED.words)
    assert vigil.silence == Silence(5.0, "")


def test_nobody_is_given_up_before_it_should_leave() -> None:
    assert not looked_at(Vigil(), 1000).is_hopeless


def test_one_that_was_silent_before_has_all_the_time_to_leave() -> None:
    vigil = looked_at(Vigil(), 1000)
    assert not looked_at(vigil, LEAVE_SECONDS - 1, is_to_leave=True).is_hopeless
    assert looked_at(vigil, 1, is_to_leave=True).is_hopeless


def test_one_that_is_heard_of_may_take_its_time_to_leave() -> None:
    vigil = Vigil()
    for _ in range(100):
        looked_at(vigil, LEAVE_SECONDS - 1, is_to_leave=True)
        vigil.heard()
        assert not vigil.is_hopeless
    assert looked_at(vigil, LEAVE_SECONDS, is_to_leave=True).is_hopeless
