"""What published tracks are called."""

from videocli.cli.open_sources import default_names


def test_a_track_is_named_after_its_file() -> None:
    assert default_names([("video", "media/talk.mp4"), ("audio", "tone")]) == ["talk.mp4", "tone"]


def test_sound_and_picture_of_one_file_have_two_names() -> None:
    assert default_names([("video", "talk.mp4"), ("audio", "talk.mp4")]) == ["talk.mp4", "talk.mp4 audio"]


def test_names_stay_apart_however_often_a_source_is_named() -> None:
    names = default_names([("video", "testsrc")] * 4)
    assert len(set(names)) == 4
