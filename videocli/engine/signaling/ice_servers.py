"""Asks a room server for STUN and TURN servers, on a connection of its own.

Credentials for TURN run out, and a session gets them only once, when it begins: *iced* while connected is not
listened to (twilio-video.js, lib/signaling/v2/twilioconnectiontransport.js). So whoever needs fresh ones asks
as a newcomer would, and leaves without joining.
"""

import asyncio
from collections.abc import Callable

from videocli.driver import Driver
from videocli.media.peer import IceServer
from videocli.outside import Dial
from videocli.protocol import rsp
from videocli.protocol.fields import ProtocolError
from videocli.protocol.rsp_codec import encode, parse_server_message
from videocli.protocol.tcmp import Body, BodyReceived, TcmpEvent
from videocli.protocol.tcmp_client import TcmpClient


async def ask_ice_servers(
    dial: Dial, url: str, token: str, new_id: Callable[[], str]
) -> tuple[IceServer, ...] | None:
    """The servers that the room server names now; None: it says something else, or hangs up.

    Raises `DialError`. The caller sets the time limit.
    """
    loop = asyncio.get_running_loop()
    answers: list[Body] = []

    def hear(event: TcmpEvent) -> None:
        if isinstance(event, BodyReceived):
            answers.append(event.body)
            core.close(loop.time())

    transport = await dial(url)
    core = TcmpClient(loop.time(), new_id, encode(rsp.IceRequest(token)))
    await Driver(core, transport, hear).run()
    try:
        answer = parse_server_message(answers[0]) if answers else None
    except ProtocolError:
        return None
    if not isinstance(answer, rsp.Iced):
        return None
    return tuple(IceServer(server.urls, server.username, server.credential) for server in answer.ice_servers)
