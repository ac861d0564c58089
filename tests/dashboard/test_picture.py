"""The README's picture; `VIDEOCLI_WRITE_GOLDEN=1 pytest tests/dashboard` makes it anew."""

import os
from datetime import UTC
from pathlib import Path
from xml.etree import ElementTree

from tests.dashboard import rooms
from videocli.dashboard.picture import svg
from videocli.dashboard.view import View

README_PICTURE = Path(__file__).parents[2] / ".github" / "dashboard.svg"


def picture() -> str:
    return svg(rooms.signaling_lost(), View(timezone=UTC), title="videocli join demo")


def test_the_readmes_picture_is_what_the_dashboard_draws() -> None:
    if os.environ.get("VIDEOCLI_WRITE_GOLDEN"):
        README_PICTURE.write_text(picture(), encoding="utf-8")
    assert README_PICTURE.read_text(encoding="utf-8") == picture()


def test_the_picture_is_an_svg() -> None:
    assert ElementTree.fromstring(picture()).tag == "{http://www.w3.org/2000/svg}svg"
    assert "carol" in picture()
