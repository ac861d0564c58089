from hypothesis import given
from hypothesis import strategies as st

from videocli.media.speakers import FORGOTTEN_AFTER, PAUSE_SECONDS, SPEAKS_FROM, Speakers

LOUD, LOUDER, MURMUR, SILENCE = 0.1, 0.3, 0.006, 0.0
STEP = 0.25


class Room:
    """Speakers, four readings a second."""

    def __init__(self) -> None:
        self.now = 50.0
        self.speakers = Speakers()

    def hear(self, seconds: float = STEP, **levels: float) -> "Room":
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.speakers.update(levels, self.now)
        return self

    @property
    def speaking(self) -> str:
        return "".join(name for name in "abc" if self.speakers.is_speaking(name))

    @property
    def dominant(self) -> str | None:
        return self.speakers.dominant


def test_in_silence_nobody_speaks_and_nobody_dominates() -> None:
    room = Room().hear(10, a=SILENCE, b=SILENCE)
    assert (room.speaking, room.dominant) == ("", None)


def test_who_is_loud_enough_speaks_at_once_and_dominates() -> None:
    room = Room().hear(5, a=SILENCE, b=SILENCE).hear(a=SILENCE, b=LOUD)
    assert (room.speaking, room.dominant) == ("b", "b")


def test_a_murmur_is_no_speech_but_does_not_end_it() -> None:
    room = Room().hear(10, a=MURMUR)
    assert room.speaking == ""
    room.hear(a=LOUD).hear(10, a=MURMUR)
    assert room.speaking == "a"


def test_a_pause_between_words_is_speech_and_a_longer_one_is_not() -> None:
    room = Room().hear(1, a=LOUD).hear(PAUSE_SECONDS - STEP, a=SILENCE)
    assert room.speaking == "a"
    room.hear(2 * STEP, a=SILENCE)
    assert room.speaking == ""


def test_who_dominated_last_stays_so_in_silence_for_a_while() -> None:
    room = Room().hear(1, a=LOUD, b=SILENCE).hear(PAUSE_SECONDS + 1, a=SILENCE, b=SILENCE)
    assert (room.speaking, room.dominant) == ("", "a")
    room.hear(FORGOTTEN_AFTER + STEP, a=SILENCE, b=SILENCE)
    assert room.dominant is None


def test_who_speaks_alone_takes_over() -> None:
    room = Room().hear(1, a=LOUD, b=SILENCE).hear(2, a=SILENCE, b=LOUD)
    assert (room.speaking, room.dominant) == ("b", "b")


def test_of_two_who_speak_the_one_who_is_not_clearly_louder_does_not_take_over() -> None:
    room = Room().hear(2, a=LOUD, b=SILENCE).hear(10, a=LOUD, b=LOUD * 1.4)
    assert (room.speaking, room.dominant) == ("ab", "a")


def test_who_is_clearly_louder_takes_over_but_a_cough_does_not() -> None:
    room = Room().hear(2, a=LOUD, b=SILENCE).hear(STEP, a=LOUD, b=LOUDER)
    assert room.dominant == "a"
    assert room.hear(2, a=LOUD, b=LOUDER).dominant == "b"


def test_two_who_are_alike_do_not_take_turns() -> None:
    room = Room().hear(2, a=LOUD, b=LOUD)
    first = room.dominant
    for _ in range(20):
        room.hear(a=LOUD * 0.8, b=LOUD).hear(a=LOUD, b=LOUD * 0.8)
        assert room.dominant == first


def test_who_leaves_does_not_dominate() -> None:
    room = Room().hear(1, a=LOUD, b=SILENCE).hear(b=SILENCE)
    assert room.dominant is None
    assert room.speaking == ""


levels = st.dictionaries(st.sampled_from("abc"), st.floats(0, 1), max_size=3)


@given(st.lists(st.tuples(levels, st.floats(0, 2)), max_size=40))
def test_whatever_is_heard_only_somebody_who_is_there_and_was_loud_dominates(
    readings: list[tuple[dict[str, float], float]],
) -> None:
    speakers, now = Speakers(), 0.0
    was_loud: set[str] = set()
    for reading, pause in readings:
        now += pause
        speakers.update(reading, now)
        was_loud = {name for name in reading if name in was_loud or reading[name] >= SPEAKS_FROM}
        assert speakers.dominant is None or speakers.dominant in was_loud
        assert all(name in was_loud for name in "abc" if speakers.is_speaking(name))
        if any(speakers.is_speaking(name) for name in reading):
            assert speakers.dominant is not None
