"""Pictures compared with stored ones; `VIDEOCLI_WRITE_GOLDEN=1 pytest tests/dashboard` stores them anew."""

import os
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, timedelta
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tests.dashboard import rooms
from tests.dashboard.bitmaps import gradient
from tests.dashboard.emulator import Emulator
from videocli.dashboard.actions import BINDINGS, press
from videocli.dashboard.half_blocks import Depth, HalfBlocks
from videocli.dashboard.lines import Picture
from videocli.dashboard.painting import Place
from videocli.dashboard.prompt import Prompt
from videocli.dashboard.render import render
from videocli.dashboard.terminal import frame_lines
from videocli.dashboard.view import SORTS, Chosen, View
from videocli.engine import events as ev
from videocli.engine.room.snapshot import (
    AttemptSnapshot,
    Leg,
    OutageSnapshot,
    ParticipantSnapshot,
    Snapshot,
    TrackSnapshot,
)
from videocli.errors import VideoError

GOLDEN = Path(__file__).parent / "golden"
KEYS = [key for binding in BINDINGS for key in binding.keys]
SIZES = ((80, 24), (120, 40), (200, 60))
Size = tuple[int, int]


def drawn(snapshot: Snapshot, view: View, size: Size) -> str:
    """The picture as a terminal without colours would show it."""
    file = StringIO()
    console = Console(file=file, width=size[0], height=size[1], color_system=None, _environ={})
    console.print(render(snapshot, view, size), end="", crop=False)
    return file.getvalue()


def assert_golden(name: str, picture: str) -> None:
    path = GOLDEN / f"{name}.txt"
    lines = [line.rstrip() for line in picture.split("\n")]
    if os.environ.get("VIDEOCLI_WRITE_GOLDEN"):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def assert_fits(picture: str, size: Size) -> None:
    lines = picture.split("\n")
    assert len(lines) == size[1]
    assert max(map(cell_len, lines)) <= size[0]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("others", [0, 1, 8, 50])
def test_connected(others: int, size: Size) -> None:
    picture = drawn(rooms.connected(others), View(timezone=UTC), size)
    assert_fits(picture, size)
    assert_golden(f"connected-{others}-{size[0]}x{size[1]}", picture)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", rooms.STATES)
def test_states(name: str, size: Size) -> None:
    picture = drawn(rooms.STATES[name](), View(timezone=UTC), size)
    assert_fits(picture, size)
    assert_golden(f"{name}-{size[0]}x{size[1]}", picture)


COLOURED = {"connected-8": lambda: rooms.connected(8), **rooms.STATES}
SIXTEEN_COLOURS = re.compile(
    r"\x1b\[(?:[01234579]|2[2-9]|[34][0-79]|9[0-7]|10[0-7])(?:;(?:[0-9]|[349][0-7]))*m"
)
"""Select Graphic Rendition (ECMA-48 section 8.3.117) with nothing but the sixteen colours."""


@pytest.mark.parametrize("name", COLOURED)
def test_in_colour(name: str) -> None:
    size = (80, 24)
    picture = render(COLOURED[name](), View(timezone=UTC), size)
    lines = frame_lines(picture, size, {"TERM": "xterm-256color", "COLORTERM": "truecolor"})
    assert_golden(f"{name}-{size[0]}x{size[1]}-colour", "\n".join(lines))
    assert "\x1b" not in SIXTEEN_COLOURS.sub("", "".join(lines))


@pytest.mark.parametrize("size", [*SIZES, (40, 12), (20, 5)], ids=str)
def test_help_and_a_chosen_participant(size: Size) -> None:
    snapshot = rooms.connected(50)
    for name, view in (
        ("help", View(timezone=UTC, page="help")),
        ("folded", View(timezone=UTC, are_tracks_folded=True, sort="trouble")),
        ("filtered", View(timezone=UTC, participant_filter="guest 1", event_filter="guest 1 joined")),
        ("paused", View(timezone=UTC, paused_at=rooms.ago(20), prompt=Prompt("practice"))),
        ("typing", View(timezone=UTC, prompt=Prompt("message", "a long message " * 9))),
        ("hosting", View(timezone=UTC, is_host=True)),
        ("chosen", View(timezone=UTC, chosen=Chosen("PA0030"), sort="name", notice="We publish no audio")),
    ):
        picture = drawn(snapshot, view, size)
        assert_fits(picture, size)
        assert_golden(f"{name}-{size[0]}x{size[1]}", picture)


@pytest.mark.parametrize("size", [(40, 12), (79, 24), (80, 24)], ids=str)
def test_all_of_the_help_can_be_read(size: Size) -> None:
    snapshot, view = rooms.media_lost(), View(timezone=UTC, page="help")
    seen = ""
    for _ in range(40):
        picture = drawn(snapshot, view, size)
        assert_fits(picture, size)
        seen += picture
        view, _ = press(view, "j", snapshot)
    for binding in BINDINGS:
        assert binding.words in seen


def test_the_help_fits_a_usual_terminal() -> None:
    picture = drawn(rooms.connected(50), View(timezone=UTC, page="help"), (80, 24))
    assert [binding.words for binding in BINDINGS if binding.words not in picture] == []


def test_the_help_scrolls_no_further_than_its_end_and_opens_at_its_beginning() -> None:
    snapshot = rooms.connected(50)
    view, _ = press(View(timezone=UTC, page="help"), "G", snapshot)
    picture = render(snapshot, view, (40, 12))
    assert drawn(snapshot, view, (40, 12)) == drawn(
        snapshot, replace(view, help_top=picture.help_top), (40, 12)
    )
    back, _ = press(replace(view, help_top=picture.help_top), "k", snapshot)
    assert back.help_top == picture.help_top - 1
    for _ in range(2):
        view, _ = press(view, "?", snapshot)
    assert (view.page, view.help_top) == ("help", 0)


@pytest.mark.parametrize(
    ("seconds", "is_there"), [(0.0, True), (4.9, True), (5.0, False), (3600.0, False), (-3600.0, False)]
)
def test_a_notice_fades_and_the_keys_are_back(seconds: float, is_there: bool) -> None:
    snapshot = rooms.connecting()
    view, _ = press(View(timezone=UTC), "a", snapshot)
    later = replace(snapshot, time=snapshot.time + timedelta(seconds=seconds))
    last_line = drawn(later, view, (80, 24)).split("\n")[-1]
    assert ("We publish no audio" in last_line) is is_there
    assert ("q leave" in last_line) is not is_there


WATCHING = View(timezone=UTC, can_show_video=True, is_video_open=True)


def on_screen(picture: Picture, size: Size, depth: Depth | None) -> Emulator:
    """The picture with a gradient in the place for somebody's."""
    emulator = Emulator(*size)
    for row, text in enumerate(frame_lines(picture, size, {"TERM": "xterm", "NO_COLOR": "1"}), start=1):
        emulator.feed(f"\x1b[{row};1H{text}")
    assert picture.screening is not None
    painter = HalfBlocks(picture.screening.place, depth=depth)
    bitmap = gradient(*painter.box.fitted(1280, 720))
    emulator.feed(painter.put(painter.paint(bitmap), None, frozenset()))
    return emulator


@pytest.mark.parametrize("size", [(40, 12), *SIZES], ids=str)
@pytest.mark.parametrize("name", ["connected", "signaling-lost"])
def test_the_picture_of_somebody(name: str, size: Size) -> None:
    snapshot = rooms.connected(8) if name == "connected" else rooms.signaling_lost()
    picture = render(snapshot, WATCHING, size)
    assert_fits(drawn(snapshot, WATCHING, size), size)
    assert picture.screening is not None
    assert picture.screening.track_sid == "MT0001v"
    emulator = on_screen(picture, size, None)
    lines = [emulator.line(row) for row in range(1, size[1] + 1)]
    assert_golden(f"picture-{name}-{size[0]}x{size[1]}", "\n".join(lines))


@pytest.mark.parametrize("depth", ["truecolor", "256", "standard"])
def test_the_picture_in_colour(depth: Depth) -> None:
    size = (80, 24)
    place = Place(7, 1, 80, 13)
    assert render(rooms.connected(8), WATCHING, size).screening == ("PA0001", "MT0001v", place)
    painter = HalfBlocks(place, depth=depth)
    sent = painter.put(painter.paint(gradient(*painter.box.fitted(1280, 720))), None, frozenset())
    assert_golden(f"picture-80x24-{depth}", re.sub(r"(?=\x1b\[\d+;\d+H)", "\n", sent))


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (WATCHING, "Waiting for a picture of bob"),
        (replace(WATCHING, chosen=Chosen("PA0008")), "gate-7 publishes no picture"),
        (replace(WATCHING, chosen=Chosen("PA0006", "MT0006v")), "We do not receive the picture of zoë"),
    ],
)
def test_the_place_of_a_picture_says_why_there_is_none(view: View, words: str) -> None:
    assert words in drawn(rooms.connected(8), view, (80, 24))


def test_other_pages_have_no_picture() -> None:
    assert render(rooms.connected(8), replace(WATCHING, page="help"), (80, 24)).screening is None
    assert render(rooms.connected(8), WATCHING, (30, 10)).screening is None


@pytest.mark.parametrize("name", ["signaling-lost", "media-lost", "outage-over", "connecting"])
def test_the_page_of_outages(name: str) -> None:
    picture = drawn(rooms.STATES[name](), View(timezone=UTC, page="outages"), (80, 24))
    assert_fits(picture, (80, 24))
    assert_golden(f"outages-{name}", picture)


@pytest.mark.parametrize("state", ["connecting", "connected", "reconnecting", "disconnected"])
def test_every_state_is_there_in_words(state: ev.RoomState) -> None:
    snapshot = rooms.connected(1)
    snapshot = replace(snapshot, room=replace(snapshot.room, state=state))
    for size in (*SIZES, (20, 5)):
        assert drawn(snapshot, View(timezone=UTC), size).lstrip().startswith(state.upper())


def test_an_outage_at_80_columns_tells_all_of_it() -> None:
    picture = " ".join(drawn(rooms.signaling_lost(), View(timezone=UTC), (80, 24)).split())
    for fact in ("for 0:06", "24 s left", "attempt 3", "53001", "connection refused", "58:12 left"):
        assert fact in picture


def test_a_narrow_outage_tells_the_most_of_it() -> None:
    picture = " ".join(drawn(rooms.signaling_lost(), View(timezone=UTC), (40, 24)).split())
    for fact in ("look at the server", "signaling ◐ for 0:06 24 s left", "53001", "58:12 left"):
        assert fact in picture
    assert "✗ expired 1:06:40 ago" in drawn(rooms.refused(), View(timezone=UTC), (50, 20))


def test_the_chosen_participant_is_in_sight_wherever_it_is() -> None:
    snapshot = rooms.connected(50)
    for each in snapshot.participants:
        picture = drawn(snapshot, View(timezone=UTC, chosen=Chosen(each.participant.sid)), (80, 24))
        assert any(line.startswith("▸") for line in picture.split("\n"))


def test_a_token_that_expires_on_another_day_names_the_day() -> None:
    snapshot = replace(rooms.connected(0), token_expires_at=rooms.NOW + timedelta(hours=24))
    assert "24:00:00 left, until Tue 20:45:39" in drawn(snapshot, View(timezone=UTC), (80, 24))


def test_a_long_explanation_leaves_room_for_the_room() -> None:
    picture = drawn(rooms.refused(), View(timezone=UTC), (40, 12))
    for heading in ("DISCONNECTED", "Participants", "Events", "help"):
        assert heading in picture


def test_no_time_passes_while_drawing() -> None:
    snapshot, view = rooms.connected(8), View(timezone=UTC)
    assert drawn(snapshot, view, (80, 24)) == drawn(snapshot, view, (80, 24))


@pytest.mark.parametrize("url", ["wss://me:hunter2@video.example/s?tok=hunter2", "me:hunter2@video.example"])
def test_the_server_is_shown_without_what_is_secret_in_its_url(url: str) -> None:
    picture = drawn(replace(rooms.connected(1), url=url), View(), (120, 30))
    assert "video.example" in picture
    assert "hunter2" not in picture


def test_markup_in_names_is_only_text() -> None:
    loud = replace(rooms.local(), participant=ev.Participant("PA1", "[bold red]x[/] :smile:", "connected"))
    assert "[bold red]x[/] :smile:" in drawn(replace(rooms.connected(0), local=loud), View(), (80, 24))


ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("\x1b\x9b\x00\n\t\u202e\u200d\ufe0f\u0301[]👩👧李🇨🇭\U0001f3fd\ud800"),
    ),
    max_size=200,
)
TRACKS = st.builds(
    TrackSnapshot,
    st.builds(
        ev.Track,
        st.one_of(st.none(), ANY_TEXT),
        ANY_TEXT,
        st.sampled_from(("audio", "video", "data")),
        st.booleans(),
        st.just("standard"),
    ),
    is_subscribed=st.booleans(),
    bitrate=st.one_of(st.none(), st.floats(0, 1e12)),
    bitrates=st.lists(st.floats(0, 1e12), max_size=70).map(tuple),
    loss=st.one_of(st.none(), st.floats(0, 1)),
    jitter=st.one_of(st.none(), st.floats(0, 1e6)),
    width=st.one_of(st.none(), st.integers(0, 10**6)),
    height=st.one_of(st.none(), st.integers(0, 10**6)),
    messages=st.integers(0, 10**12),
)
PEOPLE = st.builds(
    ParticipantSnapshot,
    st.builds(
        ev.Participant, ANY_TEXT, ANY_TEXT, st.sampled_from(("connected", "reconnecting", "disconnected"))
    ),
    st.lists(TRACKS, max_size=3).map(tuple),
    audio_level=st.one_of(st.none(), st.floats(0, 1)),
    speaking=st.booleans(),
    is_dominant=st.booleans(),
    network_quality=st.one_of(st.none(), st.integers(0, 5)),
)
ERRORS = st.builds(VideoError, st.integers(0, 99999), name=ANY_TEXT, message=ANY_TEXT, explanation=ANY_TEXT)


def present(snapshot: ParticipantSnapshot) -> ev.PresentParticipant:
    participant = snapshot.participant
    tracks = tuple(track.track for track in snapshot.tracks)
    return ev.PresentParticipant(participant.sid, participant.identity, participant.state, tracks)


@st.composite
def hostile_rooms(draw: st.DrawFn) -> Snapshot:
    """Rooms in which every text of the network is chosen by an enemy."""
    state: ev.RoomState = draw(st.sampled_from(("connecting", "connected", "reconnecting", "disconnected")))
    room = ev.Room(draw(ANY_TEXT), draw(ANY_TEXT), state)
    local, *others = draw(st.lists(PEOPLE, min_size=1, max_size=4))
    reason = draw(st.one_of(st.none(), ERRORS))
    data = ev.Track("MT1", draw(ANY_TEXT), "data", True, "standard")
    happened: list[ev.Event] = [
        ev.TrackMessage(local.participant, data, draw(ANY_TEXT)),
        ev.Disconnected(reason),
        ev.Connected(local.participant, tuple(map(present, others)), draw(ANY_TEXT)),
    ]
    leg = Leg(draw(st.sampled_from(("connected", "reconnecting"))), rooms.ago(1), reason, draw(ANY_TEXT), 3)
    return replace(
        rooms.connected(0),
        room=room,
        url=draw(ANY_TEXT),
        region=draw(ANY_TEXT),
        signaling=leg,
        media=leg,
        local=local,
        participants=tuple(others),
        recent=tuple(ev.Occurrence(rooms.ago(1), room, event) for event in happened),
        error=reason,
    )


ATTEMPTS = st.builds(
    AttemptSnapshot,
    st.sampled_from(("signaling", "media")),
    st.integers(-50, 50).map(rooms.ago),
    st.one_of(st.none(), st.floats(0, 1e6)),
    ANY_TEXT,
)
OUTAGES = st.builds(
    OutageSnapshot,
    code=st.sampled_from((53001, 53405)),
    began_at=st.integers(0, 50).map(rooms.ago),
    downtime=st.floats(0, 1e5),
    is_over=st.booleans(),
    attempt_count=st.integers(0, 10**6),
    attempts=st.lists(ATTEMPTS, max_size=4).map(tuple),
    media_gap=st.floats(0, 1e6),
)
VIEWS = st.builds(
    View,
    timezone=st.just(UTC),
    page=st.sampled_from(("room", "room", "outages", "help")),
    chosen=st.one_of(st.none(), st.builds(Chosen, ANY_TEXT, ANY_TEXT)),
    sort=st.sampled_from(SORTS),
    are_tracks_folded=st.booleans(),
    participant_filter=st.one_of(st.just(""), ANY_TEXT),
    event_filter=st.one_of(st.just(""), ANY_TEXT),
    paused_at=st.one_of(st.none(), st.just(rooms.ago(1))),
    is_video_open=st.booleans(),
    watched=st.one_of(st.none(), ANY_TEXT),
    prompt=st.one_of(
        st.none(),
        st.builds(Prompt, st.sampled_from(("message", "participants", "events", "practice")), ANY_TEXT),
    ),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    hostile_rooms(),
    st.lists(OUTAGES, max_size=2).map(tuple),
    VIEWS,
    st.tuples(st.integers(1, 220), st.integers(1, 70)),
)
def test_no_text_of_the_network_reaches_beyond_its_place(
    snapshot: Snapshot, outages: tuple[OutageSnapshot, ...], view: View, size: Size
) -> None:
    ends_at = rooms.ago(-20) if outages else None
    picture = drawn(replace(snapshot, outages=outages, session_ends_at=ends_at), view, size)
    assert_fits(picture, size)
    categories = {unicodedata.category(character) for character in picture.replace("\n", "")}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile_rooms(), st.lists(st.one_of(st.sampled_from(KEYS), st.characters()), max_size=12))
def test_no_keys_in_no_room_lead_astray(snapshot: Snapshot, keys: list[str]) -> None:
    view = View(timezone=UTC, can_show_video=True)
    for key in keys:
        view, _ = press(view, key, snapshot)
    picture = drawn(snapshot, view, (80, 24))
    assert_fits(picture, (80, 24))
    categories = {unicodedata.category(character) for character in picture.replace("\n", "")}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
