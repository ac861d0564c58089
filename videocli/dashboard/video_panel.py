"""The panel of the picture: whose it is and what is known of it, over the place that the picture goes to."""

from rich.text import Text

from videocli.dashboard.lines import Screening, exactly, fit, line, rule
from videocli.dashboard.painting import Place
from videocli.dashboard.safe_text import MAX_NAME, clean
from videocli.dashboard.units import number
from videocli.dashboard.view import View
from videocli.dashboard.watching import watched
from videocli.engine.room.snapshot import Snapshot, TrackSnapshot


def video(snapshot: Snapshot, view: View, width: int, height: int) -> list[Text]:
    """A heading, then the place for the picture, in which it says why there is none: `height` lines."""
    seen = watched(snapshot, view)
    title, facts = "Picture", []
    if seen.participant is not None:
        title = f"Picture of {clean(seen.participant.participant.identity, MAX_NAME)}"
        facts += ["dominant"] if seen.participant.is_dominant else []
    facts += _facts(seen.track) if seen.track is not None else []
    why = fit(seen.why, width).rstrip()
    margin = max((width - Text(why).cell_len) // 2, 0)
    blanks = [line(width, [])] * max((height - 2) // 2, 0)
    words = line(width, [(" " * margin, ""), (why, "dim")])
    return exactly(height, [rule(width, [title, "Picture"], ", ".join(facts)), *blanks, words], width)


def screening(snapshot: Snapshot, view: View, place: Place) -> Screening | None:
    """What belongs to the place under a heading; None: nothing."""
    seen = watched(snapshot, view)
    if seen.participant is None or seen.track is None or place.rows < 1:
        return None
    return Screening(seen.participant.participant.sid, seen.track.track.sid or "", place)


def video_height(width: int, height: int, left_for_others: int) -> int:
    """Lines for the panel, of `height`: as high as a picture of 16 to 9 on cells of 1 to 2 would be."""
    wanted = 1 + round(width * 9 / 32)
    return min(wanted, max(height - left_for_others, height // 2))


def _facts(track: TrackSnapshot) -> list[str]:
    facts = [track.codec.value] if track.codec is not None else []
    facts += [f"{track.width}x{track.height}"] if track.width and track.height else []
    facts += [f"{number(track.frame_rate, 1)} fps"] if track.frame_rate is not None else []
    return facts
