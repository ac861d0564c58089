from dataclasses import replace
from datetime import timedelta

import pytest

from tests.dashboard import rooms
from videocli.dashboard.actions import BINDINGS, Copy, Effect, hints, press
from videocli.dashboard.prompt import Prompt
from videocli.dashboard.view import Chosen, View, chosen_row, listed
from videocli.engine.commands import Disconnect, Practise, SendMessage, SetEnabled
from videocli.engine.room.snapshot import Snapshot


def pressed(keys: str | list[str], snapshot: Snapshot, view: View | None = None) -> tuple[View, list[Effect]]:
    """The view after some keys, and what they asked for."""
    view = view or View()
    effects: list[Effect] = []
    for key in keys:
        view, effect = press(view, key, snapshot)
        effects += [effect] if effect is not None else []
    return view, effects


def shown_hints(view: View, snapshot: Snapshot) -> str:
    return "  ".join(f"{key} {words}" for key, words in hints(view, snapshot))


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_q_and_ctrl_c_leave(key: str) -> None:
    view, command = press(View(), key, rooms.connected(0))
    assert command == Disconnect()
    assert view.notice == "Leaving the room"


def test_ctrl_c_leaves_while_something_is_asked() -> None:
    _, effects = pressed(["m", "h", "ctrl+c"], rooms.connected(0))
    assert effects == [Disconnect()]


def test_a_and_c_mute_and_unmute_what_the_snapshot_shows() -> None:
    snapshot = rooms.connected(0)
    assert press(View(), "a", snapshot) == (View(), SetEnabled("audio", False))
    assert press(View(), "c", snapshot) == (View(), SetEnabled("video", True))
    assert "a mute audio  c unmute video" in shown_hints(View(), snapshot)


def test_mute_without_a_track_says_so_and_the_next_key_clears_it() -> None:
    snapshot = rooms.connecting()
    view, command = press(View(), "a", snapshot)
    assert (view.notice, command) == ("We publish no audio", None)
    assert press(view, "z", snapshot) == (View(), None)
    assert "mute" not in shown_hints(View(), snapshot)


def test_choosing_walks_through_all_lines_and_stops_at_the_ends() -> None:
    snapshot = rooms.connected(1)
    view, chosen = View(), []
    for key in ("j", "down", "k", "up", "G", "j", "g", "end", "home", "page-down", "page-up"):
        view, command = press(view, key, snapshot)
        assert command is None
        chosen.append(view.chosen)
    first, second = Chosen("PA0000"), Chosen("PA0000", "MT0000a")
    last = Chosen("PA0001", "MT0001d")
    assert chosen == [first, second, first, first, last, last, first, last, first, last, first]


def test_tab_walks_through_participants_and_around_the_end() -> None:
    snapshot = rooms.connected(2)
    view, sids = View(), []
    for key in ("tab", "j", "tab", "tab", "tab", "shift+tab", "shift+tab"):
        view, _ = press(view, key, snapshot)
        assert view.chosen is not None
        sids.append(view.chosen.participant)
    assert sids == ["PA0000", "PA0000", "PA0001", "PA0002", "PA0000", "PA0002", "PA0001"]


def test_v_opens_and_closes_the_picture_where_there_can_be_one() -> None:
    snapshot, view = rooms.connected(1), View(can_show_video=True)
    assert "v picture" in shown_hints(view, snapshot)
    opened, _ = press(view, "v", snapshot)
    assert opened.is_video_open
    assert "v close picture" in shown_hints(opened, snapshot)
    assert press(opened, "v", snapshot) == (view, None)
    closed, _ = press(View(), "v", snapshot)
    assert (closed.is_video_open, closed.notice) == (False, "There are no pictures here")
    assert "picture" not in shown_hints(View(), snapshot) + shown_hints(view, rooms.connected(0))


def test_v_on_another_page_comes_back_to_the_room_with_the_picture() -> None:
    snapshot = rooms.connected(1)
    view, _ = press(View(can_show_video=True, is_video_open=True, page="help"), "v", snapshot)
    assert (view.page, view.is_video_open) == ("room", True)


@pytest.mark.parametrize("key", ["j", "k", "tab", "shift+tab", "G", "page-up"])
def test_choosing_in_an_empty_room_does_nothing(key: str) -> None:
    assert press(View(), key, rooms.connecting()) == (View(), None)


def test_a_chosen_line_that_is_gone_gives_way_to_the_first() -> None:
    view, _ = press(View(chosen=Chosen("PA9999")), "j", rooms.connected(2))
    assert view.chosen == Chosen("PA0000")


def test_s_walks_through_the_orders() -> None:
    snapshot = rooms.connected(3)
    orders, view = [], View()
    for _ in range(5):
        view, _ = press(view, "s", snapshot)
        orders.append(view.sort)
    assert orders == ["name", "bitrate", "loudness", "trouble", "joined"]


@pytest.mark.parametrize(
    ("view", "names"),
    [
        (View(sort="joined"), ["alice", "Dr. Дарья Иванова", "carol", "bob"]),
        (View(sort="name"), ["alice", "bob", "carol", "Dr. Дарья Иванова"]),
        (View(sort="bitrate"), ["alice", "Dr. Дарья Иванова", "carol", "bob"]),
        (View(sort="loudness"), ["alice", "bob", "carol", "Dr. Дарья Иванова"]),
        (View(sort="trouble"), ["alice", "Dr. Дарья Иванова", "carol", "bob"]),
        (View(participant_filter="RECONN"), ["Dr. Дарья Иванова"]),
        (View(participant_filter="chat mt0001"), ["bob"]),
        (View(participant_filter="nobody"), []),
    ],
)
def test_orders_keep_us_first_and_filters_look_at_all_that_is_known(view: View, names: list[str]) -> None:
    snapshot = rooms.connected(3)
    snapshot = replace(snapshot, participants=snapshot.participants[::-1])
    assert [each.participant.identity for each in listed(snapshot, view)] == names


def test_folding_keeps_whose_track_was_chosen() -> None:
    view, _ = pressed(["tab", "tab", "j", "t"], rooms.connected(2))
    assert (view.are_tracks_folded, view.chosen) == (True, Chosen("PA0001"))
    view, _ = pressed(["j"], rooms.connected(2), view)
    assert view.chosen == Chosen("PA0002")


def test_a_message_is_typed_and_sent() -> None:
    snapshot = rooms.connected(1)
    view, effects = pressed([*"mhé 李q", "backspace", "enter"], snapshot)
    assert effects == [SendMessage("hé 李")]
    assert (view.prompt, view.notice) == (None, "Sent to all: hé 李")


@pytest.mark.parametrize(
    ("snapshot", "has_track", "notice"),
    [
        (rooms.connected(1), True, "Sent to all: hi"),
        (rooms.connected(1), False, "Sent to all: hi"),
        (rooms.media_lost(), True, "Will be sent when connected: hi"),
        (rooms.server_stopped(), True, "Will be sent when connected: hi"),
        (rooms.signaling_lost(), True, "Sent to all: hi"),
        (rooms.signaling_lost(), False, "Will be sent when connected: hi"),
    ],
)
def test_a_message_in_an_outage_is_not_called_sent(snapshot: Snapshot, has_track: bool, notice: str) -> None:
    local = rooms.local() if has_track else replace(rooms.local(), tracks=())
    view, effects = pressed([*"mhi", "enter"], replace(snapshot, local=local))
    assert (view.notice, effects) == (notice, [SendMessage("hi")])


@pytest.mark.parametrize("keys", [["m", "enter"], ["m", " ", "enter"], ["m", "x", "escape"]])
def test_an_empty_or_abandoned_message_is_not_sent(keys: list[str]) -> None:
    view, effects = pressed(keys, rooms.connected(1))
    assert (view.prompt, effects) == (None, [])


def test_a_paste_is_text_and_never_keys() -> None:
    snapshot = rooms.connected(1)
    paste = ["paste-begins", *"qx", "enter", "s", "escape", "paste-ends"]
    assert pressed(paste, snapshot) == (View(), [])
    view, effects = pressed(["m", *paste, "enter"], snapshot)
    assert effects == [SendMessage("qx s")]
    view, effects = pressed(["x", *paste], snapshot)
    assert (view.prompt, effects) == (Prompt("practice"), [])


def test_nobody_writes_before_they_are_in_the_room() -> None:
    view, effects = pressed("m", rooms.connecting())
    assert (view.prompt, view.notice, effects) == (None, "Not in the room yet", [])


def test_a_filter_works_while_it_is_typed_stays_with_enter_and_goes_with_escape() -> None:
    snapshot = rooms.connected(3)
    view, _ = pressed("/bo", snapshot)
    assert (view.participant_filter, view.prompt) == ("bo", Prompt("participants", "bo"))
    view, _ = pressed(["enter"], snapshot, view)
    assert (view.participant_filter, view.prompt) == ("bo", None)
    assert "Esc show all" in shown_hints(view, snapshot)
    view, _ = pressed(["/", "b"], snapshot, view)
    assert view.participant_filter == "bob"
    view, _ = pressed(["escape"], snapshot, view)
    assert view.participant_filter == ""
    view, _ = pressed([*"fcarol", "enter"], snapshot, view)
    assert view.event_filter == "carol"
    assert pressed(["escape"], snapshot, view)[0].event_filter == ""


@pytest.mark.parametrize(("key", "leg"), [("s", "signaling"), ("m", "media")])
def test_practice_asks_before_it_drops_anything(key: str, leg: str) -> None:
    view, effects = pressed("x", rooms.connected(1))
    assert (view.prompt, effects) == (Prompt("practice"), [])
    view, effects = pressed(key, rooms.connected(1), view)
    assert view.prompt is None
    assert [effect.leg for effect in effects if isinstance(effect, Practise)] == [leg]


@pytest.mark.parametrize("key", ["q", "x", "enter", "escape", "y"])
def test_any_other_answer_drops_nothing(key: str) -> None:
    view, effects = pressed(["x", key], rooms.connected(1))
    assert (view.notice, effects) == ("Nothing was dropped", [])


def test_there_is_no_practice_in_a_real_outage() -> None:
    view, _ = pressed("x", rooms.signaling_lost())
    assert view.prompt is None
    assert "now it is real" in view.notice


def test_y_copies_the_sid_of_the_chosen_line_and_capital_y_that_of_the_room() -> None:
    snapshot = rooms.connected(1)
    assert pressed("y", snapshot)[1] == []
    assert pressed(["tab", "y", "j", "y", "Y"], snapshot)[1] == [
        Copy("PA0000"),
        Copy("MT0000a"),
        Copy("RM0001"),
    ]
    assert pressed("Y", rooms.connecting())[0].notice == "It has no SID yet"


def test_events_pause_page_and_follow_again() -> None:
    snapshot = rooms.connected(8)
    view, _ = pressed("p", snapshot)
    assert view.paused_at == snapshot.time
    assert pressed("p", snapshot, view)[0].paused_at is None
    older, _ = pressed("[", snapshot)
    assert older.paused_at == snapshot.recent[-11].time
    oldest, _ = pressed("[[[[[[", snapshot)
    assert oldest.paused_at == snapshot.recent[0].time
    assert pressed("]", snapshot, older)[0].paused_at is None
    assert pressed("[", rooms.connecting())[0].paused_at is None
    assert "p go on" in shown_hints(older, snapshot)


def test_pages_open_and_close() -> None:
    snapshot = rooms.signaling_lost()
    for key, page in (("?", "help"), ("o", "outages")):
        opened, _ = press(View(), key, snapshot)
        assert opened.page == page
        assert press(opened, key, snapshot)[0].page == "room"
        assert press(opened, "escape", snapshot)[0].page == "room"


def test_every_key_is_bound_once_and_the_help_tells_of_each() -> None:
    keys = [key for binding in BINDINGS for key in binding.keys]
    assert len(keys) == len(set(keys))
    assert all(
        binding.shown or binding.group == "Participants" or binding.keys == ("]",) for binding in BINDINGS
    )


def test_the_chosen_row_is_none_when_it_left() -> None:
    snapshot = rooms.connected(1)
    row = chosen_row(snapshot, View(chosen=Chosen("PA0001", "MT0001v")))
    assert row is not None
    assert row.track is not None
    later = replace(snapshot, participants=(), time=snapshot.time + timedelta(seconds=1))
    assert chosen_row(later, View(chosen=Chosen("PA0001", "MT0001v"))) is None
