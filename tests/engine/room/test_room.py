"""Reports go in, events come out."""

from dataclasses import replace

import pytest

from videocli.engine import events as ev
from videocli.engine import reports as rp
from videocli.engine.room.room import MAX_EARLY_MESSAGES, Report, Room
from videocli.engine.room.tracks import LocalTrack
from videocli.errors import error
from videocli.media.frames import TrackKind

MIC = rp.TrackInfo("MT1", "mic", "audio")
CAM = rp.TrackInfo("MT2", "cam", "video")
CHAT = rp.TrackInfo("MT3", "chat", "data")
BOB = rp.ParticipantInfo("PA2", "bob", "connected", (MIC, CAM, CHAT))
JOINED = rp.Joined("RM1", "my-room", "PA1", "alice", (), 30.0, "us1")


def room_with(*participants: rp.ParticipantInfo) -> Room:
    room = Room("my-room")
    room.apply(replace(JOINED, participants=participants), 0.0)
    return room


def subscribed_room() -> Room:
    room = room_with(BOB)
    apply(room, rp.SubscriptionsChanged({"MT2": "v"}), rp.MediaArrived("v"))
    return room


BOBS_TRACKS = tuple(
    ev.Track(info.sid, info.name, info.kind, info.enabled, info.priority) for info in BOB.tracks
)


def apply(room: Room, *reports: Report, now: float = 0.0) -> list[ev.Event]:
    return [event for report in reports for event in room.apply(report, now)]


def names(events: list[ev.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


class TestJoining:
    def test_those_present_are_listed_and_not_announced(self) -> None:
        room = Room("my-room")
        events = room.apply(replace(JOINED, participants=(BOB,)), 0.0)
        assert events == [
            ev.Connected(
                ev.Participant("PA1", "alice", "connected"),
                (ev.PresentParticipant("PA2", "bob", "connected", BOBS_TRACKS),),
                "us1",
            )
        ]
        assert room.view() == ev.Room("RM1", "my-room", "connected")

    def test_who_had_left_before_never_appears(self) -> None:
        assert not room_with(replace(BOB, state="disconnected")).participants

    def test_the_server_names_the_room(self) -> None:
        room = Room("")
        apply(room, JOINED)
        assert room.name == "my-room"

    def test_a_refusal_ends_the_room_that_never_was(self) -> None:
        room = Room("my-room")
        refused = error(53105)
        assert apply(room, rp.SignalingEnded(refused)) == [ev.Disconnected(refused)]
        assert room.error is refused


class TestParticipants:
    def test_a_newcomer_is_announced_once_with_its_tracks_known(self) -> None:
        room = room_with()
        newcomer = ev.PresentParticipant("PA2", "bob", "connected", BOBS_TRACKS)
        assert apply(room, rp.ParticipantsChanged((BOB,))) == [ev.ParticipantConnected(newcomer)]
        assert names(apply(room, rp.ParticipantsChanged((BOB,)))) == []
        assert set(room.participants["PA2"].tracks) == {"MT1", "MT2", "MT3"}

    def test_our_own_sid_among_the_others_is_passed_over(self) -> None:
        room = room_with()
        assert apply(room, rp.ParticipantsChanged((replace(BOB, sid="PA1"),))) == []

    def test_states_become_events(self) -> None:
        room = room_with(BOB)
        lost = apply(room, rp.ParticipantsChanged((replace(BOB, state="reconnecting"),)))
        assert lost == [ev.ParticipantReconnecting(ev.Participant("PA2", "bob", "reconnecting"))]
        assert names(apply(room, rp.ParticipantsChanged((BOB,)))) == ["ParticipantReconnected"]

    def test_who_leaves_is_unsubscribed_from_first_and_keeps_its_publications(self) -> None:
        room = subscribed_room()
        gone = apply(room, rp.ParticipantsChanged((replace(BOB, state="disconnected"),)))
        assert names(gone) == ["TrackUnsubscribed", "ParticipantDisconnected"]
        assert "PA2" not in room.participants

    def test_who_leaves_without_tracks_unpublishes_them(self) -> None:
        room = subscribed_room()
        gone = apply(room, rp.ParticipantsChanged((replace(BOB, state="disconnected", tracks=()),)))
        assert names(gone) == [
            "TrackUnpublished",
            "TrackUnsubscribed",
            "TrackUnpublished",
            "TrackUnpublished",
            "ParticipantDisconnected",
        ]

    def test_being_missing_from_news_means_nothing(self) -> None:
        room = room_with(BOB)
        assert apply(room, rp.ParticipantsChanged(())) == []
        assert "PA2" in room.participants


class TestTracks:
    def test_published_enabled_prioritised_and_unpublished(self) -> None:
        room = room_with(replace(BOB, tracks=()))
        steps = [
            ((CAM,), ["TrackPublished"]),
            ((replace(CAM, enabled=False),), ["TrackDisabled"]),
            ((CAM,), ["TrackEnabled"]),
            ((replace(CAM, priority="high"),), ["TrackPublishPriorityChanged"]),
            ((), ["TrackUnpublished"]),
        ]
        for tracks, expected in steps:
            assert names(apply(room, rp.ParticipantsChanged((replace(BOB, tracks=tracks),)))) == expected

    @pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
    def test_publication_mapping_and_media_may_come_in_any_order(self, order: tuple[int, ...]) -> None:
        room = room_with()
        reports: list[Report] = [
            rp.ParticipantsChanged((BOB,)),
            rp.SubscriptionsChanged({"MT2": "v"}),
            rp.MediaArrived("v"),
        ]
        events = apply(room, *(reports[i] for i in order))
        assert names(events).count("TrackSubscribed") == 1
        assert names(events)[-1] == "TrackSubscribed"
        assert room.participants["PA2"].tracks["MT2"].is_subscribed

    def test_media_that_began_before_its_track_was_known_is_not_forgotten(self) -> None:
        room = room_with(BOB)
        early: list[Report] = [rp.MediaArrived("v"), rp.MediaStarted("v"), rp.MediaResized("v", 640, 360)]
        assert apply(room, *early) == []
        events = apply(room, rp.SubscriptionsChanged({"MT2": "v"}))
        assert names(events) == ["TrackSubscribed", "TrackDimensionsChanged", "TrackStarted"]

    def test_media_starts_once(self) -> None:
        room = subscribed_room()
        assert names(apply(room, rp.MediaStarted("v"), rp.MediaStarted("v"))) == ["TrackStarted"]

    def test_unsubscribed_when_the_mapping_goes_and_again_subscribed_under_a_new_id(self) -> None:
        room = subscribed_room()
        assert names(apply(room, rp.SubscriptionsChanged({}))) == ["TrackUnsubscribed"]
        events = apply(room, rp.SubscriptionsChanged({"MT2": "w"}), rp.MediaArrived("w"))
        assert names(events) == ["TrackSubscribed"]

    def test_unsubscribed_when_the_media_goes(self) -> None:
        room = subscribed_room()
        assert names(apply(room, rp.MediaLeft("v"))) == ["TrackUnsubscribed"]

    def test_unpublishing_unsubscribes_first(self) -> None:
        room = subscribed_room()
        events = apply(room, rp.ParticipantsChanged((replace(BOB, tracks=(MIC, CHAT)),)))
        assert names(events) == ["TrackUnsubscribed", "TrackUnpublished"]

    def test_a_subscription_fails_once(self) -> None:
        room = room_with(BOB)
        failed = rp.SubscriptionFailed("MT2", error(53404))
        assert names(apply(room, failed, failed)) == ["TrackSubscriptionFailed"]


class TestMessages:
    def test_messages_before_the_subscription_are_kept_in_order(self) -> None:
        room = room_with(BOB)
        apply(room, rp.MediaArrived("d"), rp.MessageArrived("d", "one"), rp.MessageArrived("d", b"two"))
        events = apply(room, rp.SubscriptionsChanged({"MT3": "d"}), rp.MessageArrived("d", "three"))
        messages = [event.data for event in events if isinstance(event, ev.TrackMessage)]
        assert messages == ["one", b"two", "three"]
        assert names(events)[0] == "TrackSubscribed"

    def test_a_flood_on_an_unknown_channel_is_bounded(self) -> None:
        room = room_with(BOB)
        apply(room, rp.MediaArrived("d"), *[rp.MessageArrived("d", "x")] * (MAX_EARLY_MESSAGES + 10))
        events = apply(room, rp.SubscriptionsChanged({"MT3": "d"}))
        assert names(events).count("TrackMessage") == MAX_EARLY_MESSAGES


class TestOurTracks:
    def test_confirmed_once_with_the_sid(self) -> None:
        room = room_with()
        room.local.tracks["t"] = LocalTrack(rp.LocalTrackInfo("t", "cam", "video"))
        ready = rp.PublicationReady("t", "MT9")
        assert apply(room, ready, ready) == [
            ev.LocalTrackPublished(ev.Track("MT9", "cam", "video", True, "standard"))
        ]

    def test_refused_ones_are_gone(self) -> None:
        room = room_with()
        room.local.tracks["t"] = LocalTrack(rp.LocalTrackInfo("t", "cam", "video"))
        events = apply(room, rp.PublicationFailed("t", error(53304)))
        assert names(events) == ["LocalTrackPublicationFailed"]
        assert not room.local.tracks

    def test_found_by_sid_then_kind_then_name(self) -> None:
        local = room_with().local
        named: list[tuple[str, str, TrackKind]] = [
            ("a", "MT1", "audio"),
            ("b", "audio", "video"),
            ("c", "x", "audio"),
        ]
        for track_id, name, kind in named:
            local.tracks[track_id] = LocalTrack(rp.LocalTrackInfo(track_id, name, kind))
        local.tracks["c"].sid = "MT1"
        assert [track.info.id for track in local.find("MT1")] == ["c"]
        assert [track.info.id for track in local.find("audio")] == ["a", "c"]
        assert [track.info.id for track in local.find("x")] == ["c"]
        assert local.find("nothing") == []


class TestOutages:
    def test_signaling_lost_and_resumed(self) -> None:
        room = room_with(BOB)
        lost = apply(room, rp.SignalingLost("socket closed"), now=10.0)
        assert names(lost) == ["LocalParticipantReconnecting", "Reconnecting"]
        assert room.state == "reconnecting"
        back = apply(room, rp.Resynced((BOB,), frozenset({"p"})), now=12.5)
        assert names(back) == ["LocalParticipantReconnected"]
        assert room.state == "reconnecting"
        answered = apply(room, rp.MediaVerified(), now=12.75)
        assert answered == [ev.Reconnected(2.75, attempts=0, media_gap=0.0)]

    def test_who_left_meanwhile_is_reported_before_we_are_back(self) -> None:
        room = room_with(BOB)
        apply(room, rp.SignalingLost("socket closed"), now=10.0)
        back = apply(room, rp.Resynced((), frozenset()), now=12.0)
        back += apply(room, rp.MediaVerified(), now=12.0)
        assert names(back) == ["ParticipantDisconnected", "LocalParticipantReconnected", "Reconnected"]

    def test_media_lost_and_back_touches_only_the_room(self) -> None:
        room = room_with()
        lost = apply(room, rp.MediaFailed(), rp.MediaFailed(), now=10.0)
        assert names(lost) == ["Reconnecting"]
        assert names(apply(room, rp.MediaConnected(), now=11.0)) == ["Reconnected"]

    def test_two_causes_are_one_outage_that_began_with_the_first(self) -> None:
        room = room_with()
        events = apply(room, rp.SignalingLost("socket closed"), now=10.0)
        events += apply(room, rp.MediaFailed(), now=12.0)
        events += apply(room, rp.Resynced((), frozenset()), now=15.0)
        events += apply(room, rp.MediaConnected(), now=16.0)
        assert names(events).count("Reconnecting") == 1
        assert [event for event in events if isinstance(event, ev.Reconnected)] == [
            ev.Reconnected(6.0, attempts=0, media_gap=4.0)
        ]

    def test_media_that_stays_away_for_a_session_ends_the_room_with_53405(self) -> None:
        room = room_with()
        apply(room, rp.MediaFailed(), now=10.0)
        assert room.timer() == 40.0
        assert room.handle_timer(39.9) == []
        (ended,) = room.handle_timer(40.0)
        assert isinstance(ended, ev.Disconnected)
        assert ended.error is not None
        assert ended.error.code == 53405
        assert "UDP" in ended.error.explanation
        assert (ended.downtime, ended.attempts, ended.media_gap) == (30.0, 0, 30.0)
        assert room.timer() is None

    def test_where_signaling_is_lost_too_it_does_not_send_people_to_look_for_udp(self) -> None:
        room = room_with()
        apply(room, rp.MediaFailed(), now=10.0)
        apply(room, rp.SignalingLost("silent"), now=20.0)
        (ended,) = room.handle_timer(40.0)
        assert isinstance(ended, ev.Disconnected)
        assert ended.error is not None
        assert (ended.error.code, "UDP" in ended.error.explanation) == (53405, False)
        assert "Signaling was lost, too" in ended.error.explanation

    def test_a_failed_dtls_handshake_ends_the_room_at_once(self) -> None:
        (ended,) = apply(room_with(), rp.DtlsHandshakeFailed())
        assert isinstance(ended, ev.Disconnected)
        assert ended.error is not None
        assert ended.error.code == 53407

    def test_nothing_follows_disconnected(self) -> None:
        room = subscribed_room()
        assert names(room.end(None, 0.0)) == ["TrackUnsubscribed", "Disconnected"]
        after: list[Report] = [
            rp.ParticipantsChanged((replace(BOB, state="disconnected"),)),
            rp.MediaFailed(),
            rp.SignalingEnded(error(53000)),
            rp.MessageArrived("d", "late"),
        ]
        assert apply(room, *after) == []
        assert room.end(error(53405), 1.0) == []
        assert room.error is None


def test_recording_is_said_when_it_changes() -> None:
    room = room_with()
    events = apply(room, *[rp.RecordingChanged(on) for on in (False, True, True, False)])
    assert names(events) == ["RecordingStarted", "RecordingStopped"]


class TestSpeaking:
    CAROL = replace(BOB, sid="PA3", identity="carol", tracks=())

    def hear(self, room: Room, now: float, **levels: float) -> list[str | None]:
        """Who dominates, as far as events say that it changed."""
        events = room.apply(rp.LoudnessMeasured(levels), now)
        assert all(isinstance(event, ev.DominantSpeakerChanged) for event in events)
        return [
            event.participant.identity if event.participant else None
            for event in events
            if isinstance(event, ev.DominantSpeakerChanged)
        ]

    def test_a_change_of_the_dominant_speaker_is_said_once(self) -> None:
        room = room_with(BOB, self.CAROL)
        assert self.hear(room, 1.0, PA2=0.0, PA3=0.0) == []
        assert self.hear(room, 2.0, PA2=0.2, PA3=0.0) == ["bob"]
        assert self.hear(room, 3.0, PA2=0.2, PA3=0.0) == []
        assert self.hear(room, 5.0, PA2=0.0, PA3=0.2) == ["carol"]
        assert self.hear(room, 9.0, PA2=0.0, PA3=0.0) == [None]

    def test_nobody_is_named_while_we_ourselves_speak_loudest(self) -> None:
        room = room_with(BOB)
        assert self.hear(room, 1.0, PA1=0.3, PA2=0.0) == []
        assert room.speakers.is_speaking("PA1")

    def test_a_dominant_speaker_who_leaves_is_one_no_more(self) -> None:
        room = room_with(BOB)
        self.hear(room, 1.0, PA2=0.2)
        left = apply(room, rp.ParticipantsChanged((replace(BOB, state="disconnected"),)))
        assert names(left)[-2:] == ["ParticipantDisconnected", "DominantSpeakerChanged"]
        assert left[-1] == ev.DominantSpeakerChanged(None)
        assert self.hear(room, 2.0) == []

    def test_levels_of_who_is_gone_change_nothing(self) -> None:
        room = room_with()
        assert self.hear(room, 1.0, PA2=0.2) == []


class TestNetworks:
    def judge(self, room: Room, local: int | None = None, **remotes: int) -> list[tuple[str, int]]:
        """Whose level changed, and to what."""
        return levels(room.apply(rp.NetworkJudged(local, remotes), 0.0))

    def test_a_level_is_said_when_it_is_first_known_and_when_it_changes(self) -> None:
        room = room_with(BOB)
        assert self.judge(room) == []
        assert self.judge(room, 5, PA2=3) == [("alice", 5), ("bob", 3)]
        assert self.judge(room, 5, PA2=3) == []
        assert self.judge(room, 5, PA2=4) == [("bob", 4)]
        assert self.judge(room, 2) == [("alice", 2)]

    def test_who_is_not_here_has_no_level_and_who_comes_again_has_a_new_one(self) -> None:
        room = room_with()
        assert self.judge(room, PA2=3) == []
        apply(room, rp.ParticipantsChanged((BOB,)))
        assert self.judge(room, PA2=3) == [("bob", 3)]
        apply(room, rp.ParticipantsChanged((replace(BOB, state="disconnected"),)))
        assert room.network_levels == {}

    def test_nobody_else_says_our_level(self) -> None:
        room = room_with(BOB)
        assert self.judge(room, 5, PA1=1) == [("alice", 5)]

    def test_lost_media_is_level_0_of_all_that_have_one_until_it_is_back(self) -> None:
        room = room_with(BOB)
        self.judge(room, 5)
        assert levels(room.apply(rp.MediaFailed(), 0.0)) == [("alice", 0)]
        assert self.judge(room, 5, PA2=3) == []
        assert levels(room.apply(rp.MediaConnected(), 0.0)) == []
        assert self.judge(room, 5, PA2=3) == [("alice", 5), ("bob", 3)]

    def test_when_nobody_judges_any_more_there_are_no_levels_and_nothing_is_said(self) -> None:
        room = room_with(BOB)
        self.judge(room, 5, PA2=3)
        assert apply(room, rp.NetworkUnjudged()) == []
        assert room.network_levels == {}
        assert self.judge(room, 5) == [("alice", 5)]


def levels(events: list[ev.Event]) -> list[tuple[str, int]]:
    return [
        (event.participant.identity, event.level)
        for event in events
        if isinstance(event, ev.NetworkQualityLevelChanged)
    ]
