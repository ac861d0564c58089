"""Whether the far end hears what we send, by its own reception reports."""

_ENOUGH_PACKETS = 10
"""Sent between two reports: not to have heard one of so many is no accident."""


class Hearing:
    """What the far end's reports say of one stream of ours (RFC 3550, 6.4.1).

    Reports that go on coming while their highest sequence number stands still tell of a path that is dead in
    our direction only, which silence does not.
    """

    def __init__(self) -> None:
        self._highest: int | None = None
        self._sent = 0
        self.is_deaf = False

    def reported(self, highest_sequence: int, packets_sent: int) -> None:
        """A report came, when so many packets had been sent in all."""
        if highest_sequence != self._highest:
            self._highest, self._sent, self.is_deaf = highest_sequence, packets_sent, False
        elif packets_sent - self._sent >= _ENOUGH_PACKETS:
            self.is_deaf = True
