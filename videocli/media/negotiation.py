"""Whose offer, which revision, what to ignore: the rules of one peer connection's negotiation, for both ends.

Each object is asked for one step at a time, and told how it went:

    negotiation.receive("offer", 3, sdp)          what the other side said, in order
    negotiation.want_offer()                      something of ours is not negotiated yet
    while (step := negotiation.next_step()):      None: nothing to do until the next call above
        match step:
            case MakeOffer():                     create_offer; if may_send(): finish(sdp), send it
            case MakeAnswer():                    accept_offer; finish(sdp), send it
            case ApplyAnswer():                   accept_answer; finish()
            case Close():                         close the peer connection; finish()
        or, if that raised: fail()

Offers are uncommitted until their answer is there (`peer.py`), so one that loses against the other side's is
simply forgotten: there is no rollback.

The rules of the client are those of twilio-video.js (lib/signaling/v2/peerconnection.js); those of the server
are what that client needs (peer-connection.md, Glare).
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

Kind = Literal["offer", "answer", "create-offer", "close"]

OFFER_SECONDS = 16.0
"""A client that has not answered a server's offer by then never will (trace bad_server_offer).

It is longer than three heartbeats, so that a client whose signaling has fallen silent is known to be out of
reach by then, and keeps its media.
"""


@dataclass(frozen=True, slots=True)
class Description:
    """What one side said about its side of the peer connection."""

    kind: Kind
    revision: int
    sdp: str | None = None


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """Make an offer and send it with this revision."""

    revision: int


@dataclass(frozen=True, slots=True)
class MakeAnswer:
    """Apply the other side's offer, and send the answer with the same revision."""

    sdp: str
    revision: int


@dataclass(frozen=True, slots=True)
class ApplyAnswer:
    """Apply the answer to the offer that is out."""

    sdp: str
    revision: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """Send this description again; there is nothing to apply, so no `finish` either."""

    answer: Description


@dataclass(frozen=True, slots=True)
class Close:
    """Close the peer connection; its id is dead for ever."""


Step = MakeOffer | MakeAnswer | ApplyAnswer | Repeat | Close


class _Negotiation:
    """What both ends have in common: one step at a time, and the two counters."""

    def __init__(self) -> None:
        self._revision = 0
        self._stable_revision = 0
        self._is_offer_out = False
        self._is_offer_wanted = False
        self._is_closed = False
        self._step: Step | None = None
        self._inbox: deque[Description] = deque()
        self._local: Description | None = None
        self._answer: Description | None = None
        self._again: Description | None = None

    @property
    def local_description(self) -> Description | None:
        """The last offer or answer of ours that counts: what a resumed session repeats."""
        return self._local

    @property
    def is_settled(self) -> bool:
        """Whether nothing is under way or wanted."""
        is_idle = self._step is None and not self._inbox and not self._is_offer_wanted
        return self._is_closed or (is_idle and not self._is_offer_out)

    @property
    def has_agreed(self) -> bool:
        """Whether an offer was ever answered."""
        return self._stable_revision > 0

    def want_offer(self) -> None:
        """Something of ours is not negotiated yet."""
        self._is_offer_wanted = True

    def receive(self, kind: Kind, revision: int, sdp: str | None = None) -> None:
        """The other side said something."""
        self._inbox.append(Description(kind, revision, sdp))

    def next_step(self) -> Step | None:
        """What to do now; None: nothing, or a step is still under way."""
        if self._step is not None or self._is_closed:
            return None
        if self._again is not None:
            again, self._again = self._again, None
            return Repeat(again)
        while self._inbox:
            step = self._decide(self._inbox.popleft())
            if step is not None:
                self._step = None if isinstance(step, Repeat) else step
                return step
        if self._is_offer_wanted and not self._is_offer_out and self._may_offer():
            self._is_offer_wanted = False
            self._step = MakeOffer(self._revision + 1)
        return self._step

    def may_send(self) -> bool:
        """Whether the offer just made may be sent.

        False: the other side's came meanwhile. Forget ours; the next step answers theirs, then ours is made
        anew.
        """
        if not any(self._overtakes(description) for description in self._inbox):
            return True
        self._step = None
        self._is_offer_wanted = True
        return False

    def finish(self, sdp: str | None = None) -> None:
        """The step succeeded, with this offer or answer of ours."""
        step, self._step = self._step, None
        match step:
            case MakeOffer():
                self._revision = step.revision
                self._is_offer_out = True
                self._local = Description("offer", step.revision, sdp)
            case MakeAnswer():
                self._revision = self._stable_revision = step.revision
                self._local = self._answer = Description("answer", step.revision, sdp)
            case ApplyAnswer():
                self._stable_revision = step.revision
                self._is_offer_out = False
                self._answered()
            case Close():
                self._is_closed = True
                self._local = None
            case Repeat() | None:
                raise RuntimeError("no step is under way")

    def fail(self) -> None:
        """The step failed and the peer connection is as before.

        An offer of the other side that failed is forgotten; it hears nothing, as from twilio-video.js. One of
        ours whose answer failed stays out: only an offer of the other side, or the peer's end, helps.
        """
        self._step = None

    def _decide(self, description: Description) -> Step | None:
        raise NotImplementedError  # each kind of negotiation has its own

    def _overtakes(self, description: Description) -> bool:
        is_news = description.kind == "offer" and description.revision > self._stable_revision
        return is_news or description.kind == "close"

    def _may_offer(self) -> bool:
        return True

    def _answered(self) -> None:
        """Called when an answer was applied."""

    def _apply(self, description: Description) -> Step | None:
        is_awaited = self._is_offer_out and description.revision == self._revision
        if not is_awaited or description.sdp is None:
            return None
        return ApplyAnswer(description.sdp, description.revision)


class ClientNegotiation(_Negotiation):
    """The client's end. On a collision it always yields: it answers, then offers again, one number higher.

    A server that repeats an offer which is answered (it does after a resume) has perhaps not had the answer,
    and has dropped an offer of ours that collided with its own then: both are said again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._queued: Description | None = None

    def _decide(self, description: Description) -> Step | None:
        match description.kind:
            case "answer":
                return self._apply(description)
            case "offer":
                return self._decide_on_offer(description)
            case "create-offer":
                return self._decide_on_create_offer(description)
            case "close":
                return Close()

    def _decide_on_offer(self, offer: Description) -> Step | None:
        if self._answer is not None and offer.revision == self._answer.revision == self._stable_revision:
            self._again = self._local if self._is_offer_out else None
            return Repeat(self._answer)
        if offer.revision <= self._stable_revision or offer.sdp is None:
            return None
        if self._is_offer_out and self._stable_revision == 0:
            self._queued = offer
            return None
        if self._is_offer_out:
            self._is_offer_out = False
            self._is_offer_wanted = True
        return MakeAnswer(offer.sdp, offer.revision)

    def _decide_on_create_offer(self, request: Description) -> Step | None:
        if request.revision <= self._stable_revision:
            return None
        if self._is_offer_out:
            self._queued = request
            return None
        # The offer carries the request's revision + 1 (trace create_offer).
        self._revision = request.revision
        self._is_offer_wanted = False
        return MakeOffer(self._revision + 1)

    def _answered(self) -> None:
        if self._queued is not None:
            self._inbox.appendleft(self._queued)
            self._queued = None


class ServerNegotiation(_Negotiation):
    """The server's end: at most one offer out, and a client's offer that collides with it is dropped.

    A client that does not answer in `OFFER_SECONDS` is wedged: `is_lost(now)`. Then close this id, and offer
    under a new one with a new object.
    """

    def __init__(self, offers_first: bool = False) -> None:
        super().__init__()
        self._offers_first = offers_first
        self._deadline: float | None = None

    def offer_sent(self, now: float) -> None:
        """Our offer has gone out (again, after a resume): the time to answer it begins."""
        self._deadline = now + OFFER_SECONDS

    def pause(self) -> None:
        """The client is out of reach: its time does not run."""
        self._deadline = None

    def deadline(self) -> float | None:
        """When the offer that is out will be given up; None: there is none, or the time does not run."""
        return self._deadline if self._is_offer_out else None

    def is_lost(self, now: float) -> bool:
        """Whether the client has left our offer unanswered for too long."""
        deadline = self.deadline()
        return deadline is not None and now >= deadline

    def _may_offer(self) -> bool:
        # Without the client's first offer there is nothing to add sections to, unless the id is ours.
        return self._offers_first or self._stable_revision > 0

    def _decide(self, description: Description) -> Step | None:
        match description.kind:
            case "answer":
                return self._apply(description)
            case "offer" if not self._is_offer_out:
                return self._decide_on_offer(description)
            case "close":
                return Close()
        return None

    def _decide_on_offer(self, offer: Description) -> Step | None:
        local = self._local
        if local is not None and local.kind == "answer" and offer.revision == local.revision:
            return Repeat(local)
        if offer.revision <= self._stable_revision or offer.sdp is None:
            return None
        return MakeAnswer(offer.sdp, offer.revision)
