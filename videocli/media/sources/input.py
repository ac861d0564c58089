"""A file, URL or device that FFmpeg reads, and one stream of it."""

import contextlib
import os
import re
import stat
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
from av import error as averror
from av.container.input import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream

from videocli.errors import SourceError
from videocli.media.bitstream import is_whole_vp8_keyframe
from videocli.media.frames import Codec, MediaKind
from videocli.media.sources.pass_length import StreamSpan, pass_seconds
from videocli.media.sources.segment import HEAD_BYTES, stated_size

_OPEN_SECONDS = 10.0
_READ_SECONDS = 10.0

_DEVICE_FORMATS = frozenset(
    (
        "alsa",
        "avfoundation",
        "dshow",
        "fbdev",
        "gdigrab",
        "jack",
        "kmsgrab",
        "lavfi",
        "openal",
        "oss",
        "pulse",
        "sndio",
        "v4l2",
        "x11grab",
    )
)
"""FFmpeg input devices: `alsa:default` is the device `default` of `alsa`."""

_ALSA_CONFIG = Path("/usr/share/alsa")
"""The ALSA library in PyAV's wheels looks for it where it was built."""

_TEXT_ART = frozenset({"ansi", "bintext", "idf", "xbin"})
"""Codecs by which FFmpeg takes any text file for a picture."""

_READ_ONCE = frozenset({"fd", "pipe"})
"""Protocols of pipes; any other is a URL."""

OPENING = "cannot be opened"
"""What fails when nothing of an input was seen yet."""

_OTHER_KIND: dict[MediaKind, MediaKind] = {"video": "audio", "audio": "video"}

_FALLBACK_RATE = Fraction(25)
_MAX_CREDIBLE_RATE = 240
"""Matroska without a frame rate claims one picture in each millisecond."""

_PROBE_PACKETS = 500
"""Packets among which the first picture or sound must be."""

_EXPLANATIONS: tuple[tuple[type[Exception], str, str], ...] = (
    (FileNotFoundError, "does not exist", "Check the path, or use testsrc (video) or tone (audio)."),
    (PermissionError, "may not be read", "Check its permissions, and those of the folders above it."),
    (IsADirectoryError, "is a folder", "Name a media file in it."),
    (averror.HTTPClientError, "is refused by the web server", "Check the URL, and that it needs no login."),
    (averror.HTTPServerError, "is refused by the web server", "Its server has a fault. Try later."),
    (averror.ProtocolNotFoundError, "has a protocol that FFmpeg does not know", "Check the URL."),
    (averror.DemuxerNotFoundError, "needs a device that this FFmpeg does not have", "Name another source."),
    (NotADirectoryError, "does not exist", "Check the path: a part of it is no folder."),
    (ConnectionError, "cannot be reached", "Check the URL, and that its server runs."),
    (averror.ExitError, "does not answer", "Check the URL and the network."),
    (TimeoutError, "does not answer", "Check the URL and the network."),
    (
        averror.InvalidDataError,
        "is not media that FFmpeg can read",
        "Name a video or sound file; 'ffprobe FILE' shows what FFmpeg makes of it.",
    ),
)


@dataclass(frozen=True, slots=True)
class _Address:
    """What FFmpeg is to open, and how."""

    url: str
    format: str | None = None
    is_read_once: bool = False
    """A pipe: what was read is gone."""
    is_live: bool = False
    """A device or pipe: it cannot begin again."""
    is_url: bool = False
    file: Path | None = None
    """A file whose end stands still."""


class MediaInput(Protocol):
    """One stream of something that is open. Raises `SourceError`; use it from one thread."""

    spec: str
    stream: "Stream"

    @property
    def can_rewind(self) -> bool:
        """Whether it can begin again."""
        ...

    @property
    def exact_seconds(self) -> Fraction | None:
        """How long the stream lasts, to the sample; None where that is not known so well."""
        ...

    @property
    def pass_seconds(self) -> Fraction | None:
        """At its end: after how long to begin again, for picture and sound to keep step; None: at once."""
        ...

    def read(self) -> "Packet[Any] | None":
        """The stream's next packet; None: the end. The last one is empty: it flushes a decoder."""
        ...

    def rewind(self) -> None:
        """Begin again."""
        ...

    def close(self) -> None:
        """Close it; may be called twice."""
        ...


class Input:
    """`MediaInput`: what a spec names, and its best stream of one kind."""

    first_seconds: float
    """Where the stream begins, as the file counts; known once its first packet was read."""

    def __init__(self, spec: str, kind: MediaKind) -> None:
        self.spec = spec
        self._kind = kind
        self._address = _address(spec)
        self._open()

    @property
    def can_rewind(self) -> bool:
        """Whether it is all there already: no device, no pipe, and no URL whose length nobody knows."""
        has_length = not self._address.is_url or self._container.duration is not None
        return has_length and not self._address.is_live

    @property
    def exact_seconds(self) -> Fraction | None:
        """How long the stream lasts, to the sample; None where that is not known so well."""
        stream = self.stream
        if "mp4" not in self._container.format.name or not stream.duration or not stream.time_base:
            return None
        return stream.duration * stream.time_base

    @property
    def pass_seconds(self) -> Fraction | None:
        """As `MediaInput` says: known of what can begin again and holds both kinds."""
        return pass_seconds(tuple(self._spans.values())) if len(self._spans) > 1 else None

    def read(self) -> "Packet[Any] | None":
        """The stream's next packet; None: the end. The last one is empty: it flushes a decoder."""
        with translated(self.spec, "cannot be read any further"):
            for packet in self._packets:
                self._see(packet)
                if packet.stream is self.stream:
                    return packet
        self._complain_of_missing()
        return None

    def _complain_of_missing(self) -> None:
        """Raise `SourceError` where the file is shorter than it says."""
        path = self._address.file
        if path is None:
            return
        with translated(self.spec, "cannot be read any further"), path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            stated = stated_size(file.read(HEAD_BYTES))
        if stated is not None and size < stated:
            raise SourceError(
                message=f"'{shown(self.spec)}' ends before its time",
                explanation=f"It was cut off: of its {stated} bytes, {size} are there. Copy it anew.",
            )

    def rewind(self) -> None:
        """Begin again. Opens anew, since some formats cannot seek."""
        self.close()
        self._open()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._container.close()

    def _open(self) -> None:
        if self._address.format is not None:
            _prepare_device(self.spec, self._address.format)
        began_at = time.monotonic()
        with translated(self.spec, OPENING):
            try:
                self._container: InputContainer = av.open(
                    self._address.url,
                    format=self._address.format,
                    metadata_errors="replace",
                    timeout=(_OPEN_SECONDS, _READ_SECONDS),
                )
            except averror.InvalidDataError as error:
                if time.monotonic() - began_at < _OPEN_SECONDS:
                    raise
                raise TimeoutError from error  # RTSP says so of an answer that does not come
        try:
            self._choose_stream()
        except BaseException:
            self._container.close()
            raise

    def _choose_stream(self) -> None:
        kinds: tuple[MediaKind, ...] = (self._kind,)
        if self.can_rewind and _has_moving(_OTHER_KIND[self._kind], self._container):
            kinds = (self._kind, _OTHER_KIND[self._kind])
        streams = choose_streams(self.spec, kinds, self._container)
        self.stream = streams[0]
        self.first_seconds = 0.0
        self._has_begun = False
        self._spans = {
            stream.index: StreamSpan(is_opus=stream.codec_context.codec.canonical_name == "opus")
            for stream in streams
        }
        self._packets = self._container.demux(streams)

    def _see(self, packet: "Packet[Any]") -> None:
        position = packet.pts if packet.pts is not None else packet.dts
        if position is None or not packet.size or packet.time_base is None:
            return
        at, duration = position * packet.time_base, (packet.duration or 0) * packet.time_base
        self._spans[packet.stream.index].see(at, duration)
        if packet.stream is self.stream and packet.is_keyframe and not self._has_begun:
            self._has_begun = True
            self.first_seconds = max(float(at), 0.0)


def is_read_once(spec: str) -> bool:
    """Whether what was read of it is gone, so that nobody may look into it beforehand: a pipe."""
    return _address(spec).is_read_once


def check(opened: MediaInput, codec: Codec | None) -> None:
    """Raise `SourceError` unless there is a first picture or sound that can be decoded.

    `codec`: what its packets are sent as, as they are. Of VP8 a whole keyframe is enough: to decode a large
    one takes longer than to connect.
    """
    for _ in range(_PROBE_PACKETS):
        packet = opened.read()
        if packet is None:
            break
        if codec is Codec.VP8:
            if is_whole_vp8_keyframe(bytes(packet)):
                return
            continue
        with contextlib.suppress(averror.FFmpegError):
            if packet.decode():
                return
    raise not_media(opened.spec)


def choose_streams(spec: str, kinds: Collection[MediaKind], container: InputContainer) -> list[Stream]:
    """The best stream of each kind; the others are left out. Raises `SourceError` where there is none."""
    chosen = []
    for kind in kinds:
        stream = container.streams.best(kind)
        if stream is None:
            raise _without_stream(spec, kind, container)
        if stream.codec_context is None or stream.codec_context.name in _TEXT_ART:
            raise not_media(spec)
        stream.codec_context.thread_count = 1
        chosen.append(stream)
    for other in container.streams:
        if other not in chosen:
            other.discard = Discard.all
    return chosen


def _has_moving(kind: MediaKind, container: InputContainer) -> bool:
    """Whether there is such a stream that lasts: no picture of a cover, which a sound may carry."""
    stream = container.streams.best(kind)
    return (
        stream is not None
        and stream.codec_context is not None
        and stream.codec_context.name not in _TEXT_ART
        and not stream.disposition & Disposition.attached_pic
    )


def usual_rate(stream: Stream) -> Fraction:
    """Pictures a second, as far as the file can be believed."""
    rate = getattr(stream, "average_rate", None)
    return Fraction(rate) if rate and rate <= _MAX_CREDIBLE_RATE else _FALLBACK_RATE


def not_media(spec: str) -> SourceError:
    """The error of an input in which nothing can be decoded."""
    *_, (_, what, advice) = _EXPLANATIONS
    return SourceError(message=f"'{shown(spec)}' {what}", explanation=advice)


def shown(spec: str) -> str:
    """The spec as it may be shown: of a URL neither user and password nor query, which may be secrets."""
    if "://" not in spec:
        return spec
    return re.sub(r"\?.*", "?…", re.sub(r"//[^/]*@", "//", spec, count=1), count=1, flags=re.DOTALL)


def _address(spec: str) -> _Address:
    """Whether it is a file, a device or a URL. Raises `SourceError` for a file that cannot be one."""
    if not spec:
        raise SourceError(
            message="the name of the source is empty",
            explanation="Name a file, or use testsrc (video) or tone (audio).",
        )
    scheme, colon, rest = spec.partition(":")
    with translated(spec, OPENING):
        path = Path(spec)
        if path.exists():
            return _file_address(spec, path.stat())
        if colon and scheme in _DEVICE_FORMATS:
            return _Address(rest, scheme, is_live=True)
        if re.fullmatch(r"/dev/video\d+", spec):
            raise SourceError(
                message=f"there is no camera {spec}",
                explanation="'ls /dev/video*' shows those there are. Or use testsrc.",
            )
        if colon and scheme in _READ_ONCE:
            return _Address(spec, is_read_once=True, is_live=True)
        if colon and re.fullmatch(r"[a-z][a-z0-9+.-]+", scheme):
            return _Address(spec, is_url=True)
        raise FileNotFoundError(spec)


def _prepare_device(spec: str, device: str) -> None:
    """Raise `SourceError` where this FFmpeg was built without such devices."""
    there = {name for names in av.formats_available for name in names.split(",")} & _DEVICE_FORMATS
    if device not in there:
        raise SourceError(
            message=f"'{shown(spec)}' needs {device}, which this FFmpeg cannot open",
            explanation=f"It opens {', '.join(sorted(there))}. Let another FFmpeg open it, and pipe it in: "
            f"ffmpeg -f {device} -i … -f matroska - | videocli join ROOM --video - or --audio -",
        )
    if device == "alsa" and _ALSA_CONFIG.exists():
        os.environ.setdefault("ALSA_CONFIG_DIR", str(_ALSA_CONFIG))


def _file_address(spec: str, status: Any) -> _Address:
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(spec)
    if stat.S_ISREG(mode) and status.st_size == 0:
        raise SourceError(
            message=f"'{shown(spec)}' is empty",
            explanation="Name a video or sound file that holds something.",
        )
    if stat.S_ISCHR(mode) and spec.startswith("/dev/video"):
        return _Address(spec, "v4l2", is_live=True)
    is_pipe = stat.S_ISFIFO(mode)
    is_file = stat.S_ISREG(mode)
    return _Address(
        f"file:{spec}", is_read_once=is_pipe, is_live=is_pipe, file=Path(spec) if is_file else None
    )


def _without_stream(spec: str, kind: MediaKind, container: InputContainer) -> SourceError:
    other = _OTHER_KIND[kind]
    has_other = any(stream.type == other for stream in container.streams)
    return SourceError(
        message=f"'{shown(spec)}' has no {kind}",
        explanation=f"It has {other}: use it with --{other}." if has_other else f"Name a file with {kind}.",
    )


@contextlib.contextmanager
def translated(spec: str, doing: str) -> Iterator[None]:
    """Make a `SourceError` of what FFmpeg raises; `doing` says what failed where it is none of the usual."""
    try:
        yield
    except (averror.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, averror.InvalidDataError) and doing != OPENING:
            raise SourceError(
                message=f"'{shown(spec)}' is damaged, or was cut off",
                explanation="What lies before that was sent. Name another file, or make it anew.",
            ) from error
        for kind, what, advice in _EXPLANATIONS:
            if isinstance(error, kind):
                raise SourceError(message=f"'{shown(spec)}' {what}", explanation=advice) from error
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(
            message=f"'{shown(spec)}' {doing}: {reason}",
            explanation="Check that the file is whole, or that the device is there and free.",
        ) from error
