"""Which names a server would refuse, whatever it knows of the room."""

MAX_TRACK_NAME = 128
"""Characters (53302 above it: twilio-video.js, test/integration/spec/localparticipant.js)."""

_TOO_LONG = 53302
_INVALID_CHARACTERS = 53303


def refusal_of(name: str) -> int | None:
    """The code of why no track can be called that; None: it can.

    A server that gets a string far beyond the limit may take it for an attack and end the room.
    """
    if len(name) > MAX_TRACK_NAME:
        return _TOO_LONG
    try:
        name.encode()
    except UnicodeEncodeError:  # a lone surrogate, which no frame of text can carry
        return _INVALID_CHARACTERS
    return None
