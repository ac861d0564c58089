from collections.abc import Sequence
from typing import Any

import pytest

from videocli.engine import reports as rp
from videocli.engine.signaling.rsp_client import RspClient, State
from videocli.errors import VideoError
from videocli.media.peer import IceCandidate, IceServer
from videocli.protocol.rsp import Publisher
from videocli.protocol.subscribe_rules import EVERYTHING, NOTHING, Rules, SubscribeRule

MIC = rp.LocalTrackInfo("t1", "mic", "audio")
CAM = rp.LocalTrackInfo("t2", "cam", "video")
ANSWER = {"id": "pc", "description": {"type": "answer", "revision": 1, "sdp": "answer 1"}}


def new_client() -> RspClient:
    return RspClient("my-room", Publisher("videocli", "1", "test"))


def participant(sid: str, revision: int, state: str = "connected", **more: Any) -> dict[str, Any]:
    return {
        "sid": sid,
        "identity": f"id of {sid}",
        "state": state,
        "revision": revision,
        "tracks": [],
        **more,
    }


def info(sid: str, state: rp.ParticipantStateName = "connected", *tracks: rp.TrackInfo) -> rp.ParticipantInfo:
    return rp.ParticipantInfo(sid, f"id of {sid}", state, tracks)


def connected(**members: Any) -> dict[str, Any]:
    return {
        "type": "connected",
        "version": 2,
        "sid": "RM1",
        "name": "my-room",
        "session": "s1",
        "options": {"session_timeout": 30, "media_region": "us1", "signaling_region": "de1"},
        "participant": {"sid": "PA0", "identity": "me"},
        "participants": [],
        "peer_connections": [ANSWER],
        **members,
    }


def synced(**members: Any) -> dict[str, Any]:
    return {
        "type": "synced",
        "participant": {"sid": "PA0", "identity": "me"},
        "participants": [],
        "peer_connections": [{"id": "pc"}],
        **members,
    }


def joined_client(tracks: Sequence[rp.LocalTrackInfo] = (), **members: Any) -> RspClient:
    client = new_client()
    client.first_message("token")
    client.receive({"type": "iced", "ice_servers": []})
    client.connect("pc", "offer 1", tracks)
    client.receive(connected(**members))
    client.messages()
    client.reports()
    return client


def hear(client: RspClient, **members: Any) -> list[rp.SignalingReport]:
    client.receive({"type": "update", "version": 2, **members})
    return client.reports()


def the_end(client: RspClient) -> VideoError | None:
    (report,) = client.reports()
    assert isinstance(report, rp.SignalingEnded)
    return report.error


def test_asks_for_ice_servers_then_to_be_let_in() -> None:
    client = new_client()
    assert client.first_message("token") == {"type": "ice", "version": 1, "token": "token", "edge": "roaming"}
    assert client.awaits_answer
    servers = [{"urls": "turn:a", "username": "u", "credential": "c"}]
    client.receive({"type": "iced", "version": 1, "ice_servers": servers})
    assert client.reports() == [rp.IceServersGiven((IceServer(("turn:a",), "u", "c"),))]
    assert not client.awaits_answer
    client.connect("pc", "offer 1", [MIC, CAM])
    assert client.awaits_answer
    (connect,) = client.messages()
    assert connect["type"] == "connect"
    assert connect["token"] == "token"
    assert connect["peer_connections"] == [
        {"id": "pc", "description": {"type": "offer", "revision": 1, "sdp": "offer 1"}}
    ]


def test_a_second_iced_makes_no_second_offer() -> None:
    client = new_client()
    for _ in range(2):
        client.receive({"type": "iced", "version": 1, "ice_servers": []})
    assert client.reports() == [rp.IceServersGiven(())]


@pytest.mark.parametrize(("tracks", "revision"), [([], 1), ([MIC], 2), ([MIC, CAM], 3)])
def test_joining_counts_each_track(tracks: list[rp.LocalTrackInfo], revision: int) -> None:
    client = new_client()
    client.connect("pc", "sdp", tracks)
    (connect,) = client.messages()
    assert isinstance(connect["participant"], dict)
    assert connect["participant"]["revision"] == revision


def test_connected_says_who_and_what_is_there() -> None:
    client = new_client()
    client.connect("pc", "sdp", [MIC, CAM])
    track = {"sid": "MT9", "kind": "video", "name": "cam", "enabled": False, "priority": "low"}
    client.receive(
        connected(
            participants=[
                participant("PA0", 1),
                participant("PA1", 1, tracks=[track]),
                participant("PA2", 4, "reconnecting"),
                participant("PA3", 2, "disconnected"),
            ],
            published={
                "revision": 1,
                "tracks": [
                    {"id": "t1", "sid": "MT1", "state": "ready"},
                    {"id": "t2", "state": "created"},
                    {"id": "other", "sid": "MT7", "state": "ready"},
                ],
            },
            subscribed={"revision": 0, "tracks": [{"sid": "MT9", "id": "m9"}]},
            recording={"enabled": True, "is_recording": True, "revision": 1},
        )
    )
    cam = rp.TrackInfo("MT9", "cam", "video", enabled=False, priority="low")
    assert client.reports() == [
        rp.Joined(
            "RM1",
            "my-room",
            "PA0",
            "me",
            (info("PA1", "connected", cam), info("PA2", "reconnecting")),
            30,
            "us1",
            "de1",
            is_recording=True,
        ),
        rp.SubscriptionsChanged({"MT9": "m9"}),
        rp.DescriptionReceived("pc", "answer", 1, "answer 1"),
        rp.PublicationReady("t1", "MT1"),
    ]
    assert client.state is State.CONNECTED
    assert client.session_timeout == 30
    assert not client.awaits_answer


def test_an_update_before_connected_is_heard_right_after_it() -> None:
    client = new_client()
    client.connect("pc", "sdp", [])
    client.receive({"type": "update", "participants": [participant("PA1", 2)]})
    assert client.reports() == []
    client.receive(connected())
    reports = client.reports()
    assert isinstance(reports[0], rp.Joined)
    assert reports[-1] == rp.ParticipantsChanged((info("PA1"),))


def test_candidates_gathered_before_connected_are_said_once_right_after_it() -> None:
    client = new_client()
    client.connect("pc", "sdp", [])
    client.messages()
    one, two = IceCandidate("candidate:1", "0", 0), IceCandidate("candidate:2", "0", 0)
    client.trickle("pc", "u", [one], complete=False)
    client.trickle("pc", "u", [one, two], complete=True)
    assert client.messages() == []
    client.receive(connected())
    (update,) = client.messages()
    (peer,) = peers(update)
    assert "description" not in peer
    assert peer["ice"]["revision"] == 2
    assert peer["ice"]["complete"] is True
    assert [each["candidate"] for each in peer["ice"]["candidates"]] == ["candidate:1", "candidate:2"]


def peers(message: dict[str, Any]) -> list[dict[str, Any]]:
    found = message["peer_connections"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("tracks", "growth"),
    [
        ([MIC], 0),
        ([], 1),
        ([MIC, CAM], 1),
        ([CAM], 2),
        ([rp.LocalTrackInfo("t1", "mic", "audio", enabled=False)], 1),
        ([rp.LocalTrackInfo("t1", "mic", "audio", priority="high")], 1),
        ([rp.LocalTrackInfo("t1", "mic", "audio", enabled=False, priority="high"), CAM], 3),
    ],
)
def test_each_change_of_a_track_is_counted(tracks: list[rp.LocalTrackInfo], growth: int) -> None:
    client = joined_client([MIC])
    client.set_tracks(tracks)
    updates: list[Any] = client.messages()
    assert [update["participant"]["revision"] for update in updates] == ([2 + growth] if growth else [])


def test_every_update_carries_the_whole_participant() -> None:
    client = joined_client([MIC])
    client.describe("pc", "offer", 2, "offer 2")
    client.trickle("pc", "u", [], complete=True)
    updates: list[Any] = client.messages()
    assert [update["participant"]["revision"] for update in updates] == [2, 2]
    assert [update["session"] for update in updates] == ["s1", "s1"]
    assert [list(peers(update)[0]) for update in updates] == [["id", "description"], ["id", "ice"]]


def test_participants_are_reported_as_deltas_of_newer_revisions() -> None:
    client = joined_client()
    assert hear(client, participants=[participant("PA1", 5)]) == [rp.ParticipantsChanged((info("PA1"),))]
    assert hear(client, participants=[]) == []
    assert hear(client, participants=[participant("PA1", 5, "reconnecting")]) == []
    assert hear(client, participants=[participant("PA1", 4, "reconnecting")]) == []
    assert hear(client, participants=[participant("PA1", 6, "reconnecting")]) == [
        rp.ParticipantsChanged((info("PA1", "reconnecting"),))
    ]


def test_somebody_who_left_returns_only_with_a_newer_revision() -> None:
    client = joined_client(participants=[participant("PA1", 1)])
    gone = participant("PA1", 3, "disconnected")
    assert hear(client, participants=[gone]) == [rp.ParticipantsChanged((info("PA1", "disconnected"),))]
    assert hear(client, participants=[participant("PA1", 2)]) == []
    assert hear(client, participants=[participant("PA1", 4)]) == [rp.ParticipantsChanged((info("PA1"),))]


def test_somebody_first_seen_as_disconnected_never_was_here() -> None:
    client = joined_client()
    assert hear(client, participants=[participant("PA1", 1, "disconnected")]) == []
    assert hear(client, participants=[participant("PA1", 1)]) == []
    assert hear(client, participants=[participant("PA1", 2)]) == [rp.ParticipantsChanged((info("PA1"),))]


def test_our_own_entry_among_the_participants_is_skipped() -> None:
    client = joined_client()
    assert hear(client, participants=[participant("PA0", 9)]) == []


def test_a_publication_is_ready_once() -> None:
    client = joined_client([MIC])
    ready = {"id": "t1", "sid": "MT1", "state": "ready"}
    assert hear(client, published={"revision": 1, "tracks": [{"id": "t1", "state": "created"}]}) == []
    assert hear(client, published={"revision": 2, "tracks": [ready]}) == [rp.PublicationReady("t1", "MT1")]
    assert hear(client, published={"revision": 3, "tracks": [ready]}) == []
    assert hear(client, published={"revision": 3, "tracks": []}) == []


def test_a_stale_published_is_ignored() -> None:
    client = joined_client([MIC], published={"revision": 5, "tracks": []})
    ready = {"id": "t1", "sid": "MT1", "state": "ready"}
    assert hear(client, published={"revision": 5, "tracks": [ready]}) == []


def test_a_failed_publication_carries_the_error_of_the_table() -> None:
    client = joined_client([MIC])
    failed = {"id": "t1", "state": "failed", "error": {"code": 53304, "message": "x"}}
    (report,) = hear(client, published={"revision": 1, "tracks": [failed]})
    assert isinstance(report, rp.PublicationFailed)
    assert (report.track_id, report.error.code, report.error.name) == ("t1", 53304, "TrackNameIsDuplicated")


def test_a_track_published_again_is_ready_again() -> None:
    client = joined_client([MIC])
    assert hear(client, published={"revision": 1, "tracks": [{"id": "t1", "sid": "MT1", "state": "ready"}]})
    client.set_tracks([])
    client.set_tracks([MIC])
    again = {"revision": 2, "tracks": [{"id": "t1", "sid": "MT2", "state": "ready"}]}
    assert hear(client, published=again) == [rp.PublicationReady("t1", "MT2")]


def test_subscriptions_are_a_full_list_and_each_failure_is_told_once() -> None:
    client = joined_client()
    one, two = {"sid": "MT1", "id": "m1"}, {"sid": "MT2", "id": "m2"}
    bad = {"sid": "MT3", "error": {"code": 53404, "message": ""}}
    assert hear(client, subscribed={"revision": 0, "tracks": [one]}) == [
        rp.SubscriptionsChanged({"MT1": "m1"})
    ]
    changed, failed = hear(client, subscribed={"revision": 1, "tracks": [two, bad]})
    assert changed == rp.SubscriptionsChanged({"MT2": "m2"})
    assert isinstance(failed, rp.SubscriptionFailed)
    assert (failed.track_sid, failed.error.code) == ("MT3", 53404)
    assert hear(client, subscribed={"revision": 2, "tracks": [two, bad]}) == []
    assert hear(client, subscribed={"revision": 2, "tracks": []}) == []
    assert hear(client, subscribed={"revision": 1, "tracks": []}) == []


def test_recording_is_told_when_it_changes_and_revisions_may_repeat() -> None:
    client = joined_client(recording={"enabled": False, "is_recording": False, "revision": 1})
    on = {"enabled": True, "is_recording": True, "revision": 1}
    assert hear(client, recording=on) == [rp.RecordingChanged(is_recording=True)]
    assert hear(client, recording=on) == []
    assert hear(client, recording=on | {"is_recording": False, "revision": 0}) == []


@pytest.mark.parametrize("kind", ["offer", "answer"])
def test_descriptions_are_passed_on_with_their_revision(kind: rp.DescriptionType) -> None:
    entry = {"id": "pc", "description": {"type": kind, "revision": 2, "sdp": "x"}}
    assert hear(joined_client(), peer_connections=[entry]) == [rp.DescriptionReceived("pc", kind, 2, "x")]


@pytest.mark.parametrize("kind", ["create-offer", "close"])
def test_descriptions_without_sdp_are_passed_on(kind: rp.DescriptionType) -> None:
    entry = {"id": "pc", "description": {"type": kind, "revision": 2}}
    assert hear(joined_client(), peer_connections=[entry]) == [rp.DescriptionReceived("pc", kind, 2)]


def test_a_description_said_again_is_no_news_but_another_of_the_same_revision_is() -> None:
    def offer(sdp: str) -> list[dict[str, Any]]:
        return [{"id": "pc", "description": {"type": "offer", "revision": 2, "sdp": sdp}}]

    client = joined_client()
    assert hear(client, peer_connections=offer("a")) == [rp.DescriptionReceived("pc", "offer", 2, "a")]
    assert hear(client, peer_connections=offer("a")) == []
    assert hear(client, peer_connections=offer("b")) == [rp.DescriptionReceived("pc", "offer", 2, "b")]


def test_a_description_said_again_by_synced_is_news_since_our_answer_may_be_lost() -> None:
    offer = [{"id": "pc", "description": {"type": "offer", "revision": 2, "sdp": "a"}}]
    client = joined_client()
    hear(client, peer_connections=offer)
    client.lost()
    client.receive(synced(peer_connections=offer))
    again = rp.DescriptionReceived("pc", "offer", 2, "a")
    assert client.reports() == [rp.Resynced((), frozenset({"pc"})), again]


def test_a_provisional_answer_waits_for_the_final_one() -> None:
    entry = {"id": "pc", "description": {"type": "pranswer", "revision": 2, "sdp": "x"}}
    assert hear(joined_client(), peer_connections=[entry]) == []


def test_only_candidates_beyond_the_last_list_of_their_ufrag_are_new() -> None:
    client = joined_client()

    def trickle(ufrag: str, revision: int, *names: str, **more: Any) -> list[rp.SignalingReport]:
        candidates = [{"candidate": name, "sdpMid": "0", "sdpMLineIndex": 0} for name in names]
        ice = {"ufrag": ufrag, "revision": revision, "candidates": candidates, **more}
        return hear(client, peer_connections=[{"id": "pc", "ice": ice}])

    a, b = IceCandidate("a", "0", 0), IceCandidate("b", "0", 0)
    assert trickle("u", 1, "a") == [rp.CandidatesReceived("pc", "u", (a,), complete=False)]
    assert trickle("u", 1, "a", "b") == []
    assert trickle("u", 2, "a", "b") == [rp.CandidatesReceived("pc", "u", (b,), complete=False)]
    assert trickle("u", 3, "a", "b", complete=True) == [rp.CandidatesReceived("pc", "u", (), complete=True)]
    assert trickle("v", 1, "a") == [rp.CandidatesReceived("pc", "v", (a,), complete=False)]


def test_a_lost_session_is_resumed_with_its_whole_state() -> None:
    client = joined_client([MIC])
    client.describe("other", "answer", 4, "answer 4")
    client.describe("dead", "offer", 1, "offer")
    client.forget_peer("dead")
    client.messages()
    client.lost()
    assert client.state is State.SYNCING
    assert client.awaits_answer
    assert client.first_message("fresh token") == {
        "type": "sync",
        "version": 2,
        "name": "my-room",
        "session": "s1",
        "token": "fresh token",
        "participant": {
            "revision": 2,
            "tracks": [{"id": "t1", "kind": "audio", "name": "mic", "enabled": True, "priority": "standard"}],
        },
        "peer_connections": [
            {"id": "pc", "description": {"type": "offer", "revision": 1, "sdp": "offer 1"}},
            {"id": "other", "description": {"type": "answer", "revision": 4, "sdp": "answer 4"}},
        ],
    }


def test_what_changed_during_an_outage_is_said_once_after_it() -> None:
    client = joined_client([MIC])
    client.lost()
    client.set_tracks([rp.LocalTrackInfo("t1", "mic", "audio", enabled=False)])
    client.set_tracks([rp.LocalTrackInfo("t1", "mic", "audio", enabled=False), CAM])
    client.describe("pc", "offer", 2, "offer 2")
    client.trickle("pc", "u", [], complete=False)
    client.describe("pc", "offer", 3, "offer 3")
    client.trickle("pc", "u", [], complete=True)
    assert client.messages() == []
    client.receive(synced())
    (update,) = client.messages()
    assert isinstance(update["participant"], dict)
    assert update["participant"]["revision"] == 4
    (peer,) = peers(update)
    assert peer["description"] == {"type": "offer", "revision": 3, "sdp": "offer 3"}
    assert peer["ice"]["revision"] == 2
    client.lost()
    client.receive(synced())
    assert client.messages() == []


def test_synced_names_all_who_are_there_and_all_peer_connections() -> None:
    client = joined_client(participants=[participant("PA1", 1), participant("PA2", 3), participant("PA4", 1)])
    client.lost()
    client.receive(
        synced(
            participants=[
                participant("PA2", 3),
                participant("PA3", 1),
                participant("PA4", 2, "disconnected"),
            ],
            peer_connections=[{"id": "new", "description": {"type": "offer", "revision": 1, "sdp": "x"}}],
        )
    )
    assert client.reports() == [
        rp.Resynced((info("PA2"), info("PA3")), frozenset({"new"})),
        rp.DescriptionReceived("new", "offer", 1, "x"),
    ]
    assert client.state is State.CONNECTED
    assert hear(client, participants=[participant("PA1", 1)]) == []
    assert hear(client, participants=[participant("PA1", 2)]) == [rp.ParticipantsChanged((info("PA1"),))]


def test_an_update_while_syncing_is_heard_after_synced() -> None:
    client = joined_client()
    client.lost()
    client.receive({"type": "update", "participants": [participant("PA1", 1)]})
    client.receive({"type": "warning", "states": {"revision": 1, "tracks": {}}})
    assert client.reports() == []
    client.receive(synced())
    assert client.reports() == [
        rp.Resynced((), frozenset({"pc"})),
        rp.ParticipantsChanged((info("PA1"),)),
    ]


def test_what_a_broken_connection_held_back_is_forgotten() -> None:
    client = joined_client()
    client.lost()
    client.receive({"type": "update", "participants": [participant("PA1", 1)]})
    client.lost()
    client.receive(synced())
    assert client.reports() == [rp.Resynced((), frozenset({"pc"}))]


@pytest.mark.parametrize("phase", ["connecting", "connected", "syncing"])
@pytest.mark.parametrize(
    ("message", "code", "name"),
    [
        ({"type": "error", "code": 53205, "message": "x"}, 53205, "ParticipantDuplicateIdentity"),
        ({"type": "error", "version": 1, "code": 99999, "message": "x"}, 99999, "TwilioError"),
        ({"type": "error"}, 0, "TwilioError"),
        ({"type": "disconnected", "status": "completed"}, 53118, "RoomCompleted"),
    ],
)
def test_an_error_ends_the_session_in_every_phase(
    phase: str, message: dict[str, Any], code: int, name: str
) -> None:
    client = new_client() if phase == "connecting" else joined_client()
    if phase == "syncing":
        client.lost()
    client.receive(message)
    ended = the_end(client)
    assert ended is not None
    assert (ended.code, ended.name) == (code, name)
    session = None if phase == "connecting" else "s1"
    assert client.messages() == [{"type": "disconnect", "version": 2, "session": session}]
    assert client.state is State.DISCONNECTED


def test_being_removed_is_no_error() -> None:
    client = joined_client()
    client.receive({"type": "disconnected", "version": 1, "status": "in-progress", "participants": []})
    assert the_end(client) is None


def test_being_removed_before_we_were_in_is_a_refusal() -> None:
    client = new_client()
    client.receive({"type": "disconnected"})
    ended = the_end(client)
    assert ended is not None
    assert ended.code == 53104


def test_a_connected_without_participant_is_53003() -> None:
    client = new_client()
    body = connected()
    del body["participant"]
    client.receive(body)
    ended = the_end(client)
    assert ended is not None
    assert ended.code == 53003


def test_nothing_is_said_or_heard_after_the_end() -> None:
    client = joined_client()
    client.leave()
    assert the_end(client) is None
    assert client.messages() == [{"type": "disconnect", "version": 2, "session": "s1"}]
    client.receive({"type": "error", "code": 53205, "message": ""})
    client.receive({"type": "update", "participants": [participant("PA1", 1)]})
    client.set_tracks([MIC])
    client.describe("pc", "offer", 2, "x")
    client.trickle("pc", "u", [], complete=True)
    client.lost()
    client.leave()
    assert (client.messages(), client.reports(), client.state) == ([], [], State.DISCONNECTED)


@pytest.mark.parametrize(
    "body",
    [{}, {"type": "novelty"}, {"type": "update", "participants": [{}]}, {"type": "iced"}, {"type": "synced"}],
)
def test_what_cannot_be_used_is_noted_and_the_session_goes_on(body: dict[str, Any]) -> None:
    client = joined_client()
    client.receive(body)
    assert client.reports() == []
    assert client.state is State.CONNECTED
    assert bool(client.ignored()) == (body.get("type") != "synced")


NO_VIDEO = (*EVERYTHING, SubscribeRule(False, kind="video"))
NO_VIDEO_SAID = [{"type": "include", "all": True}, {"type": "exclude", "kind": "video"}]


def joined_with(subscribe: Rules, **options: Any) -> tuple[RspClient, dict[str, Any]]:
    """A client in a room, and its *connect*."""
    client = RspClient("my-room", Publisher("videocli", "1", "test"), subscribe)
    client.first_message("token")
    client.receive({"type": "iced", "ice_servers": []})
    client.connect("pc", "offer 1", [])
    (connect,) = client.messages()
    client.receive(connected(options={"session_timeout": 30, **options}, participants=OTHERS))
    client.messages()
    client.reports()
    return client, connect


OTHERS = [
    participant(
        "PA1",
        1,
        tracks=[
            {"sid": "MT1", "kind": "video", "name": "cam"},
            {"sid": "MT2", "kind": "audio", "name": "mic"},
        ],
    )
]


@pytest.mark.parametrize(("rules", "kind"), [(EVERYTHING, "include"), (NOTHING, "exclude")])
def test_without_rules_of_ours_we_say_what_the_sdk_says(rules: Rules, kind: str) -> None:
    client, connect = joined_with(rules, subscribe_rules=True)
    assert connect["subscribe"] == {"rules": [{"type": kind, "all": True}], "revision": 1}
    assert "subscribe_rules" not in connect
    client.set_tracks([MIC])
    (update,) = client.messages()
    assert "subscribe_rules" not in update


def test_rules_are_said_whole_in_connect_update_and_sync() -> None:
    client, connect = joined_with(NO_VIDEO, subscribe_rules=True)
    assert connect["subscribe"]["rules"] == [{"type": "include", "all": True}]
    assert connect["subscribe_rules"] == {"revision": 1, "rules": NO_VIDEO_SAID}
    client.set_subscriptions(EVERYTHING)
    (update,) = client.messages()
    assert update["subscribe_rules"] == {"revision": 2, "rules": [{"type": "include", "all": True}]}
    client.lost()
    client.set_subscriptions(NO_VIDEO)
    assert client.messages() == []
    assert client.first_message("token")["subscribe_rules"] == {"revision": 3, "rules": NO_VIDEO_SAID}


def test_rules_that_change_before_the_answer_are_said_after_it() -> None:
    client = RspClient("my-room", Publisher("videocli", "1", "test"), NOTHING)
    client.first_message("token")
    client.receive({"type": "iced", "ice_servers": []})
    client.set_subscriptions(NO_VIDEO)
    client.connect("pc", "offer 1", [])
    client.set_subscriptions(NOTHING)
    (connect,) = client.messages()
    assert connect["subscribe"] == {"rules": [{"type": "include", "all": True}], "revision": 1}
    assert connect["subscribe_rules"] == {"revision": 1, "rules": NO_VIDEO_SAID}
    client.receive(connected(options={"session_timeout": 30, "subscribe_rules": True}))
    (update,) = client.messages()
    assert update["subscribe_rules"] == {"revision": 2, "rules": [{"type": "exclude", "all": True}]}


def test_a_server_that_takes_no_rules_hears_none_once_that_is_known() -> None:
    client, connect = joined_with(NO_VIDEO)
    assert "subscribe_rules" in connect
    client.set_subscriptions(NOTHING)
    client.set_tracks([MIC])
    (update,) = client.messages()
    assert "subscribe_rules" not in update
    client.lost()
    assert "subscribe_rules" not in client.first_message("token")


def subscribed(revision: int) -> dict[str, Any]:
    tracks = [{"sid": f"MT{number}", "id": f"m{number}"} for number in (1, 2, 3)]
    return {"type": "update", "subscribed": {"revision": revision, "tracks": tracks}}


def test_what_a_server_that_takes_no_rules_sends_against_them_is_unwanted() -> None:
    client, _ = joined_with(NO_VIDEO)
    client.receive(subscribed(1))
    assert client.reports() == [rp.SubscriptionsChanged({"MT2": "m2"}, frozenset({"m1"}))]
    later = participant("PA2", 1, tracks=[{"sid": "MT3", "kind": "video", "name": "cam"}])
    client.receive({"type": "update", "participants": [later]})
    assert client.reports()[1:] == [rp.SubscriptionsChanged({"MT2": "m2"}, frozenset({"m1", "m3"}))]
    client.set_subscriptions((*NOTHING, SubscribeRule(True, publisher="id of PA1")))
    assert client.reports() == [rp.SubscriptionsChanged({"MT1": "m1", "MT2": "m2"}, frozenset({"m3"}))]


def test_a_server_that_takes_rules_is_believed() -> None:
    client, _ = joined_with(NO_VIDEO, subscribe_rules=True)
    client.receive(subscribed(1))
    assert client.reports() == [rp.SubscriptionsChanged({"MT1": "m1", "MT2": "m2", "MT3": "m3"})]


GRANT = {"network_quality": {"transport": {"type": "data-channel", "label": "nq"}}}


class TestNetworkQuality:
    def asking(self, **members: Any) -> tuple[RspClient, list[rp.SignalingReport]]:
        """A client that asked for it, and what it reported when it was let in."""
        client = RspClient(
            "my-room", Publisher("videocli", "1", "test"), media_signaling=("network_quality",)
        )
        client.connect("pc", "offer 1", [])
        (connect,) = client.messages()
        assert connect["media_signaling"] == {
            "network_quality": {"transports": [{"type": "data-channel"}]}
        }, "as the SDK's (trace connect_media_signaling)"
        client.receive(connected(**members))
        return client, [report for report in client.reports() if type(report) is rp.NetworkQualityGranted]

    def test_what_it_is_granted_it_says_once_whenever_that_is(self) -> None:
        client, reports = self.asking(media_signaling=GRANT)
        assert reports == [rp.NetworkQualityGranted("nq")]
        assert hear(client, media_signaling=GRANT) == []
        client, reports = self.asking()
        assert reports == []
        assert hear(client, media_signaling=GRANT) == [rp.NetworkQualityGranted("nq")]

    def test_another_label_is_news_and_another_channel_is_none(self) -> None:
        client, _ = self.asking(media_signaling=GRANT)
        other = {"transport": {"type": "data-channel", "label": "other"}}
        assert hear(client, media_signaling={"active_speaker": other}) == []
        assert hear(client, media_signaling={"network_quality": other}) == [rp.NetworkQualityGranted("other")]

    def test_what_was_not_asked_for_is_nothing_to_us(self) -> None:
        client = joined_client()
        assert hear(client, media_signaling=GRANT) == []
