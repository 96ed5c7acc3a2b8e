"""Shows tc at work: topologies/quickstart becomes a sandbox on this machine and is used.

Every step is a real command or a real HTTP request, its answer is checked, and
the sandbox is left running. Exits with 1 and the reason when an answer is wrong.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
TOPOLOGY = ROOT / "topologies" / "quickstart"
TC = ROOT / ".venv" / "bin" / "tc"
WHERE = "-s demo -e local"
#: seconds until the flow that an event started must have ended
PATIENCE = 20.0


def main() -> int:
    begun = time.monotonic()
    order = {
        "at": time.strftime("%H:%M:%S") + f".{time.time_ns() % 10**9 // 10**6:03d}",
        "items": [{"sku": "tea", "price": 4.5, "quantity": 2}],
    }
    written = json.dumps(order)
    print("$ cd topologies/quickstart")
    url = create()
    title("The route, over HTTP")
    number = call(url, order)
    title("The event, which starts the flow")
    send(written, number)
    title("The flow: enhance, transform, load")
    run(written, number)
    end(url, time.monotonic() - begun)
    return 0


def create() -> str:
    """Makes the sandbox; returns the address of its route."""
    output = tc(f"create {WHERE}")
    found = re.search(r"Route POST (\S+/orders)\s*$", output, re.MULTILINE)
    if found is None:
        fail("tc create told no address for the route /orders.")
    return found.group(1)


def call(url: str, order: dict[str, Any]) -> str:
    """Sends the order to the route; returns the id that it got."""
    body = json.dumps(order)
    print(f"$ curl --json {shlex.quote(body)} {shlex.quote(url)}")
    # a proxy of this machine has no business between two of its processes
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Content-Type": "application/json"}
    try:
        with direct.open(urllib.request.Request(url, body.encode(), headers), timeout=30) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        fail(f"The route answered {error.code}: {error.read().decode(errors='replace')[:500]}")
    except OSError as error:
        fail(f"The route does not answer: {error}")
    print(text)
    enhanced = parsed(text)
    if not isinstance(enhanced, dict) or enhanced.get("items") != order["items"]:
        fail("That is not the order with an id.")
    return str(enhanced.get("id"))


def send(written: str, number: str) -> None:
    """Sends the order as an event; the flow's last function must log it."""
    tc(f"invoke {WHERE} -c events/OrderPlaced -p {shlex.quote(written)}")
    logs = f"logs {WHERE} -c loader --since 1m"
    expected = f"order {number} loaded, total 9.0"
    until = time.monotonic() + PATIENCE
    while True:
        output = ask(logs)
        line = next((line for line in output.splitlines() if expected in line), "")
        if line:
            print(f"$ tc {logs} | grep {number}\n{line}")
            return
        if time.monotonic() > until:
            print(output)
            fail(f"The flow has not logged `{expected}` {PATIENCE:.0f} s after the event.")
        time.sleep(0.3)


def run(written: str, number: str) -> None:
    """Runs the flow to its end."""
    output = tc(f"invoke {WHERE} --sync -p {shlex.quote(written)}")
    if parsed(output[output.find("{") :]) != {"status": "loaded", "id": number, "total": 9.0}:
        fail("That is not what the flow ends with.")


def end(url: str, seconds: float) -> None:
    print(f"\nAll answers are right ({seconds:.1f} s). The sandbox keeps running.")
    print("  try     ", f"curl --json @topologies/quickstart/order.json {shlex.quote(url)}")
    print("  look    ", f".venv/bin/tc list --service quickstart {WHERE}")
    print("  remove  ", f".venv/bin/tc delete --service quickstart {WHERE}")


def title(text: str) -> None:
    print(f"\n# {text}", flush=True)


def tc(arguments: str) -> str:
    """Runs and shows ``tc arguments``, its output as it comes; returns standard output.

    What goes to stderr (the states of a flow) is shown where it belongs, in between.
    """
    print(f"$ tc {arguments}", flush=True)
    with subprocess.Popen(
        [str(TC), *shlex.split(arguments)],
        cwd=TOPOLOGY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        fail(f"tc {arguments.split()[0]} ended with {process.returncode}.")
    return "".join(lines)


def ask(arguments: str) -> str:
    """Standard output of ``tc arguments``, run silently."""
    ended = subprocess.run(
        [str(TC), *shlex.split(arguments)],
        cwd=TOPOLOGY,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        print(ended.stdout + ended.stderr)
        fail(f"tc {arguments.split()[0]} ended with {ended.returncode}.")
    return ended.stdout


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def fail(reason: str) -> NoReturn:
    print(f"\nThe demo failed. {reason}", file=sys.stderr)
    print("  next: .venv/bin/tc local status, which names the engine's log", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
