"""What the shell may offer for a value; with no answer, it offers files.

Runs at every Tab: imports nothing but what is needed to answer.
"""

import os
import re
from collections.abc import Sequence

REGIONS = ("gll", "au1", "br1", "de1", "ie1", "in1", "jp1", "sg1", "us1", "us2")
"""Of Twilio's signaling: https://www.twilio.com/docs/video/ip-addresses (gll picks the nearest)."""
_MEDIA = re.compile(
    r".+\.(aac|avi|flac|h264|ivf|m4a|mkv|mov|mp3|mp4|mpg|oga|ogg|ogv|opus|wav|webm|y4m)", re.I
)
MAX_FILES = 200
_PLAIN_NAME = re.compile(r"[\w][\w.+-]*")
"""A name that no shell takes for anything else; the shell completes other names by itself."""


def answer_quickly() -> None:
    """Keep Typer from rendering each help text for the shell with rich, which takes longer than to answer.

    Our texts have no markup.
    """
    from typer import _completion_classes

    _completion_classes._sanitize_help_text = lambda text: text


def regions(incomplete: str) -> Sequence[str]:
    """Twilio's regions."""
    return REGIONS


def until(incomplete: str) -> Sequence[str]:
    """The events that `--until` waits for; for one that takes a closed set, each of it."""
    from videocli.cli.joining.until import CONDITIONS

    return [*CONDITIONS, "trackStarted:audio", "trackStarted:video"]


def video_sources(incomplete: str) -> Sequence[str]:
    """What `--video` takes."""
    return _sources(("testsrc",), incomplete)


def audio_sources(incomplete: str) -> Sequence[str]:
    """What `--audio` takes."""
    return _sources(("tone", "silence"), incomplete)


def profile_names(incomplete: str) -> Sequence[str]:
    """The profiles there are; none where the file is no good, for a Tab is no place to complain."""
    from videocli.cli.exit_codes import UsageError
    from videocli.cli.profiles import file as profile_file

    try:
        return list(profile_file.load(warn=lambda words: None).by_name)
    except UsageError:
        return []


def _sources(keywords: Sequence[str], incomplete: str) -> Sequence[str]:
    """The keywords and the media files here, if a keyword is still possible; else files are the shell's."""
    possible = [keyword for keyword in keywords if keyword.startswith(incomplete)]
    if not possible:
        return []
    with os.scandir() as entries:
        files = sorted(
            entry.name
            for entry in entries
            if _MEDIA.fullmatch(entry.name) and _PLAIN_NAME.fullmatch(entry.name)
        )
    return [*possible, *files[:MAX_FILES]]
