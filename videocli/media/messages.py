"""Messages of data tracks that wait to be sent: never more of them than somebody has memory for."""

from dataclasses import dataclass, field

MAX_UNSENT_BYTES = 8 << 20
"""What waits for an other side that takes nothing; SCTP itself knows no bound."""
MAX_UNSENT_MESSAGES = 65_536
"""An empty message takes memory, too."""


def size_of(data: str | bytes) -> int:
    """Bytes on the wire; an empty message takes one (RFC 8831 section 6.6)."""
    return max(len(data.encode() if isinstance(data, str) else data), 1)


@dataclass(slots=True)
class UnsentMessages:
    """Messages in their order, for a channel that is not open yet."""

    size: int = 0
    """Bytes."""
    _messages: list[str | bytes] = field(default_factory=list)

    def add(self, data: str | bytes) -> bool:
        """Keep another one; False: there is no room for it."""
        size = size_of(data)
        if self.size + size > MAX_UNSENT_BYTES or len(self._messages) >= MAX_UNSENT_MESSAGES:
            return False
        self.size += size
        self._messages.append(data)
        return True

    def take(self) -> list[str | bytes]:
        """All of them; none is kept."""
        messages, self._messages, self.size = self._messages, [], 0
        return messages
