"""The real twilio-video.js in headless Chromium, as participants that a test commands and listens to.

    async with browser() as b:
        page = await b.page()
        await page.connect(token, "room", "ws://127.0.0.1:7780/signaling")
        await page.wait_event("participantConnected", lambda event: event.identity == "bot")

Needs Chromium (`VIDEOCLI_CHROMIUM`, or `chromium` on the path), Node, and the packages of package.json
installed in `VIDEOCLI_NPM` (default `~/.cache/videocli-npm`). Times are seconds, except `at`: milliseconds
since the epoch, which compare with `time.time() * 1000` on the same machine.
"""

import asyncio
import base64
import concurrent.futures
import itertools
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.sdk.history import History

HERE = Path(__file__).parent

Source = Literal[
    "room",
    "localParticipant",
    "remoteParticipant",
    "localTrack",
    "remoteTrack",
    "localPublication",
    "remotePublication",
]
TrackKind = Literal["audio", "video", "data"]
Json = Mapping[str, Any]


class Missing(Exception):
    """Chromium, Node or a package is not installed; says which."""


class SdkError(Exception):
    """The SDK, or the page, threw: with Twilio's `code` where it has one."""

    def __init__(self, error: Json) -> None:
        self.code: int | None = error["code"]
        self.name: str = error["name"]
        self.message: str = error["message"]
        super().__init__(f"{self.code or ''} {self.name}: {self.message}".strip())


@dataclass(frozen=True, slots=True)
class SdkEvent:
    """An event of the SDK: `source` emitted `name`; `subject` describes the emitter, `args` the arguments."""

    at: float
    source: Source
    name: str
    subject: Json
    args: tuple[Any, ...]

    def _first(self, key: str) -> Any:
        described = (*self.args, self.subject)
        return next((one[key] for one in described if isinstance(one, dict) and key in one), None)

    @property
    def identity(self) -> str | None:
        """Of the first participant among the arguments, or the emitter."""
        identity: str | None = self._first("identity")
        return identity

    @property
    def kind(self) -> TrackKind | None:
        """Of the first track or publication among the arguments, or the emitter."""
        kind: TrackKind | None = self._first("kind")
        return kind

    @property
    def code(self) -> int | None:
        """Of the first error among the arguments."""
        code: int | None = self._first("code")
        return code

    @property
    def data(self) -> str | bytes:
        """What a `trackMessage` carries."""
        data = self.args[0]
        return data if isinstance(data, str) else base64.b64decode(data["base64"])


@dataclass(frozen=True, slots=True)
class TrackView:
    """A publication as the SDK shows it; `subscribed` and `started` are False for local ones."""

    sid: str
    name: str
    kind: TrackKind
    enabled: bool
    priority: str | None
    subscribed: bool
    started: bool


@dataclass(frozen=True, slots=True)
class ParticipantView:
    sid: str
    identity: str
    state: str
    tracks: tuple[TrackView, ...]


@dataclass(frozen=True, slots=True)
class RoomView:
    """The room as one SDK sees it."""

    sid: str
    name: str
    state: str
    local_participant: ParticipantView
    participants: tuple[ParticipantView, ...]

    def participant(self, identity: str) -> ParticipantView:
        """Raises `KeyError` where nobody has that identity."""
        return {one.identity: one for one in self.participants}[identity]


@dataclass(frozen=True, slots=True)
class Video:
    """Counters of a remote video track since it was subscribed.

    `lost` packets; `presented` frames reached the screen, `gap` seconds at most between two of them.
    """

    at: float
    decoded: int
    keyframes: int
    width: int
    height: int
    freezes: int
    frozen: float
    lost: int
    bytes: int
    presented: int
    gap: float


@dataclass(frozen=True, slots=True)
class Audio:
    """How a remote audio track sounds now (`rms` 0 to 1; `frequency` of the loudest tone, Hz), counters."""

    at: float
    rms: float
    frequency: float
    energy: float
    seconds: float
    concealed: int
    lost: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """An end of a path; the browser's own address is empty where it hides it."""

    type: str
    protocol: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class IcePath:
    """Where media goes; `state` is the ICE connection's."""

    local: Candidate
    remote: Candidate
    state: str


@dataclass(frozen=True, slots=True)
class ConsoleLine:
    at: float
    level: str
    text: str


def _participant_view(described: Json) -> ParticipantView:
    tracks = tuple(TrackView(**track) for track in described["tracks"])
    return ParticipantView(described["sid"], described["identity"], described["state"], tracks)


def _room_view(described: Json) -> RoomView:
    return RoomView(
        described["sid"],
        described["name"],
        described["state"],
        _participant_view(described["localParticipant"]),
        tuple(_participant_view(one) for one in described["participants"]),
    )


class Page:
    """One participant: a page in a context of its own."""

    def __init__(self, chromium: "Chromium", number: int) -> None:
        self.events: History[SdkEvent] = History()
        self.console: list[ConsoleLine] = []
        self._chromium = chromium
        self._number = number
        self._faults: list[str] = []
        self._allowed: list[re.Pattern[str]] = []
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def take(self, message: Json) -> None:
        """Take what the browser says of this page; called from the reader thread."""
        self._loop.call_soon_threadsafe(self._take, message)

    def _take(self, message: Json) -> None:
        if event := message.get("event"):
            self.events.add(SdkEvent(**{**event, "args": tuple(event["args"])}))
        elif line := message.get("console"):
            self.console.append(ConsoleLine(**line))
            if line["level"] == "error":
                self._faults.append(line["text"])
        else:
            self._faults.append(message["fault"])

    def allow(self, pattern: str) -> None:
        """Expect console errors or page errors that match: they are no faults."""
        self._allowed.append(re.compile(pattern))

    @property
    def faults(self) -> list[str]:
        """Console errors and uncaught page errors that nobody allowed."""
        return [text for text in self._faults if not any(one.search(text) for one in self._allowed)]

    async def call(self, method: str, *args: Any) -> Any:
        """Call one of the methods of page.js. Raises `SdkError`."""
        return await self._chromium.request("call", page=self._number, method=method, args=args)

    async def evaluate(self, expression: str) -> Any:
        """The JSON-able value of a JavaScript expression that may use `room` and `peerConnections`."""
        return await self._chromium.request("evaluate", page=self._number, expression=expression)

    async def close(self) -> None:
        """Close the page, without a word to the SDK; may be called twice."""
        if not self._closed:
            self._closed = True
            await self._chromium.request("close", page=self._number)
            self._chromium.forget(self._number)

    async def connect(
        self,
        token: str,
        room: str,
        url: str,
        *,
        audio: bool | Json = True,
        video: bool | Json = True,
        data: bool | Json = False,
        options: Json | None = None,
    ) -> RoomView:
        """Join; True publishes the fake device's track, or a data track. Raises `SdkError`."""
        media = {"audio": audio, "video": video, "data": data, "options": options or {}}
        return _room_view(await self.call("connect", token, room, url, media))

    async def wait_event(
        self,
        name: str,
        accept: Callable[[SdkEvent], bool] = lambda event: True,
        within: float = 30,
        *,
        source: Source = "room",
        after: float = 0,
    ) -> SdkEvent:
        """The first such event, come already or not, with a time past `after`. Raises `TimeoutError`."""

        def wanted(event: SdkEvent) -> bool:
            return (event.source, event.name) == (source, name) and event.at > after and accept(event)

        try:
            return await self.events.wait(wanted, within)
        except TimeoutError:
            raise TimeoutError(f"no {source} {name} within {within} s. {self.account()}") from None

    def account(self) -> str:
        """What happened so far, for the message of a failing test."""
        events = [
            f"{event.source} {event.name} {event.identity or ''} {event.kind or ''}" for event in self.events
        ]
        console = [f"{line.level}: {line.text}" for line in self.console[-20:]]
        return "\n  ".join(["Events:", *events, "Console:", *console, "Faults:", *self.faults])

    async def room(self) -> RoomView:
        return _room_view(await self.call("room"))

    async def wait_room(self, accept: Callable[[RoomView], bool], within: float = 40) -> RoomView:
        """The first state of the room that is accepted. Raises `TimeoutError`."""
        deadline = time.monotonic() + within
        while True:
            heard = len(self.events)
            room = await self.room()
            if accept(room):
                return room
            try:
                await self.events.wait(lambda event: True, deadline - time.monotonic(), heard)
            except TimeoutError:
                raise TimeoutError(f"the room stayed {room}. {self.account()}") from None

    async def publish(self, kind: TrackKind, options: Json | None = None) -> str:
        """Publish a new track; its SID. Raises `SdkError`."""
        sid: str = (await self.call("publish", kind, options or {}))["sid"]
        return sid

    async def unpublish(self, which: str) -> None:
        """Unpublish the newest track of that kind, name or SID."""
        await self.call("unpublish", which)

    async def enable(self, which: str) -> None:
        await self.call("enable", which)

    async def disable(self, which: str) -> None:
        await self.call("disable", which)

    async def send_data(self, data: str | bytes, which: str = "data") -> None:
        """Send on the data track, once its channel is open."""
        if isinstance(data, str):
            await self.call("sendText", data, which)
        else:
            await self.call("sendBytes", base64.b64encode(data).decode(), which)

    async def disconnect(self) -> None:
        await self.call("disconnect")

    async def decoded(self, identity: str, name: str | None = None) -> Video:
        """Counters of a participant's newest video track. Raises `SdkError` where none is subscribed."""
        return Video(**await self.call("video", identity, name))

    async def forget_gaps(self, identity: str, name: str | None = None) -> None:
        """Let `gap` begin anew."""
        await self.call("forgetGaps", identity, name)

    async def audio_level(self, identity: str, name: str | None = None) -> Audio:
        """How a participant's newest audio track sounds. Raises `SdkError` where none is subscribed."""
        return Audio(**await self.call("audio", identity, name))

    async def hear(self, identity: str, frequency: float, within: float = 5) -> Audio:
        """Wait until a tone of so many Hz is the loudest that a participant makes. Raises `TimeoutError`."""
        deadline = time.monotonic() + within
        while True:
            audio = await self.audio_level(identity)
            if abs(audio.frequency - frequency) < 6 and audio.rms > 0.01:
                return audio
            if time.monotonic() > deadline:
                raise TimeoutError(f"{identity} sounds like {audio}, not {frequency} Hz")
            await asyncio.sleep(0.1)

    async def picture(self, identity: str, width: int = 32, height: int = 18) -> list[int]:
        """The picture on the screen as luminance, 0 to 255, of so many points, row by row."""
        picture: list[int] = await self.call("picture", identity, width, height)
        return picture

    async def paths(self) -> list[IcePath]:
        """The candidate pairs in use, one for each live peer connection that has one."""
        return [
            IcePath(Candidate(**pair["local"]), Candidate(**pair["remote"]), pair["state"])
            for pair in await self.call("paths")
        ]


class Chromium:
    """The process, with a thread that reads what it says. Works for one event loop after another."""

    def __init__(self, flags: Sequence[str] = ()) -> None:
        """Start it. Raises `Missing`."""
        node, executable, npm = _installed()
        self._process = subprocess.Popen(
            [node, str(HERE / "browser.mjs"), str(npm), executable, *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ids = itertools.count(1)
        self._pages: dict[int, Page] = {}
        self._pending: dict[int, concurrent.futures.Future[Any]] = {}
        self._ready: concurrent.futures.Future[Json] = concurrent.futures.Future()
        self._reader = threading.Thread(target=self._read, name="chromium")
        self._reader.start()
        self.about = self._ready.result(30)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if ready := message.get("ready"):
                self._ready.set_result(ready)
            elif page := message.get("page"):
                if page in self._pages:
                    self._pages[page].take(message)
            elif error := message.get("error"):
                self._pending.pop(message["id"]).set_exception(SdkError(error))
            else:
                self._pending.pop(message["id"]).set_result(message["result"])
        gone = ConnectionError("the browser is gone")
        for future in [self._ready, *self._pending.values()]:
            if not future.done():
                future.set_exception(gone)

    async def request(self, action: str, within: float = 60, **fields: Any) -> Any:
        """Ask the Node process. Raises `SdkError`, `TimeoutError`, `ConnectionError`."""
        number = next(self._ids)
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._pending[number] = future
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "do": action, **fields}) + "\n")
        self._process.stdin.flush()
        async with asyncio.timeout(within):
            return await asyncio.wrap_future(future)

    def forget(self, number: int) -> None:
        """Hear no more of a page."""
        self._pages.pop(number, None)

    @asynccontextmanager
    async def pages(self) -> AsyncIterator["Browser"]:
        """Pages for one test: closed afterwards, and searched for faults. Raises `AssertionError`."""
        browser = Browser(self, self._ids, self._pages)
        try:
            yield browser
            for page in browser.opened:
                assert not page.faults, f"errors in the page. {page.account()}"
        finally:
            for page in browser.opened:
                await page.close()

    def close(self) -> None:
        """End the browser and wait for it."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._reader.join(30)


class Browser:
    """The pages of one test."""

    def __init__(self, chromium: Chromium, ids: Iterator[int], pages: dict[int, Page]) -> None:
        self._chromium = chromium
        self._ids = ids
        self._pages = pages
        self.opened: list[Page] = []

    async def page(self, devices: bool = True) -> Page:
        """A fresh page in a context of its own, with the SDK loaded.

        Without `devices` it may not use camera and microphone, and gives mDNS names as its addresses.
        """
        number = next(self._ids)
        page = self._pages[number] = Page(self._chromium, number)
        await self._chromium.request("open", page=number, devices=devices)
        self.opened.append(page)
        return page


def _installed() -> tuple[str, str, Path]:
    npm = Path(os.environ.get("VIDEOCLI_NPM", Path.home() / ".cache/videocli-npm"))
    node = shutil.which("node")
    executable = shutil.which(os.environ.get("VIDEOCLI_CHROMIUM", "chromium"))
    if node is None:
        raise Missing("Node is not installed")
    if executable is None:
        raise Missing("Chromium is not installed (or set VIDEOCLI_CHROMIUM)")
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    for package, version in wanted.items():
        manifest = npm / "node_modules" / package / "package.json"
        if not manifest.exists() or json.loads(manifest.read_text())["version"] != version:
            raise Missing(
                f"{package} {version} is not in {npm}: copy tests/sdk/package.json there and run npm install"
            )
    return node, executable, npm


@contextmanager
def chromium_process(flags: Sequence[str] = ()) -> Iterator[Chromium]:
    """A browser for as long as the context. Raises `Missing`."""
    chromium = Chromium(flags)
    try:
        yield chromium
    finally:
        chromium.close()


@asynccontextmanager
async def browser(flags: Sequence[str] = ()) -> AsyncIterator[Browser]:
    """A browser of one's own, with its pages. Raises `Missing`."""
    with chromium_process(flags) as chromium:
        async with chromium.pages() as pages:
            yield pages
