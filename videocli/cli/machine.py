"""Looks at this machine, and tells what a ticket should say of it."""

import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import socket
import ssl
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from videocli import __version__
from videocli.cli import destination, settings
from videocli.cli.exit_codes import UsageError
from videocli.cli.profiles.file import path_of_profiles
from videocli.cli.profiles.format import Profile
from videocli.cli.token.origin import TOKEN
from videocli.cli.words.doctor_text import Fact, Section, masked, scopes, under_home, without_secrets

PACKAGES = ("aiortc", "aioice", "av", "websockets", "typer", "rich", "PyJWT", "cryptography", "pylibsrtp")
ENCODERS = ("libvpx", "libopus", "libx264")
FFMPEG = ("libavcodec", "libavformat", "libavdevice")

_SPEAKING = ("VIDEOCLI_", "TWILIO_")
"""Every variable that begins so is ours to name."""
_ALSO = re.compile(
    r"(https?|all|socks|wss?|no)_proxy|SSL_CERT_\w+|(NO|FORCE)_COLOR|COLORTERM|TERM_PROGRAM|TMUX|STY|"
    r"SSH_CONNECTION|LANG|LC_\w+|PYTHON\w+|CI",
    re.IGNORECASE,
)
"""What else changes how we behave."""
_ANSWER_SECONDS = 1.0


def look(environ: Mapping[str, str] = os.environ, profile_fault: UsageError | None = None) -> list[Section]:
    """All there is to tell, and why the profile cannot be used, if it cannot.

    Takes a second or so: media libraries are imported, the local server is asked.
    """
    home = _home()
    return [
        Section("Versions", tuple(_versions())),
        Section("Media", tuple(_media(home))),
        Section("Devices", (Fact("video", _cameras()), Fact("audio", _microphones()))),
        Section("Terminal", tuple(_terminal(environ))),
        Section("Network", tuple(_network())),
        Section("Clock", tuple(_clock())),
        Section("Settings", tuple(_settings(environ, home, profile_fault))),
        Section("Environment", (Fact("set variables", _variables(environ)),)),
        Section("Local server", (Fact("address", destination.LOCAL_URL), Fact("answer", _local_server()))),
    ]


def _versions() -> list[Fact]:
    return [
        Fact("videocli", __version__),
        Fact("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        Fact("installed in", under_home(sys.prefix, _home())),
        Fact("OpenSSL", ssl.OPENSSL_VERSION),
        Fact("system", platform.platform()),
        Fact("processors", os.cpu_count()),
        *(Fact(name, _version(name)) for name in PACKAGES),
    ]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _media(home: Path | None) -> list[Fact]:
    facts = []
    for name in ("aiortc", "av"):
        try:
            importlib.import_module(name)
        except Exception as fault:
            words = under_home(f"no: {type(fault).__name__}: {fault}", home)
            facts.append(Fact(f"{name} imports", words))
        else:
            facts.append(Fact(f"{name} imports", True))
    if "av" in sys.modules:
        import av

        versions = av.library_versions
        facts += [Fact(name, ".".join(map(str, versions[name]))) for name in FFMPEG if name in versions]
        facts.append(Fact("encoders", tuple(name for name in ENCODERS if name in av.codecs_available)))
    return facts


def _cameras() -> tuple[str, ...]:
    """By the path that `--video` takes; Linux only, elsewhere by what FFmpeg lists."""
    if sys.platform != "linux":
        return _listed_by_ffmpeg("video")
    found = sorted(Path("/sys/class/video4linux").glob("video*"))
    return tuple(f"/dev/{each.name} ({_text(each / 'name')})" for each in found)


def _microphones() -> tuple[str, ...]:
    """By the name that `--audio` takes; Linux only, elsewhere by what FFmpeg lists."""
    if sys.platform != "linux":
        return _listed_by_ffmpeg("audio")
    found = []
    for line in _text(Path("/proc/asound/pcm")).splitlines():
        number, _, words = line.partition(":")
        card, dash, device = number.partition("-")
        if dash and "capture" in words:
            found.append(f"alsa:hw:{int(card)},{int(device)} ({words.partition(':')[0].strip()})")
    return tuple(found)


def _listed_by_ffmpeg(kind: str) -> tuple[str, ...]:
    form = {"darwin": "avfoundation", "win32": "dshow"}.get(sys.platform)
    if form is None:
        return ()
    try:
        from av.device import enumerate_input_devices

        found = enumerate_input_devices(form)
    except Exception:
        return ()
    return tuple(f"{form}:{each.name}" for each in found if kind in str(getattr(each, "media_types", kind)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _terminal(environ: Mapping[str, str]) -> list[Fact]:
    size = shutil.get_terminal_size((0, 0))
    streams = (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr))
    return [
        Fact("TERM", environ.get("TERM")),
        Fact("colour", _colour(environ)),
        Fact("size", f"{size.columns}x{size.lines}" if size.columns else None),
        Fact("encoding", sys.stdout.encoding),
        Fact("is a terminal", tuple(name for name, stream in streams if stream.isatty())),
    ]


def _colour(environ: Mapping[str, str]) -> str:
    """What rich makes of the environment, were stdout a terminal (its `Console`)."""
    term = environ.get("TERM", "").lower()
    if environ.get("NO_COLOR"):
        return "none, by NO_COLOR"
    if term in ("", "dumb", "unknown"):
        return "none"
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "true colour"
    return "256 colours" if "256color" in term or term.endswith("-kitty") else "16 colours"


def _network() -> list[Fact]:
    import ifaddr

    facts = []
    try:
        for adapter in ifaddr.get_adapters():
            addresses = [ip.ip if isinstance(ip.ip, str) else ip.ip[0] for ip in adapter.ips]
            facts.append(Fact(adapter.nice_name, scopes(addresses)))
    except OSError as fault:
        facts.append(Fact("links", f"not to be seen: {fault.strerror}"))
    facts.append(Fact("IPv4 route", _has_route(socket.AF_INET, "192.0.2.1")))
    facts.append(Fact("IPv6 route", _has_route(socket.AF_INET6, "2001:db8::1")))
    return facts


def _has_route(family: socket.AddressFamily, address: str) -> bool:
    """Whether the routing table has a way out; connecting a UDP socket sends nothing."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError:
        return False
    return True


def _clock() -> list[Fact]:
    now = datetime.now(UTC)
    return [
        Fact("UTC", now.isoformat(timespec="seconds").replace("+00:00", "Z")),
        Fact("zone", f"{now.astimezone():UTC%z}"),
    ]


def _settings(environ: Mapping[str, str], home: Path | None, profile_fault: UsageError | None) -> list[Fact]:
    name, profile = settings.chosen() or (None, Profile())
    of_profile = f"profile {name}"
    facts = [_profile(environ, home, name, profile_fault), _server(environ, profile, of_profile)]
    facts.append(_token(environ, profile, of_profile))
    try:
        configured = settings.configured_credentials(environ)
    except UsageError as fault:
        origin = "environment" if name is None else f"environment, {of_profile}"
        facts.append(Fact("API key", f"incomplete: {fault.problem}", origin))
    else:
        if configured is not None:
            key, account = (
                f"environment {variable}" if environ.get(variable) else of_profile
                for variable in (settings.API_KEY, settings.ACCOUNT_SID)
            )
            facts.append(Fact("API key", masked(configured.api_key), key))
            facts.append(Fact("account", masked(configured.account_sid), account))
    return [*facts, *_state(environ, home)]


def _profile(
    environ: Mapping[str, str], home: Path | None, name: str | None, fault: UsageError | None
) -> Fact:
    value = name if fault is None else under_home(f"not usable: {fault.problem}", home)
    try:
        return Fact("profile", value, f"file {under_home(str(path_of_profiles(environ)), home)}")
    except UsageError as homeless:
        return Fact("profile", value, homeless.problem)


def _server(environ: Mapping[str, str], profile: Profile, of_profile: str) -> Fact:
    if url := environ.get("VIDEOCLI_URL"):
        return Fact("server", _place(url), "environment VIDEOCLI_URL")
    if profile.url is not None:
        return Fact("server", without_secrets(profile.url), of_profile)
    if not (environ.get(settings.API_KEY) or profile.api_key):
        return Fact("server", destination.LOCAL_URL, "default")
    origin = "default" if profile.region is None else of_profile
    return Fact("server", destination.cloud_url(profile.region), origin)


def _place(url: str) -> str:
    try:
        return without_secrets(destination.check_url(url))
    except UsageError:
        return "not usable: it is no room server's URL"


def _token(environ: Mapping[str, str], profile: Profile, of_profile: str) -> Fact:
    if environ.get(TOKEN):
        return Fact("token", "given", f"environment {TOKEN}")
    if environ.get("VIDEOCLI_TOKEN_COMMAND"):
        return Fact("token", "by a command", "environment VIDEOCLI_TOKEN_COMMAND")
    if profile.token_command is not None:
        return Fact("token", "by a command", of_profile)
    return Fact("token", "minted with the key at hand", "default")


def _state(environ: Mapping[str, str], home: Path | None) -> list[Fact]:
    try:
        directory = settings.state_directory(environ)
    except UsageError as fault:
        return [Fact("state directory", fault.problem, "default")]
    origin = next((f"environment {name}" for name in _STATE_VARIABLES if environ.get(name)), "default")
    facts = [Fact("state directory", under_home(str(directory), home), origin)]
    path = directory / settings.KEY_FILE
    try:
        is_made = path.exists()
        key = masked(settings.development_credentials(environ).api_key) if is_made else "not made yet"
    except UsageError as fault:
        key = under_home(fault.problem, home)
    except OSError as fault:
        key = f"not to be seen: {fault.strerror}"
    return [*facts, Fact("development key", key, "file")]


_STATE_VARIABLES = (settings.STATE_DIR, "XDG_STATE_HOME")


def _variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Names, and never values."""
    return tuple(sorted(name for name in environ if name.startswith(_SPEAKING) or _ALSO.fullmatch(name)))


def _local_server() -> str:
    """What answers at the default port."""
    try:
        with socket.create_connection(("127.0.0.1", destination.DEFAULT_PORT), _ANSWER_SECONDS) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = client.recv(64)
    except ConnectionRefusedError:
        return "does not run"
    except OSError:
        return "does not answer"
    return "answers" if answer.startswith(b"HTTP/1.1 200 ") else "something else is there"


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None
