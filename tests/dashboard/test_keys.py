from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dashboard import rooms
from videocli.dashboard.keys import press, split_keys
from videocli.dashboard.view import View, listed
from videocli.engine.commands import Disconnect, SetEnabled


@pytest.mark.parametrize(
    ("text", "keys", "begun"),
    [
        ("q", ["q"], ""),
        ("jk?", ["j", "k", "?"], ""),
        ("\x03\x0c", ["ctrl+c", "ctrl+l"], ""),
        ("\r\t\x7f", ["enter", "tab", "backspace"], ""),
        ("\x1b[A\x1b[B\x1bOA\x1bOB", ["up", "down", "up", "down"], ""),
        ("\x1b[5~\x1b[6~\x1b[H\x1b[4~", ["page-up", "page-down", "home", "end"], ""),
        ("j\x1b", ["j"], "\x1b"),
        ("j\x1b[", ["j"], "\x1b["),
        ("\x1b[5", [], "\x1b[5"),
        ("\x1b[1;5A", [], ""),
        ("\x1bq", [], ""),
        ("\x1b\x1b[A", ["escape", "up"], ""),
        ("é李", ["é", "李"], ""),
    ],
)
def test_what_the_terminal_sends_is_split_into_keys(text: str, keys: list[str], begun: str) -> None:
    assert split_keys(text) == (keys, begun)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="\x1b[O0;~Aq\x03", max_size=80))
def test_a_begun_sequence_never_grows_without_end(text: str) -> None:
    _, begun = split_keys(text)
    assert len(begun) <= 32
    assert text.endswith(begun)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["\x1b[A", "\x1bOB", "\x1b[5~", "q", "é", "\x0c"]), max_size=8), st.data())
def test_where_the_text_is_cut_makes_no_difference(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    at = data.draw(st.integers(0, len(text)))
    first, begun = split_keys(text[:at])
    second, rest = split_keys(begun + text[at:])
    assert (first + second, rest) == split_keys(text)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_q_and_ctrl_c_leave(key: str) -> None:
    view, command = press(View(), key, rooms.connected(0))
    assert command == Disconnect()
    assert view.notice == "Leaving the room"


def test_a_mutes_and_unmutes_what_the_snapshot_shows() -> None:
    snapshot = rooms.connected(0)
    assert press(View(), "a", snapshot) == (View(), SetEnabled("audio", False))
    assert press(View(), "v", snapshot) == (View(), SetEnabled("video", True))


def test_mute_without_a_track_says_so_and_the_next_key_clears_it() -> None:
    snapshot = rooms.connecting()
    view, command = press(View(), "a", snapshot)
    assert (view.notice, command) == ("We publish no audio", None)
    assert press(view, "x", snapshot) == (View(), None)


def test_choosing_walks_through_everybody_and_stops_at_the_ends() -> None:
    snapshot = rooms.connected(2)
    view = View()
    chosen = []
    for key in ("j", "down", "j", "j", "k", "up", "k", "G", "g", "end", "home", "page-down", "page-up"):
        view, command = press(view, key, snapshot)
        assert command is None
        chosen.append(view.chosen)
    first, second, third = "PA0000", "PA0001", "PA0002"
    assert chosen[:7] == [first, second, third, third, second, first, first]
    assert chosen[7:] == [third, first, third, first, third, first]


def test_choosing_in_an_empty_room_does_nothing() -> None:
    assert press(View(), "j", rooms.connecting()) == (View(), None)


def test_a_chosen_participant_that_left_gives_way_to_the_first() -> None:
    view, _ = press(View(chosen="PA9999"), "j", rooms.connected(2))
    assert view.chosen == "PA0000"


def test_s_walks_through_the_orders() -> None:
    snapshot = rooms.connected(3)
    orders, view = [], View()
    for _ in range(3):
        view, _ = press(view, "s", snapshot)
        orders.append(view.sort)
    assert orders == ["name", "bitrate", "joined"]


def test_the_orders_keep_us_first() -> None:
    snapshot = rooms.connected(3)
    snapshot = replace(snapshot, participants=snapshot.participants[::-1])

    def shown(view: View) -> list[str]:
        return [each.participant.identity for each in listed(snapshot, view.sort)]

    assert shown(View(sort="joined")) == ["alice", "Dr. Дарья Иванова", "carol", "bob"]
    assert shown(View(sort="name")) == ["alice", "bob", "carol", "Dr. Дарья Иванова"]
    assert shown(View(sort="bitrate")) == ["alice", "Dr. Дарья Иванова", "carol", "bob"]


def test_help_opens_and_closes() -> None:
    snapshot = rooms.connected(0)
    opened, _ = press(View(), "?", snapshot)
    assert opened.is_help_open
    assert not press(opened, "?", snapshot)[0].is_help_open
    assert not press(opened, "escape", snapshot)[0].is_help_open
