"""What a token says and what servers would say of it → lines for people, or a JSON object."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from videocli.cli.words.token_advice import span_words
from videocli.cli.writing.redaction import one_line
from videocli.errors import VideoError
from videocli.moments import rfc3339
from videocli.tokens import Inspection

MAX_VALUE = 200
"""Characters of what a token says of itself."""
MAX_DEPTH = 300
"""Brackets in a header or payload; real ones have three or four."""


def to_lines(inspection: Inspection, room: str | None, now: datetime, zone: tzinfo | None) -> Iterator[str]:
    """The token in lines, and the verdict first; times in the zone (None: this machine's)."""
    claims = inspection.claims
    yield from _verdict(inspection, room)
    yield ""
    yield _line("Identity", _shown(claims.identity))
    yield _line("Room", _shown(claims.room) if claims.room else "any room of the account")
    yield _line("API key", _shown(claims.api_key))
    yield _line("Account", _shown(claims.account_sid))
    yield _line("Signature", _signature(inspection))
    yield _line("Header", ", ".join(f"{_shown(k)} {_shown(v)}" for k, v in inspection.header.items()))
    yield _line("Grants", _grants(inspection.payload.get("grants")))
    yield ""
    yield _line("Issued", _when(claims.issued_at, now, zone))
    if "nbf" in inspection.payload:
        yield _line("Valid from", _when(claims.not_before, now, zone))
    yield _line("Expires", _when(claims.expires_at, now, zone))
    if claims.expires_at is not None:
        is_refused = any(refusal.code == 20104 for refusal in inspection.refusals)
        yield _line("Reconnection", _reconnection(claims.expires_at, now, is_refused))


def to_json(inspection: Inspection, room: str | None, now: datetime) -> dict[str, Any]:
    """The same as an object. It has no signature, so it is no token."""
    claims = inspection.claims
    return {
        "accepted": not inspection.refusals,
        "refusals": [refusal_json(refusal) for refusal in inspection.refusals],
        "signature": {True: "valid", False: "wrong", None: "unknown"}[inspection.is_signature_valid],
        "identity": claims.identity,
        "room": claims.room,
        "checkedRoom": room,
        "apiKey": claims.api_key,
        "accountSid": claims.account_sid,
        "issuedAt": _moment(claims.issued_at),
        "notBefore": _moment(claims.not_before),
        "expiresAt": _moment(claims.expires_at),
        "expiresIn": None if claims.expires_at is None else int((claims.expires_at - now).total_seconds()),
        "reconnectionFailsAt": _moment(claims.expires_at),
        "header": _as_json(inspection.header),
        "payload": _as_json(inspection.payload),
    }


def refusal_json(refusal: VideoError) -> dict[str, Any]:
    """An error as the contract has it."""
    return {
        "code": refusal.code,
        "name": refusal.name,
        "message": refusal.message,
        "explanation": refusal.explanation,
    }


def _verdict(inspection: Inspection, room: str | None) -> Iterator[str]:
    where = f" for room {_shown(room)}" if room is not None else ""
    if inspection.refusals:
        first, *more = inspection.refusals
        yield f"REFUSED{where}: {first}"
        yield first.explanation
        if more:
            yield f"Then, one after the other: {', '.join(f'{each.code} {each.name}' for each in more)}"
    elif inspection.is_signature_valid is None:
        yield f"NOTHING AGAINST IT{where}, as far as one can tell without its key"
    else:
        yield f"GOOD{where}: a server that knows its key accepts it"


def _signature(inspection: Inspection) -> str:
    match inspection.is_signature_valid:
        case True:
            return "valid, checked with the key at hand"
        case False:
            return "WRONG for the key at hand"
    return "cannot be checked: the secret of its key is not at hand here"


def _grants(grants: object) -> str:
    if not isinstance(grants, dict):
        return "none"
    return ", ".join(_shown(name) for name in grants if name != "identity") or "none"


def _reconnection(expires_at: datetime, now: datetime, is_refused: bool) -> str:
    if is_refused:
        return "fails with 20104, as joining does"
    return f"fails with 20104 from then on, in {span_words(expires_at - now)}; running media goes on"


def _when(moment: datetime | None, now: datetime, zone: tzinfo | None) -> str:
    if moment is None:
        return "not said, or no time"
    local = moment.astimezone(zone)
    span = span_words(moment - now if moment > now else now - moment)
    return f"{local:%Y-%m-%d %H:%M:%S %Z}, " + (f"in {span}" if moment > now else f"{span} ago")


def _as_json(value: Mapping[str, Any]) -> Any:
    """What others wrote, as JSON has it, which knows no NaN; None: it is too deep for anybody to read."""
    try:
        text = json.dumps(value)
    except RecursionError:
        return None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        return None
    return json.loads(text, parse_constant=str)


def _shown(value: object) -> str:
    """A value that others wrote, on one line and not for long."""
    if value is None:
        return "none"
    if isinstance(value, dict | list):
        return "…"
    text = one_line(str(value))
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"


def _line(label: str, text: str) -> str:
    return f"{label:<13} {text}"


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
