"""Which ICE generation an offer or answer speaks of: the one in use, or another, which is a restart."""

from videocli.media.aiortc_inside.generation import Generation
from videocli.media.aiortc_inside.ice import IceTransport, RemoteIce


class Restarts:
    """The restarts that we want, and the generation that waits for one to be agreed on."""

    def __init__(self, ice: IceTransport) -> None:
        self._ice = ice
        self._fresh: Generation | None = None
        """Gathering or gathered for an offer of ours, but not negotiated."""
        self._fresh_for = 0
        self.wanted = 0
        """How many were asked for so far; an offer remembers it, since more may be while it is out."""
        self._done = 0

    @property
    def is_one_wanted(self) -> bool:
        return self.wanted > self._done

    def to_offer(self) -> Generation:
        """The generation in use; a fresh one at the beginning and for a restart."""
        latest = self._ice.latest
        if latest is not None and not self.is_one_wanted:
            return latest
        if self._fresh is not None and self._fresh_for != self.wanted:
            self._ice.discard(self._fresh)
            self._fresh = None
        if self._fresh is None:
            self._fresh = self._ice.new_generation(controlling=True)
            self._fresh_for = self.wanted
        self._fresh.ice_controlling = True
        return self._fresh

    def to_answer(self, remote: RemoteIce) -> Generation:
        """The generation in use; another one if the offer has other credentials: an ICE restart."""
        latest = self._ice.latest
        fresh, self._fresh = self._fresh, None
        if latest is None:
            generation = fresh or self._ice.new_generation(controlling=remote.is_lite)
            generation.ice_controlling = remote.is_lite
            self._done = self.wanted
            return generation
        if fresh is not None:
            self._ice.discard(fresh)
        if self._is_known(remote):
            return latest
        return self._ice.new_generation(controlling=remote.is_lite)

    def answered(self, generation: Generation, wanted: int, remote: RemoteIce) -> None:
        """Our offer of this generation was answered; `wanted` were asked for when it was made."""
        self._done = wanted
        if generation is not self._fresh:
            return
        self._fresh = None
        if self._is_known(remote):
            self._ice.discard(generation)
        else:
            self._ice.negotiated(generation, remote)

    def give_up(self, generation: Generation) -> None:
        """It cannot have a socket."""
        self._ice.discard(generation)
        if generation is self._fresh:
            self._fresh = None

    def _is_known(self, remote: RemoteIce) -> bool:
        latest = self._ice.latest
        return (
            latest is not None
            and latest.remote_username == remote.ufrag
            and latest.remote_password == remote.password
        )
