from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from av.video.frame import VideoFrame

from tests.media.sources.support import SteppingClock, collect, decode, steps
from videocli.media.frames import Codec
from videocli.media.sources import TestPicture
from videocli.media.sources.font import ADVANCE, HEIGHT, glyph_rows
from videocli.media.sources.paced import KEYFRAME_SECONDS
from videocli.media.sources.testsrc import (
    CLOCK_TOP,
    FRAME_RATE,
    IDENTITY_TOP,
    NUMBER_TOP,
    TEXT_LEFT,
    TEXT_LENGTH,
    TEXT_SCALE,
)

BEGIN = datetime(2026, 2, 3, 4, 5, 6, 500_000, tzinfo=UTC)
TICKS = 90_000 // FRAME_RATE
BOX = "\N{WHITE SQUARE}"

both_codecs = pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])


def glyph(character: str) -> str:
    return "".join("#" if pixel else "." for row in glyph_rows(character, 1, 1, 0) for pixel in row)


ALPHABET = {glyph(chr(code)): chr(code) for code in range(32, 127)} | {glyph(BOX): BOX}


def read_line(picture: VideoFrame, top: int, scale: int = TEXT_SCALE) -> str:
    """Read the text at `top` by looking at the middle of each of its font's pixels."""
    plane = picture.planes[0]
    luma = bytes(plane)
    text = ""
    for column in range((640 - TEXT_LEFT) // (ADVANCE * scale)):
        left = TEXT_LEFT + column * ADVANCE * scale + scale // 2
        seen = "".join(
            "#" if luma[(top + y * scale + scale // 2) * plane.line_size + left + x * scale] > 125 else "."
            for y in range(HEIGHT)
            for x in range(ADVANCE)
        )
        text += ALPHABET.get(seen, "?")
    return text.rstrip()


def clock_of(clock: SteppingClock) -> Callable[[], datetime]:
    return lambda: BEGIN + timedelta(seconds=clock.now - 100)


@both_codecs
def test_the_picture_says_whose_it_is_and_when_and_which(codec: Codec) -> None:
    clock = SteppingClock()
    source = TestPicture("Alice {7}", clock_of(clock), clock)
    pictures = decode(collect(source, codec, 31))
    assert {(picture.width, picture.height) for picture in pictures} == {(640, 360)}
    assert [read_line(picture, NUMBER_TOP) for picture in pictures] == [f"#{n}" for n in range(31)]
    assert {read_line(picture, IDENTITY_TOP) for picture in pictures} == {"Alice {7}"}
    assert read_line(pictures[0], CLOCK_TOP) == "2026-02-03T04:05:06.500Z"
    assert read_line(pictures[30], CLOCK_TOP) == "2026-02-03T04:05:07.750Z"


@both_codecs
def test_frames_come_at_their_rate_and_only_the_first_is_a_keyframe_unasked(codec: Codec) -> None:
    clock = SteppingClock()
    frames = collect(TestPicture("a", clock_of(clock), clock), codec, 60)
    assert frames[0].timestamp == 0
    assert set(steps(frames)) == {TICKS}
    assert [index for index, frame in enumerate(frames) if frame.is_keyframe] == [0]


@both_codecs
def test_a_keyframe_comes_every_ten_seconds(codec: Codec) -> None:
    clock = SteppingClock()
    frames = collect(TestPicture("a", clock_of(clock), clock), codec, 10 * FRAME_RATE + 1)
    assert frames[-1].is_keyframe


@both_codecs
def test_the_frame_after_a_request_is_a_keyframe_and_more_requests_are_one(codec: Codec) -> None:
    clock = SteppingClock()
    source = TestPicture("a", clock_of(clock), clock)

    def ask(sent: int) -> None:
        if sent == 20:
            source.request_keyframe()
            source.request_keyframe()

    frames = collect(source, codec, 60, ask)
    assert [index for index, frame in enumerate(frames) if frame.is_keyframe] == [0, 20]
    assert decode(frames[20:21])[0].width == 640


@both_codecs
def test_a_picture_that_waits_for_its_time_becomes_the_keyframe_that_is_asked_for_and_goes_at_once(
    codec: Codec,
) -> None:
    clock = SteppingClock()
    source = TestPicture("a", clock_of(clock), clock)

    def ask(sent: int) -> None:
        if sent == 20:
            clock.call_at(clock.now + 0.25 / FRAME_RATE, source.request_keyframe)

    frames = collect(source, codec, 40, ask)
    assert [index for index, frame in enumerate(frames) if frame.is_keyframe] == [0, 20]
    assert steps(frames)[18:22] == pytest.approx([TICKS, 0.25 * TICKS, 1.75 * TICKS, TICKS], abs=1)
    pictures = decode(frames[:20]) + decode(frames[20:])
    assert [read_line(picture, NUMBER_TOP) for picture in pictures] == [f"#{n}" for n in range(40)]


def test_h264_is_constrained_baseline_in_annex_b_with_parameter_sets_at_each_keyframe() -> None:
    clock = SteppingClock()
    frames = collect(TestPicture("a", clock_of(clock), clock), Codec.H264, 3)
    start = b"\0\0\0\1"
    assert frames[0].data.startswith(start + b"\x67\x42\xc0\x1f")
    assert start + b"\x68" in frames[0].data
    assert b"\0\0\1\x65" in frames[0].data
    assert frames[1].data.startswith(start)


def test_requests_without_end_do_not_make_every_frame_a_keyframe() -> None:
    clock = SteppingClock()
    source = TestPicture("a", clock_of(clock), clock)
    frames = collect(source, Codec.VP8, 49, lambda sent: source.request_keyframe())
    keyframes = [frame.timestamp for frame in frames if frame.is_keyframe]
    distances = {after - before for before, after in pairwise(keyframes)}
    assert distances == {round(KEYFRAME_SECONDS * Codec.VP8.clock_rate)}


def test_the_square_moves_and_the_bars_stay() -> None:
    clock = SteppingClock()
    first, second = decode(collect(TestPicture("a", clock_of(clock), clock), Codec.VP8, 2))
    at = (bytes(first.planes[0]), bytes(second.planes[0]))
    line = first.planes[0].line_size
    assert at[0][1] > 220 > at[1][1]
    assert abs(at[0][100 * line + 300] - at[1][100 * line + 300]) < 4


def test_a_stall_leaves_out_frames_and_keeps_in_step_with_the_clock() -> None:
    clock = SteppingClock()
    source = TestPicture("a", clock_of(clock), clock)

    def stall(sent: int) -> None:
        if sent == 10:
            clock.now += 3

    frames = collect(source, Codec.VP8, 12, stall)
    assert steps(frames)[8] == TICKS
    assert steps(frames)[9] == pytest.approx(3 * 90_000, abs=TICKS)
    assert steps(frames)[10] == TICKS
    assert read_line(decode(frames)[-1], NUMBER_TOP) == f"#{frames[-1].timestamp // TICKS}"


def test_characters_outside_ascii_show_as_boxes() -> None:
    clock = SteppingClock()
    frames = collect(TestPicture("Zoë\n\0", clock_of(clock), clock), Codec.H264, 1)
    assert read_line(decode(frames)[0], IDENTITY_TOP) == f"Zo{BOX * 3}"


def test_a_long_identity_is_written_smaller_and_cut_at_the_edge() -> None:
    clock = SteppingClock()
    long = "abcdefghijklmnopqrstuvwxyz" * 5
    frames = collect(TestPicture(long, clock_of(clock), clock), Codec.H264, 1)
    assert read_line(decode(frames)[0], IDENTITY_TOP, scale=2) == long[: 2 * TEXT_LENGTH]


def test_every_printable_character_has_its_own_glyph() -> None:
    assert len(ALPHABET) == 96
