"""The command ``tc``."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line; the version is told before anything else is loaded."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from tc import __version__

        sys.stdout.write(f"tc {__version__}\n")
        return
    from tc.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
