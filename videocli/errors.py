"""Every error a room can end or fail with, in one tree and one table.

VideoError                       code, name, message, explanation
├── TokenError       201xx       get a new token
├── RoomError        531xx 532xx the server refuses or ends the room or the participant
├── SignalingError   530xx 535xx the service is out of reach
├── MediaError       534xx       audio or video cannot flow
├── TrackError       533xx       one track fails, the room goes on
├── SourceError      no code     what should be published cannot be read
└── SinkError        no code     what is received cannot be written to a file or a command

Codes, names and messages are those of twilio-video.js (lib/util/twilio-video-errors.js), so that they can be
looked up; the explanations are ours: what it means and what to do.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """One row of the table of codes."""

    code: int
    name: str
    message: str
    explanation: str


class VideoError(Exception):
    """Something went wrong with a room, with the code that the field knows it by.

    `str()` gives one line that is safe to show: it never holds a token.
    """

    def __init__(
        self, code: int | None = None, *, name: str = "", message: str = "", explanation: str = ""
    ) -> None:
        self.code = code
        self.name = name or type(self).__name__
        self.message = message
        self.explanation = explanation
        super().__init__(f"{code} {self.name}: {message}" if code is not None else message)


class TokenError(VideoError):
    """The access token is refused or has expired."""


class RoomError(VideoError):
    """The server refuses or ends the room or the participant."""


class SignalingError(VideoError):
    """Signaling cannot be set up, or is lost for good."""


class MediaError(VideoError):
    """Media cannot be set up, or is lost for good."""


class TrackError(VideoError):
    """One track cannot be published or subscribed to."""


class SourceError(VideoError):
    """What should be published cannot be opened, read or encoded."""


class SinkError(VideoError):
    """What is received cannot be written to a file, or to a command."""


_BRANCHES: tuple[tuple[range, type[VideoError]], ...] = (
    (range(20101, 20108), TokenError),
    (range(53000, 53100), SignalingError),
    (range(53100, 53300), RoomError),
    (range(53300, 53400), TrackError),
    (range(53400, 53500), MediaError),
    (range(53500, 53600), SignalingError),
)

_TABLE = (
    ErrorInfo(
        20101,
        "AccessTokenInvalid",
        "Invalid Access Token",
        "The text is not an access token. "
        "Mint one with 'videocli mint-token', and check that it was copied whole.",
    ),
    ErrorInfo(
        20102,
        "AccessTokenHeaderInvalid",
        "Invalid Access Token header",
        "The token's header names another algorithm or type. "
        "An access token is a JWT with alg HS256 and cty twilio-fpa;v=1.",
    ),
    ErrorInfo(
        20103,
        "AccessTokenIssuerInvalid",
        "Invalid Access Token issuer/subject",
        "The API key that signed the token is unknown here, or belongs to another account. "
        "Mint it with the key of the server you join.",
    ),
    ErrorInfo(
        20104,
        "AccessTokenExpired",
        "Access Token expired or expiration date invalid",
        "The token's life is over. Mint a new one; "
        "with 'mint-token --ttl 86400' or 'join --token-command' a reconnection does not die of it.",
    ),
    ErrorInfo(
        20105,
        "AccessTokenNotYetValid",
        "Access Token not yet valid",
        "The token is not valid yet. Check the clock of the machine that minted it.",
    ),
    ErrorInfo(
        20106,
        "AccessTokenGrantsInvalid",
        "Invalid Access Token grants",
        "The token does not allow this room. "
        "Mint one with a video grant for it: 'videocli mint-token --room NAME'.",
    ),
    ErrorInfo(
        20107,
        "AccessTokenSignatureInvalid",
        "Invalid Access Token signature",
        "The token was signed with another secret. Check TWILIO_API_SECRET on the machine that minted it.",
    ),
    ErrorInfo(
        53000,
        "SignalingConnection",
        "Signaling connection error",
        "The server refused the connection or is no room server. Check the URL and that the server runs.",
    ),
    ErrorInfo(
        53001,
        "SignalingConnectionDisconnected",
        "Signaling connection disconnected",
        "The connection to the server was lost; videocli is trying to resume the session.",
    ),
    ErrorInfo(
        53002,
        "SignalingConnectionTimeout",
        "Signaling connection timed out",
        "The server did not answer in time. Check the network between here and the server.",
    ),
    ErrorInfo(
        53003,
        "SignalingIncomingMessageInvalid",
        "Client received an invalid signaling message",
        "The server sent something that no room server sends. Check the URL.",
    ),
    ErrorInfo(
        53004,
        "SignalingOutgoingMessageInvalid",
        "Client sent an invalid signaling message",
        "The server could not read what we sent. This is a fault of ours: please report it with -vv output.",
    ),
    ErrorInfo(
        53006,
        "SignalingServerBusy",
        "Video server is busy",
        "The server is busy and asks not to be tried again. Try later.",
    ),
    ErrorInfo(
        53100,
        "RoomNameInvalid",
        "Room name is invalid",
        "Use a room name that is not empty.",
    ),
    ErrorInfo(
        53101,
        "RoomNameTooLong",
        "Room name is too long",
        "A room name has at most 128 characters.",
    ),
    ErrorInfo(
        53102,
        "RoomNameCharsInvalid",
        "Room name contains invalid characters",
        "Use a room name without control characters.",
    ),
    ErrorInfo(
        53103,
        "RoomCreateFailed",
        "Unable to create Room",
        "The server could not create the room. Try again, or create it first.",
    ),
    ErrorInfo(
        53104,
        "RoomConnectFailed",
        "Unable to connect to Room",
        "The server could not let us into the room. Try again.",
    ),
    ErrorInfo(
        53105,
        "RoomMaxParticipantsExceeded",
        "Room contains too many Participants",
        "The room is full. Wait until somebody leaves, or raise its limit, "
        "for a server of ours with 'videocli serve --max-participants N'.",
    ),
    ErrorInfo(
        53106,
        "RoomNotFound",
        "Room not found",
        "There is no such room, and this server does not create rooms on the fly.",
    ),
    ErrorInfo(
        53107,
        "RoomMaxParticipantsOutOfRange",
        "MaxParticipants is out of range",
        "Choose a number of participants that the server allows.",
    ),
    ErrorInfo(
        53108,
        "RoomTypeInvalid",
        "RoomType is not valid",
        "Choose another type of room.",
    ),
    ErrorInfo(
        53109,
        "RoomTimeoutOutOfRange",
        "Timeout is out of range",
        "Choose a timeout that the server allows.",
    ),
    ErrorInfo(
        53110,
        "RoomStatusCallbackMethodInvalid",
        "StatusCallbackMethod is invalid",
        "Use GET or POST as the status callback's method.",
    ),
    ErrorInfo(
        53111,
        "RoomStatusCallbackInvalid",
        "StatusCallback is invalid",
        "Use an absolute URL as the status callback.",
    ),
    ErrorInfo(
        53112,
        "RoomStatusInvalid",
        "Status is invalid",
        "The room is not in progress.",
    ),
    ErrorInfo(
        53113,
        "RoomRoomExists",
        "Room exists",
        "A live room has this name already. Join it, or choose another name.",
    ),
    ErrorInfo(
        53114,
        "RoomInvalidParameters",
        "Room creation parameter(s) incompatible with the Room type",
        "The parameters do not fit the type of room.",
    ),
    ErrorInfo(
        53115,
        "RoomMediaRegionInvalid",
        "MediaRegion is invalid",
        "Choose another media region.",
    ),
    ErrorInfo(
        53116,
        "RoomMediaRegionUnavailable",
        "There are no media servers available in the MediaRegion",
        "Choose another media region, or try later.",
    ),
    ErrorInfo(
        53117,
        "RoomSubscriptionOperationNotSupported",
        "The subscription operation requested is not supported for the Room type",
        "Rooms of this type have no subscription rules.",
    ),
    ErrorInfo(
        53118,
        "RoomCompleted",
        "Room completed",
        "The room was ended for everybody.",
    ),
    ErrorInfo(
        53124,
        "RoomAudioOnlyFlagNotSupported",
        "The AudioOnly flag is not supported for the Room type",
        "Rooms of this type cannot be audio only.",
    ),
    ErrorInfo(
        53125,
        "RoomTrackKindNotSupported",
        "The track kind is not supported by the Room",
        "The room does not carry tracks of this kind; the others go on.",
    ),
    ErrorInfo(
        53200,
        "ParticipantIdentityInvalid",
        "Participant identity is invalid",
        "The token names no valid identity. Mint one with --identity.",
    ),
    ErrorInfo(
        53201,
        "ParticipantIdentityTooLong",
        "Participant identity is too long",
        "Mint a token with a shorter identity.",
    ),
    ErrorInfo(
        53202,
        "ParticipantIdentityCharsInvalid",
        "Participant identity contains invalid characters",
        "Mint a token with an identity without control characters.",
    ),
    ErrorInfo(
        53203,
        "ParticipantMaxTracksExceeded",
        "The maximum number of published tracks allowed in the Room at the same time has been reached",
        "Too many tracks are published in this room. Unpublish one first.",
    ),
    ErrorInfo(
        53204,
        "ParticipantNotFound",
        "Participant not found",
        "The server does not know this session: it was restarted, or we were away too long. Join again.",
    ),
    ErrorInfo(
        53205,
        "ParticipantDuplicateIdentity",
        "Participant disconnected because of duplicate identity",
        "Somebody joined with the same identity, and the newer one stays. "
        "Give each participant its own identity.",
    ),
    ErrorInfo(
        53300,
        "TrackInvalid",
        "Track is invalid",
        "The server does not take this track.",
    ),
    ErrorInfo(
        53301,
        "TrackNameInvalid",
        "Track name is invalid",
        "Choose another name for the track.",
    ),
    ErrorInfo(
        53302,
        "TrackNameTooLong",
        "Track name is too long",
        "A track name has at most 128 characters.",
    ),
    ErrorInfo(
        53303,
        "TrackNameCharsInvalid",
        "Track name contains invalid characters",
        "Use a track name without control characters.",
    ),
    ErrorInfo(
        53304,
        "TrackNameIsDuplicated",
        "Track name is duplicated",
        "You publish a track of this name already. Choose another name.",
    ),
    ErrorInfo(
        53305,
        "TrackServerTrackCapacityReached",
        "The server has reached capacity and cannot fulfill this request",
        "The server has no room for another track. Try later.",
    ),
    ErrorInfo(
        53400,
        "MediaClientLocalDescFailed",
        "Client is unable to create or apply a local media description",
        "This machine could not make its media description. "
        "This is a fault of ours: please report it with -vv output.",
    ),
    ErrorInfo(
        53401,
        "MediaServerLocalDescFailed",
        "Server is unable to create or apply a local media description",
        "The server could not make its media description. Try again.",
    ),
    ErrorInfo(
        53402,
        "MediaClientRemoteDescFailed",
        "Client is unable to apply a remote media description",
        "This machine could not use the server's media description.",
    ),
    ErrorInfo(
        53403,
        "MediaServerRemoteDescFailed",
        "Server is unable to apply a remote media description",
        "The server could not use our media description.",
    ),
    ErrorInfo(
        53404,
        "MediaNoSupportedCodec",
        "No supported codec",
        "The two sides have no codec in common.",
    ),
    ErrorInfo(
        53405,
        "MediaConnection",
        "Media connection failed or Media activity ceased",
        "No media passes between here and the server. "
        "Check that UDP is allowed, or that a TURN server is offered.",
    ),
    ErrorInfo(
        53407,
        "MediaDTLSTransportFailed",
        "Media connection failed due to DTLS handshake failure",
        "The media path came up but its encryption did not. Look for something that changes UDP on the way.",
    ),
    ErrorInfo(
        53500,
        "ConfigurationAcquireFailed",
        "Unable to acquire configuration",
        "The configuration could not be acquired. Try again.",
    ),
    ErrorInfo(
        53501,
        "ConfigurationAcquireTurnFailed",
        "Unable to acquire TURN credentials",
        "The server could not get TURN credentials. Try again.",
    ),
)

ERRORS: dict[int, ErrorInfo] = {row.code: row for row in _TABLE}
"""The table of codes."""


def error(code: int, message: str = "", explanation: str = "") -> VideoError:
    """The error for a code, ready to raise.

    A known code shows its own message, as in twilio-video.js; `message` speaks only for unknown codes
    (lib/util/twilio-video-errors.js), which count as a refusal by the server. `explanation` replaces the
    table's.
    """
    row = ERRORS.get(code)
    branch = next((kind for codes, kind in _BRANCHES if code in codes), RoomError)
    if row is None:
        return branch(code, name="TwilioError", message=message or "Unknown error", explanation=explanation)
    return branch(code, name=row.name, message=row.message, explanation=explanation or row.explanation)
