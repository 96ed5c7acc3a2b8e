"""The command ``tc``."""

from __future__ import annotations

import gc
import signal
import sys

#: new objects after which Python looks for unused cycles. Runs are short and leave
#: few; at its own 700 a fifth of a run's CPU goes into looking.
_COLLECT_AFTER = 200_000


def main() -> None:
    """Runs the command line; the version is told before anything else is loaded."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from tc import __version__

        sys.stdout.write(f"tc {__version__}\n")
        return
    gc.set_threshold(_COLLECT_AFTER)
    _interrupted_by_any_end()
    from tc.cli.app import run

    code = run(sys.argv[1:])
    gc.freeze()  # the process ends: nothing is left to look for
    sys.exit(code)


def _interrupted_by_any_end() -> None:
    """Being killed and losing the terminal are interrupts as Ctrl-C is: what runs is ended,
    what is done is told. What nohup has switched off stays off."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


if __name__ == "__main__":
    main()
