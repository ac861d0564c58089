"""The token at hand, renewed before it runs out where something can renew it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from videocli import tokens
from videocli.errors import TokenError

RENEW_BEFORE = timedelta(seconds=60)
"""A token that lives no longer than this is about to expire."""
COMMAND_SECONDS = 30.0

Renew = Callable[[], Awaitable[str]]


class TokenSource:
    """Gives the token at hand; asks `renew` for the first one, and again when it has expired or is about to.

    Without `renew` the token stays as it is, and the server says what it thinks of it.
    """

    def __init__(self, token: str | None, renew: Renew | None, utcnow: Callable[[], datetime]) -> None:
        self._token = token
        self._renew = renew
        self._utcnow = utcnow

    async def __call__(self) -> str:
        """The token to use now. Raises `TokenError` when there is none to be had."""
        if self._renew is not None and self._is_about_to_expire():
            self._token = await self._renew()
        if self._token is None:
            raise TokenError(name="NoToken", message="There is no access token")
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

    def _is_about_to_expire(self) -> bool:
        if self._token is None:
            return True
        expires_at = self.expires_at
        return expires_at is not None and expires_at - self._utcnow() <= RENEW_BEFORE


async def run_token_command(command: str, environ: Mapping[str, str] | None = None) -> str:
    """What the shell command prints. Raises `TokenError` when it fails, hangs or prints nothing.

    `environ` is its environment; None: ours.
    Its standard error is ours, so that it can speak for itself; what it printed is in no message.
    """
    process = await asyncio.create_subprocess_shell(
        command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env=environ
    )
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            out, _ = await process.communicate()
    except TimeoutError:
        raise _failed(f"printed no token within {COMMAND_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise _failed(f"ended with exit code {process.returncode}")
    token = out.decode(errors="replace").strip()
    if not token:
        raise _failed("printed nothing")
    return token


def _failed(how: str) -> TokenError:
    return TokenError(
        name="TokenCommandFailed",
        message=f"The token command {how}",
        explanation="It has to print an access token, and nothing else, on its standard output.",
    )
