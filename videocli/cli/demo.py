"""`videocli demo`."""


def demo() -> int:
    """See a room at once: a server, a bot with picture and sound, and you.

    Needs no account, no camera and no network. On a terminal you see the room ('q' leaves); without one it
    prints lines and leaves by itself after 10 seconds.

    \b
    videocli demo
    """
    from videocli.cli import demo_room, wiring
    from videocli.cli.leaving import leavable

    outside = wiring.real_outside()
    return wiring.run(leavable(lambda departure: demo_room.show_demo(outside, departure)))
