"""The token at hand, renewed before it runs out where something can renew it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from videocli import tokens
from videocli.errors import TokenError, VideoError, error
from videocli.tasks import stop

RENEW_BEFORE = timedelta(seconds=60)
"""A token that lives no longer than this is about to expire."""
SPENT_BEFORE = timedelta(seconds=5)
"""A token that lives no longer than this may be too old by the time a server sees it."""

Renew = Callable[[], Awaitable[str]]


class TokenSource:
    """Gives the token at hand; asks `renew` for the first one, and again when it has expired or is about to.

    It is asked once at a time, in a task of its own: whoever waits for a token may give up waiting, and the
    renewal goes on until `aclose`. As long as the token at hand will do, nobody waits at all.

    Without `renew` the token stays as it is, and the server says what it thinks of it.
    """

    def __init__(self, token: str | None, renew: Renew | None, utcnow: Callable[[], datetime]) -> None:
        self._token = token
        self._renew = renew
        self._utcnow = utcnow
        self._renewing: asyncio.Task[None] | None = None
        self._failure: VideoError | None = None
        """Why the last renewal gave nothing better than the token at hand."""

    async def __call__(self) -> str:
        """The token to use now.

        Raises `TokenError` when there is none: what `renew` raises for the first one, and 20104, with the
        reason in its explanation, when the one at hand has expired and there is no better one.
        """
        if self._renew is not None and self._expires_within(RENEW_BEFORE):
            if self._renewing is None or self._renewing.done():
                self._renewing = asyncio.create_task(self._try_to_renew(self._renew), name="token")
            if self._expires_within(SPENT_BEFORE):
                await asyncio.wait({self._renewing})
                self._renewing.result()
        if self._token is None:
            raise self._failure or TokenError(name="NoToken", message="There is no access token")
        if self._failure is not None and self._expires_within(timedelta()):
            raise _expired(self._failure)
        return self._token

    async def aclose(self) -> None:
        """Stop a renewal that is under way."""
        if self._renewing is not None:
            await stop(self._renewing)

    @property
    def at_hand(self) -> str | None:
        """The token at hand, however old; None: there is none yet."""
        return self._token

    @property
    def is_renewable(self) -> bool:
        """Whether there is somebody to ask for another one."""
        return self._renew is not None

    @property
    def expires_at(self) -> datetime | None:
        """When the token at hand expires; None: unknown, or there is none yet."""
        if self._token is None:
            return None
        try:
            return tokens.peek(self._token).expires_at
        except TokenError:
            return None

    def _expires_within(self, span: timedelta) -> bool:
        if self._token is None:
            return True
        expires_at = self.expires_at
        return expires_at is not None and expires_at - self._utcnow() <= span

    async def _try_to_renew(self, renew: Renew) -> None:
        try:
            fresh = await renew()
            if self._token is None or self._is_better(fresh, self._token):
                self._token = fresh
            self._failure = None
        except VideoError as failed:
            self._failure = failed

    def _is_better(self, fresh: str, held: str) -> bool:
        """Whether to use the fresh one from now on. Raises `TokenError` for one that is of no use here.

        Which one lives longer needs no clock. A fresh one that seems to have expired nevertheless is the
        server's to judge: our clock may be wrong.
        """
        new, old = tokens.peek(fresh), tokens.peek(held)
        if None not in (new.identity, old.identity) and new.identity != old.identity:
            raise _of_no_use("is for another identity")
        if None not in (new.room, old.room) and new.room != old.room:
            raise _of_no_use("is for another room")
        if new.expires_at is None or old.expires_at is None or new.expires_at > old.expires_at:
            return True
        if self._expires_within(timedelta()):
            raise _of_no_use("has expired, too")
        return False


def _of_no_use(why: str) -> TokenError:
    return TokenError(name="TokenOfNoUse", message=f"The token that the token command printed {why}")


def _expired(failure: VideoError) -> VideoError:
    """20104, and why there is no better token; a message with a code is the table's, and general."""
    sentences = [] if failure.code is not None else [f"{failure.message}."]
    sentences += [failure.explanation] if failure.explanation else []
    return error(20104, explanation=" ".join(["The token at hand has expired.", *sentences]))
