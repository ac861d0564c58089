"""One play: a script drawn from a seed, performed by real sessions and a real server, and judged.

Everybody joins, does things and meets faults; then all faults end, and after `CALM_SECONDS` whoever is in the
room must see what the server sees; then everybody leaves, and nothing may be left.
"""

import asyncio
import contextvars
import json
from dataclasses import replace
from typing import Any

from tests.simulation import actions as ac
from tests.simulation import faults as ft
from tests.simulation.ends import (
    complaint_about_end,
    complaint_about_patience,
    complaints_about_reconnecting,
    complaints_about_windows,
)
from tests.simulation.house import KEY, START, Guest, House
from tests.simulation.invariants import EventModel, ServerModel, server_view, view_of, without_subscriptions
from tests.simulation.network import End, Link
from tests.simulation.peer import FakePeer
from tests.simulation.script import Host, Script
from tests.simulation.stays import Epoch, Stay, Track
from tests.simulation.words import event_words, server_words
from videocli.engine import commands as cmd
from videocli.engine import events as ev
from videocli.engine.room.snapshot import Snapshot
from videocli.engine.session import JoinConfig, NamedSource
from videocli.errors import VideoError
from videocli.media.frames import TrackKind
from videocli.media.peer import DataMessage, IceState
from videocli.server.events import ServerEvent
from videocli.server.serve import ServeConfig, serve

CALM_SECONDS = 45.0
"""After the last fault: as long as it may take until all is well again."""
LAST_WORDS_SECONDS = 3.0
"""What is sent then arrives within that."""
LEAVING_SECONDS = 1.5
"""Leaving takes no longer (our rule 8 says one second)."""
CALM_AFTER_SECONDS = 20.0
"""A participant that no fault has hit for so long sees what the server says,"""
TOLD_SECONDS = 2.0
"""once it has been so for that long."""
ROOM = "my-room"

OWNER: contextvars.ContextVar[object] = contextvars.ContextVar("owner", default="play")


class Play:
    """A performance of a script. `violations` says what must not have happened."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.house = House(script.seed)
        self.stays: list[Stay] = []
        self.epochs: list[Epoch] = []
        self.violations: list[str] = []
        self.log: list[str] = []
        self.unpublished: set[str] = set()
        self.active: list[ft.Fault] = []
        self._hosts = {host.name: host for host in script.hosts}
        self._current: dict[str, Stay] = {}
        self._wants_server = asyncio.Event()
        self._is_over = False
        self._loop = asyncio.get_running_loop()

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self._loop.time()

    @property
    def epoch(self) -> Epoch | None:
        """The server that runs."""
        last = self.epochs[-1] if self.epochs else None
        return last if last is not None and last.ended_at is None else None

    def complain(self, whom: str, complaint: str) -> None:
        """Something happened that must not."""
        self.note(whom, f"VIOLATION: {complaint}")
        self.violations.append(f"{self.now:.3f} {whom}: {complaint}")

    def note(self, whom: str, what: str) -> None:
        """Put a line into the log."""
        self.log.append(f"{self.now:10.3f} {whom:10} {what}")

    async def perform(self) -> None:
        """From the first join until nothing is left."""
        script = self.script
        self._loop.set_task_factory(self._make_task)
        network, media = self.house.signaling, self.house.media
        network.on_send, media.on_data = self._said, self._data_came
        network.faults.delay_seconds = script.base_delay
        media.negotiation_seconds = script.negotiation_seconds
        server = asyncio.create_task(self._serve(), context=_context("server"))
        self._wants_server.set()
        await asyncio.sleep(0)
        watch = asyncio.create_task(self._watch(), context=_context("watch"))
        todo: list[tuple[float, int, ac.Action | ft.Fault, bool]] = []
        for action in script.actions:
            todo.append((action.at, len(todo), action, True))
        for fault in script.faults:
            todo.append((fault.at, len(todo), fault, True))
            if fault.kind.lasts:
                todo.append((fault.until, len(todo), fault, False))
        for at, _, what, begins in sorted(todo, key=lambda entry: entry[:2]):
            await self._sleep_until(at)
            if isinstance(what, ac.Action):
                self._act(what)
            else:
                self._strike(what, begins)
        await self._sleep_until(script.end + CALM_SECONDS - CALM_AFTER_SECONDS)
        ufrags = {peer.id: peer.ufrag for peer in media.peers}
        await self._sleep_until(script.end + CALM_SECONDS)
        restarted = [peer.id for peer in media.peers if ufrags.get(peer.id) != peer.ufrag]
        if restarted:
            self.complain("play", f"{restarted} restarted ICE although all was well")
        await self._look_at_all()
        watch.cancel()
        await self._everybody_leaves()
        self._end_server("shutdown")
        self._is_over = True
        self._wants_server.set()
        await server
        await asyncio.sleep(0)
        self._nothing_is_left()
        self._judge()

    # The server.

    async def _serve(self) -> None:
        while True:
            await self._wants_server.wait()
            self._wants_server.clear()
            if self._is_over:
                return
            number = len(self.epochs) + 1

            def complain(what: str, number: int = number) -> None:
                self.complain(f"server{number}", what)

            epoch = Epoch(number, ServerModel(complain), self.now)
            self.epochs.append(epoch)
            self.note("server", f"begins, number {number}")

            def tell(event: ServerEvent, epoch: Epoch = epoch) -> None:
                if epoch.ending != "crash":
                    self.note(f"server{epoch.number}", server_words(event))
                    epoch.model.take(event, self.now)

            config = ServeConfig(session_timeout=self.script.window)
            async with serve(config, self.house.outside_of(f"server{number}"), {KEY.api_key: KEY}, tell):
                await epoch.stop.wait()

    def _end_server(self, how: str) -> None:
        epoch = self.epoch
        if epoch is None:
            return
        epoch.ended_at, epoch.ending = self.now, how
        self.note("server", how)
        if how == "crash":
            self.house.signaling.unlisten()
            self.house.signaling.cut()
            self.house.media.lose(f"server{epoch.number}")
        epoch.stop.set()

    # Faults.

    def _strike(self, fault: ft.Fault, begins: bool) -> None:
        self.note("FAULT", f"{fault}" if begins else f"over: {fault}")
        kind, network, media = fault.kind, self.house.signaling, self.house.media
        hosts = [name for name in self._hosts if fault.hits(name)]
        if begins and kind.lasts:
            self.active.append(fault)
        elif not begins:
            self.active.remove(fault)
        if kind.server and begins:
            self._end_server(kind.server)
        elif kind.server and not any(other.kind.server for other in self.active):
            self._wants_server.set()
        self._set_faults()
        for name in hosts if begins else ():
            if kind.kills_paths:
                media.kill_paths(name)
            if kind.cuts is not None:
                network.line(name).cut("client" in kind.cuts, "server" in kind.cuts)

    def _set_faults(self) -> None:
        ft.server_is_busy(any(fault.kind.busy for fault in self.active))
        network, media = self.house.signaling, self.house.media
        for name in self._hosts:
            active = [fault for fault in self.active if fault.hits(name)]
            line, now = network.line(name), ft.signaling_now(active, 0.0)
            line.refuse(now.refuses)
            line.delay(now.delay_seconds)
            if now.stalls != line.faults.stalls:
                line.resume()
                if now.stalls:
                    line.stall(*sorted(now.stalls))
            lost = ft.lost_now(active)
            media.lose(name, outgoing="client" in lost, incoming="server" in lost)
            media.lose_handshakes(name, any(fault.kind.loses_handshakes for fault in active))

    # What participants do.

    def _act(self, action: ac.Action) -> None:
        stay = self._current.get(action.host)
        is_here = stay is not None and not stay.is_over
        if action.deed in ("join", "join again"):
            if not is_here or action.deed == "join again":
                self._join(self._hosts[action.host])
            return
        if stay is None or not is_here:
            return
        self.note(stay.name, f"does: {action.deed}")
        self._do(stay, action)

    def _do(self, stay: Stay, action: ac.Action) -> None:
        match action.deed:
            case "leave":
                self._leave(stay)
            case "publish audio":
                self._publish(stay, "audio")
            case "publish video":
                self._publish(stay, "video")
            case "publish data":
                self._publish(stay, "data")
            case "unpublish":
                if track := _pick(stay, action.choice, "audio", "video", "data"):
                    del stay.tracks[track.name]
                    self.unpublished.add(track.name)
                    stay.guest.session.post(cmd.Unpublish(track.name))
            case "mute" | "unmute":
                if track := _pick(stay, action.choice, "audio", "video"):
                    track.enabled = action.deed == "unmute"
                    stay.guest.session.post(cmd.SetEnabled(track.name, track.enabled))
            case "send":
                if track := _pick(stay, action.choice, "data"):
                    self._send(stay, track, 1 + action.choice)
            case _:
                stay.model.agree(stay.guest.session.snapshot())

    def _join(self, host: Host) -> None:
        stay = Stay(f"{host.name}{sum(one.host is host for one in self.stays) + 1}", host, self.now)
        self.stays.append(stay)
        self._current[host.name] = stay
        self.note(stay.name, "joins")
        house = self.house

        def mint() -> str:
            stay.token_expires_at = self.now + host.ttl
            return house.token(host.name, ROOM, host.ttl)

        held = mint()

        async def give() -> str:
            return mint() if host.renews else held

        sources = [self._new_track(stay, kind) for kind in host.tracks]

        def configure(config: JoinConfig) -> JoinConfig:
            return replace(
                config,
                # A message a second takes its time, so not in every play.
                signaling=replace(config.signaling, token=give, network_quality=self.script.seed % 5 == 0),
                media=[NamedSource(t.name, ac.Ticker(t.kind)) for t in sources if t.kind != "data"],
                data=[cmd.PublishData(track.name) for track in sources if track.kind == "data"],
            )

        def come() -> Guest:
            return house.join(
                host.name, ROOM, held, configure, lambda occurrence: self._heard(stay, occurrence)
            )

        def look() -> Snapshot:
            return stay.guest.session.snapshot()

        stay.model = EventModel(lambda complaint: self.complain(stay.name, complaint), look)
        stay.guest = _context(stay).run(come)
        stay.guest.staying.add_done_callback(lambda task: self._ended(stay, task))

    def _new_track(self, stay: Stay, kind: TrackKind) -> Track:
        stay.numbers += 1
        track = Track(f"{stay.name}-{kind}{stay.numbers}", kind)
        stay.tracks[track.name] = track
        return track

    def _publish(self, stay: Stay, kind: TrackKind) -> None:
        if len(stay.tracks) >= 6:
            return
        track = self._new_track(stay, kind)
        if kind == "data":
            stay.guest.session.post(cmd.PublishData(track.name))
        else:
            stay.guest.session.post(cmd.PublishMedia(ac.Ticker(kind), track.name))

    def _send(self, stay: Stay, track: Track, count: int) -> None:
        for _ in range(count):
            stay.guest.session.post(cmd.SendMessage(f"{track.name}:{track.sent}", track.name))
            track.sent += 1

    def _leave(self, stay: Stay) -> None:
        stay.left_at = self.now
        stay.guest.session.post(cmd.Disconnect())

    # What is seen of them.

    def _has_dead_media(self, stay: Stay) -> bool:
        """Whether a path that counts as alive there carries nothing, or one is not up yet."""
        media = self.house.media
        return any(
            peer.ice_state is IceState.CHECKING
            or (peer.ice_state is IceState.CONNECTED and not media.carries(peer))
            for peer in media.peers
            if peer.host == stay.host.name and not peer.is_closed
        )

    def _heard(self, stay: Stay, occurrence: ev.Occurrence) -> None:
        event = occurrence.event
        line = event_words(event)
        stay.lines.append(f"{self.now:10.3f} {line}")
        self.note(stay.name, line)
        if abs((occurrence.time - START).total_seconds() - self.now) > 0.001:
            self.complain(stay.name, f"an event of another time: {occurrence.time}")
        if isinstance(event, ev.Reconnecting):
            stay.reconnecting.append((self.now, event.error.code or 0))
        if isinstance(event, ev.Connected | ev.Reconnecting | ev.Reconnected | ev.Disconnected):
            stay.states.append((self.now, type(event).__name__))
        if isinstance(event, ev.Reconnected) and self._has_dead_media(stay):
            self.complain(stay.name, "Reconnected, but media is dead")
        if isinstance(event, ev.LocalParticipantReconnecting | ev.LocalParticipantReconnected):
            stay.signaling_changed_at = self.now
            stay.has_signaling = isinstance(event, ev.LocalParticipantReconnected)
        if isinstance(event, ev.Error) and self._is_gone(stay.sid):
            return  # The server has closed our media; the news of our end is on its way.
        stay.model.take(event, occurrence.room, self.now)
        if not stay.check_due:
            stay.check_due = True
            self._loop.call_soon(self._after_batch, stay)

    def _after_batch(self, stay: Stay) -> None:
        """Once the events of one moment have all been told."""
        stay.check_due = False
        stay.batches += 1
        if stay.batches % 4 == 1:
            stay.model.agree(stay.guest.session.snapshot())
        ended, stay.model.ended_tracks = stay.model.ended_tracks, []
        if stay.model.state == "disconnected":
            return
        for sid, name in ended:
            if name not in self.unpublished and not self._is_gone(sid) and not self._is_gone(stay.sid):
                self.complain(stay.name, f"{name} ended, although nobody ended it")

    def _is_gone(self, sid: str | None) -> bool:
        return self.epoch is None or sid not in self.epoch.model.participants

    def _ended(self, stay: Stay, task: asyncio.Task[VideoError | None]) -> None:
        stay.ended_at = self.now
        if task.exception() is not None:
            self.complain(stay.name, f"the session raised {task.exception()!r}")
            return
        stay.reason = task.result()
        self.note(stay.name, f"ended: {stay.reason}")
        if stay.model.state != "disconnected":
            self.complain(stay.name, "ended without Disconnected")
        if stay.left_at is not None and self.now > stay.left_at + LEAVING_SECONDS:
            self.complain(stay.name, f"leaving took {self.now - stay.left_at:.3f} s")
        stay.model.agree(stay.guest.session.snapshot())
        self._nothing_is_left_of(stay)

    def _nothing_is_left_of(self, stay: Stay) -> None:
        tasks = [task for task in stay.tasks if not task.done() and task is not stay.guest.staying]
        if tasks:
            self.complain(stay.name, f"tasks left: {[task.get_coro() for task in tasks]}")
        timers = [
            handle
            for handle in self._loop._scheduled  # type: ignore[attr-defined]  # asyncio offers no other way
            if not handle.cancelled() and handle._context.get(OWNER) is stay and not _is_of_network(handle)
        ]
        if timers:
            self.complain(stay.name, f"timers left: {timers}")
        if any(link.to_client.end is None for link in stay.links):
            self.complain(stay.name, "a connection left open")
        for peer in self.house.media.peers:
            if peer.made_in.get(OWNER) is stay and not peer.is_closed:
                self.complain(stay.name, f"peer connection {peer.id} left open")

    def _make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=loop, **kwargs)
        owner = (kwargs.get("context") or contextvars.copy_context()).get(OWNER)
        if isinstance(owner, Stay):
            owner.tasks.add(task)
            task.add_done_callback(owner.tasks.discard)
        return task

    def _said(self, link: Link, end: End, text: str) -> None:
        stay = link.dialed_in.get(OWNER)
        if not isinstance(stay, Stay):
            return
        if not stay.links or stay.links[-1] is not link:
            stay.links.append(link)
        if end == "server" and ('"type":"connected"' in text or '"type":"synced"' in text):
            body = json.loads(text)["body"]
            stay.sessions.append((self.now, link))
            if self.now > stay.token_expires_at:
                self.complain(stay.name, f"let in, but its token expired at {stay.token_expires_at:.3f}")
            stay.sid = body["participant"]["sid"]
            stay.epoch = self.epochs[-1].number

    def _data_came(self, peer: FakePeer, message: DataMessage) -> None:
        stay = peer.made_in.get(OWNER)
        is_verdict = str(message.data).startswith("{")
        if isinstance(stay, Stay) and not is_verdict:
            name, _, number = str(message.data).rpartition(":")
            stay.arrived.setdefault(name, []).append(int(number))

    # What must be true while it runs, and in the end.

    async def _watch(self) -> None:
        """Every second: who is out of trouble sees what the server says."""
        while True:
            await asyncio.sleep(1.0)
            for stay in self.stays:
                complaint = complaint_about_patience(self, stay)
                if complaint is not None:
                    self.complain(stay.name, complaint)
                was_dead, stay.is_media_dead = stay.is_media_dead, self._is_media_dead(stay)
                if was_dead and stay.is_media_dead and stay.model.state == "connected":
                    self.complain(stay.name, "is connected, but its media is dead")
            epoch = self.epoch
            if epoch is None or self.now - epoch.model.changed_at < TOLD_SECONDS:
                continue
            for stay in self.stays:
                if (
                    stay.sid in epoch.model.participants
                    and stay.model.state == "connected"
                    and self.is_calm(stay)
                ):
                    self._compare(stay, epoch, with_subscriptions=False)

    def _is_media_dead(self, stay: Stay) -> bool:
        return stay.ended_at is None and any(
            peer.ice_state is IceState.FAILED and peer.made_in.get(OWNER) is stay and not peer.is_closed
            for peer in self.house.media.peers
        )

    def is_calm(self, stay: Stay) -> bool:
        """Whether no fault has hit it for a while."""
        since = self.now - CALM_AFTER_SECONDS
        return stay.left_at is None and not any(
            fault.hits(stay.host.name) and fault.at <= self.now and fault.until > since
            for fault in self.script.faults
        )

    def _compare(self, stay: Stay, epoch: Epoch, with_subscriptions: bool) -> None:
        told = {sid: view_of(other) for sid, other in stay.model.others.items()}
        true = {sid: server_view(other) for sid, other in epoch.model.participants.items() if sid != stay.sid}
        if not with_subscriptions:
            told = {sid: without_subscriptions(view) for sid, view in told.items()}
            true = {sid: without_subscriptions(view) for sid, view in true.items()}
        for sid in dict.fromkeys((*told, *true)):
            if told.get(sid) != true.get(sid):
                self.complain(stay.name, f"sees {told.get(sid)}, but the server says {true.get(sid)}")

    async def _look_at_all(self) -> None:
        """All is well again: everybody sees the same, and what is sent arrives."""
        epoch = self.epoch
        here = [stay for stay in self.stays if stay.ended_at is None]
        if epoch is None:
            self.complain("play", "no server")
            return
        for sid, participant in epoch.model.participants.items():
            if not any(stay.sid == sid for stay in here):
                self.complain("server", f"{participant.identity} is still there, but has ended")
        for stay in here:
            if stay.model.state != "connected" or stay.sid not in epoch.model.participants:
                self.complain(stay.name, f"is still {stay.model.state} after {CALM_SECONDS} s")
                return
            own = epoch.model.participants[stay.sid]
            if own.state != "connected":
                self.complain(stay.name, f"the server says it is {own.state}")
            published = {track.name: track.enabled for track in own.tracks}
            wanted = {track.name: track.enabled for track in stay.tracks.values()}
            if published != wanted:
                self.complain(stay.name, f"publishes {wanted}, but the server has {published}")
            self._compare(stay, epoch, with_subscriptions=True)
            stay.model.agree(stay.guest.session.snapshot())
            if set(stay.model.local_sids) - self.unpublished < set(stay.tracks):
                self.complain(stay.name, f"wanted {set(stay.tracks)}, told {stay.model.local_sids}")
        for stay in here:
            stay.guest.session.post(cmd.ReportStats())
        await asyncio.sleep(0.1)
        before = {stay.name: stay.model.packets for stay in here}
        for stay in here:
            for track in stay.tracks.values():
                if track.kind == "data":
                    self._send(stay, track, 2)
        await asyncio.sleep(LAST_WORDS_SECONDS)
        for stay in here:
            stay.guest.session.post(cmd.ReportStats())
        await asyncio.sleep(0.1)
        for stay in here:
            for other in here:
                for track in other.tracks.values() if other is not stay else ():
                    self._arrives(stay, track, before[stay.name], stay.model.packets)

    def _arrives(self, stay: Stay, track: Track, before: dict[str, int], after: dict[str, int]) -> None:
        if track.kind == "data":
            heard = stay.model.heard.get(track.name, [])
            if heard[-2:] != [track.sent - 2, track.sent - 1]:
                self.complain(stay.name, f"heard {heard} on {track.name}; {track.sent} were sent")
            if heard != stay.arrived.get(track.name):
                self.complain(stay.name, f"{stay.arrived.get(track.name)} came on {track.name}, told {heard}")
        elif track.enabled and after.get(track.name, 0) <= before.get(track.name, 0):
            self.complain(stay.name, f"{track.name} does not flow")

    async def _everybody_leaves(self) -> None:
        here = [stay for stay in self.stays if stay.ended_at is None]
        for stay in here:
            self._leave(stay)
        await asyncio.sleep(LEAVING_SECONDS)
        for stay in here:
            if stay.ended_at is None:
                self.complain(stay.name, "does not end")
                stay.guest.staying.cancel()
        if self.epoch is not None and self.epoch.model.participants:
            names = [one.identity for one in self.epoch.model.participants.values()]
            self.complain("server", f"everybody has left, but {names} are still there")

    def _nothing_is_left(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            self.complain("play", f"tasks left: {[task.get_coro() for task in left]}")
        timers = [
            handle
            for handle in self._loop._scheduled  # type: ignore[attr-defined]  # asyncio offers no other way
            if not handle.cancelled() and not _is_of_network(handle)
        ]
        if timers:
            self.complain("play", f"timers left: {timers}")
        if any(not peer.is_closed for peer in self.house.media.peers):
            self.complain("play", "a peer connection left open")
        if any(None in (link.to_client.end, link.to_server.end) for link in self.house.signaling.history):
            self.complain("play", "a connection left open")

    def _judge(self) -> None:
        """What can only be said when all is known."""
        for stay in self.stays:
            complaint = complaint_about_end(self, stay)
            if complaint is not None:
                self.complain(stay.name, complaint)
            for complaint in (
                *complaints_about_windows(self, stay),
                *complaints_about_reconnecting(self, stay),
            ):
                self.complain(stay.name, complaint)

    async def _sleep_until(self, at: float) -> None:
        if at > self.now:
            await asyncio.sleep(at - self.now)


def _context(owner: object) -> contextvars.Context:
    context = contextvars.copy_context()
    context.run(OWNER.set, owner)
    return context


def _is_of_network(handle: asyncio.TimerHandle) -> bool:
    return getattr(handle._callback, "__name__", "") == "pump"  # type: ignore[attr-defined]  # as above


def _pick(stay: Stay, choice: int, *kinds: TrackKind) -> Track | None:
    tracks = [track for track in stay.tracks.values() if track.kind in kinds]
    return tracks[choice % len(tracks)] if tracks else None
