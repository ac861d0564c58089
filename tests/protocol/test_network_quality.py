"""The messages of the channel `network_quality`, as the real SDK writes and reads them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traces import on_channel
from videocli.protocol.fields import ProtocolError
from videocli.protocol.network_quality import (
    NAME,
    READY,
    Levels,
    Path,
    Received,
    Sent,
    encode_report,
    parse_levels,
)


def parse(**members: Any) -> Levels | None:
    return parse_levels(json.dumps({"type": NAME, **members}))


def recorded() -> list[dict[str, Any]]:
    """What the SDK said."""
    return [line.message for line in on_channel("msp_no_reply", NAME, "client")]


class TestReports:
    def test_ready_and_an_empty_report_are_the_sdks_own(self) -> None:
        ready, first, *_ = recorded()
        assert json.loads(READY) == ready
        ours = json.loads(encode_report(Path(), [], []))
        assert ours.pop("remoteReportLevel") == 1, "we ask for others' levels, which that page did not"
        assert ours == {name: value for name, value in first.items() if name != "remoteReportLevel"}

    def test_a_report_of_a_path_is_the_sdks_own(self) -> None:
        for theirs in recorded()[2:]:
            ice = theirs["ice"]
            path = Path(ice["send"], ice["recv"], ice["availableSend"], ice["rtt"])
            assert json.loads(encode_report(path, [], []))["ice"] == ice

    def test_bitrates_are_summed_and_the_rest_is_averaged_over_the_tracks_that_know(self) -> None:
        sent = [Sent("audio", 30_000.0, 0.02), Sent("video", 500_000.0, 0.04), Sent("video", 100_000.0)]
        received = [Received("video", 800_000.0, 0.0, 0.03), Received("video", 200_000.0, 0.5, 0.01)]
        report = json.loads(encode_report(Path(), sent, received))
        assert report["send"] == {"bitrate": 630_000, "rtt": pytest.approx(0.03)}
        assert report["recv"] == {"bitrate": 1_000_000, "fractionLost": 0.25, "jitter": pytest.approx(0.02)}
        assert report["audio"] == {"send": {"bitrate": 30_000, "rtt": 0.02}, "recv": {"bitrate": 0}}
        assert report["video"] == {"send": {"bitrate": 600_000, "rtt": 0.04}, "recv": report["recv"]}


class TestLevels:
    def test_of_ourselves_and_of_others(self) -> None:
        remotes = [{"sid": "PA2", "level": 3}, {"sid": "PA3", "level": 0, "audio": {"send": 1, "recv": 2}}]
        assert parse(local=5, remotes=remotes) == Levels(5, {"PA2": 3, "PA3": 0})

    def test_an_object_says_its_level_or_it_is_the_least_of_its_parts(self) -> None:
        parts = {"audio": {"send": 4, "recv": 3}, "video": {"send": 5, "recv": 2, "recvStats": {}}}
        assert parse(local={"level": 4, **parts}) == Levels(4, {})
        assert parse(local=parts) == Levels(2, {})
        assert parse(local={"audio": {"send": 4}}) == Levels(4, {})

    @pytest.mark.parametrize("odd", [None, -1, 6, 2.5, True, "5", [5], {}, {"level": "5"}, {"audio": {}}])
    def test_what_is_no_level_is_as_if_it_were_missing(self, odd: object) -> None:
        assert parse(local=odd, remotes=[{"sid": "PA2", "level": odd}]) == Levels(None, {})

    def test_another_message_says_nothing(self) -> None:
        assert parse_levels(READY) is None
        assert parse_levels('{"local": 5}') is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "null",
            "[5]",
            "{",
            "[" * 100_000,
            f'{{"type":"{NAME}","local":1e999}}',
            f'{{"type":"{NAME}","local":{"9" * 5000}}}',
            f'{{"type":"{NAME}","remotes":{{}}}}',
            f'{{"type":"{NAME}","remotes":[5]}}',
            f'{{"type":"{NAME}","remotes":[{{"level":5}}]}}',
            json.dumps({"type": NAME, "remotes": [{"sid": str(number)} for number in range(2000)]}),
            json.dumps({"type": NAME, "local": 5, "padding": "x" * (1 << 20)}),
        ],
        ids=lambda text: text[:40],
    )
    def test_what_the_protocol_does_not_allow_is_refused(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            parse_levels(text)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-1, 6) | st.floats() | st.sampled_from(("PA2", "")),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(("local", "remotes", "sid", "level", "audio", "video", "send")), inner
                )
            ),
            max_leaves=12,
        ).filter(lambda value: isinstance(value, dict))
    )
    def test_whatever_is_said_only_levels_come_of_it(self, said: Any) -> None:
        try:
            levels = parse(**said)
        except ProtocolError:
            return
        assert levels is not None
        for level in (levels.local, *levels.remotes.values()):
            assert level is None or (type(level) is int and 0 <= level <= 5)
