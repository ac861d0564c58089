"""A server in a process of its own, for tests that only need one to be there."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from tests.sdk.programs import CREDENTIALS
from videocli import tokens
from videocli.tokens import Credentials

KEY = Credentials(
    CREDENTIALS["TWILIO_ACCOUNT_SID"], CREDENTIALS["TWILIO_API_KEY"], CREDENTIALS["TWILIO_API_SECRET"]
)
SERVER_VARIABLES = CREDENTIALS
"""The environment of a client whose tokens the server accepts."""


def minted(identity: str, room: str, credentials: Credentials = KEY, age: timedelta = timedelta()) -> str:
    """A token of that age that lives for a day."""
    made_at = datetime.now(UTC) - age
    return tokens.mint(credentials, identity, room, tokens.MAX_TTL_SECONDS, made_at).token


@contextmanager
def running_server(*options: str) -> Iterator[str]:
    """`videocli serve` on a free port; its URL."""
    with subprocess.Popen(
        [sys.executable, "-m", "videocli", "serve", "--port", "0", "--json", *options],
        env={**os.environ, **CREDENTIALS},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())["url"]
        finally:
            server.terminate()
            server.communicate(timeout=30)
