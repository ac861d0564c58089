"""RSP messages as JSON: the dataclasses of `rsp.py` to and from the `body` of a TCMP message.

Reading is strict about what is needed and lenient about what servers and SDKs were seen to leave out or to do
their own way (rsp.md, production-facts.md): members that nobody asked for and `version` do not matter. What a
client sends is judged harder than what a server sends, since a server reads it from strangers.
"""

from videocli.protocol.rsp import (
    ClientMessage,
    ClientUpdate,
    Connect,
    Disconnect,
    IceRequest,
    ServerMessage,
    Sync,
)
from videocli.protocol.rsp_client_json import encode_client_message, parse_client_message
from videocli.protocol.rsp_peer_json import Json
from videocli.protocol.rsp_server_json import encode_server_message, parse_server_message

__all__ = ["Json", "encode", "parse_client_message", "parse_server_message"]


def encode(message: ClientMessage | ServerMessage) -> Json:
    """The message as the SDK, or the production server, would say it."""
    match message:
        case IceRequest() | Connect() | ClientUpdate() | Sync() | Disconnect():
            return encode_client_message(message)
        case _:
            return encode_server_message(message)
