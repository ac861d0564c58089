"""Runs any protocol core over any transport, with its timer."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Generic, TypeVar

from videocli.outside import MessageTransport, TransportClosed
from videocli.protocol.core import CloseTransport, Core

EventT = TypeVar("EventT")

SEND_SECONDS = 10.0
"""A peer that takes no message for so long counts as gone."""

_CLOCK_SLACK = 0.001
_NOT_TAKEN = "the other side takes no messages"


class Driver(Generic[EventT]):
    """The one owner of a transport: what others want to send, they tell the core and then call `wake`.

    Events go to `deliver`, in order, on the loop's thread; it may call the core, and needs no `wake` then.
    """

    def __init__(
        self,
        core: Core[EventT],
        transport: MessageTransport,
        deliver: Callable[[EventT], None],
    ) -> None:
        self._core = core
        self._transport = transport
        self._deliver = deliver
        self._awake = asyncio.Event()
        self._can_send = True

    def wake(self) -> None:
        """Look at the core again, since somebody has called it."""
        self._awake.set()

    async def run(self) -> None:
        """Run until the core or the other side closes; the transport is closed afterwards, whatever happens.

        Every event of the core has been delivered then, unless this was cancelled or `deliver` raised.
        """
        loop = asyncio.get_running_loop()
        receiving = self._receive_next(loop)
        closing = CloseTransport(1001, "")
        try:
            while True:
                close = await self._flush(loop)
                if close is not None:
                    closing = close
                    return
                await self._sleep(loop)
                if not receiving.done() and self._is_timer_due(loop):
                    # After a long stop (SIGSTOP, a closed lid) both are there at once. What came in counts
                    # first: it may be the sign of life that the timer would miss.
                    await asyncio.sleep(0)
                if receiving.done():
                    try:
                        text = receiving.result()
                    except TransportClosed as closed:
                        self._core.receive_close(closed.code, closed.reason, loop.time())
                        self._deliver_events()
                        return
                    self._core.receive(text, loop.time())
                    receiving = self._receive_next(loop)
                elif self._is_timer_due(loop):
                    self._core.handle_timer(max(loop.time(), self._core.timer() or 0.0))
        finally:
            receiving.cancel()
            await self._transport.close(closing.code, closing.reason)
            with contextlib.suppress(asyncio.CancelledError, TransportClosed):
                await receiving

    def _receive_next(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[str]:
        receiving = loop.create_task(self._transport.receive())
        receiving.add_done_callback(lambda _: self._awake.set())
        return receiving

    def _is_timer_due(self, loop: asyncio.AbstractEventLoop) -> bool:
        # The loop may fire up to its clock's resolution early.
        at = self._core.timer()
        return at is not None and loop.time() >= at - _CLOCK_SLACK

    async def _sleep(self, loop: asyncio.AbstractEventLoop) -> None:
        at = self._core.timer()
        handle = None if at is None else loop.call_at(at, self._awake.set)
        try:
            await self._awake.wait()
            self._awake.clear()
        finally:
            if handle is not None:
                handle.cancel()

    def _deliver_events(self) -> None:
        while events := self._core.events():
            for event in events:
                self._deliver(event)

    async def _flush(self, loop: asyncio.AbstractEventLoop) -> CloseTransport | None:
        """Deliver and send until the core has nothing left; the order to close, if there is one.

        Events go first, since sending may take its time.
        """
        while True:
            self._deliver_events()
            outputs = self._core.outputs()
            if not outputs:
                return None
            for output in outputs:
                if isinstance(output, CloseTransport):
                    self._deliver_events()
                    return output
                if self._can_send and not await self._send(output):
                    self._core.receive_close(None, _NOT_TAKEN, loop.time())
                    self._deliver_events()
                    return CloseTransport(1011, _NOT_TAKEN)

    async def _send(self, text: str) -> bool:
        """Send; False if the other side does not take it."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._transport.send(text)
        except TimeoutError:
            return False
        except TransportClosed:
            # The last words of the other side may still wait to be received, its reason among them.
            self._can_send = False
        return True
