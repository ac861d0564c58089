"""The credentials at hand: the environment's, the chosen profile's, or a development key made once per user.

Other settings are options with an environment variable, which Typer reads in the contract's order: the flag,
the environment, the profile (`options.py` hands it in), the default.
"""

import json
import os
import random
import re
import secrets
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from videocli.cli.exit_codes import UsageError
from videocli.cli.profiles.format import Profile
from videocli.cli.writing.private_file import draft
from videocli.cli.writing.redaction import hide
from videocli.tokens import Credentials

ACCOUNT_SID = "TWILIO_ACCOUNT_SID"
API_KEY = "TWILIO_API_KEY"
API_SECRET = "TWILIO_API_SECRET"
STATE_DIR = "VIDEOCLI_STATE_DIR"
CONFIG_DIR = "VIDEOCLI_CONFIG_DIR"
KEY_FILE = "development-key.json"

_SHAPES = {
    "accountSid": re.compile(r"AC[0-9a-f]{32}"),
    "apiKey": re.compile(r"SK[0-9a-f]{32}"),
    "apiSecret": re.compile(r"[\w-]{32,}"),
}


_chosen: tuple[str, Profile] | None = None
"""The profile of this process, and its name; the command line has it."""


def choose(profile: Profile | None, name: str = "") -> None:
    """Use this profile's credentials from now on, where the environment has none; None: no profile's."""
    global _chosen  # noqa: PLW0603  # like the log's set-up: once per process, before there is anything else
    _chosen = None if profile is None else (name, profile)


def chosen() -> tuple[str, Profile] | None:
    """The name of the profile that is used, and what is in it; None: none is."""
    return _chosen


def do_without(name: str) -> str:
    """How to get rid of a profile, in words."""
    return f"do without the profile: --profile '' for once, 'videocli profile remove {name}' for good"


def credentials(environ: Mapping[str, str] = os.environ) -> Credentials:
    """The credentials to mint with: of the environment, else of the chosen profile, else the development key.

    Raises `UsageError` as `configured_credentials` and `development_credentials` do.
    """
    return configured_credentials(environ) or development_credentials(environ)


def known_credentials(environ: Mapping[str, str] = os.environ) -> dict[str, Credentials]:
    """The credentials whose tokens a server of ours accepts, by API key.

    Those that are configured, if any, and the development key; the latter may be missing beside the former
    where it cannot be made. Raises `UsageError` as `credentials` does.
    """
    found = [configured_credentials(environ)]
    try:
        found.append(development_credentials(environ))
    except UsageError:
        if found == [None] or _has_development_key(environ):
            raise
    return {each.api_key: each for each in found if each is not None}


def configured_credentials(environ: Mapping[str, str] = os.environ) -> Credentials | None:
    """The credentials of the environment and the chosen profile; None: there are none.

    Each of the three comes from the environment, or else from the profile; but a profile's secret counts only
    with its own key. Raises `UsageError` when some are missing.
    """
    names = (ACCOUNT_SID, API_KEY, API_SECRET)
    values = {name: environ.get(name, "") for name in names}
    if _chosen is not None:
        _, profile = _chosen
        values[ACCOUNT_SID] = values[ACCOUNT_SID] or profile.account_sid or ""
        values[API_KEY] = values[API_KEY] or profile.api_key or ""
        if values[API_KEY] == profile.api_key:
            values[API_SECRET] = values[API_SECRET] or profile.api_secret or ""
    missing = [name for name, value in values.items() if not value]
    if len(missing) == len(values):
        return None
    if missing:
        present = " and ".join(name for name, value in values.items() if value)
        problem = (
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set, but {present} "
            f"{'is' if len(missing) == 2 else 'are'}"
        )
        of_profile = [name for name, value in values.items() if value and not environ.get(name)]
        if _chosen is not None and of_profile:
            which = "" if len(of_profile) + len(missing) == len(names) else f" {' and '.join(of_profile)}"
            raise UsageError(
                f"{problem},{which} by profile '{_chosen[0]}'",
                f"Set {' and '.join(missing)}, or {do_without(_chosen[0])}.",
            )
        raise UsageError(
            problem,
            f"Set all of {', '.join(names)}, in the environment or in a profile, or none of them to use the "
            "development key.",
        )
    hide(values[API_SECRET])
    return Credentials(values[ACCOUNT_SID], values[API_KEY], values[API_SECRET])


def development_credentials(environ: Mapping[str, str] = os.environ) -> Credentials:
    """The development key of this user; made on first use, so that all commands on this machine agree.

    Raises `UsageError` when the file cannot be made or read, is damaged, or can be read by other users.
    """
    path = state_directory(environ) / KEY_FILE
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


def is_development_key(api_key: str | None) -> bool:
    """Whether it is the development key of this user; none is made to find out.

    Raises `UsageError` as `development_credentials` does, where there is one.
    """
    return _has_development_key(os.environ) and development_credentials().api_key == api_key


def _has_development_key(environ: Mapping[str, str]) -> bool:
    """Whether it was made; one that this user may not look for is another's."""
    try:
        return (state_directory(environ) / KEY_FILE).exists()
    except (UsageError, OSError):
        return False


def state_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's state is kept; not necessarily there yet. Raises `UsageError`."""
    return _directory(environ, STATE_DIR, "XDG_STATE_HOME", "LOCALAPPDATA", Path(".local", "state"))


def config_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's settings are kept; not necessarily there yet. Raises `UsageError`."""
    return _directory(environ, CONFIG_DIR, "XDG_CONFIG_HOME", "APPDATA", Path(".config"))


def _directory(environ: Mapping[str, str], own: str, xdg: str, windows: str, in_home: Path) -> Path:
    """A directory of ours: the variable's of our own, else the platform's (XDG Base Directory, 0.8)."""
    if directory := environ.get(own):
        return Path(directory)
    if directory := environ.get(xdg):
        return Path(directory) / "videocli"
    try:
        home = Path.home()
    except RuntimeError as fault:
        raise UsageError("this user has no home directory", f"Set {own} to a directory.") from fault
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "videocli"
    if sys.platform == "win32":
        local = "Local" if windows == "LOCALAPPDATA" else "Roaming"
        return Path(environ.get(windows) or home / "AppData" / local) / "videocli"
    return home / in_home / "videocli"


def default_identity(chance: random.Random) -> str:
    """Who you are if you do not say.

    Your user name and a few digits, for an identity is in a room only once (53205).
    """
    import getpass  # here, since it imports what only a prompt needs

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
    with draft(path, json.dumps(key, indent=2) + "\n") as made, suppress(FileExistsError):
        path.hardlink_to(made)


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
