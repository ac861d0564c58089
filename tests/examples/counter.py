"""Counts what comes of every track, and looks at the pictures of a video track."""

import asyncio
from contextlib import suppress

import videocli
from videocli import events


async def count(room: videocli.Room, track: events.Track) -> None:
    """Count a track's frames, as they are: nothing is decoded."""
    frames = size = 0
    with room.frames(track) as received:
        async for frame in received:
            frames, size = frames + 1, size + len(frame.data)
    print(f"{track.name}: {frames} frames, {size} bytes, {received.dropped} dropped")


async def look(room: videocli.Room, track: events.Track) -> None:
    """Look at one picture."""
    with room.pictures(track) as pictures:
        async for picture in pictures:
            print(f"{track.name}: {picture.width}x{picture.height}, luma {bytes(picture.planes[0])[0]}")
            break


async def bot(room: videocli.Room) -> None:
    """Count until the room ends."""
    async with asyncio.TaskGroup() as tasks:
        async for event in room:
            match event:
                case events.TrackSubscribed(track=track) if track.kind != "data":
                    tasks.create_task(count(room, track))
                    if track.kind == "video":
                        tasks.create_task(look(room, track))


async def main() -> None:
    """Join, and count for a minute."""
    async with videocli.connect(videocli.mint_token("counter", "my-room"), "my-room") as room:
        asyncio.get_running_loop().call_later(60, room.leave)
        await bot(room)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
