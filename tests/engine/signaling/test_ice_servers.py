"""Fresh ICE servers come over a connection of their own, and never cost the session anything."""

import asyncio

import pytest

from tests.engine.signaling.server import Act, Socket, let_in_and_stay
from tests.engine.signaling.test_rsp_backend import Stage, play
from videocli.engine import reports as rp
from videocli.engine.signaling.rsp_backend import GRACE_SECONDS
from videocli.media.peer import IceServer
from videocli.protocol.tcmp import Bye

TURN = {"urls": "turn:t.example:3478", "username": "u", "credential": "old"}
FRESH = {**TURN, "credential": "new"}


async def let_in_with_turn(socket: Socket) -> None:
    await socket.let_in(TURN)
    await socket.stay()


async def name_fresh_ones(socket: Socket) -> None:
    asked = await socket.welcome()
    assert (asked["type"], asked["token"]) == ("ice", "fresh")
    await socket.say({"type": "iced", "version": 1, "ice_servers": [FRESH]})
    assert isinstance(await socket.hear(), Bye)


async def refuse(socket: Socket) -> None:
    await socket.welcome()
    await socket.say({"type": "error", "code": 20104, "message": "expired"})
    await socket.hear()


async def say_nonsense(socket: Socket) -> None:
    await socket.welcome()
    await socket.say({"type": "iced", "ice_servers": 7})
    await socket.hear()


async def say_nothing(socket: Socket) -> None:
    await socket.hear()
    await socket.hear()


def test_fresh_servers_are_asked_for_with_a_fresh_token_and_the_session_goes_on() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.held = "fresh"
        stage.backend.renew_ice_servers()
        renewed = await stage.until(rp.IceServersRenewed)
        assert renewed.servers == (IceServer(("turn:t.example:3478",), "u", "new"),)
        stage.backend.leave()

    stage = play(lambda: Stage(let_in_with_turn, name_fresh_ones), act)
    assert stage.kinds()[-1] == "SignalingEnded"
    assert "SignalingLost" not in stage.kinds()


def test_a_server_that_gave_none_is_not_asked_again() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.backend.renew_ice_servers()
        stage.backend.leave()

    stage = play(lambda: Stage(let_in_and_stay), act)
    assert len(stage.server.sockets) == 1


@pytest.mark.parametrize("answer", [refuse, say_nonsense, say_nothing])
def test_whoever_does_not_answer_changes_nothing(answer: Act) -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.backend.renew_ice_servers()
        await asyncio.sleep(60.0)
        stage.backend.leave()

    stage = play(lambda: Stage(let_in_with_turn, answer), act)
    assert "IceServersRenewed" not in stage.kinds()
    assert stage.ended is None


def test_leaving_does_not_wait_for_them() -> None:
    async def act(stage: Stage) -> None:
        await stage.until(rp.Joined)
        stage.backend.renew_ice_servers()
        left_at = asyncio.get_running_loop().time()
        stage.backend.leave()
        await stage.running
        assert asyncio.get_running_loop().time() - left_at <= GRACE_SECONDS

    play(lambda: Stage(let_in_with_turn, say_nothing), act)
