"""What can go wrong with one track while the room goes on, in words."""

from videocli.engine.publishing import MAX_MESSAGE_BYTES
from videocli.errors import SourceError, TrackError
from videocli.media.messages import MAX_UNSENT_BYTES, MAX_UNSENT_MESSAGES
from videocli.media.peer import NotSent


def no_such_track(reference: str) -> TrackError:
    """Somebody named a track of ours that there is not."""
    return TrackError(
        name="NoSuchTrack",
        message=f"We publish no such track: {reference}",
        explanation="Name it by SID, by name, or by kind: audio, video or data.",
    )


def published_twice() -> SourceError:
    """Somebody publishes a source that is a track's already; that track goes on."""
    return SourceError(
        message="A source cannot be published twice", explanation="Make a source for each track."
    )


def message_not_sent(track: str, size: int, reason: NotSent) -> TrackError:
    """A message of `size` bytes was not queued; the messages before it were, and stay so."""
    match reason:
        case NotSent.TOO_LARGE:
            return TrackError(
                name="MessageTooLarge",
                message=f"A message of {size} bytes is too large for data track {track}",
                explanation=f"A message has at most {MAX_MESSAGE_BYTES} bytes, as with twilio-video.js. "
                "Send it in parts.",
            )
        case NotSent.FULL:
            return TrackError(
                name="DataTrackFull",
                message=f"The message was not sent: too much waits on data track {track} already",
                explanation="The network or the server takes less than is sent. At most "
                f"{MAX_UNSENT_BYTES} bytes or {MAX_UNSENT_MESSAGES} messages wait, and none of those is "
                "lost. Send this one again later.",
            )
        case NotSent.CLOSED:
            return TrackError(
                name="DataTrackClosed",
                message=f"The message was not sent: data track {track} is closed",
                explanation="The server ended its media connection. Publish the track anew.",
            )


def messages_lost(track: str, size: int) -> TrackError:
    """A peer connection ended with messages in its queue."""
    return TrackError(
        name="MessagesLost",
        message=f"At least {size} bytes of messages on data track {track} were never sent",
        explanation="The server replaced the media connection that they waited for. Send them again.",
    )
