"""`python -m videocli`, and the program `videocli`."""

import signal


def main() -> None:
    """Run videocli as a process.

    Ctrl-C while the modules load ends it without a word, as SIGTERM does: nothing is begun that would have to
    be undone, and a traceback helps nobody.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from videocli.cli import app

    signal.signal(signal.SIGINT, before)
    app.main()


if __name__ == "__main__":
    main()
