"""Client and server core face to face, in virtual time."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from videocli.protocol.core import CloseTransport
from videocli.protocol.tcmp import BodyReceived, ByeReceived, Closed, CloseReason, Opened, TcmpEvent
from videocli.protocol.tcmp_client import TcmpClient
from videocli.protocol.tcmp_server import TcmpServer


class Pair:
    """Both cores and the wire between them; `cut` makes it swallow everything, as a dead network does."""

    def __init__(self, heartbeat_seconds: float = 5.0) -> None:
        self.now = 0.0
        self.cut = False
        self.client = TcmpClient(0.0, lambda: "id", {"type": "ice"}, heartbeat_seconds=heartbeat_seconds)
        self.server = TcmpServer(0.0)
        self.client_events: list[TcmpEvent] = []
        self.server_events: list[TcmpEvent] = []
        self.texts = 0
        self.exchange()

    def exchange(self) -> None:
        busy = True
        while busy:
            busy = self._carry(self.client.outputs, self.server.receive, self.server.receive_close)
            busy |= self._carry(self.server.outputs, self.client.receive, self.client.receive_close)
        self.client_events += self.client.events()
        self.server_events += self.server.events()

    def _carry(
        self,
        outputs: Callable[[], list[str | CloseTransport]],
        receive: Callable[[str, float], None],
        receive_close: Callable[[int | None, str, float], None],
    ) -> bool:
        carried = False
        for output in outputs():
            if self.cut:
                continue
            carried = True
            if isinstance(output, str):
                self.texts += 1
                receive(output, self.now)
            else:
                receive_close(output.code, output.reason, self.now)
        return carried

    def run(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        end = self.now + seconds
        while True:
            timers = [at for at in (self.client.timer(), self.server.timer()) if at is not None]
            if not timers or min(timers) > end:
                break
            self.now = max(self.now, min(timers))
            self.client.handle_timer(self.now)
            self.server.handle_timer(self.now)
            self.exchange()
        self.now = end


def test_an_idle_connection_lives_for_ever_on_few_heartbeats() -> None:
    pair = Pair()
    pair.run(3600.0)
    assert pair.client_events == [Opened(5.0)]
    assert pair.server_events == [Opened(5.0), BodyReceived({"type": "ice"})]
    assert pair.texts <= 2 * 3600 / 4.8 + 2


def test_both_sides_notice_a_dead_network_within_three_heartbeats() -> None:
    pair = Pair()
    pair.run(100.0)
    pair.cut = True
    pair.run(16.0)
    assert pair.client_events[-1] == Closed(CloseReason.TIMEOUT, 3001, 'Missed 3 "heartbeat" messages')
    assert pair.server_events[-1] == Closed(CloseReason.TIMEOUT, 1011, 'Missed 3 "heartbeat" messages')


def test_a_leave_is_no_loss_to_the_server() -> None:
    pair = Pair()
    pair.client.close(pair.now)
    pair.exchange()
    assert pair.server_events[-2:] == [
        ByeReceived(),
        Closed(CloseReason.REMOTE, 1000, "Normal", is_received=True),
    ]


@given(st.lists(st.floats(0.0, 20.0), max_size=20), st.floats(0.1, 100.0))
def test_nobody_dies_while_the_network_is_well(pauses: list[float], heartbeat_seconds: float) -> None:
    pair = Pair(heartbeat_seconds)
    for pause in pauses:
        pair.run(pause)
        pair.client.send({"n": 1}, pair.now)
        pair.server.send({"n": 2}, pair.now)
        pair.exchange()
    assert pair.client_events[1:] == [BodyReceived({"n": 2})] * len(pauses)
    assert pair.server_events[2:] == [BodyReceived({"n": 1})] * len(pauses)
