"""The embedded room server: listens, lets clients in, shuts down."""

import ipaddress
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from videocli.media.peer import PeerConfig
from videocli.outside import Listener, Outside
from videocli.server.events import Listening, ServerEvent
from videocli.server.hub import Hub
from videocli.tokens import Credentials


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Where to listen, and the rules of the house."""

    host: str = "127.0.0.1"
    port: int = 7780
    """0: any free one."""
    session_timeout: float = 30.0
    """Seconds that a participant whose signaling is lost may take to come back."""
    max_participants: int = 50
    """In one room."""


def peer_config(host: str) -> PeerConfig:
    """The addresses that media uses: where signaling listens, media is, and nowhere else.

    A host that stands for every address takes loopback along; a name is left to the interfaces.
    """
    if host == "localhost":
        host = "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or address.is_unspecified:
        return PeerConfig(with_loopback=True, mid_style="kinds")
    return PeerConfig(addresses=(str(address),), mid_style="kinds")


@asynccontextmanager
async def serve(
    config: ServeConfig,
    outside: Outside,
    credentials: Mapping[str, Credentials],
    on_event: Callable[[ServerEvent], None] = lambda event: None,
) -> AsyncIterator[Listener]:
    """Serve rooms until the context is left; gives where clients dial.

    `credentials` by API key: whose tokens count. When it ends, every client is told that its room is
    completed and nothing is left running. Raises `OSError` when the address cannot be used.
    """
    hub = Hub(
        outside,
        credentials,
        peer_config(config.host),
        config.session_timeout,
        config.max_participants,
        on_event,
    )
    async with outside.listen(config.host, config.port, hub.attend) as listener:
        on_event(Listening(listener.url))
        try:
            yield listener
        finally:
            await hub.shut_down()
