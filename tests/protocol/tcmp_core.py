"""How tests talk with a TCMP core of either end."""

from videocli.protocol.core import CloseTransport, Core
from videocli.protocol.tcmp import TcmpEvent, TcmpMessage, decode, encode


def hear(core: Core[TcmpEvent], message: TcmpMessage, now: float) -> None:
    """The other end says this."""
    core.receive(encode(message), now)


def said(core: Core[TcmpEvent]) -> list[TcmpMessage | CloseTransport]:
    """What it has said since the last look."""
    return [decode(output) if isinstance(output, str) else output for output in core.outputs()]


def tick(core: Core[TcmpEvent]) -> float:
    """Let the core's next timer come; the time it came at."""
    at = core.timer()
    assert at is not None
    core.handle_timer(at)
    return at
