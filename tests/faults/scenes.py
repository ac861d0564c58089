"""Scenes that are played together, since each is mostly waiting; each test then asks how its own went."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

Scene = Callable[[], Awaitable[None]]


class Played:
    """How each scene went."""

    def __init__(self, outcomes: Mapping[str, BaseException | None]) -> None:
        self._outcomes = outcomes

    def check(self, name: str) -> None:
        """Raises what the scene raised."""
        outcome = self._outcomes[name]
        if outcome is not None:
            raise outcome


async def play(scenes: Mapping[str, Scene]) -> Played:
    """Play them all at once."""
    outcomes = await asyncio.gather(*(scene() for scene in scenes.values()), return_exceptions=True)
    return Played(dict(zip(scenes, outcomes, strict=True)))


@contextmanager
def own_state(folder: Path) -> Iterator[None]:
    """The user's state directory, for what runs outside any one test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDEOCLI_STATE_DIR", str(folder))
        yield
