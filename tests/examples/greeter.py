"""Greets everyone who comes, by data message."""

import asyncio
from contextlib import suppress

import videocli
from videocli import events


async def bot(room: videocli.Room) -> None:
    """Greet until the room ends."""
    async for event in room:
        match event:
            case events.ParticipantConnected(participant):
                room.send(f"hello {participant.identity}")
            case events.TrackMessage(participant, data="bye"):
                room.send(f"see you, {participant.identity}")


async def main() -> None:
    """Join, and greet."""
    token = videocli.mint_token("greeter", "my-room")
    async with videocli.connect(token, "my-room", data="greetings") as room:
        await bot(room)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
