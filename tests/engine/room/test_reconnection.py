"""The room's state follows from how the two legs are."""

from videocli.engine.room.reconnection import Health

UP = Health(joined=True)


def code(health: Health) -> int | None:
    return health.error.code if health.error else None


def test_before_joining_the_room_is_connecting() -> None:
    assert Health().state == "connecting"


def test_both_legs_up_is_connected() -> None:
    assert UP.state == "connected"
    assert code(UP) is None


def test_lost_signaling_is_reconnecting_with_53001() -> None:
    lost = UP.with_signaling(10.0)
    assert (lost.state, code(lost)) == ("reconnecting", 53001)


def test_failed_media_is_reconnecting_with_53405() -> None:
    failed = UP.with_media(10.0)
    assert (failed.state, code(failed)) == ("reconnecting", 53405)


def test_a_second_cause_keeps_the_code_and_beginning_of_the_first() -> None:
    both = UP.with_media(10.0).with_signaling(12.0)
    assert code(both) == 53405
    assert both.outage is not None
    assert both.outage.began_at == 10.0


def test_the_first_cause_stays_even_when_only_the_second_is_left() -> None:
    left = UP.with_signaling(10.0).with_media(12.0).with_signaling(None)
    assert (left.state, code(left)) == ("reconnecting", 53001)
    assert left.outage is not None
    assert left.outage.began_at == 10.0


def test_the_room_is_connected_again_only_when_both_legs_are() -> None:
    assert UP.with_signaling(10.0).with_media(12.0).with_signaling(None).with_media(None) == UP


def test_the_next_outage_has_its_own_cause() -> None:
    again = UP.with_signaling(10.0).with_signaling(None).with_media_verified().with_media(20.0)
    assert code(again) == 53405


def test_a_resumed_session_is_no_end_of_the_outage_before_media_has_answered() -> None:
    resumed = UP.with_signaling(10.0).with_signaling(None)
    assert (resumed.state, code(resumed)) == ("reconnecting", 53001)
    assert resumed.with_media_verified() == UP


def test_media_that_turns_out_to_be_dead_after_the_resume_goes_on_with_the_same_outage() -> None:
    dead = UP.with_signaling(10.0).with_signaling(None).with_media(11.0)
    assert dead.outage == UP.with_signaling(10.0).outage
    assert dead.with_media(None) == UP


def test_signaling_lost_again_before_media_has_answered_is_the_same_outage() -> None:
    again = UP.with_signaling(10.0).with_signaling(None).with_signaling(11.0)
    assert again.outage == UP.with_signaling(10.0).outage
    assert again.with_media_verified().state == "reconnecting"


def test_media_has_a_deadline_of_one_session_from_its_own_failure() -> None:
    assert UP.media_deadline(30.0) is None
    assert UP.with_signaling(10.0).with_media(12.0).media_deadline(30.0) == 42.0
