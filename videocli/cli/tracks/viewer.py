"""The `Viewer` of the dashboard: taps the track that is watched, and has it decoded."""

import asyncio
from collections.abc import Callable

from videocli.cli.tracks.tapped import Tapped, Tapping
from videocli.dashboard.painting import Painter, Painting, Wanted
from videocli.media.sinks.viewing import Viewing


class TapViewer:
    """Watches one track of a session at a time. Nothing is decoded, and no thread runs, for nobody.

    Made and used on the loop's thread.
    """

    def __init__(self, session: Tapped) -> None:
        self._session = session
        self._wanted: Wanted | None = None
        self._viewing: Viewing[Painting] | None = None
        self._tapping: Tapping | None = None
        self._on_picture: Callable[[], None] = lambda: None
        self._latest: Painting | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def watch(self, wanted: Wanted | None, on_picture: Callable[[], None]) -> None:
        """Show this from now on; see `painting.Viewer`."""
        self._on_picture = on_picture
        if wanted == self._wanted:
            return
        before, self._wanted, self._latest = self._wanted, wanted, None
        if wanted is None:
            self._end()
        elif self._viewing is not None and before is not None and wanted.track_sid == before.track_sid:
            self._viewing.reshape(wanted.painter.box, wanted.painter.paint)
        else:
            self._end()
            self._begin(wanted.track_sid, wanted.painter)

    def latest(self) -> Painting | None:
        """The latest picture; see `painting.Viewer`."""
        return self._latest

    async def close(self) -> None:
        """Watch nothing, and wait until no thread is left."""
        self.watch(None, lambda: None)
        await asyncio.gather(*self._closing)

    def _begin(self, track_sid: str, painter: Painter) -> None:
        self._tapping = Tapping(self._session, track_sid)
        self._viewing = Viewing(
            painter.box,
            painter.paint,
            show=self._show,
            restart=self._tapping.restart_soon,
        )
        self._tapping.begin(self._viewing.take)

    def _end(self) -> None:
        if self._viewing is None or self._tapping is None:
            return
        self._tapping.end()
        self._viewing.stop()
        closing = asyncio.create_task(self._viewing.close(), name="close picture")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        self._viewing = self._tapping = None

    def _show(self, painting: Painting) -> None:
        if self._wanted is not None and painting.painter == self._wanted.painter:
            self._latest = painting
            self._on_picture()
