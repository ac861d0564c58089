import asyncio
import gc
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition

from tests.media.sources.support import (
    PATIENCE,
    SteppingClock,
    collect,
    decode,
    frequency,
    make_file,
    packets,
    samples,
    sine,
    steps,
)
from videocli.errors import SourceError
from videocli.media.bitstream import frame_is_keyframe, nals_of_frame
from videocli.media.frames import MAX_SOUND_BYTES, Codec, EncodedFrame, MediaKind
from videocli.media.sources import FileSource, begin_together, file
from videocli.media.sources.file import Beginning
from videocli.media.sources.input import Input

WITHOUT_B_FRAMES = {"profile": "baseline", "preset": "ultrafast"}
START_CODES = (b"\0\0\0\1", b"\0\0\1")


def play(
    path: Path, kind: MediaKind, codec: Codec, count: int | None, *, loop: bool = True
) -> list[EncodedFrame]:
    return collect(FileSource(kind, str(path), loop=loop, clock=SteppingClock()), codec, count)


def large(milliseconds: int) -> dict[str, str]:
    """Options of libopus for packets of more than `MAX_SOUND_BYTES`."""
    return {"b": "256k", "vbr": "off", "frame_duration": str(milliseconds)}


class TestPassThrough:
    def test_vp8_comes_as_it_lies_in_the_file_and_its_time_grows_over_the_seam(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.mkv", video="libvpx")
        frames = play(path, "video", Codec.VP8, 60)
        there = packets(path, "video")
        assert [frame.data for frame in frames] == (there * 3)[:60]
        assert set(steps(frames)) == {3600}

    def test_vp8_tells_its_keyframes(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.webm", video="libvpx", keyframe_every=5)
        frames = play(path, "video", Codec.VP8, 25)
        assert [n for n, frame in enumerate(frames) if frame.is_keyframe] == [0, 5, 10, 15, 20]

    def test_opus_comes_as_it_lies_in_the_file_and_its_time_grows_over_the_seam(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.mkv", video="libvpx", audio="libopus", layout="stereo")
        there = packets(path, "audio")
        frames = play(path, "audio", Codec.OPUS, 120)
        assert [frame.data for frame in frames] == (there * 3)[:120]
        assert set(steps(frames)) == {960}

    @pytest.mark.parametrize("milliseconds", [60, 120])
    @pytest.mark.parametrize("name", ["a.opus", "a.webm", "a.ts", "a.mp4"])
    def test_opus_that_is_too_large_for_a_packet_comes_in_parts_that_sound_the_same(
        self, name: str, milliseconds: int, tmp_path: Path
    ) -> None:
        path = make_file(tmp_path / name, audio="libopus", layout="stereo", audio_options=large(milliseconds))
        there = [EncodedFrame(data, 0, True, Codec.OPUS) for data in packets(path, "audio")]
        assert min(len(frame.data) for frame in there) > MAX_SOUND_BYTES
        count = len(there) * milliseconds // 20
        frames = play(path, "audio", Codec.OPUS, count)
        assert max(len(frame.data) for frame in frames) <= MAX_SOUND_BYTES
        assert set(steps(frames)) == {960}
        assert samples(frames) == samples(there)

    def test_of_opus_that_is_damaged_what_is_too_large_for_a_packet_is_left_out(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.mp4", audio="libopus", audio_options=large(60))
        whole = play(path, "audio", Codec.OPUS, 9)
        data = path.read_bytes()
        damaged = packets(path, "audio")[1]
        path.write_bytes(data.replace(damaged, damaged[:1] + b"\x05" + damaged[2:]))
        frames = play(path, "audio", Codec.OPUS, 6)
        assert [frame.data for frame in frames] == [frame.data for frame in whole[:3] + whole[6:]]
        assert steps(frames) == [960, 960, 3840, 960, 960]

    @pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.h264"])
    def test_h264_becomes_annex_b_with_parameter_sets(self, name: str, tmp_path: Path) -> None:
        path = make_file(tmp_path / name, video="libx264", options=WITHOUT_B_FRAMES)
        frames = play(path, "video", Codec.H264, 60)
        assert all(frame.data.startswith(START_CODES) for frame in frames)
        assert all(b"\0\0\1\x67" in frame.data for frame in frames if frame.is_keyframe)
        assert frames[0].is_keyframe
        assert frames[25].is_keyframe
        assert set(steps(frames)) == {3600}
        pictures = decode(frames)
        assert len(pictures) == 60
        assert bytes(pictures[0].planes[0]) == bytes(pictures[25].planes[0])

    def test_without_loop_the_source_ends_with_the_file(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.mkv", video="libvpx", audio="libopus")
        frames = play(path, "video", Codec.VP8, None, loop=False)
        assert [frame.data for frame in frames] == packets(path, "video")

    @pytest.mark.parametrize("keyframe_every", [30, 500])
    @pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
    def test_a_request_is_answered_by_encoding_until_the_next_keyframe(
        self, codec: Codec, keyframe_every: int, tmp_path: Path
    ) -> None:
        encoder = {Codec.VP8: "libvpx", Codec.H264: "libx264"}[codec]
        options = WITHOUT_B_FRAMES if codec is Codec.H264 else None
        path = make_file(
            tmp_path / "a.mkv", video=encoder, frames=50, keyframe_every=keyframe_every, options=options
        )
        untouched = play(path, "video", codec, 50)
        source = FileSource("video", str(path), clock=SteppingClock())
        frames = collect(source, codec, 50, lambda sent: source.request_keyframe() if sent == 8 else None)
        begins, back = 8, min(keyframe_every, 50)
        assert frames[:begins] + frames[back:] == untouched[:begins] + untouched[back:]
        assert [n for n, frame in enumerate(frames) if frame.is_keyframe] == sorted({0, begins, back} - {50})
        assert set(steps(frames)) == {3600}
        brightness = [bytes(picture.planes[0])[5000] for picture in decode(frames[begins:])]
        assert brightness == [pytest.approx(40 + 6 * (n % 30), abs=8) for n in range(begins, 50)]

    def test_a_request_waits_for_a_keyframe_that_is_near(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.mkv", video="libvpx", frames=60, keyframe_every=40)
        source = FileSource("video", str(path), clock=SteppingClock())
        frames = collect(
            source, Codec.VP8, 60, lambda sent: source.request_keyframe() if sent == 30 else None
        )
        assert [frame.data for frame in frames] == packets(path, "video")

    @pytest.mark.parametrize(("again", "before"), [(None, 0), (7, 10), (8, 7), (8, 10)])
    def test_parameter_sets_that_the_file_says_once_come_with_every_keyframe(
        self, again: int | None, before: int, tmp_path: Path
    ) -> None:
        """Though one of the two is said again, before a keyframe or before another picture."""
        options = WITHOUT_B_FRAMES | {"x264-params": "repeat-headers=0"}
        whole = make_file(tmp_path / "a.mp4", video="libx264", options=options)
        path = tmp_path / "a.h264"
        start = b"\0\0\0\1"
        nals = [nal for frame in play(whole, "video", Codec.H264, 25) for nal in nals_of_frame(frame.data)]
        sets = [next(nal for nal in nals if nal[0] & 31 == kind) for kind in (7, 8)]
        pictures = [nal for nal in nals if nal[0] & 31 in (1, 5)]
        repeated = [nal for nal in sets if nal[0] & 31 == again]
        said = [*sets, *pictures[:before], *repeated, *pictures[before:]]
        path.write_bytes(b"".join(start + nal for nal in said))
        frames = play(path, "video", Codec.H264, 25)
        assert [n for n, frame in enumerate(frames) if frame.is_keyframe] == [0, 5, 10, 15, 20]
        for first in (5, 10, 15):
            assert len(decode(frames[first:])) == 25 - first

    @pytest.mark.parametrize(
        "options", [{"profile": "main", "bf": "0"}, {"profile": "baseline", "level": "4"}]
    )
    def test_h264_that_nobody_negotiated_is_encoded_anew(
        self, options: dict[str, str], tmp_path: Path
    ) -> None:
        path = make_file(tmp_path / "a.mkv", video="libx264", options=options, frames=5)
        source = FileSource("video", str(path))
        source.check()
        assert source.preferred_codec is None
        decoder = av.CodecContext.create("h264", "r")
        decoder.decode(av.Packet(play(path, "video", Codec.H264, 5)[0].data))
        assert decoder.profile == "Constrained Baseline"

    @pytest.mark.parametrize(
        ("encoder", "kind", "codec"),
        [("libvpx", "video", Codec.VP8), ("libx264", "video", Codec.H264), ("libopus", "audio", Codec.OPUS)],
    )
    def test_what_passes_through_prefers_its_own_codec(
        self, encoder: str, kind: MediaKind, codec: Codec, tmp_path: Path
    ) -> None:
        options = WITHOUT_B_FRAMES if codec is Codec.H264 else None
        path = make_file(tmp_path / "a.mkv", **{kind: encoder}, options=options)  # type: ignore[arg-type]
        source = FileSource(kind, str(path))
        source.check()
        assert source.preferred_codec is codec

    def test_a_single_frame_does_not_spin(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.webm", video="libvpx", frames=1)
        assert set(steps(play(path, "video", Codec.VP8, 10))) == {18_000}


class TestTranscoding:
    @pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
    def test_video_is_decoded_and_encoded_and_looped_without_a_gap(
        self, codec: Codec, tmp_path: Path
    ) -> None:
        path = make_file(tmp_path / "a.avi", video="mpeg4")
        frames = play(path, "video", codec, 60)
        assert set(steps(frames)) == {3600}
        assert [frame.is_keyframe for frame in frames] == [True] + [False] * 59
        pictures = decode(frames)
        assert (pictures[0].width, pictures[0].height) == (160, 96)
        brightness = [bytes(picture.planes[0])[5000] for picture in pictures]
        assert brightness == [pytest.approx(40 + 6 * (n % 25), abs=8) for n in range(60)]

    def test_a_picture_that_waits_becomes_the_keyframe_that_is_asked_for(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.avi", video="mpeg4")
        clock = SteppingClock()
        source = FileSource("video", str(path), clock=clock)

        def ask(sent: int) -> None:
            if sent == 20:
                clock.call_at(clock.now + 0.01, source.request_keyframe)

        frames = collect(source, Codec.VP8, 25, ask)
        assert [n for n, frame in enumerate(frames) if frame.is_keyframe] == [0, 20]
        assert steps(frames)[18:22] == pytest.approx([3600, 900, 6300, 3600], abs=1)
        brightness = [bytes(picture.planes[0])[5000] for picture in decode(frames[20:])]
        assert brightness == [pytest.approx(40 + 6 * n, abs=8) for n in range(20, 25)]

    def test_h264_with_b_frames_is_not_passed_through(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.mp4", video="libx264", options={"bf": "2", "preset": "medium"})
        frames = play(path, "video", Codec.H264, 50)
        assert set(steps(frames)) == {3600}
        assert not {frame.data for frame in frames} & set(packets(path, "video"))
        brightness = [bytes(picture.planes[0])[5000] for picture in decode(frames)]
        assert brightness == [pytest.approx(40 + 6 * (n % 25), abs=8) for n in range(50)]

    @pytest.mark.parametrize("keyframe_every", [1, 500])
    def test_keyframes_come_when_asked_for_and_not_as_in_the_file(
        self, keyframe_every: int, tmp_path: Path
    ) -> None:
        path = make_file(tmp_path / "a.mp4", video="libx264", keyframe_every=keyframe_every)
        source = FileSource("video", str(path), clock=SteppingClock())
        frames = collect(
            source, Codec.VP8, 40, lambda sent: source.request_keyframe() if sent == 20 else None
        )
        assert [n for n, frame in enumerate(frames) if frame.is_keyframe] == [0, 20]

    @pytest.mark.parametrize(
        ("size", "fitted"), [((1920, 1080), (1280, 720)), ((1000, 1000), (720, 720)), ((161, 91), (160, 90))]
    )
    def test_pictures_are_made_to_fit(
        self, size: tuple[int, int], fitted: tuple[int, int], tmp_path: Path
    ) -> None:
        path = make_file(tmp_path / "a.png", video="png", frames=1, size=size)
        (picture,) = decode(play(path, "video", Codec.VP8, 1))
        assert (picture.width, picture.height) == fitted

    def test_h264_beyond_the_negotiated_level_is_made_smaller(self, tmp_path: Path) -> None:
        path = make_file(
            tmp_path / "a.mp4", video="libx264", options=WITHOUT_B_FRAMES, size=(1920, 1080), frames=3
        )
        (picture,) = decode(play(path, "video", Codec.H264, 1))
        assert (picture.width, picture.height) == (1280, 720)

    def test_a_still_image_is_shown_five_times_a_second(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.png", video="png", frames=1)
        frames = play(path, "video", Codec.VP8, 20)
        assert set(steps(frames)) == {18_000}
        assert len(decode(frames)) == 20

    def test_a_still_image_answers_a_request_for_a_keyframe(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.png", video="png", frames=1)
        source = FileSource("video", str(path), clock=SteppingClock())
        frames = collect(source, Codec.VP8, 10, lambda sent: source.request_keyframe() if sent == 5 else None)
        assert [n for n, frame in enumerate(frames) if frame.is_keyframe] == [0, 5]

    def test_a_still_image_without_loop_is_one_frame(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.png", video="png", frames=1)
        assert len(play(path, "video", Codec.VP8, None, loop=False)) == 1

    def test_slow_video_is_repeated_five_times_a_second(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.avi", video="mpeg4", frame_rate=1, frames=3)
        assert set(steps(play(path, "video", Codec.VP8, 20))) == {18_000}

    def test_fast_video_is_thinned_to_thirty_frames_a_second(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.avi", video="mpeg4", frame_rate=60, frames=60)
        assert set(steps(play(path, "video", Codec.VP8, 20))) == {3000}

    def test_late_pictures_are_left_out(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.avi", video="mpeg4", frames=50)
        clock = SteppingClock()

        def delay(sent: int) -> None:
            if sent == 10:
                clock.now += 0.4

        frames = collect(FileSource("video", str(path), clock=clock), Codec.VP8, 30, delay)
        assert steps(frames)[9] == 5 * 3600
        assert set(steps(frames)[:9]) == set(steps(frames)[-15:]) == {3600}

    def test_damage_in_the_middle_is_passed_over(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.avi", video="mpeg4", frames=25)
        data = bytearray(path.read_bytes())
        middle = data.index(b"00dc", len(data) // 2)
        data[middle + 8 : middle + 40] = b"\xff" * 32
        path.write_bytes(data)
        assert len(play(path, "video", Codec.VP8, 100)) == 100

    @pytest.mark.parametrize(
        ("name", "audio", "rate", "layout"),
        [
            ("a.wav", "pcm_s16le", 44_100, "mono"),
            ("a.mp4", "aac", 48_000, "stereo"),
            ("a.mp4", "aac", 48_000, "5.1"),
            ("a.wav", "pcm_s16le", 48_000, "mono"),
        ],
    )
    def test_sound_becomes_opus_and_is_looped_without_a_gap(
        self, name: str, audio: str, rate: int, layout: str, tmp_path: Path
    ) -> None:
        path = make_file(tmp_path / name, audio=audio, rate=rate, layout=layout)
        frames = play(path, "audio", Codec.OPUS, 125)
        assert set(steps(frames)) == {960}
        sound = samples(frames)
        assert frequency(sound) == pytest.approx(500, abs=1)
        loudest_in_each_cycle = [max(sound[n : n + 96]) for n in range(0, len(sound) - 96, 96)]
        assert min(loudest_in_each_cycle) > 4_000

    def test_stereo_stays_stereo(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.wav", audio="pcm_s16le", layout="stereo")
        frames = play(path, "audio", Codec.OPUS, 5)
        assert all(frame.data[0] & 4 for frame in frames), "the s bit of the TOC byte (RFC 6716, 3.1)"

    @pytest.mark.parametrize("rate", [44_100, 48_000])
    def test_sound_without_loop_ends_with_the_file(self, rate: int, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.wav", audio="pcm_s16le", rate=rate, seconds=0.51)
        assert len(play(path, "audio", Codec.OPUS, None, loop=False)) == 26

    def test_a_very_short_sound_does_not_spin(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = make_file(tmp_path / "a.wav", audio="pcm_s16le", seconds=0.001)
        sound = samples(play(path, "audio", Codec.OPUS, 100))
        assert sum(abs(value) > 2_000 for value in sound) < 0.02 * len(sound), "once in a fifth of a second"


class TestPictureAndSoundOfOneFile:
    @pytest.mark.parametrize(("frames", "seconds", "pass_ms"), [(25, 0.8, 1000), (20, 1.0, 1020)])
    def test_what_passes_through_begins_again_together(
        self, frames: int, seconds: float, pass_ms: int, tmp_path: Path
    ) -> None:
        path = make_file(
            tmp_path / "a.webm",
            video="libvpx",
            audio="libopus",
            frames=frames,
            seconds=seconds,
            keyframe_every=100,
        )
        pictures = play(path, "video", Codec.VP8, 4 * frames)
        begin = [frame.timestamp / 90 for frame in pictures if frame.is_keyframe]
        assert begin == [n * pass_ms for n in range(4)]
        first = packets(path, "audio")[0]
        sounds = play(path, "audio", Codec.OPUS, 150)
        assert [sound.timestamp / 48 for sound in sounds if sound.data == first][:3] == begin[:3]

    @pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.ts"])
    @pytest.mark.parametrize("seconds", [0.7, 1.3])
    def test_what_is_encoded_anew_begins_again_together(
        self, name: str, seconds: float, tmp_path: Path
    ) -> None:
        path = make_file(tmp_path / name, video="mpeg4", audio="aac", seconds=seconds, rate=44_100)
        pictures = play(path, "video", Codec.VP8, 120)
        brightness = [bytes(shown.planes[0])[5000] for shown in decode(pictures)]
        darkest = min(brightness)
        dark = [frame.timestamp / 90 for n, frame in enumerate(pictures) if brightness[n] < darkest + 3]
        begin = [at for n, at in enumerate(dark) if n == 0 or at - dark[n - 1] > 300]
        sound = samples(play(path, "audio", Codec.OPUS, 210))
        loud = [n / 48 + 100 for n in range(0, len(sound) - 96, 48) if max(sound[n : n + 96]) > 3_000]
        onsets = [after for before, after in pairwise(loud) if after - before > 150]
        assert len(begin) > 3
        passes = [after - before for before, after in pairwise(begin)]
        assert passes == [pytest.approx(passes[0], abs=0.1)] * len(passes)
        if seconds < 1:
            assert passes[0] == pytest.approx(1000, abs=25)
            assert onsets[:3] == [pytest.approx(at, abs=30) for at in begin[1:4]]
        else:
            assert passes[0] == pytest.approx(1300, abs=50)

    def test_a_cover_is_no_picture_to_keep_step_with(self, tmp_path: Path) -> None:
        path = tmp_path / "a.m4a"
        image = Path(make_file(tmp_path / "a.png", video="png", frames=1)).read_bytes()
        with av.open(str(path), "w", format="mp4") as container:
            sound = container.add_stream("aac", rate=48_000)
            cover = container.add_stream("png", rate=1)
            assert isinstance(sound, av.AudioStream)
            assert isinstance(cover, av.VideoStream)
            cover.width, cover.height, cover.pix_fmt = 160, 96, "rgb24"
            cover.disposition = Disposition.attached_pic
            container.start_encoding()
            packet = av.Packet(image)
            packet.stream, packet.pts, packet.dts = cover, 0, 0
            container.mux(packet)
            container.mux(sound.encode(sine(1024, 0, 48_000)))
            container.mux(sound.encode(None))
        opened = Input(str(path), "audio")
        while opened.read() is not None:
            pass
        assert opened.pass_seconds is None
        opened.close()

    def test_one_that_begins_first_decides_when_the_other_does(self) -> None:
        beginning = Beginning()
        assert beginning.starts_at(0.5, 100.0) == 100.0
        assert beginning.starts_at(0.0, 100.2) == 99.5
        assert beginning.starts_at(0.7, 100.3) == pytest.approx(100.2)

    def test_what_comes_much_later_begins_anew(self) -> None:
        beginning = Beginning()
        assert beginning.starts_at(0.0, 100.0) == 100.0
        assert beginning.starts_at(0.0, 160.0) == 160.0
        assert beginning.starts_at(0.0, 160.5) == 160.0

    def test_a_late_one_catches_up(self, tmp_path: Path) -> None:
        path = make_file(tmp_path / "a.webm", video="libvpx", audio="libopus")
        clock = SteppingClock()
        sources = [FileSource("video", str(path), clock=clock), FileSource("audio", str(path), clock=clock)]
        begin_together(sources)
        at: list[float] = []
        collect(sources[0], Codec.VP8, 1)
        clock.now = 100.3
        frames = collect(sources[1], Codec.OPUS, 40, lambda sent: at.append(clock.now))
        assert at[0] == at[10] == 100.3
        assert at[39] == pytest.approx(100.0 + frames[39].timestamp / 48_000)


def test_a_file_that_vanishes_fails_the_source_and_is_named(tmp_path: Path) -> None:
    path = make_file(tmp_path / "gone.mkv", video="libvpx", frames=10)
    source = FileSource("video", str(path), clock=SteppingClock())
    source.check()
    sent = 0

    def remove(count: int) -> None:
        nonlocal sent
        sent = count
        if count == 5:
            path.unlink()

    with pytest.raises(SourceError, match=r"gone\.mkv' does not exist"):
        collect(source, Codec.VP8, None, remove)
    assert sent == 10


BASELINE = {"video": "libx264", "options": WITHOUT_B_FRAMES}
WITH_B_FRAMES = {"video": "libx264", "options": {"bf": "2", "preset": "medium"}}
VP8 = {"video": "libvpx"}


def replaced(codec: Codec, first: dict[str, Any], second: dict[str, Any], folder: Path) -> list[EncodedFrame]:
    """What is sent of a file that another one takes the place of while it plays."""
    path = make_file(folder / "a.mkv", **first)
    other = make_file(folder / "b.mkv", **second)

    def replace(sent: int) -> None:
        if sent == 5:
            other.rename(path)

    return collect(FileSource("video", str(path), clock=SteppingClock()), codec, 60, replace)


@pytest.mark.parametrize(
    ("codec", "first", "second"),
    [
        (Codec.H264, BASELINE, VP8),
        (Codec.H264, BASELINE, WITH_B_FRAMES),
        (Codec.VP8, VP8, BASELINE),
    ],
)
def test_a_file_in_whose_place_comes_what_cannot_be_sent_as_it_is_fails_in_words(
    codec: Codec, first: dict[str, Any], second: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=r"a\.mkv' was replaced by something else while it played"):
        replaced(codec, first, second, tmp_path)


@pytest.mark.parametrize(("codec", "options"), [(Codec.H264, BASELINE), (Codec.VP8, VP8)])
def test_a_file_in_whose_place_comes_another_of_its_kind_goes_on_with_that(
    codec: Codec, options: dict[str, Any], tmp_path: Path
) -> None:
    frames = replaced(codec, options, options | {"size": (320, 192)}, tmp_path)
    assert [picture.width for picture in decode(frames)] == [160] * 25 + [320] * 35


@pytest.mark.parametrize("second", [BASELINE, VP8])
def test_a_file_that_is_encoded_anew_goes_on_with_whatever_comes_in_its_place(
    second: dict[str, Any], tmp_path: Path
) -> None:
    assert len(decode(replaced(Codec.VP8, WITH_B_FRAMES, second, tmp_path))) == 60


@pytest.mark.parametrize("loop", [True, False])
def test_a_file_that_was_cut_off_is_sent_up_to_there_and_then_fails_in_words(
    loop: bool, tmp_path: Path
) -> None:
    path = make_file(
        tmp_path / "a.mp4",
        video="libx264",
        options=WITHOUT_B_FRAMES,
        container_options={"movflags": "faststart"},
        frames=100,
        size=(320, 192),
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    sent: list[int] = []
    source = FileSource("video", str(path), loop=loop, clock=SteppingClock())
    with pytest.raises(SourceError) as caught:
        collect(source, Codec.H264, None, sent.append)
    assert caught.value.message == f"'{path}' is damaged, or was cut off"
    assert 50 < len(sent) < 100


@pytest.mark.parametrize("name", ["a.webm", "a.mkv"])
@pytest.mark.parametrize("loop", [True, False])
@pytest.mark.parametrize(("kind", "codec"), [("video", Codec.VP8), ("audio", Codec.OPUS)])
def test_a_webm_that_was_cut_off_is_sent_up_to_there_and_then_says_so(
    name: str, loop: bool, kind: MediaKind, codec: Codec, tmp_path: Path
) -> None:
    path = make_file(tmp_path / name, video="libvpx", audio="libopus", frames=100, seconds=4.0)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    sent: list[int] = []
    with pytest.raises(SourceError) as caught:
        collect(FileSource(kind, str(path), loop=loop, clock=SteppingClock()), codec, None, sent.append)
    assert caught.value.message == f"'{path}' ends before its time"
    assert f"of its {len(whole)} bytes, {len(whole) * 3 // 4} are there" in caught.value.explanation
    assert 20 < len(sent) < 200


def test_a_webm_that_was_written_as_a_stream_ends_where_it_ends(tmp_path: Path) -> None:
    path = make_file(tmp_path / "a.webm", video="libvpx", frames=50, container_options={"live": "1"})
    path.write_bytes(path.read_bytes()[:-200])
    assert 40 < len(play(path, "video", Codec.VP8, None, loop=False)) < 50


def test_a_source_can_run_again(tmp_path: Path) -> None:
    path = make_file(tmp_path / "a.mkv", video="libvpx")
    source = FileSource("video", str(path), clock=SteppingClock())
    first = collect(source, Codec.VP8, 10)
    assert collect(source, Codec.VP8, 10) == first
    assert collect(source, Codec.H264, 10)[0].codec is Codec.H264


@pytest.mark.parametrize(
    ("kind", "codec"), [("video", Codec.VP8), ("video", Codec.H264), ("audio", Codec.OPUS)]
)
def test_neither_thread_nor_file_stays_even_before_garbage_is_collected(
    kind: MediaKind, codec: Codec, tmp_path: Path
) -> None:
    """FFmpeg's threads are not Python's: the system must be asked."""
    path = make_file(tmp_path / "a.mkv", video="mpeg4", audio="aac")
    threads, files = Path("/proc/self/task"), Path("/proc/self/fd")
    if not threads.exists():
        pytest.skip("needs /proc")

    def count(folder: Path) -> int:
        return len(list(folder.iterdir()))

    gc.collect()
    threads_before, files_before = count(threads), count(files)
    gc.disable()
    try:
        collect(FileSource(kind, str(path), clock=SteppingClock()), codec, 10)
        assert count(files) <= files_before
        give_up_at = time.monotonic() + PATIENCE
        while count(threads) > threads_before and time.monotonic() < give_up_at:
            time.sleep(0.001)
        assert count(threads) <= threads_before
    finally:
        gc.enable()


def test_packets_are_keyframes_as_the_forwarder_sees_it(tmp_path: Path) -> None:
    path = make_file(tmp_path / "a.mp4", video="libx264", options=WITHOUT_B_FRAMES)
    for frame in play(path, "video", Codec.H264, 30):
        assert frame.is_keyframe == frame_is_keyframe(Codec.H264, frame.data)


def test_two_sources_run_side_by_side_on_the_real_clock(tmp_path: Path) -> None:
    path = make_file(tmp_path / "a.mkv", video="libvpx", audio="libopus")
    seen: dict[str, list[float]] = {"video": [], "audio": []}

    async def run() -> float:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        done = asyncio.Event()

        def send(frame: EncodedFrame) -> None:
            seen[frame.codec.kind].append(loop.time() - frame.timestamp / frame.codec.clock_rate)
            if all(len(times) >= 5 for times in seen.values()):
                done.set()

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(FileSource("video", str(path)).run(Codec.VP8, send)),
                group.create_task(FileSource("audio", str(path)).run(Codec.OPUS, send)),
            ]
            await done.wait()
            for task in tasks:
                task.cancel()
        return began_at

    began_at = asyncio.run(run())
    for starts in seen.values():
        assert min(starts) == starts[0] or min(starts) >= starts[0] - 0.001, "never before its time"
        assert starts[0] >= began_at


def test_a_file_of_which_nothing_can_be_made_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise ValueError("no such filter")

    path = make_file(tmp_path / "a.mkv", video="libvpx")
    monkeypatch.setattr(file, "PassThrough", fail)
    opened = Input(str(path), "video")
    with pytest.raises(ValueError, match="no such filter"):
        file.make_frames(opened, Codec.VP8, loop=True)
    with pytest.raises(AssertionError, match="Container is not open"):
        opened.read()
