"""Access tokens: mint them, read them, and check them as a room server does.

An access token is a JWT (RFC 7519), signed with an API key's secret. Its shape is that of Twilio's helper
libraries. The wall clock is handed in as `now`, an aware datetime; nothing here asks for the time.
"""

import hmac
import json
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from videocli.errors import VideoError, error

MAX_TTL_SECONDS = 86_400
"""24 hours. Servers refuse a token that lives longer (20104)."""
MAX_NAME_LENGTH = 128
"""Characters of an identity or a room name."""
MAX_TOKEN_LENGTH = 16_384
"""Characters. Twilio's tokens have about 500; whatever is longer than this is not looked into."""

_ALGORITHM = "HS256"
_HEADER = {"alg": _ALGORITHM, "cty": "twilio-fpa;v=1", "typ": "JWT"}
_YEAR_10000 = 253_402_300_800
_MINT_ANOTHER = "Mint another with 'videocli mint-token', or let who mints them correct it."
_NO_TIME = f"{{}} of the token is no time in seconds since 1970. {_MINT_ANOTHER}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account's API key."""

    account_sid: str
    """`AC` and 32 hexadecimal digits."""
    api_key: str
    """`SK` and 32 hexadecimal digits."""
    api_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that was just minted, and what is in it."""

    token: str = field(repr=False)
    identity: str
    room: str | None
    """The only room it opens; None: any room."""
    issued_at: datetime
    expires_at: datetime
    account_sid: str
    api_key: str

    @property
    def ttl_seconds(self) -> int:
        """How long it lives."""
        return round((self.expires_at - self.issued_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Grants:
    """What a checked token allows."""

    identity: str
    room: str | None
    """The only room it opens, by name or SID; None: any room."""
    account_sid: str
    api_key: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says of itself. None: missing, or not of the type it should have."""

    api_key: str | None
    account_sid: str | None
    identity: str | None
    room: str | None
    issued_at: datetime | None
    not_before: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """A token taken apart."""

    header: Mapping[str, Any]
    payload: Mapping[str, Any]
    claims: Claims
    is_signature_valid: bool | None
    """None: the key that it names is not known here, so nobody can tell."""
    refusals: tuple[VideoError, ...]
    """What a server would refuse it for, in the order in which it looks; it says the first only."""


def mint(
    credentials: Credentials, identity: str, room: str | None, ttl_seconds: int, now: datetime
) -> AccessToken:
    """Mint a token that lives `ttl_seconds` from `now`, for one room or (None) for any.

    Raises `ValueError` as `check_ttl` does, `RoomError` 532xx or 531xx for an identity or a room name that no
    server accepts, and `TokenError` 20107 for a secret that cannot sign.
    """
    check_ttl(ttl_seconds)
    check_identity(identity)
    if room is not None:
        check_room_name(room)
    issued = int(now.timestamp())
    payload = {
        "jti": f"{credentials.api_key}-{issued}",
        "iss": credentials.api_key,
        "sub": credentials.account_sid,
        "iat": issued,
        "exp": issued + ttl_seconds,
        "grants": {"identity": identity, "video": {} if room is None else {"room": room}},
    }
    token = _signed(payload, credentials.api_secret)
    issued_at = datetime.fromtimestamp(issued, UTC)
    return AccessToken(
        token=token,
        identity=identity,
        room=room,
        issued_at=issued_at,
        expires_at=issued_at + timedelta(seconds=ttl_seconds),
        account_sid=credentials.account_sid,
        api_key=credentials.api_key,
    )


def verify(token: str, known: Mapping[str, Credentials], room: str | None, now: datetime) -> Grants:
    """Check a token as a room server does, in the order of rule 13 (our-rules.md).

    `known` has the credentials that count here, by API key. `room` is the room asked for; None leaves that to
    the caller, who may know the room by name and SID: see `check_room_grant`.

    Raises `TokenError` 20101 to 20107, and `RoomError` 53200 to 53202 for the identity.
    """
    parts = _decoded(token)
    credentials = _key_of(parts, known)
    for fault in _faults(parts, credentials, room, now):
        raise fault
    grants, expires_at = parts.payload["grants"], _moment(parts.payload["exp"])
    assert credentials is not None
    assert expires_at is not None
    granted_room = grants["video"].get("room") or None
    return Grants(grants["identity"], granted_room, credentials.account_sid, credentials.api_key, expires_at)


def inspect(token: str, known: Mapping[str, Credentials], room: str | None, now: datetime) -> Inspection:
    """Take a token apart, and find all that a server would refuse it for (our-rules.md, rule 13).

    With a key that is not in `known`, issuer and signature are left to servers that know it. Raises
    `TokenError` 20101 when it is no token.
    """
    parts = _decoded(token)
    credentials = _key_of(parts, known)
    claims = _claims(parts.payload)
    is_foreign = credentials is None and bool(claims.api_key) and bool(claims.account_sid)
    return Inspection(
        header=parts.header,
        payload=parts.payload,
        claims=claims,
        is_signature_valid=None if credentials is None else _is_signed_with(credentials.api_secret, parts),
        refusals=tuple(
            fault
            for fault in _faults(parts, credentials, room, now)
            if not (is_foreign and fault.code == 20103)
        ),
    )


def check_room_grant(grants: Grants, names: Collection[str]) -> None:
    """Raise `TokenError` 20106 unless the grants open the room that is known by these names (name, SID)."""
    if grants.room is not None and grants.room not in names:
        raise error(20106)


def peek(token: str) -> Claims:
    """What a token says of itself, without checking it. Raises `TokenError` 20101 when it is no token."""
    return _claims(_decoded(token).payload)


def _claims(payload: Mapping[str, Any]) -> Claims:
    grants = payload.get("grants")
    grants = grants if isinstance(grants, dict) else {}
    video = grants.get("video")
    video = video if isinstance(video, dict) else {}
    return Claims(
        api_key=_text(payload.get("iss")),
        account_sid=_text(payload.get("sub")),
        identity=_text(grants.get("identity")),
        room=_text(video.get("room")),
        issued_at=_moment(payload.get("iat")),
        not_before=_moment(payload.get("nbf")),
        expires_at=_moment(payload.get("exp")),
    )


def check_ttl(ttl_seconds: int) -> None:
    """Raise `ValueError`, saying why, unless a token may live that long."""
    if ttl_seconds < 1:
        raise ValueError(f"{ttl_seconds} seconds are too few: a token lives 1 second at least.")
    if ttl_seconds > MAX_TTL_SECONDS:
        raise ValueError(
            f"{ttl_seconds} seconds are more than {MAX_TTL_SECONDS}: a token lives 24 hours at most, "
            "and a server refuses one that says otherwise (20104)."
        )


def check_identity(identity: object) -> str:
    """The identity, if it can be one.

    Raises `RoomError` 53200 (none), 53201 (too long) or 53202 (characters).
    """
    return _check_name(identity, invalid=53200)


def check_room_name(name: object) -> str:
    """The name, if a room can have it.

    Raises `RoomError` 53100 (none), 53101 (too long) or 53102 (characters).
    """
    return _check_name(name, invalid=53100)


def _check_name(name: object, invalid: int) -> str:
    if not isinstance(name, str) or not name:
        raise error(invalid)
    if len(name) > MAX_NAME_LENGTH:
        raise error(invalid + 1)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise error(invalid + 2)
    return name


def _signed(payload: dict[str, Any], secret: str) -> str:
    """The JWT (RFC 7515, section 5.1; HMAC with SHA-256). Raises `TokenError` 20107 for what cannot sign.

    PyJWT would do the same, and take longer to import than the command line to start.
    """
    if not secret or "-----BEGIN " in secret or secret.startswith(("ssh-", "ecdsa-sha2-")):
        raise error(20107, explanation="The API secret is empty, or is a key file and no secret.")
    parts = [json.dumps(each, separators=(",", ":")).encode() for each in (_HEADER, payload)]
    text = ".".join(_base64url(part) for part in parts)
    signature = hmac.digest(_key_bytes(secret), text.encode(), "sha256")
    return f"{text}.{_base64url(signature)}"


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _key_bytes(secret: str) -> bytes:
    """The secret as it was in the environment, which need not be UTF-8 there."""
    return secret.encode(errors="surrogateescape")


class _Parts(NamedTuple):
    """A token's parts; nothing in them is checked but that they can be read."""

    header: dict[str, Any]
    payload: dict[str, Any]
    signing_input: bytes
    signature: bytes


def _decoded(token: str) -> _Parts:
    """The parts. Raises `TokenError` 20101."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise error(20101)
    import jwt

    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as fault:
        raise error(20101) from fault
    signing_input = token.rpartition(".")[0].encode()
    return _Parts(parts["header"], parts["payload"], signing_input, parts["signature"])


def _key_of(parts: _Parts, known: Mapping[str, Credentials]) -> Credentials | None:
    api_key = parts.payload.get("iss")
    return known.get(api_key) if isinstance(api_key, str) else None


def _is_signed_with(secret: str, parts: _Parts) -> bool:
    """Whether the token was signed with this secret by HS256; what its header says of it is the caller's."""
    import jwt

    algorithm = jwt.get_algorithm_by_name(_ALGORITHM)
    try:
        key = algorithm.prepare_key(_key_bytes(secret))
    except jwt.InvalidKeyError:
        return False
    return algorithm.verify(parts.signing_input, key, parts.signature)


def _faults(
    parts: _Parts, credentials: Credentials | None, room: str | None, now: datetime
) -> Iterator[VideoError]:
    """All that is wrong with a token, in the order of rule 13; `credentials` are those that its key names."""
    if any(parts.header.get(name) != value for name, value in _HEADER.items()):
        yield error(20102)
    if credentials is None or parts.payload.get("sub") != credentials.account_sid:
        yield error(20103)
    if credentials is not None and not _is_signed_with(credentials.api_secret, parts):
        yield error(20107)
    yield from _time_faults(parts.payload, now)
    yield from _grant_faults(parts.payload.get("grants"), room)


def _time_faults(payload: dict[str, Any], now: datetime) -> Iterator[VideoError]:
    """20105, 20104.

    Twilio's Python library writes no `iat`, but `nbf`; with neither, the life counts from now.
    """
    not_before = _moment(payload.get("nbf"))
    if "nbf" in payload and not_before is None:
        yield error(20105, explanation=_NO_TIME.format("nbf"))
    elif not_before is not None and not_before > now:
        yield error(20105)
    expires_at = _moment(payload.get("exp"))
    issued_at = _moment(payload["iat"]) if "iat" in payload else not_before or now
    if "exp" not in payload:
        yield error(20104, explanation=f"exp, when the token expires, is missing. {_MINT_ANOTHER}")
    elif expires_at is None or issued_at is None:
        yield error(20104, explanation=_NO_TIME.format("exp" if expires_at is None else "iat"))
    elif expires_at <= now:
        yield error(20104)
    elif expires_at - issued_at > timedelta(seconds=MAX_TTL_SECONDS):
        yield error(20104, explanation=f"The token would live longer than 24 hours. {_MINT_ANOTHER}")


def _grant_faults(grants: object, room: str | None) -> Iterator[VideoError]:
    """20106 for no video grant, 53200 to 53202 for the identity, 20106 for another room."""
    video = grants.get("video") if isinstance(grants, dict) else None
    if not isinstance(grants, dict) or not isinstance(video, dict):
        yield error(20106)
        return
    try:
        check_identity(grants.get("identity"))
    except VideoError as fault:
        yield fault
    granted_room = video.get("room") or None
    if granted_room is not None and not (isinstance(granted_room, str) and room in (None, granted_room)):
        yield error(20106)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _moment(value: object) -> datetime | None:
    """A NumericDate (RFC 7519 section 2): seconds since the epoch, perhaps with a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _YEAR_10000:
        return None
    return datetime.fromtimestamp(value, UTC)
