"""What the screen shows of a picture, and what to send so that it shows the next one."""

from collections.abc import Set

from videocli.dashboard.painting import Painting


class Canvas:
    """The picture on the screen; empty at first."""

    def __init__(self) -> None:
        self._shown: Painting | None = None

    def clear(self, following: Painting | None) -> tuple[str, Set[int]]:
        """What to send before the text, and the rows that have to be written anew, for another picture.

        A picture by the same painter takes the place of this one by itself.
        """
        shown = self._shown
        if shown is None or (following is not None and self.is_followed_by(following)):
            return "", frozenset()
        self._shown = None
        return shown.painter.remove(), frozenset(shown.painter.place.lines())

    def is_followed_by(self, painting: Painting) -> bool:
        """Whether nothing but the picture differs."""
        return self._shown is not None and self._shown.painter == painting.painter

    def show(self, painting: Painting | None, erased: Set[int]) -> str:
        """What to send after the text, of which the rows `erased` have been written anew."""
        if painting is None:
            return ""
        before, self._shown = self._shown, painting
        touched = erased & frozenset(painting.painter.place.lines())
        if painting is before and not touched:
            return ""
        return painting.painter.put(painting, before, touched)

    def forget(self) -> str:
        """The screen was cleared, or is somebody else's; what to send to be sure of it."""
        shown, self._shown = self._shown, None
        return "" if shown is None else shown.painter.remove()
