"""`--video`, `--audio` and what goes with them: what they ask for together, before anything is opened."""

from collections.abc import Sequence

import typer

from videocli.cli.exit_codes import UsageError
from videocli.cli.tracks.open_sources import default_names
from videocli.media.frames import MediaKind

Media = tuple[tuple[MediaKind, str], ...]
"""Kind and source of each track."""


def to_publish(video: Sequence[str], audio: Sequence[str]) -> Media:
    """Pictures first."""
    return tuple(("video", spec) for spec in video) + tuple(("audio", spec) for spec in audio)


def names_to_await(media: Media) -> frozenset[str]:
    """The names of the tracks that `--exit-after-publish` waits for: of all that can end.

    Raises `typer.BadParameter` where nothing can.
    """
    if not media:
        raise typer.BadParameter(
            "it needs --video or --audio to wait for", param_hint="'--exit-after-publish'"
        )
    from videocli.media.sources import is_endless

    names = zip(default_names(media), media, strict=True)
    awaited = frozenset(name for name, (_, spec) in names if not is_endless(spec))
    if not awaited:
        specs = " and ".join(dict.fromkeys(spec for _, spec in media))
        raise typer.BadParameter(f"{specs} never ends", param_hint="'--exit-after-publish'")
    return awaited


def check_stdin(media: Media, *, reads_commands: bool, reads_token: bool) -> None:
    """Raise `UsageError` where stdin would be read for two purposes, or twice for one kind."""
    if not media:
        return
    from videocli.media.sources import STDIN

    kinds = [kind for kind, spec in media if spec == STDIN]
    if not kinds:
        return
    option = f"--{kinds[0]} -"
    if reads_commands:
        raise UsageError(
            f"{option} and the commands of --json cannot both come on stdin",
            "Leave out --json (--plain prints events too), or publish a file, a FIFO or a URL.",
        )
    if reads_token:
        raise UsageError(
            f"{option} and --token - cannot both come on stdin", "Put the token into VIDEOCLI_TOKEN."
        )
    if len(kinds) != len(set(kinds)):
        raise UsageError(f"{option} is there twice", "Stdin gives one picture and one sound.")
