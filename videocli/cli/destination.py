"""Which server `join` goes to."""

import re
from urllib.parse import urlsplit

from videocli.cli.exit_codes import UsageError
from videocli.urls import shown

DEFAULT_PORT = 7780
LOCAL_URL = f"ws://127.0.0.1:{DEFAULT_PORT}/signaling"
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


def cloud_url(region: str | None) -> str:
    """Twilio's signaling endpoint (twilio-video.js, lib/util/constants.js). Raises `UsageError`."""
    if region is not None and not _REGION.fullmatch(region):
        raise UsageError(f"'{region}' is no region", "Regions are words like us1, ie1 or sg1; gll picks one.")
    return f"wss://{'global' if region in (None, 'gll') else region}.vss.twilio.com/signaling"


def check_url(url: str) -> str:
    """The URL, if a room server can be there.

    Raises `UsageError`, whose words tell no password: of what is no URL nobody knows which part is one.
    """
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or any(ord(character) <= 32 for character in url):
        given = "what is given" if "@" in url else f"'{shown(url)}'"
        raise UsageError(f"{given} is no room server's URL", f"It looks like {LOCAL_URL} or wss://….")
    return url


def is_on_this_machine(url: str) -> bool:
    """Whether the URL names a loopback address, so that media may stay on this machine too."""
    return _LOOPBACK.fullmatch(urlsplit(url).hostname or "") is not None
