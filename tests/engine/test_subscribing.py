"""What is wanted is what comes: sessions and a server, whole, in virtual time."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.engine.test_session import Ticker, publishing, scene
from tests.simulation.house import Guest, House
from videocli.cli.tracks.subscribe_rules import parse_rule, parse_rules
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.session import JoinConfig, NamedSource
from videocli.media.messages import MAX_UNSENT_BYTES
from videocli.protocol import rsp
from videocli.protocol.subscribe_rules import SubscribeRule


def wanting(*texts: str, subscribe: bool = True) -> Callable[[JoinConfig], JoinConfig]:
    rules = parse_rules(texts, subscribe)
    return lambda config: replace(config, signaling=replace(config.signaling, subscribe=rules))


def bob() -> Callable[[JoinConfig], JoinConfig]:
    return publishing(NamedSource("cam", Ticker()), NamedSource("mic", Ticker("audio")), data=("chat",))


def options_without_rules(timeout: float, media: str, signaling: str, subscribe_rules: bool) -> rsp.Options:
    assert subscribe_rules
    return rsp.Options(timeout, media, signaling)


@pytest.fixture
def server_without_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that knows the SDK's two rules only, as Twilio's cloud."""
    monkeypatch.setattr("videocli.server.room.Participant.subscribe", lambda participant, state: False)
    monkeypatch.setattr("videocli.server.hub.Options", options_without_rules)


def subscribed(guest: Guest) -> set[str]:
    """The names of the tracks that a guest has now."""
    return {
        track.track.name
        for participant in guest.session.snapshot().participants
        for track in participant.tracks
        if track.is_subscribed
    }


def sid_of(guest: Guest, name: str) -> str:
    """The SID of a remote track."""
    sids = [
        track.track.sid
        for participant in guest.session.snapshot().participants
        for track in participant.tracks
        if track.track.name == name
    ]
    assert sids[0] is not None
    return sids[0]


def packets(guest: Guest) -> dict[str, int]:
    """What has come so far at every receiver, by media id."""
    return {media_id: each.stats().packets for media_id, each in guest.session._media.receivers.items()}


def track_events(guest: Guest, name: str) -> list[str]:
    return [
        type(event).__name__
        for event in guest.events
        if isinstance(event, ev.TrackEvent) and event.track.name == name
    ]


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        ((), {"cam", "mic", "chat"}),
        (("none",), set()),
        (("audio",), {"mic"}),
        (("-video",), {"mic", "chat"}),
        (("bob:video", "data"), {"cam", "chat"}),
        (("carol",), set()),
        (("all", "-bob", "bob:audio"), {"mic"}),
    ],
)
@pytest.mark.parametrize("present_first", ["bob", "alice"])
def test_what_the_rules_say_comes_and_nothing_else(
    rules: tuple[str, ...], names: set[str], present_first: str
) -> None:
    async def play(house: House) -> None:
        guests = {}
        for who in (present_first, "bob" if present_first == "alice" else "alice"):
            guests[who] = house.join(who, config=bob() if who == "bob" else wanting(*rules))
            await guests[who].sees(ev.Connected)
        await asyncio.sleep(2.0)
        alice = guests["alice"]
        assert subscribed(alice) == names
        assert len(alice.session._media.receivers) == len(names - {"chat"})
        await asyncio.gather(*(guest.leave() for guest in guests.values()))

    scene(play)


async def pause_and_resume(house: House) -> None:
    """Alice gives up bob's camera and takes it again, while the sound goes on."""
    guests = [house.join("bob", config=bob()), house.join("alice")]
    alice = guests[1]
    await alice.sees(ev.TrackStarted, lambda event: event.track.name == "cam")
    await asyncio.sleep(1.0)
    camera = sid_of(alice, "cam")
    alice.session.post(cmd.Subscribe(SubscribeRule(False, track_sid=camera)))
    await alice.sees(ev.TrackUnsubscribed)
    await asyncio.sleep(0.5)
    server = [peer for peer in house.media.peers if peer.host is None]
    sent = [
        s.sender.counted.packets for peer in server for s in peer._sections if s.sender and s.kind == "video"
    ]
    before = packets(alice)
    assert len(before) == 1
    await asyncio.sleep(2.0)
    assert sum(packets(alice).values()) > sum(before.values()), "the sound goes on"
    assert sent == [
        s.sender.counted.packets for peer in server for s in peer._sections if s.sender and s.kind == "video"
    ]
    assert subscribed(alice) == {"mic", "chat"}
    alice.session.post(cmd.Subscribe(SubscribeRule(True, track_sid=camera)))
    await alice.sees(ev.TrackStarted, lambda event: track_events(alice, "cam").count("TrackStarted") == 2)
    assert track_events(alice, "cam") == [
        *("TrackSubscribed", "TrackStarted", "TrackUnsubscribed", "TrackSubscribed", "TrackStarted")
    ]
    assert "TrackUnpublished" not in alice.names
    assert "Error" not in alice.names
    await asyncio.gather(*(guest.leave() for guest in guests))


def test_a_track_is_given_up_and_subscribed_anew() -> None:
    scene(pause_and_resume)


@pytest.mark.usefixtures("server_without_rules")
def test_with_a_server_that_knows_no_rules_its_lines_go_inactive() -> None:
    scene(pause_and_resume)


@pytest.mark.usefixtures("server_without_rules")
def test_with_a_server_that_knows_no_rules_nothing_unwanted_comes_from_the_start() -> None:
    async def play(house: House) -> None:
        guests = [house.join("bob", config=bob())]
        await guests[0].sees(ev.LocalTrackPublished, lambda event: event.track.name == "chat")
        alice = house.join("alice", config=wanting("audio"))
        await alice.sees(ev.TrackStarted)
        guests[0].session.post(cmd.SendMessage("not for alice"))
        await asyncio.sleep(2.0)
        assert subscribed(alice) == {"mic"}
        assert len(packets(alice)) == 1
        assert "TrackMessage" not in alice.names
        alice.session.post(cmd.Subscribe(parse_rule("data")))
        await alice.sees(ev.TrackSubscribed, lambda event: event.track.name == "chat")
        guests[0].session.post(cmd.SendMessage("for alice"))
        message = await alice.sees(ev.TrackMessage)
        assert isinstance(message, ev.TrackMessage)
        assert message.data == "for alice"
        await asyncio.gather(*(guest.leave() for guest in (*guests, alice)))

    scene(play)


@pytest.mark.usefixtures("server_without_rules")
def test_a_server_that_knows_no_rules_gives_nothing_after_nothing_and_that_is_said() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice", config=wanting(subscribe=False))
        await alice.sees(ev.Connected)
        alice.session.post(cmd.Subscribe(parse_rule("all")))
        complaint = await alice.sees(ev.Error)
        assert isinstance(complaint, ev.Error)
        assert complaint.error.name == "CannotSubscribe"
        await alice.leave()

    scene(play)


def test_after_no_subscribe_single_tracks_can_be_had() -> None:
    async def play(house: House) -> None:
        guests = [house.join("bob", config=bob())]
        await guests[0].sees(ev.LocalTrackPublished, lambda event: event.track.name == "chat")
        alice = house.join("alice", config=wanting(subscribe=False))
        await alice.sees(ev.Connected)
        alice.session.post(cmd.Subscribe(SubscribeRule(True, track_sid=sid_of(alice, "cam"))))
        await alice.sees(ev.TrackStarted)
        assert subscribed(alice) == {"cam"}
        await asyncio.gather(*(guest.leave() for guest in (*guests, alice)))

    scene(play)


@pytest.mark.parametrize("when", ["before", "during"])
def test_the_rules_survive_a_reconnection_and_hold_for_what_is_published_later(when: str) -> None:
    async def play(house: House) -> None:
        guests = [house.join("bob", config=bob()), house.join("alice")]
        alice = guests[1]
        await alice.sees(ev.TrackStarted, lambda event: event.track.name == "cam")
        rule: Any = cmd.Subscribe(parse_rule("-video"))
        if when == "before":
            alice.session.post(rule)
        house.signaling.line("alice").cut()
        await alice.sees(ev.Reconnecting)
        if when == "during":
            alice.session.post(rule)
        await alice.sees(ev.Reconnected)
        await alice.sees(ev.TrackUnsubscribed)
        guests[0].session.post(cmd.PublishMedia(Ticker(), "screen"))
        await alice.sees(ev.TrackPublished, lambda event: event.track.name == "screen")
        await asyncio.sleep(2.0)
        assert subscribed(alice) == {"mic", "chat"}
        await asyncio.gather(*(guest.leave() for guest in guests))

    scene(play)


def test_a_data_track_that_came_too_fast_fails_and_can_be_had_anew() -> None:
    async def play(house: House) -> None:
        bob, alice = house.join("bob", config=publishing(data=("chat",))), house.join("alice")
        await alice.sees(ev.TrackSubscribed)
        for failures in (1, 2):
            house.media.lose("alice", outgoing=False)
            for _ in range(MAX_UNSENT_BYTES // 16_384 + 1):
                bob.session.post(cmd.SendMessage(bytes(16_384)))
            await asyncio.sleep(1.0)
            assert alice.names.count("TrackSubscriptionFailed") == failures
            assert subscribed(alice) == set()
            house.media.carry("alice")
            for include in (False, True):
                rule = SubscribeRule(include, track_sid=sid_of(alice, "chat"))
                alice.session.post(cmd.Subscribe(rule))
            await asyncio.sleep(10.0)
            assert subscribed(alice) == {"chat"}
        bob.session.post(cmd.SendMessage("again"))
        await alice.sees(ev.TrackMessage, lambda event: event.data == "again")
        await asyncio.gather(bob.leave(), alice.leave())

    scene(play)


def test_a_track_that_is_not_there_is_an_error_and_changes_nothing() -> None:
    async def play(house: House) -> None:
        alice = house.join("alice")
        await alice.sees(ev.Connected)
        alice.session.post(cmd.Subscribe(SubscribeRule(False, track_sid="MT" + "0" * 32)))
        complaint = await alice.sees(ev.Error)
        assert isinstance(complaint, ev.Error)
        assert complaint.error.name == "NoSuchTrack"
        await alice.leave()

    scene(play)
