"""``python -m bench.offline FILE ARGUMENT…``: runs tc and notes each use of the network.

Writes Python's own audit events about sockets to FILE, one a line: a name looked
up, an address connected or bound, a datagram sent.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tc.cli.app import run

_USES = {
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.sendmsg",
    "socket.sendto",
}


def main(file: Path, arguments: list[str]) -> int:
    used: list[str] = []

    def note(event: str, details: tuple[object, ...]) -> None:
        if event in _USES:
            used.append(f"{event} {details[1:]}")

    sys.addaudithook(note)
    code = run(arguments)
    file.write_text("\n".join(used))
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
