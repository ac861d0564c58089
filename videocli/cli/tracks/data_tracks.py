"""What `--data` and the `publish` command say of a data track."""

from videocli.engine.commands import PublishData
from videocli.engine.track_names import MAX_TRACK_NAME, refusal_of

MAX_RETRANSMITS = MAX_LIFE_TIME = 65_535
"""The largest that a browser takes (W3C WebRTC 1.0, RTCDataChannelInit)."""

_USAGE = "write NAME[,unordered][,max-retransmits=N or ,max-packet-life-time=MILLISECONDS]"


def parse_data_track(text: str) -> PublishData:
    """`chat,unordered,max-retransmits=0`; a comma in the name is written twice.

    Raises `ValueError` with words for people.
    """
    name, *options = (part.replace("\0", ",") for part in text.replace(",,", "\0").split(","))
    if not name:
        raise ValueError(f"a data track needs a name: {_USAGE}")
    if len(name) > MAX_TRACK_NAME:
        raise ValueError(f"a track's name has at most {MAX_TRACK_NAME} characters, not {len(name)}: {_USAGE}")
    if refusal_of(name) is not None:
        raise ValueError(f"a track's name is Unicode, which this one is not: {_USAGE}")
    ordered = True
    limits: dict[str, int] = {}
    for option in options:
        word, _, value = option.partition("=")
        if option == "unordered" and ordered:
            ordered = False
        elif word in ("max-retransmits", "max-packet-life-time") and word not in limits:
            limits[word] = _number(word, value)
        else:
            raise ValueError(
                f"'{option}' is no option of a data track, or there twice: {_USAGE}; "
                "a comma in the name is written twice"
            )
    try:
        return data_track(name, ordered, limits.get("max-retransmits"), limits.get("max-packet-life-time"))
    except ValueError as fault:
        raise ValueError(f"{fault}: {_USAGE}") from fault


def data_track(
    name: str, ordered: bool, max_retransmits: int | None, max_packet_life_time: int | None
) -> PublishData:
    """A data track that a browser could publish, too. Raises `ValueError` with words for people.

    A name that is too long is left to the session, which refuses it as a server would.
    """
    if max_retransmits is not None and max_packet_life_time is not None:
        raise ValueError("retransmissions are limited by number or by time, not by both")
    if max_retransmits is not None and not 0 <= max_retransmits <= MAX_RETRANSMITS:
        raise ValueError(f"a message is sent again 0 to {MAX_RETRANSMITS} times")
    if max_packet_life_time is not None and not 1 <= max_packet_life_time <= MAX_LIFE_TIME:
        raise ValueError(f"a message lives for 1 to {MAX_LIFE_TIME} ms")
    return PublishData(name, ordered, max_retransmits, max_packet_life_time)


def _number(word: str, value: str) -> int:
    if not value.isascii() or not value.isdecimal() or len(value) > 9:
        raise ValueError(f"'{word}={value}' is no number: {_USAGE}")
    return int(value)
