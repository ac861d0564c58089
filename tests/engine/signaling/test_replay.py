"""Recordings of the real SDK, replayed: told the same at the same times, our client says the same.

What the user did (publish, mute, leave …), and what media did (offers, candidates), is read off what the SDK
said; everything else is up to our cores: the form of each message, revisions, hellos, heartbeats, what is
said again after an outage, how an end is taken, close codes.
"""

import itertools
import json
import re
from typing import Any

import pytest

from tests.traces import NAMES, Line, read
from videocli.engine import reports as rp
from videocli.engine.signaling.rsp_client import RspClient, State
from videocli.media.peer import IceCandidate
from videocli.protocol.core import CloseTransport
from videocli.protocol.rsp import Publisher
from videocli.protocol.tcmp import BodyReceived, BusyReceived, Closed
from videocli.protocol.tcmp_client import TcmpClient

OPTIONS_WE_DO_NOT_HAVE = {"connect_options", "connect_media_signaling", "msp_no_reply", "warnings"}
"""Bandwidth profile, media signaling, recording warnings."""
REPLAYED = [name for name in NAMES if name not in OPTIONS_WE_DO_NOT_HAVE]

SLACK = 0.1
"""Seconds by which a browser's timer, and the recording, may be late."""


class Replay:
    """Our client in the place of the SDK."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._rsp = RspClient("my-room", Publisher("videocli", "1", "test"))
        self._tcmp: TcmpClient | None = None
        self._cookie: str | None = None
        self._said: list[Any] = []
        self._closes: list[CloseTransport] = []
        self._described: dict[str, Any] = {}
        self.reports: list[rp.SignalingReport] = []
        self.compared = 0

    def run(self) -> None:
        for index, line in enumerate(self._lines):
            match line.speaker:
                case "server-note" if str(line.message).endswith("accepted"):
                    self._open(index)
                case "server-note" if str(line.message).startswith("websocket closed"):
                    self._socket_closed(line)
                case "client":
                    self._sdk_says(line)
                case "server":
                    self._server_says(line)
        assert self._said == [], "we said something that the SDK did not say"

    def _open(self, index: int) -> None:
        """A new connection; a *sync* on it also tells what the user did during the outage."""
        self._said.clear()
        hello = self._next_said_on_this_socket(index)
        if hello is not None and self._rsp.state is State.SYNCING:
            assert hello.body is not None
            self._do(hello.body)
        at = hello.at if hello is not None else self._lines[index].at
        first = self._rsp.first_message("<token>")
        self._tcmp = TcmpClient(at, lambda: "id", first, self._cookie)
        self._settle(at)
        if hello is None:
            # Closed before the SDK got a word in.
            self._said.clear()

    def _next_said_on_this_socket(self, index: int) -> Line | None:
        for line in self._lines[index + 1 :]:
            if line.speaker == "client":
                return line
            if line.speaker == "server-note" and str(line.message).endswith("accepted"):
                return None
        return None

    def _sdk_says(self, line: Line) -> None:
        assert self._tcmp is not None
        due_at = self._tcmp.timer()
        if not self._said and due_at is not None and line.message["type"] in ("hello", "heartbeat"):
            assert line.at - SLACK <= due_at <= line.at + 0.01
            self._tcmp.handle_timer(max(due_at, line.at))
        elif not self._said:
            assert line.body is not None
            self._do(line.body)
        self._settle(line.at)
        assert self._said, f"we do not say {line.message['type']}"
        assert comparable(self._said.pop(0)) == comparable(line.message)
        self.compared += 1

    def _do(self, body: dict[str, Any]) -> None:
        """What the user or media must have done for the SDK to say this."""
        if body["type"] == "connect":
            (peer,) = body["peer_connections"]
            self._described[peer["id"]] = peer["description"]
            self._rsp.connect(peer["id"], peer["description"]["sdp"], tracks(body))
        elif body["type"] in ("update", "sync"):
            self._rsp.set_tracks(tracks(body))
            for peer in body.get("peer_connections", []):
                self._do_for_peer(peer)
        elif body["type"] == "disconnect":
            self._rsp.leave()

    def _do_for_peer(self, peer: dict[str, Any]) -> None:
        description, ice = peer.get("description"), peer.get("ice")
        # A resume repeats what was said before; only what is new was done.
        if description is not None and description != self._described.get(peer["id"]):
            self._described[peer["id"]] = description
            self._rsp.describe(
                peer["id"], description["type"], description["revision"], description.get("sdp")
            )
        if ice is not None:
            candidates = [
                IceCandidate(each["candidate"], each["sdpMid"], each["sdpMLineIndex"])
                for each in ice["candidates"]
            ]
            self._rsp.trickle(peer["id"], ice["ufrag"], candidates, ice.get("complete", False))

    def _server_says(self, line: Line) -> None:
        assert self._tcmp is not None
        text = line.message if isinstance(line.message, str) else json.dumps(line.message)
        self._tcmp.receive(text, line.at)
        self._settle(line.at)

    def _socket_closed(self, line: Line) -> None:
        """Either side closed; if the client did, so must we have, with the same code and reason."""
        assert self._tcmp is not None
        due_at = self._tcmp.timer()
        if due_at is not None and due_at <= line.at + 0.01:
            assert due_at >= line.at - SLACK
            self._tcmp.handle_timer(max(due_at, line.at))
            self._settle(line.at)
        found = re.fullmatch(r"websocket closed code=(\d+) reason='(.*)'", line.message)
        assert found is not None
        code, reason = int(found[1]), found[2]
        if self._closes:
            assert self._closes.pop() == CloseTransport(code, reason)
        else:
            assert code not in range(3000, 4000), "the SDK closed, and we did not"
            self._tcmp.receive_close(code, reason, line.at)
            self._settle(line.at)

    def _settle(self, now: float) -> None:
        assert self._tcmp is not None
        for event in self._tcmp.events():
            match event:
                case BodyReceived(body):
                    self._rsp.receive(body)
                case BusyReceived(_, _, cookie):
                    self._cookie = cookie
                case Closed():
                    self._rsp.lost()
        for body in self._rsp.messages():
            self._tcmp.send(body, now)
        if self._rsp.state is State.DISCONNECTED:
            self._tcmp.close(now)
        self.reports += self._rsp.reports()
        for output in self._tcmp.outputs():
            if isinstance(output, CloseTransport):
                self._closes.append(output)
            else:
                self._said.append(json.loads(output))


def tracks(body: dict[str, Any]) -> list[rp.LocalTrackInfo]:
    return [
        rp.LocalTrackInfo(each["id"], each["name"], each["kind"], each["enabled"], each["priority"])
        for each in body["participant"]["tracks"]
    ]


def comparable(message: dict[str, Any]) -> Any:
    """The message without what must differ: our ids, our name."""
    copy = json.loads(json.dumps(message))
    if copy["type"] == "hello":
        assert isinstance(copy.pop("id"), str)
    body = copy.get("body") or {}
    if "publisher" in body:
        body["publisher"] = {name: type(value) for name, value in body["publisher"].items()}
    return copy


@pytest.mark.parametrize("name", REPLAYED)
def test_our_client_says_what_the_sdk_said(name: str) -> None:
    lines = read(name)
    replay = Replay(lines)
    replay.run()
    assert replay.compared == sum(line.speaker == "client" for line in lines)


ENDS = {
    "error_20104": 20104,
    "error_53105": 53105,
    "error_53118": 53118,
    "error_53205": 53205,
    "error_unknown": 99999,
    "error_mid_room": 53205,
    "error_unknown_mid_room": 99999,
    "completed": 53118,
    "resume_expired_token": 20104,
    "resume_session_expired": 53002,
    "removed": None,
    "client_disconnect": None,
    "connect_av": None,
    "resume": None,
}


@pytest.mark.parametrize(("name", "code"), ENDS.items())
def test_a_session_ends_with_the_code_that_the_sdk_gave(name: str, code: int | None) -> None:
    replay = Replay(read(name))
    replay.run()
    (*_, last) = replay.reports
    assert isinstance(last, rp.SignalingEnded)
    assert (last.error.code if last.error else None) == code


def test_what_the_sdk_reported_of_the_others_is_what_we_report() -> None:
    replay = Replay(read("participants_states"))
    replay.run()
    changes = [each for each in replay.reports if isinstance(each, rp.ParticipantsChanged)]
    infos = [(info.identity, info.state) for change in changes for info in change.participants]
    ours = [state for state, _ in itertools.groupby(infos)]
    names = {
        "room:participantConnected": "connected",
        "room:participantReconnecting": "reconnecting",
        "room:participantReconnected": "connected",
        "room:participantDisconnected": "disconnected",
    }
    lines = read("participants_states")
    sdks = [(line.message[0]["identity"], names[line.event]) for line in lines if line.event in names]
    assert ours == sdks
    recordings = [each.is_recording for each in replay.reports if isinstance(each, rp.RecordingChanged)]
    events = [line.event for line in lines if line.event.startswith("room:recording")]
    assert [f"room:recording{'Started' if each else 'Stopped'}" for each in recordings] == events
