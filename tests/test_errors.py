import pytest

from videocli.errors import (
    ERRORS,
    MediaError,
    RoomError,
    SignalingError,
    SourceError,
    TokenError,
    TrackError,
    VideoError,
    error,
)

SDK_NAMES = {
    20101: "AccessTokenInvalid",
    20102: "AccessTokenHeaderInvalid",
    20103: "AccessTokenIssuerInvalid",
    20104: "AccessTokenExpired",
    20105: "AccessTokenNotYetValid",
    20106: "AccessTokenGrantsInvalid",
    20107: "AccessTokenSignatureInvalid",
    53000: "SignalingConnection",
    53001: "SignalingConnectionDisconnected",
    53002: "SignalingConnectionTimeout",
    53003: "SignalingIncomingMessageInvalid",
    53004: "SignalingOutgoingMessageInvalid",
    53006: "SignalingServerBusy",
    53100: "RoomNameInvalid",
    53101: "RoomNameTooLong",
    53102: "RoomNameCharsInvalid",
    53103: "RoomCreateFailed",
    53104: "RoomConnectFailed",
    53105: "RoomMaxParticipantsExceeded",
    53106: "RoomNotFound",
    53107: "RoomMaxParticipantsOutOfRange",
    53108: "RoomTypeInvalid",
    53109: "RoomTimeoutOutOfRange",
    53110: "RoomStatusCallbackMethodInvalid",
    53111: "RoomStatusCallbackInvalid",
    53112: "RoomStatusInvalid",
    53113: "RoomRoomExists",
    53114: "RoomInvalidParameters",
    53115: "RoomMediaRegionInvalid",
    53116: "RoomMediaRegionUnavailable",
    53117: "RoomSubscriptionOperationNotSupported",
    53118: "RoomCompleted",
    53124: "RoomAudioOnlyFlagNotSupported",
    53125: "RoomTrackKindNotSupported",
    53200: "ParticipantIdentityInvalid",
    53201: "ParticipantIdentityTooLong",
    53202: "ParticipantIdentityCharsInvalid",
    53203: "ParticipantMaxTracksExceeded",
    53204: "ParticipantNotFound",
    53205: "ParticipantDuplicateIdentity",
    53300: "TrackInvalid",
    53301: "TrackNameInvalid",
    53302: "TrackNameTooLong",
    53303: "TrackNameCharsInvalid",
    53304: "TrackNameIsDuplicated",
    53305: "TrackServerTrackCapacityReached",
    53400: "MediaClientLocalDescFailed",
    53401: "MediaServerLocalDescFailed",
    53402: "MediaClientRemoteDescFailed",
    53403: "MediaServerRemoteDescFailed",
    53404: "MediaNoSupportedCodec",
    53405: "MediaConnection",
    53407: "MediaDTLSTransportFailed",
    53500: "ConfigurationAcquireFailed",
    53501: "ConfigurationAcquireTurnFailed",
}
"""Every code of lib/util/twilio-video-errors.js, with its class name less `Error`."""

BRANCHES = {
    TokenError: range(20101, 20108),
    SignalingError: (*range(53000, 53100), *range(53500, 53600)),
    RoomError: range(53100, 53300),
    TrackError: range(53300, 53400),
    MediaError: range(53400, 53500),
}


def test_the_table_has_exactly_the_55_codes_of_the_sdk() -> None:
    assert {code: row.name for code, row in ERRORS.items()} == SDK_NAMES
    assert len(ERRORS) == 55


@pytest.mark.parametrize("code", SDK_NAMES)
def test_each_code_has_a_message_and_says_what_to_do_in_one_line(code: int) -> None:
    found = error(code)
    assert str(found) == f"{code} {SDK_NAMES[code]}: {ERRORS[code].message}"
    assert found.message
    assert found.explanation.endswith(".")
    assert "\n" not in found.message + found.explanation


@pytest.mark.parametrize("code", SDK_NAMES)
def test_each_code_is_in_the_branch_of_its_range(code: int) -> None:
    assert [kind for kind, codes in BRANCHES.items() if code in codes] == [type(error(code))]


@pytest.mark.parametrize(("kind", "codes"), BRANCHES.items())
def test_an_unknown_code_is_in_the_branch_of_its_range_too(kind: type[VideoError], codes: range) -> None:
    assert type(error(max(codes))) is kind


@pytest.mark.parametrize("code", [1, 20100, 20108, 52999, 53600, 99999])
def test_a_code_outside_every_range_is_a_refusal_by_the_server(code: int) -> None:
    assert type(error(code)) is RoomError


def test_a_known_code_keeps_its_own_message_whatever_the_server_says() -> None:
    assert error(53105, message="Full house").message == "Room contains too many Participants"


def test_an_unknown_code_shows_the_message_of_the_server() -> None:
    found = error(53999, message="Out of cheese")
    assert (found.code, found.name, found.message) == (53999, "TwilioError", "Out of cheese")
    assert str(found) == "53999 TwilioError: Out of cheese"


def test_an_unknown_code_without_a_message_still_says_something() -> None:
    assert str(error(53999)) == "53999 TwilioError: Unknown error"


def test_a_given_explanation_replaces_the_table_s() -> None:
    assert error(53000, explanation="Start it with 'videocli serve'.").explanation == (
        "Start it with 'videocli serve'."
    )
    assert ERRORS[53000].explanation == error(53000).explanation


def test_an_error_without_a_code_shows_its_message_only() -> None:
    found = SourceError(message="clip.mp4 is empty")
    assert (str(found), found.code, found.name) == ("clip.mp4 is empty", None, "SourceError")
