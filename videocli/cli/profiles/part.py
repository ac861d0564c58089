"""What a profile has to do with an error: it chose the server, or the token is made with its key."""

from videocli import tokens
from videocli.cli import settings
from videocli.errors import SignalingError, TokenError, VideoError


def part(error: VideoError, url: str | None, token: str | None) -> str:
    """What the profile in use has to do with the error, and how to do without it; "" for nothing.

    `url` is what was asked for, None: nothing; `token` is the one at hand, None: there is none.
    """
    name, profile = settings.chosen() or ("", None)
    if profile is None:
        return ""
    has_its_key = token is not None and profile.api_key is not None and _key_of(token) == profile.api_key
    if isinstance(error, TokenError) and has_its_key:
        what = f"The token is made with the API key of profile '{name}'"
    elif isinstance(error, SignalingError) and url is not None and url == profile.url:
        what = f"Profile '{name}' chose this server"
    elif isinstance(error, SignalingError) and url is None and has_its_key:
        what = f"Profile '{name}' chose Twilio's cloud, since it has an API key"
    else:
        return ""
    return f"{what}; {settings.do_without(name)}."


def explanation(error: VideoError, url: str | None, token: str | None) -> str:
    """The error's explanation, and the profile's part in it; see `part`."""
    return " ".join(filter(None, (error.explanation, part(error, url, token))))


def _key_of(token: str) -> str | None:
    try:
        return tokens.peek(token).api_key
    except TokenError:
        return None
