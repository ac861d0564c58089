"""What lies behind each code: likely causes, what to do, and whether trying again makes sense.

What a code means in a sentence or two stands in the table of `errors`, and is what an error says by itself;
here is what one wants to know after that. Who says a code is from errors.md, column "by".
"""

import difflib
from dataclasses import dataclass
from enum import StrEnum

from videocli.errors import ERRORS, ErrorInfo


class Retry(StrEnum):
    """Whether the same thing, tried again, may succeed."""

    NO = "no"
    FIXED = "once fixed"
    LATER = "later"
    AGAIN = "yes"
    BY_ITSELF = "by itself"


RETRY_WORDS = {
    Retry.NO: "No. It is final for this room or session.",
    Retry.FIXED: "Not as it is: the same request is refused again until its cause is gone.",
    Retry.LATER: "Yes, after a while; at once makes it worse.",
    Retry.AGAIN: "Yes, at once; if it fails three times in a row, look for the cause.",
    Retry.BY_ITSELF: "It happens by itself, until the session times out.",
}


class SaidBy(StrEnum):
    """Who raises a code."""

    CLIENT = "the client"
    SERVER = "the server"
    BOTH = "the client or the server"
    REST = "the server's REST API"


@dataclass(frozen=True, slots=True)
class Background:
    """What lies behind a code."""

    causes: tuple[str, ...]
    """The likeliest first."""
    steps: tuple[str, ...]
    """What to do, in order."""
    retry: Retry
    said_by: SaidBy = SaidBy.SERVER


_INSPECT = "Look into the token: 'videocli inspect-token --room NAME'."
_PREFLIGHT = "Run 'videocli preflight': it names the first step that fails."
_REPORT = "Report it with the output of -vv and of 'videocli doctor'."
_LIMITS = "Look up the limits of the server or the account."
_NEAREST = 3  # of what may have been meant

BACKGROUNDS: dict[int, Background] = {
    20101: Background(
        (
            "The token was cut off or changed when it was copied: it has three parts, parted by dots.",
            "Something else was given in its place: an auth token, an API secret, an empty variable.",
            "The command that prints it prints other lines too.",
        ),
        (_INSPECT, "Hand it over in VIDEOCLI_TOKEN or by '--token -' instead of copying it."),
        Retry.FIXED,
    ),
    20102: Background(
        (
            "It is a JWT of another service, or of another product of Twilio.",
            "It was made by hand, without cty or with another algorithm.",
        ),
        (_INSPECT, "Mint it with 'videocli mint-token' or one of Twilio's helper libraries."),
        Retry.FIXED,
    ),
    20103: Background(
        (
            "The token was minted with the key of another account, project or region.",
            "The API key was deleted.",
            "A token of the local development key went to Twilio, or the other way round.",
        ),
        (
            "See which key signed it: 'videocli inspect-token'.",
            "See which key is at hand here: 'videocli doctor'.",
            "Check --url: each server knows its own keys.",
        ),
        Retry.FIXED,
    ),
    20104: Background(
        (
            "The token was minted too long ago, or with a short life.",
            "It expired during the stay, and an outage made the client show it again.",
            "The clock here, or where it was minted, is wrong.",
            "It claims a life of more than 24 hours.",
        ),
        (
            "See when it expires: 'videocli inspect-token'.",
            "Compare 'date -u' on both machines.",
        ),
        Retry.FIXED,
    ),
    20105: Background(
        (
            "The clock of the machine that minted it is ahead.",
            "It was minted for later on purpose (nbf).",
        ),
        ("See from when on it is valid: 'videocli inspect-token'.", "Set the clocks by NTP."),
        Retry.LATER,
    ),
    20106: Background(
        (
            "The token is for another room than the one asked for.",
            "It has no video grant: it was minted for chat or voice.",
        ),
        (_INSPECT, "Mind that room names are told apart by upper and lower case."),
        Retry.FIXED,
    ),
    20107: Background(
        (
            "The secret belongs to another API key, or was copied with a blank or a line's end.",
            "The auth token of the account was used in place of the key's secret.",
            "The key was made anew, and its old secret is still in use.",
        ),
        (
            "Mint and look into one on the same machine: 'videocli mint-token | videocli inspect-token -'.",
            "Make a new API key if the secret is lost; it is shown only once.",
        ),
        Retry.FIXED,
    ),
    53000: Background(
        (
            "No room server runs at this address, or on another port.",
            "The URL has another path than /signaling, or ws where it should be wss.",
            "A proxy or a firewall refuses WebSockets.",
            "After an outage: the server is up again, but refused every attempt to resume.",
        ),
        (_PREFLIGHT, "Check --url and VIDEOCLI_URL; 'videocli serve' prints the URL of a local server."),
        Retry.AGAIN,
        SaidBy.BOTH,
    ),
    53001: Background(
        (
            "The network here went away or changed: Wi-Fi, VPN, sleep.",
            "The server was restarted, or moved the connection.",
            "A proxy closes connections that are open for long.",
        ),
        ("Wait for 'reconnected': media often flows on meanwhile.", "If it happens often: " + _PREFLIGHT),
        Retry.BY_ITSELF,
        SaidBy.CLIENT,
    ),
    53002: Background(
        (
            "There is no network here, or no way to the server.",
            "A firewall drops packets without a word.",
            "The name of the server has no address.",
            "The server is up and hangs.",
        ),
        (_PREFLIGHT, "Try another network, such as a phone's, to tell this one from the server."),
        Retry.AGAIN,
        SaidBy.BOTH,
    ),
    53003: Background(
        (
            "Something answers at this URL that is no room server.",
            "The server speaks a version that this client does not know.",
        ),
        ("Check --url.", _REPORT),
        Retry.FIXED,
        SaidBy.CLIENT,
    ),
    53004: Background(
        ("The client said something that the server does not allow.", "A proxy changed it on the way."),
        (_REPORT,),
        Retry.FIXED,
    ),
    53006: Background(
        ("The server is overloaded, or shutting down.", "The account opens rooms too fast."),
        ("Wait for a minute or more, and longer after each refusal.",),
        Retry.LATER,
        SaidBy.CLIENT,
    ),
    53100: Background(
        ("The name is empty: a variable in a script has no value.",),
        ("Check the argument ROOM.",),
        Retry.FIXED,
    ),
    53101: Background(
        ("The name was put together from too many parts, or is a URL.",), ("Shorten it.",), Retry.FIXED
    ),
    53102: Background(
        ("The name holds the end of a line or a tab, often from a file or a command's output.",),
        ("Quote it, and strip what is around it.",),
        Retry.FIXED,
    ),
    53103: Background(
        (
            "The account does not create rooms on the fly, or not of its default type.",
            "The server has reached a limit.",
        ),
        ("Create the room over REST first.", _LIMITS),
        Retry.AGAIN,
    ),
    53104: Background(
        (
            "The server has a fault of its own.",
            "The room ended at the very moment.",
        ),
        ("Try again.", "If it stays: look at the server's log or status page."),
        Retry.AGAIN,
    ),
    53105: Background(
        (
            "As many participants are in the room as it takes.",
            "Ghosts: participants that lost their network count until their session times out.",
        ),
        ("Wait half a minute, for ghosts.", "Raise the limit: 'videocli serve --max-participants'."),
        Retry.LATER,
    ),
    53106: Background(
        ("The name is misspelt.", "The room has ended.", "Rooms have to be created before one joins them."),
        ("Check the name, also its upper and lower case.", "Create the room over REST first."),
        Retry.FIXED,
    ),
    53107: Background(
        ("The number is 0, or higher than the type of room allows.",), (_LIMITS,), Retry.FIXED, SaidBy.REST
    ),
    53108: Background(
        ("The type is misspelt, or not offered any more.",),
        ("Use group, the type for nearly everything.",),
        Retry.FIXED,
        SaidBy.REST,
    ),
    53109: Background(
        ("The number of minutes is too low or too high.",), (_LIMITS,), Retry.FIXED, SaidBy.REST
    ),
    53110: Background(
        ("Another method than GET and POST was given.",),
        ("Leave it out: it is POST.",),
        Retry.FIXED,
        SaidBy.REST,
    ),
    53111: Background(
        ("The URL is relative, or has no scheme.", "It names a host that only you can reach."),
        ("Write it out, with https:// and a public host.",),
        Retry.FIXED,
        SaidBy.REST,
    ),
    53112: Background(
        ("The room has ended.", "The status asked for is none that a room can be set to: only completed is."),
        ("Ask for the room's status first.",),
        Retry.NO,
        SaidBy.REST,
    ),
    53113: Background(
        ("Two programs create the same room at once.", "The room of an earlier run is still there."),
        ("Take 'exists' for a success, and join.",),
        Retry.FIXED,
        SaidBy.REST,
    ),
    53114: Background(
        ("A parameter of one type of room was given for another.",),
        ("Leave out parameters until it is taken, then add them one by one.",),
        Retry.FIXED,
        SaidBy.REST,
    ),
    53115: Background(
        ("The region is misspelt.", "A signaling region was given in place of a media region."),
        ("Leave it out: the server picks one.",),
        Retry.FIXED,
        SaidBy.REST,
    ),
    53116: Background(
        ("An outage of the region.",),
        ("Look at the status page.", "Choose a region nearby."),
        Retry.LATER,
        SaidBy.REST,
    ),
    53117: Background(
        ("The room is peer-to-peer: its participants subscribe to everything.",),
        ("Use a group room.",),
        Retry.FIXED,
        SaidBy.REST,
    ),
    53118: Background(
        (
            "Somebody ended it over REST or in the console.",
            "The server was shut down.",
            "Its maximum duration is over, or it was empty for too long.",
        ),
        ("Join again: a room of the same name may be a new one.",),
        Retry.NO,
        SaidBy.BOTH,
    ),
    53124: Background(
        ("AudioOnly was asked for with a type of room that has no such flag.",),
        ("Use a group room.",),
        Retry.FIXED,
        SaidBy.REST,
    ),
    53125: Background(
        ("The room is audio only, and a video track was published.",),
        ("Leave out --video, or create the room without AudioOnly.",),
        Retry.NO,
    ),
    53200: Background(
        ("The token was minted without an identity.", "The identity is no text."), (_INSPECT,), Retry.FIXED
    ),
    53201: Background(
        ("The identity holds more than a name: an e-mail header, a URL, JSON.",),
        ("Use at most 128 characters.",),
        Retry.FIXED,
    ),
    53202: Background(
        ("The identity holds the end of a line or a tab, often from a file or a command's output.",),
        (_INSPECT,),
        Retry.FIXED,
    ),
    53203: Background(
        ("A program publishes anew without unpublishing before.", "Everybody publishes several tracks."),
        ("See who publishes what: 'videocli join ROOM --no-subscribe'.",),
        Retry.FIXED,
    ),
    53204: Background(
        (
            "The outage lasted longer than the server keeps a session (30 s, unless it says otherwise).",
            "The server was restarted and remembers no session.",
            "A load balancer led us to another server.",
        ),
        ("Join again; nothing of the old session is left.", "Raise 'videocli serve --session-timeout'."),
        Retry.NO,
    ),
    53205: Background(
        (
            "The same program runs twice, or a tab was opened twice.",
            "Several bots share one token or one --identity.",
            "We joined again before the server noticed that the old connection was dead.",
        ),
        ("Give each an identity of its own: leave out --identity, or mint a token for each.",),
        Retry.FIXED,
    ),
    53300: Background(
        ("The server does not know this kind of track.",),
        ("Publish another track in its place.",),
        Retry.FIXED,
    ),
    53301: Background(("The name is empty, or no text.",), ("Name the track otherwise.",), Retry.FIXED),
    53302: Background(
        ("The name was taken from a long path or URL.",), ("Give it a name of its own.",), Retry.FIXED
    ),
    53303: Background(
        ("The name holds the end of a line or a tab.",), ("Give it a name of its own.",), Retry.FIXED
    ),
    53304: Background(
        ("The same source is published twice under the name that it has by itself.",),
        ("Name each track, or unpublish the first one before.",),
        Retry.FIXED,
    ),
    53305: Background(
        ("The media server is full.",),
        ("Publish fewer tracks.", "Join again to get another one."),
        Retry.LATER,
    ),
    53400: Background(
        ("A source gives what no codec here can carry.", "No network interface is up."),
        ("Join without --video and --audio to tell the source from the network.", _REPORT),
        Retry.AGAIN,
        SaidBy.CLIENT,
    ),
    53401: Background(
        ("A fault of the media server.",), ("Join again to get another one.", _REPORT), Retry.AGAIN
    ),
    53402: Background(
        ("The server offers something that this client does not know.",),
        (_REPORT,),
        Retry.FIXED,
        SaidBy.CLIENT,
    ),
    53403: Background(
        ("This client offers something that the server does not know.",),
        ("Join without --video and --audio to see which track it is.", _REPORT),
        Retry.FIXED,
    ),
    53404: Background(
        ("The publisher sends H.264, VP9 or AV1, and the other side takes VP8 only, or the reverse.",),
        ("Publish VP8 and Opus, which everybody takes.",),
        Retry.FIXED,
    ),
    53405: Background(
        (
            "A firewall blocks UDP, and no TURN server is offered that works over TCP or TLS.",
            "The network here went away or changed: Wi-Fi, VPN, sleep.",
            "Media goes another way than signaling, and that way is broken (a VPN, two interfaces).",
            "The media server is gone.",
        ),
        (
            _PREFLIGHT,
            "Allow UDP to the server: Twilio's media servers use the ports 10000 to 60000.",
            "Try another network, such as a phone's, to tell this one from the server.",
        ),
        Retry.AGAIN,
        SaidBy.BOTH,
    ),
    53407: Background(
        (
            "A middlebox lets STUN pass and drops or changes DTLS.",
            "Packets of full size are dropped on the way (a VPN with a small MTU).",
            "The certificate is another one than the description says: a description was changed on the way.",
        ),
        (_PREFLIGHT, "Try without the VPN."),
        Retry.AGAIN,
        SaidBy.CLIENT,
    ),
    53500: Background(("A fault of the server.",), (_REPORT,), Retry.AGAIN),
    53501: Background(
        ("The server's TURN service does not answer.", "The account has no TURN service."),
        ("Look at the server's log or status page.",),
        Retry.AGAIN,
    ),
}
"""By code; every code of the table of `errors` is here."""


def find(asked: str) -> ErrorInfo | None:
    """The row for a code or a name, in any case and perhaps with `Error` after it, as the SDK's classes."""
    wanted = _plain(asked)
    return next((row for row in ERRORS.values() if wanted in (str(row.code), _plain(row.name))), None)


def nearest(asked: str) -> list[ErrorInfo]:
    """The rows that may have been meant, the likeliest first."""
    if asked.isascii() and asked.isdigit() and len(asked) < 10:
        measured = sorted((_distance(str(code), asked), code) for code in ERRORS)[:_NEAREST]
        return [ERRORS[code] for (unlike, apart), code in measured if unlike < 1 or apart < 1000]
    names = {_plain(row.name): row for row in ERRORS.values()}
    wanted = _plain(asked)[:100]
    within = [name for name in names if len(wanted) > 3 and wanted in name]
    close = [*within, *difflib.get_close_matches(wanted, names, _NEAREST, cutoff=0.5)]
    return [names[name] for name in dict.fromkeys(close)][:_NEAREST]


def _distance(code: str, asked: str) -> tuple[float, int]:
    """How far a code is from what was typed: a digit wrong, left out or swapped, else by number."""
    alike = difflib.SequenceMatcher(None, code, asked).ratio()
    return (1 - alike if alike >= 0.8 else 1.0), abs(int(code) - int(asked))


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix("error").removeprefix("twilio")
