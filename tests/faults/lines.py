"""What a bot says, line by line: when, how often, how much media."""

from datetime import datetime

from tests.sdk.programs import Line, Program

TRACK_ENDS = ("trackUnsubscribed", "trackUnpublished")


def happened(line: Line) -> float:
    """When the event happened, by the program itself, in milliseconds since the epoch."""
    return datetime.fromisoformat(line.fields["time"]).timestamp() * 1000


def seconds(start: float, end: float) -> float:
    """Between two times in milliseconds."""
    return (end - start) / 1000


def names(program: Program) -> list[str]:
    """Of all events so far."""
    return [line.event for line in program.events]


def outages(program: Program) -> tuple[int, int]:
    """How often it said `reconnecting`, and `reconnected`."""
    return names(program).count("reconnecting"), names(program).count("reconnected")


def account(program: Program, start: float) -> list[str]:
    """Its outages, with seconds since the start, for the message of a failing test."""
    lines = [line for line in program.events if line.event.startswith("reconnect")]
    return [
        f"{seconds(start, happened(line)):.2f} {line.event} {line.fields.get('error', {}).get('code', '')}"
        for line in lines
    ]


def code_of(line: Line) -> int:
    """Of the error it carries."""
    code: int = line.fields["error"]["code"]
    return code


def received_frames(line: Line, identity: str) -> int:
    """Frames of its video, by a `stats` event."""
    return sum(
        row["frames"] or 0
        for row in line.fields["stats"]
        if row["direction"] == "received"
        and (row["participant"]["identity"], row["track"]["kind"]) == (identity, "video")
    )


async def frames_again(program: Program, identity: str, after: float, more: int = 1) -> Line:
    """The first `stats` after that time with more of its video than the one before had."""
    before = await program.wait_event("stats", after=after)
    enough = received_frames(before, identity) + more
    return await program.wait_event(
        "stats", lambda line: received_frames(line, identity) >= enough, after=after
    )
