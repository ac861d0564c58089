"""What the bots of one process publish."""

from videocli.cli.tracks.open_sources import open_named
from videocli.media.frames import MediaKind, Source
from videocli.media.sources.shared import SharedSources
from videocli.outside import Outside


class Sources:
    """Opens what the bots publish; one maker of frames serves all that publish the same."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._shared = SharedSources()

    async def open(self, kind: MediaKind, spec: str, identity: str) -> Source:
        """A source for one bot. Raises `SourceError`."""
        return (await open_named(kind, spec, identity, self._outside, open_it=self._shared.open)).source
