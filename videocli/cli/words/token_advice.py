"""What to warn of before joining: a token that an outage may outlive, that opens more than it needs, or that
is another's than was asked for.
"""

from datetime import datetime, timedelta

from videocli.cli.token.origin import Origin
from videocli.tokens import MAX_TTL_SECONDS, Claims


def advice(claims: Claims, now: datetime, is_renewable: bool) -> list[str]:
    """Warnings, in words; none for a token that lives a full day and is scoped to one room and identity.

    A token that can be renewed may live as short as it likes.
    """
    found = []
    if claims.expires_at is not None and not is_renewable:
        lifetime = claims.expires_at - (claims.issued_at or claims.not_before or now)
        if lifetime < timedelta(seconds=MAX_TTL_SECONDS):
            left = span_words(claims.expires_at - now)
            found.append(
                f"the token expires in {left}; a reconnection after that fails "
                f"with 20104: mint it with --ttl {MAX_TTL_SECONDS}, or use --token-command"
            )
    if claims.room is None:
        found.append("the token opens every room of its account: mint it with --room")
    if claims.identity is None:
        found.append("the token names no identity: mint it with --identity")
    return found


def unused_identity(asked_for: str | None, claims: Claims, origin: Origin) -> list[str]:
    """A warning, if a token is joined with that is another identity's than the one that was asked for."""
    if asked_for is None or claims.identity in (None, asked_for):
        return []
    words = f"--identity {asked_for} is not used: the token from {origin.name} names {claims.identity}"
    return [f"{words}; {origin.way_out}" if origin.way_out else words]


def span_words(span: timedelta) -> str:
    """A time span in words, for people; one that is over counts as none."""
    seconds = max(int(span.total_seconds()), 0)
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours >= 48:
        return f"{hours // 24} days"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
