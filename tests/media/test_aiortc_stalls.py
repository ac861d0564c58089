"""Media that is not heard while the path answers."""

import pytest

from videocli.media.aiortc_inside.stalls import Stalls


class Sending:
    """Fifty packets a second, looked at every second; a report a second unless they stop."""

    def __init__(self) -> None:
        self.stalls = Stalls()
        self.now, self.sent, self.reports = 0.0, 0, 0

    def go_on(
        self,
        seconds: int,
        *,
        is_sending: bool = True,
        is_reported: bool = True,
        is_unheard: bool = False,
        is_alive: bool = True,
    ) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.sent += 50 * is_sending
            self.reports += is_reported
            self.stalls.look(
                self.now, sent=self.sent, reports=self.reports, is_unheard=is_unheard, is_alive=is_alive
            )


def test_media_that_is_reported_is_no_stall() -> None:
    sending = Sending()
    sending.go_on(60)
    assert sending.stalls.count == 0


def test_reports_that_stop_are_a_stall_and_count_once_until_they_come_again() -> None:
    sending = Sending()
    sending.go_on(10)
    sending.go_on(14, is_reported=False)
    assert sending.stalls.count == 0
    sending.go_on(60, is_reported=False)
    assert sending.stalls.count == 1
    sending.go_on(2)
    sending.go_on(20, is_reported=False)
    assert sending.stalls.count == 2


def test_reports_that_say_nothing_arrives_are_a_stall() -> None:
    sending = Sending()
    sending.go_on(10)
    sending.go_on(10, is_unheard=True)
    assert sending.stalls.count == 1


@pytest.mark.parametrize(
    ("is_sending", "is_alive"), [(False, True), (True, False)], ids=["nothing is sent", "the path is dead"]
)
def test_silence_with_another_reason_is_no_stall(is_sending: bool, is_alive: bool) -> None:
    sending = Sending()
    sending.go_on(10)
    sending.go_on(30, is_reported=False, is_sending=is_sending, is_alive=is_alive)
    sending.go_on(14, is_reported=False)
    assert sending.stalls.count == 0
