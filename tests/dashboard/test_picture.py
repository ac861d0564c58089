from datetime import UTC
from xml.etree import ElementTree

from tests.dashboard import rooms
from videocli.dashboard.picture import svg
from videocli.dashboard.view import View


def test_the_picture_is_an_svg_and_always_the_same() -> None:
    text = svg(rooms.connected(8), View(timezone=UTC))
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert text == svg(rooms.connected(8), View(timezone=UTC))
    assert "carol" in text
