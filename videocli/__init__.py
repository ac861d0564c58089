"""videocli: the command-line client for video rooms, and the same for scripts.

async with videocli.connect(videocli.mint_token("bot", "my-room"), "my-room") as room:
    async for event in room:
        print(event)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from videocli.api.connect import connect as connect
    from videocli.api.connect import mint_token as mint_token
    from videocli.api.publishing import LocalTrack as LocalTrack
    from videocli.api.room import Room as Room
    from videocli.api.sources import AudioSource as AudioSource
    from videocli.api.sources import EncodedSource as EncodedSource
    from videocli.api.sources import VideoSource as VideoSource
    from videocli.api.stream import Stream as Stream
    from videocli.engine import events as events
    from videocli.errors import SourceError as SourceError
    from videocli.errors import VideoError as VideoError
    from videocli.media.frames import Codec as Codec
    from videocli.media.frames import EncodedFrame as EncodedFrame
    from videocli.media.frames import Source as Source

_HOMES = {
    "connect": "videocli.api.connect",
    "mint_token": "videocli.api.connect",
    "LocalTrack": "videocli.api.publishing",
    "Room": "videocli.api.room",
    "AudioSource": "videocli.api.sources",
    "EncodedSource": "videocli.api.sources",
    "VideoSource": "videocli.api.sources",
    "Stream": "videocli.api.stream",
    "events": "videocli.engine",
    "SourceError": "videocli.errors",
    "VideoError": "videocli.errors",
    "Codec": "videocli.media.frames",
    "EncodedFrame": "videocli.media.frames",
    "Source": "videocli.media.frames",
}
"""Where the names for scripts are: imported when used, so that the command line starts without them."""


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'videocli' has no attribute '{name}'")
    module = import_module(home)
    return import_module(f"{home}.{name}") if name == "events" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
