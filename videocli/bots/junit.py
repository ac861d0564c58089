"""The report as JUnit XML, as CI systems read it: a test case for each bot and for each condition."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from videocli.bots.conditions import Condition
from videocli.bots.report import Report, to_lines

_UNSPEAKABLE = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report, conditions: Sequence[Condition], name: str) -> str:
    """An XML document. `name` is that of the suite."""
    metrics = report.metrics()
    held = [condition for condition in conditions if condition.is_met(metrics)]
    failed = [result for result in report.results if result.failure is not None]
    suite = ET.Element(
        "testsuite",
        name=_text(name),
        tests=str(len(report.results) + len(conditions)),
        failures=str(len(failed) + len(held)),
        errors="0",
        skipped="0",
        time=f"{report.seconds:.3f}",
    )
    for result in sorted(report.results, key=lambda result: result.number):
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_text(result.room),
            name=_text(result.identity),
            time=f"{result.connect_seconds or 0.0:.3f}",
        )
        if (failure := result.failure) is not None:
            message = f"{failure.stage}: {failure.message}"
            ET.SubElement(case, "failure", type=_text(failure.title), message=_text(message))
    for condition in conditions:
        case = ET.SubElement(suite, "testcase", classname="fail-if", name=_text(condition.text), time="0")
        if condition in held:
            ET.SubElement(case, "failure", type="fail-if", message=_text(condition.found(metrics)))
    ET.SubElement(suite, "system-out").text = _text("\n".join(to_lines(report)))
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _text(value: str) -> str:
    """Without what XML 1.0 cannot hold, however written (section 2.2)."""
    return _UNSPEAKABLE.sub("\ufffd", value)
