"""What is unwanted does not come, seen on real sockets: two sessions and a server over 127.0.0.1."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.engine.test_session import Ticker
from tests.engine.test_subscribing import options_without_rules
from tests.simulation.house import KEY
from videocli import tokens
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, NamedSource, Session
from videocli.engine.signaling.backend import SignalingConfig
from videocli.media.aiortc_peer import AiortcPeer
from videocli.media.frames import EncodedFrame
from videocli.media.peer import PeerConfig, PeerConnection, PeerEvent, Sender
from videocli.outside import Outside
from videocli.protocol.subscribe_rules import SubscribeRule
from videocli.server.serve import ServeConfig, serve
from videocli.websocket import dial, listen

PATIENCE = 30.0
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
VP8_KEYFRAME = bytes([0x10, 0, 0, 0x9D, 0x01, 0x2A]) + bytes([64, 1, 240, 0]) + bytes(500)


class Camera(Ticker):
    """Keyframes of 320x240, twenty-five a second."""

    async def run(self, codec: object, send: Callable[[EncodedFrame], None]) -> None:
        def as_keyframe(frame: EncodedFrame) -> None:
            send(replace(frame, data=VP8_KEYFRAME, is_keyframe=True))

        await super().run(codec, as_keyframe)  # type: ignore[arg-type]  # whatever was negotiated


class Guest:
    """A session, and what it was told."""

    def __init__(self, outside: Outside, url: str, identity: str, *media: NamedSource) -> None:
        self.events: list[ev.Event] = []
        self._news = asyncio.Event()

        async def token() -> str:
            return tokens.mint(KEY, identity, "room", 3600, NOW).token

        signaling = SignalingConfig(url, "room", token)
        gather = PeerConfig(addresses=("127.0.0.1",))
        self.session = Session(JoinConfig(signaling, media, gather=gather), outside, self._tell)
        self._staying = asyncio.ensure_future(self.session.run())

    def _tell(self, occurrence: ev.Occurrence) -> None:
        self.events.append(occurrence.event)
        self._news.set()

    async def sees(self, kind: type[ev.TrackEvent], name: str, times: int = 1) -> ev.TrackEvent:
        """The latest event of a kind about a track of that name, when there are so many."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [e for e in self.events if isinstance(e, kind) and e.track.name == name]
                if len(found) >= times:
                    return found[-1]
                self._news.clear()
                await self._news.wait()

    def packets(self) -> dict[str, int]:
        """What every receiver has got by now, by media id."""
        return {key: each.stats().packets for key, each in self.session._media.receivers.items()}

    async def leave(self) -> None:
        self.session.post(cmd.Disconnect())
        assert await self._staying is None


@pytest.mark.parametrize("server_takes_rules", [True, False], ids=["rules", "no rules"])
def test_the_bytes_of_a_track_that_is_given_up_stop_and_come_again(
    server_takes_rules: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not server_takes_rules:
        monkeypatch.setattr("videocli.server.room.Participant.subscribe", lambda participant, state: False)
        monkeypatch.setattr("videocli.server.hub.Options", options_without_rules)

    async def run() -> None:
        peers: list[AiortcPeer] = []

        def make(config: PeerConfig, deliver: Callable[[PeerEvent], None]) -> PeerConnection:
            peers.append(AiortcPeer(config, deliver))
            return peers[-1]

        def sending() -> list[Sender]:
            servers = [peer for peer in peers if peer._style == "kinds"]
            return [sender for peer in servers for sender in peer._flow.senders if sender.codec is not None]

        outside = Outside(dial, listen, make, lambda: NOW, random.Random(1))
        async with serve(ServeConfig(port=0), outside, {KEY.api_key: KEY}) as server:
            camera, microphone = NamedSource("cam", Camera()), NamedSource("mic", Ticker("audio"))
            bob = Guest(outside, server.url, "bob", camera, microphone)
            alice = Guest(outside, server.url, "alice")
            started = await alice.sees(ev.TrackStarted, "cam")
            await alice.sees(ev.TrackStarted, "mic")
            assert started.track.sid is not None
            sid = started.track.sid
            video = [r for r in alice.session._media.receivers.values() if r.kind == "video"]
            alice.session.post(cmd.Subscribe(SubscribeRule(False, track_sid=sid)))
            await alice.sees(ev.TrackUnsubscribed, "cam")
            async with asyncio.timeout(PATIENCE):
                while len(alice.packets()) > 1:  # noqa: ASYNC110  # no event tells of it
                    await asyncio.sleep(0.01)
            came, sounds = video[0].stats().packets, sum(alice.packets().values())
            async with asyncio.timeout(PATIENCE):
                while sum(alice.packets().values()) < sounds + 15:  # noqa: ASYNC110  # no event tells of it
                    await asyncio.sleep(0.01)
            assert came > 0
            assert [receiver.stats().packets for receiver in video] == [came]
            assert len(sending()) == 1, "the server sends the sound alone"
            alice.session.post(cmd.Subscribe(SubscribeRule(True, track_sid=sid)))
            await alice.sees(ev.TrackStarted, "cam", times=2)
            assert len(alice.packets()) == 2
            await asyncio.gather(alice.leave(), bob.leave())
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
