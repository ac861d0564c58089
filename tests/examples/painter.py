"""Publishes a picture made in code: a grey that goes from black to white and begins again."""

import asyncio
from contextlib import suppress
from itertools import count

import videocli

WIDTH, HEIGHT = 320, 180


async def bot(room: videocli.Room) -> None:
    """Paint until the room ends."""
    canvas = videocli.VideoSource(frame_rate=15, size=(WIDTH, HEIGHT))
    await room.publish_video(canvas, "grey")
    for number in count():
        luma = bytes([16 + number % 220]) * (WIDTH * HEIGHT)
        await canvas.write(luma + bytes([128]) * (WIDTH * HEIGHT // 2))  # waits until it is due


async def main() -> None:
    """Join, and paint."""
    async with videocli.connect(videocli.mint_token("painter", "my-room"), "my-room") as room:
        await bot(room)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
