"""The file with the profiles: read, and changed as a whole or not at all. It is for its user only."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from videocli.cli import settings
from videocli.cli.exit_codes import UsageError
from videocli.cli.profiles.format import Edit, ProfileError, Profiles, parse
from videocli.cli.writing import output
from videocli.cli.writing.private_file import draft
from videocli.cli.writing.redaction import hide

MAX_BYTES = 1 << 20
"""A longer file is not one of ours."""


class NotOurs(UsageError):
    """The file or its directory is closed to this user, who may have another's HOME (`sudo -u`)."""


def path_of_profiles(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the profiles are; not necessarily there yet. Raises `UsageError`."""
    return settings.config_directory(environ) / "profiles.toml"


def load(warn: Callable[[str], object] = output.warn) -> Profiles:
    """The profiles; none when there is no file.

    Closes a file with a secret to other users, and warns. Raises `NotOurs` for want of permission, and
    `UsageError` when the file cannot be read, understood or closed.
    """
    path = path_of_profiles()
    profiles = _understood(path, _read(path))
    for profile in profiles.by_name.values():
        hide(profile.api_secret or "")
    if any(profile.api_secret for profile in profiles.by_name.values()):
        _close_to_others(path, warn)
    return profiles


def change(edit: Edit) -> Profiles:
    """Edit the file, whole and for its user only; what is in it then.

    Two that change it at once do so one after the other. Raises `UsageError`; then nothing has changed.
    """
    path = path_of_profiles()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(path.parent):
            text = _read(path)
            _understood(path, text)
            try:
                text = edit(text)
            except ProfileError as fault:
                raise _unusable(path, fault) from fault
            with draft(path.resolve(), text) as made:
                made.replace(path.resolve())
            return parse(text)
    except OSError as fault:
        raise UsageError(
            f"the profiles {path} cannot be written: {fault.strerror}",
            f"Make its directory writable, or point {settings.CONFIG_DIR} to another.",
        ) from fault


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _unusable(path, ProfileError(f"it is longer than {MAX_BYTES} bytes"))
        return content.decode()
    except FileNotFoundError:
        return ""
    except OSError as fault:
        kind = NotOurs if isinstance(fault, PermissionError) else UsageError
        raise kind(
            f"the profiles {path} cannot be read: {fault.strerror}",
            f"Make it readable for yourself, or point {settings.CONFIG_DIR} to another directory.",
        ) from fault
    except UnicodeDecodeError as fault:
        raise _unusable(path, ProfileError("it is not text in UTF-8")) from fault


def _understood(path: Path, text: str) -> Profiles:
    try:
        return parse(text)
    except ProfileError as fault:
        raise _unusable(path, fault) from fault


def _unusable(path: Path, fault: ProfileError) -> UsageError:
    return UsageError(f"the profiles {path}: {fault}", "Correct the file by hand, or move it out of the way.")


def _close_to_others(path: Path, warn: Callable[[str], object]) -> None:
    if os.name != "posix":
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return
    try:
        path.chmod(0o600)
    except OSError as fault:
        raise UsageError(
            f"other users can get at the secrets in {path} (mode {mode:04o})", f"Run 'chmod 600 {path}'."
        ) from fault
    warn(
        f"other users could get at the secrets in {path} (mode {mode:04o}); it has mode 0600 now. "
        "Make a new API key if somebody may have."
    )


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Nobody else of us changes files in the directory meanwhile."""
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
