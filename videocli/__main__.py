"""`python -m videocli`, and the program `videocli`."""

import gc
import signal


def main() -> None:
    """Run videocli as a process.

    Ctrl-C while the modules load ends it without a word, as SIGTERM does: nothing is begun that would have to
    be undone, and a traceback helps nobody.

    Nothing that they leave is garbage, so nobody looks for any until a command begins to run (`wiring.run`):
    that is a tenth of the start.
    """
    gc.disable()
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from videocli.cli import app

    signal.signal(signal.SIGINT, before)
    app.main()


if __name__ == "__main__":
    main()
