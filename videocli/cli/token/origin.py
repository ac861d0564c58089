"""Where a token came from: what to say when it is refused, or when it overrules what was asked for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from videocli.cli import settings
from videocli.errors import TokenError, VideoError

TOKEN = "VIDEOCLI_TOKEN"
TOKEN_COMMAND = "VIDEOCLI_TOKEN_COMMAND"


@dataclass(frozen=True, slots=True)
class Origin:
    """A place that gives tokens."""

    name: str
    """As in "the token from NAME"."""
    words: str = ""
    """A sentence without its stop, where the user may have forgotten that it gives one."""
    way_out: str = ""
    """How to do without it then."""

    def part(self, error: VideoError) -> str:
        """What it has to do with the error, and how to do without it; "" for nothing."""
        return f"{self.words}; {self.way_out}." if self.words and isinstance(error, TokenError) else ""


OPTION = Origin("--token")
STDIN = Origin("stdin")
PROMPT = Origin("the prompt")
ENVIRONMENT = Origin(TOKEN, f"The token is that of {TOKEN}", f"do without it: unset {TOKEN}")


class GivenToken(NamedTuple):
    """A token that the user gave, and where."""

    text: str
    origin: Origin


def origin_of(token: str | None, given: GivenToken | None, command: str | None) -> Origin | None:
    """Where the token at hand came from: it was given, or the command printed it; None: it was minted here.

    `token` None: there is none yet, and whoever was asked for it is what counts.
    """
    if given is not None and token in (None, given.text):
        return given.origin
    return None if command is None else of_command(command)


def of_command(command: str, environ: Mapping[str, str] = os.environ) -> Origin:
    """Who chose this token command: the environment, the profile in use, or else the option."""
    what, name = "The token command is that of", "the token command"
    if environ.get(TOKEN_COMMAND) == command:
        return Origin(name, f"{what} {TOKEN_COMMAND}", f"do without it: unset {TOKEN_COMMAND}")
    profile_name, profile = settings.chosen() or ("", None)
    if profile is not None and profile.token_command == command:
        return Origin(name, f"{what} profile '{profile_name}'", settings.do_without(profile_name))
    return Origin(name)
