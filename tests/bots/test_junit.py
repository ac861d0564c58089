from xml.etree import ElementTree as ET

from tests.bots.figures import CRASH, FULL, report, result
from videocli.bots.conditions import parse_condition
from videocli.bots.junit import to_junit


def test_each_bot_and_each_condition_is_a_test_case() -> None:
    told = report(result(2, None, failure=FULL), result(1, 0.25), result(3, failure=CRASH))
    conditions = [parse_condition("connect_p95>2s"), parse_condition("failed>0")]
    suite = ET.fromstring(to_junit(told, conditions, "videocli bots load"))
    assert (suite.get("tests"), suite.get("failures")) == ("5", "3")
    cases = [(case.get("classname"), case.get("name"), case.get("time")) for case in suite.iter("testcase")]
    assert cases == [
        ("load", "bot-1", "0.250"),
        ("load", "bot-2", "0.000"),
        ("load", "bot-3", "0.100"),
        ("fail-if", "connect_p95>2s", "0"),
        ("fail-if", "failed>0", "0"),
    ]
    failures = [(failure.get("type"), failure.get("message")) for failure in suite.iter("failure")]
    assert failures == [
        ("53105 RoomMaxParticipantsExceeded", f"joining: {FULL.message}"),
        ("ValueError", "script: no \ufffd such <thing>"),
        ("fail-if", "failed is 1"),
    ]
    assert "joined         2 of 3" in (suite.findtext("system-out") or "")
