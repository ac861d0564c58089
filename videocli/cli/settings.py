"""The credentials at hand: the environment's, or else a development key that is made once per user.

Other settings are options with an environment variable, which Typer reads in the contract's order: the flag,
the environment, the default.
"""

import getpass
import json
import os
import random
import re
import secrets
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from videocli.cli.exit_codes import UsageError
from videocli.cli.redaction import hide
from videocli.tokens import Credentials

ACCOUNT_SID = "TWILIO_ACCOUNT_SID"
API_KEY = "TWILIO_API_KEY"
API_SECRET = "TWILIO_API_SECRET"
STATE_DIR = "VIDEOCLI_STATE_DIR"

_SHAPES = {
    "accountSid": re.compile(r"AC[0-9a-f]{32}"),
    "apiKey": re.compile(r"SK[0-9a-f]{32}"),
    "apiSecret": re.compile(r"[\w-]{32,}"),
}


def credentials(environ: Mapping[str, str] = os.environ) -> Credentials:
    """The credentials to mint with: those of the environment, else the development key.

    Raises `UsageError` when the environment has only some of the three variables, and as
    `development_credentials` does.
    """
    return environment_credentials(environ) or development_credentials(environ)


def known_credentials(environ: Mapping[str, str] = os.environ) -> dict[str, Credentials]:
    """The credentials whose tokens a server of ours accepts, by API key.

    Those of the environment, if any, and the development key. Raises `UsageError` as `credentials` does.
    """
    found = (environment_credentials(environ), development_credentials(environ))
    return {each.api_key: each for each in found if each is not None}


def environment_credentials(environ: Mapping[str, str] = os.environ) -> Credentials | None:
    """The credentials in the environment; None: there are none. Raises `UsageError` when some are missing."""
    values = {name: environ.get(name, "") for name in (ACCOUNT_SID, API_KEY, API_SECRET)}
    missing = [name for name, value in values.items() if not value]
    if len(missing) == len(values):
        return None
    if missing:
        present = " and ".join(name for name, value in values.items() if value)
        raise UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set, but {present} "
            f"{'is' if len(missing) == 2 else 'are'}",
            f"Set all of {', '.join(values)}, or none of them to use the development key.",
        )
    hide(values[API_SECRET])
    return Credentials(values[ACCOUNT_SID], values[API_KEY], values[API_SECRET])


def development_credentials(environ: Mapping[str, str] = os.environ) -> Credentials:
    """The development key of this user; made on first use, so that all commands on this machine agree.

    Raises `UsageError` when the file cannot be made or read, is damaged, or can be read by other users.
    """
    path = state_directory(environ) / "development-key.json"
    try:
        if not path.exists():
            _make_development_key(path)
        if os.name == "posix" and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            raise UsageError(
                f"other users can get at the development key {path} (mode {mode:04o})",
                f"Run 'chmod 600 {path}', or delete it to get a new one.",
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not text"
        raise UsageError(
            f"the development key {path} cannot be used: {reason}",
            f"Make its directory writable, point {STATE_DIR} to another, or set {ACCOUNT_SID}, {API_KEY} "
            f"and {API_SECRET}.",
        ) from fault
    found = _parse_development_key(text)
    if found is None:
        raise UsageError(
            f"the development key {path} is damaged", "Delete it; the next start makes a new one."
        )
    hide(found.api_secret)
    return found


def state_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's state is kept; not necessarily there yet. Raises `UsageError`."""
    if directory := environ.get(STATE_DIR):
        return Path(directory)
    if directory := environ.get("XDG_STATE_HOME"):
        return Path(directory) / "videocli"
    try:
        home = Path.home()
    except RuntimeError as fault:
        raise UsageError("this user has no home directory", f"Set {STATE_DIR} to a directory.") from fault
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "videocli"
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "videocli"
    return home / ".local" / "state" / "videocli"


def default_identity(chance: random.Random) -> str:
    """Who you are if you do not say.

    Your user name and a few digits, for an identity is in a room only once (53205).
    """
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "guest"
    return f"{user[:64]}-{chance.randrange(16**6):06x}"


def _make_development_key(path: Path) -> None:
    """Make the file, whole and for this user only, unless another process is faster."""
    key = {
        "accountSid": f"AC{secrets.token_hex(16)}",
        "apiKey": f"SK{secrets.token_hex(16)}",
        "apiSecret": secrets.token_urlsafe(32),
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(key, indent=2) + "\n")
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def _parse_development_key(text: str) -> Credentials | None:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    for name, shape in _SHAPES.items():
        if not isinstance(values.get(name), str) or not shape.fullmatch(values[name]):
            return None
    return Credentials(*(values[name] for name in _SHAPES))
