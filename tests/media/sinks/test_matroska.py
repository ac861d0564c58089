"""Files that grow by clusters, whole at any moment."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import pytest

from tests.media.sinks.support import Played, frames
from videocli.media.frames import Codec, EncodedFrame
from videocli.media.sinks.h264 import length_prefixed, parameter_sets
from videocli.media.sinks.matroska import CLUSTER_MS, Cluster, MatroskaWriter, TrackHeader

BEGAN_AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SOUND = TrackHeader(2, Codec.OPUS, "mic")


def picture_track(codec: Codec, first: EncodedFrame) -> TrackHeader:
    sets = parameter_sets(first.data)
    return TrackHeader(1, codec, "caméra", (160, 96), sets.avcc() if sets and codec is Codec.H264 else b"")


def clusters(writer: MatroskaWriter, *tracks: tuple[int, Sequence[EncodedFrame]]) -> Iterator[Cluster]:
    """Write tracks, by number, in the order of their timestamps."""
    merged = sorted(
        (frame.timestamp / frame.codec.clock_rate, number, frame)
        for number, track in tracks
        for frame in track
    )
    for at, number, frame in merged:
        data = frame.data
        if frame.codec is Codec.H264:
            data = length_prefixed(data)
        if writer.is_due(number, round(at * 1000), frame.is_keyframe):
            cluster = writer.flush()
            assert cluster is not None
            yield cluster
        writer.add(number, round(at * 1000), frame.is_keyframe, data)
    last = writer.flush()
    assert last is not None
    yield last


def written(path: Path, codec: Codec, *, cut: int | None = None, leave_out: int | None = None) -> Path:
    """A file of two seconds; as it is after `cut` clusters, or without one of them."""
    pictures, sounds = frames(codec), frames(Codec.OPUS)
    writer = MatroskaWriter([picture_track(codec, pictures[0]), SOUND], BEGAN_AT)
    data = bytearray(writer.head)
    for number, cluster in enumerate(clusters(writer, (1, pictures), (2, sounds))):
        if number == cut:
            break
        if number != leave_out:
            data += cluster.data
            writer.appended(cluster)
    if cut is None:
        data += writer.tail()
        for at, patch in writer.patches():
            data[at : at + len(patch)] = patch
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
def test_players_find_everything_in_a_whole_file(tmp_path: Path, codec: Codec) -> None:
    played = Played(written(tmp_path / "whole.mkv", codec))
    assert played.decoded["video"] == 50
    assert played.decoded["audio"] == len(frames(Codec.OPUS))
    assert played.times["video"] == pytest.approx([n / 25 for n in range(50)], abs=0.0006)
    assert played.duration == pytest.approx(2.0, abs=0.05)


def test_a_file_whose_writer_was_killed_plays_up_to_its_last_cluster(tmp_path: Path) -> None:
    played = Played(written(tmp_path / "killed.mkv", Codec.VP8, cut=1))
    assert played.decoded["video"] == 25
    assert played.duration is None


def test_a_cluster_may_be_left_out(tmp_path: Path) -> None:
    played = Played(written(tmp_path / "dropped.mkv", Codec.VP8, leave_out=0))
    assert played.times["video"] == pytest.approx([n / 25 for n in range(25, 50)], abs=0.0006)


def test_the_index_leads_to_the_keyframes(tmp_path: Path) -> None:
    with av.open(str(written(tmp_path / "whole.mkv", Codec.VP8))) as container:
        container.seek(1_500_000)
        packet = next(container.demux(video=0))
        assert packet.is_keyframe
        assert packet.time_base is not None
        assert packet.pts == pytest.approx(1.0 / float(packet.time_base), abs=1)


def test_the_head_says_what_the_tracks_are(tmp_path: Path) -> None:
    with av.open(str(written(tmp_path / "whole.mkv", Codec.VP8))) as container:
        streams: list[Any] = list(container.streams)
        video, audio = streams
        assert (video.metadata["title"], audio.metadata["title"]) == ("caméra", "mic")
        assert (video.codec_context.width, video.codec_context.height) == (160, 96)
        assert (audio.codec_context.sample_rate, audio.codec_context.channels) == (48_000, 2)
        assert container.metadata["creation_time"].startswith("2026-11-27T12:00:00")


def test_h264_has_its_own_profile_in_the_head(tmp_path: Path) -> None:
    played = Played(written(tmp_path / "whole.mkv", Codec.H264))
    sets = parameter_sets(frames(Codec.H264)[0].data)
    assert sets is not None
    assert played.header_profile == sets.sps[1:4].hex()
    assert played.profile == "Constrained Baseline"


def test_no_cluster_is_longer_than_a_second() -> None:
    writer = MatroskaWriter([SOUND], BEGAN_AT)
    starts = [cluster.first_ms for cluster in clusters(writer, (2, frames(Codec.OPUS)))]
    assert all(later - earlier == CLUSTER_MS for earlier, later in itertools.pairwise(starts))


@pytest.mark.parametrize("size", [0, 126, 127, 16_382, 16_383, 2_097_150])
def test_blocks_of_every_size_can_be_read_back(tmp_path: Path, size: int) -> None:
    writer = MatroskaWriter([TrackHeader(1, Codec.VP8, "cam", (160, 96))], BEGAN_AT)
    writer.add(1, 0, True, bytes(size))
    cluster = writer.flush()
    assert cluster is not None
    path = tmp_path / "block.mkv"
    path.write_bytes(writer.head + cluster.data)
    with av.open(str(path)) as container:
        assert sum(packet.size for packet in container.demux()) == size
