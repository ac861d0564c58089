"""What explains a gap."""

from videocli.media.sinks.causes import Cause, Troubles


def test_the_longest_trouble_of_that_time_explains_it() -> None:
    troubles = Troubles()
    troubles.begin(Cause.MUTE, "MT1", 0.0)
    troubles.end(Cause.MUTE, "MT1", 11.0)
    troubles.begin(Cause.MEDIA_OUTAGE, None, 12.0)
    assert troubles.explain(10.0, 20.0, ("MT1",), Cause.LOSS) is Cause.MEDIA_OUTAGE
    assert troubles.explain(5.0, 12.5, ("MT1",), Cause.LOSS) is Cause.MUTE


def test_troubles_of_others_explain_nothing() -> None:
    troubles = Troubles()
    troubles.begin(Cause.MUTE, "MT2", 0.0)
    assert troubles.explain(1.0, 2.0, ("MT1", "PA1"), Cause.LOSS) is Cause.LOSS
    assert troubles.explain(1.0, 2.0, ("MT1", "MT2"), Cause.LOSS) is Cause.MUTE


def test_what_was_over_before_explains_nothing() -> None:
    troubles = Troubles()
    troubles.begin(Cause.SIGNALING_OUTAGE, None, 0.0)
    troubles.end(Cause.SIGNALING_OUTAGE, None, 1.0)
    assert troubles.explain(1.0, 2.0, (), Cause.NOTHING_CAME) is Cause.NOTHING_CAME
