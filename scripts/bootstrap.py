"""Makes .venv with what tc needs, or finds that there is nothing to do.

``python3 scripts/bootstrap.py runtime`` for running tc, ``dev`` for its tests
and linters as well. Needs Python's standard library and a package index, or a
directory of wheels (PIP_FIND_LINKS); neither pip nor python3-venv. Versions
and hashes come from requirements/, addresses and certificates from pip's and
uv's own settings. A set-up that was interrupted is made again from the start.
"""

from __future__ import annotations

import os
import sys

OLDEST = (3, 11)


def newer_python() -> str:
    """A Python on PATH that is new enough, the newest first; empty when there is none."""
    import shutil

    found = (shutil.which("python3.%d" % minor) for minor in range(14, OLDEST[1] - 1, -1))
    return next((path for path in found if path), "")


if sys.version_info < OLDEST:
    if newer_python():
        os.execv(newer_python(), [newer_python(), "-I", "-S", *sys.argv])
    sys.exit(
        "tc needs Python 3.11 or newer, and python3 is %d.%d.\n" % sys.version_info[:2]
        + "  next: install one, then make PYTHON=/path/to/python3"
    )

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
#: there while a set-up runs; one that is still there was interrupted
UNFINISHED = VENV / ".unfinished"
LEVELS = ("runtime", "dev")
REQUIREMENTS = ROOT / "requirements"
#: uv older than this lacks options that are used here
OLDEST_UV = (0, 8)
DEADLINE = 900


class Failed(Exception):
    """What went wrong, one sentence, and the way out."""

    def __init__(self, sentence: str, hint: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint
        self.detail = detail


def main() -> int:
    level = sys.argv[1] if len(sys.argv) > 1 else "dev"
    if level not in LEVELS:
        sys.exit(f"usage: bootstrap.py [{'|'.join(LEVELS)}]")
    if ready(level):
        return 0
    try:
        with_lock(level)
    except Failed as failed:
        tell("\n")
        print(f"Setting up .venv failed. {failed}", file=sys.stderr)
        if failed.detail:
            print(failed.detail, file=sys.stderr)
        print(f"  next: {failed.hint}", file=sys.stderr)
        return 1
    except OSError as error:
        tell("\n")
        print(f"Setting up .venv failed. {error.strerror}: {error.filename}", file=sys.stderr)
        print("  next: make room or give yourself the right to write there", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run it again to set up .venv.", file=sys.stderr)
        return 130
    return 0


def stamp(level: str) -> Path:
    return VENV / f".ready-{level}"


def digest(level: str) -> str:
    """Of everything that the environment follows from."""
    content = hashlib.sha256(f"{sys.version}\n{ROOT}".encode())
    for file in (Path(__file__), ROOT / "pyproject.toml", *inputs(level)):
        content.update(file.read_bytes())
    return content.hexdigest()


def inputs(level: str) -> list[Path]:
    return [REQUIREMENTS / "build.txt", REQUIREMENTS / f"{level}.txt"]


def ready(level: str) -> bool:
    """Whether .venv already has `level`, which dev has too if it is runtime."""
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    return any(
        stamp(known).is_file() and stamp(known).read_text() == digest(known)
        for known in LEVELS[LEVELS.index(level) :]
    )


def with_lock(level: str) -> None:
    """Sets up while no other set-up runs in this checkout.

    The programs it runs inherit the lock: one that outlives a killed set-up is waited for.
    """
    fd = os.open(ROOT, os.O_RDONLY)
    os.set_inheritable(fd, True)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        if not ready(level):
            set_up("dev" if stamp("dev").exists() else level)
    finally:
        os.close(fd)


def set_up(level: str) -> None:
    begun = time.monotonic()
    tell(f"Setting up .venv ({level}, Python {'.'.join(map(str, sys.version_info[:3]))}) ...")
    if UNFINISHED.exists() or (VENV.exists() and not PYTHON.exists()):
        shutil.rmtree(VENV)
    VENV.mkdir(exist_ok=True)
    UNFINISHED.touch()
    for known in LEVELS:
        stamp(known).unlink(missing_ok=True)
    if not same_python():
        run([sys.executable, "-m", "venv", "--without-pip", "--clear", str(VENV)], os.environ)
        UNFINISHED.touch()
    install(level)
    stamp(level).write_text(digest(level))
    UNFINISHED.unlink()
    tell(f" {time.monotonic() - begun:.1f} s\n")


def tell(text: str) -> None:
    print(text, end="", flush=True)


def same_python() -> bool:
    """Whether .venv runs the Python that runs this."""
    if not PYTHON.exists():
        return False
    ask = [str(PYTHON), "-I", "-S", "-c", "import sys; print(sys.version, end='')"]
    return subprocess.run(ask, capture_output=True, text=True, check=False).stdout == sys.version


def install(level: str) -> None:
    """Brings .venv to exactly what requirements/ says, and tc itself, editable."""
    from tc.indexes import uv_arguments, uv_environment

    env = uv_environment(os.environ)
    if not can_write(Path(env.get("UV_CACHE_DIR") or cache_home(env) / "uv")):
        env["UV_CACHE_DIR"] = str(VENV / ".cache")
    with tempfile.TemporaryDirectory() as directory:
        uv = find_uv() or fetch_uv(Path(directory))
        build, chosen = map(str, inputs(level))
        command = [uv, "pip", "install", "--quiet", "--color", "never"]
        command += ["--python", str(PYTHON), "--exact", "--build-constraints", build]
        command += [*uv_arguments(os.environ), "-r", chosen, "-e", str(ROOT)]
        try:
            run(command, env)
        except Failed as failed:
            if not (failed.detail and env.get("UV_FIND_LINKS") and unreachable(failed.detail)):
                raise
            # pip, too, goes on with the wheels that it was given.
            run([*command, "--no-index"], env)


def cache_home(env: dict[str, str]) -> Path:
    return Path(env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or "/") / ".cache")


def can_write(path: Path) -> bool:
    existing = next(place for place in (path, *path.parents) if place.exists())
    return os.access(existing, os.W_OK | os.X_OK)


def find_uv() -> str:
    """A uv that is there and not too old; empty when there is none."""
    for candidate in (str(VENV / "bin" / "uv"), shutil.which("uv")):
        if candidate and uv_version(candidate) >= OLDEST_UV:
            return candidate
    return ""


def uv_version(uv: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
        numbers = said.stdout.split()[1].split(".")
        return tuple(int(number) for number in numbers[:2])
    except (OSError, IndexError, ValueError):
        return ()


def fetch_uv(directory: Path) -> str:
    """uv from the index; `scripts/uv_wheel.py` is only loaded for that."""
    sys.path.insert(0, str(Path(__file__).parent))
    import uv_wheel

    try:
        return str(uv_wheel.fetch(REQUIREMENTS / "runtime.txt", directory))
    except uv_wheel.Unavailable as error:
        raise Failed(str(error), error.hint) from None


#: what uv or venv says -> (our sentence, the way out)
CAUSES = (
    (
        ("os error 28", "No space left"),
        "The disk is full.",
        "free 300 MB, then run it again",
    ),
    (
        ("os error 13", "os error 30", "Permission denied", "Read-only file system"),
        "A directory cannot be written.",
        "give yourself the right to write there, or set UV_CACHE_DIR",
    ),
    (
        ("certificate",),
        "The package index shows a certificate that this machine does not trust.",
        "set SSL_CERT_FILE to the file with your CA certificates",
    ),
    (
        ("401 Unauthorized", "403 Forbidden", "407 Proxy"),
        "The package index refuses access.",
        "check the index address and its credentials (PIP_INDEX_URL or pip's index-url)",
    ),
    (
        ("Hash mismatch",),
        "The package index has a file that is not the one requirements/ names.",
        "set PIP_INDEX_URL to an index with the published files",
    ),
    (
        ("Failed to fetch", "error sending request", "dns error", "onnect", "timed out"),
        "The package index cannot be reached.",
        "check the connection and the proxy, or set PIP_INDEX_URL to an index that you can reach",
    ),
    (
        ("No solution found", "no version of", "not found in"),
        "The package index lacks a version that requirements/ names.",
        "set PIP_INDEX_URL or PIP_FIND_LINKS to a place that has it",
    ),
)


def unreachable(output: str) -> bool:
    return any(word in output for word in CAUSES[5][0])


def run(command: list[str], env: os._Environ[str] | dict[str, str]) -> None:
    """Runs `command`; what it says is shown only when it fails."""
    try:
        ended = subprocess.run(
            command,
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            close_fds=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DEADLINE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(
            f"{Path(command[0]).name} did not end within {DEADLINE} s.",
            "check the connection to the package index, then run it again",
        ) from None
    if ended.returncode == 0:
        return
    output = (ended.stderr + ended.stdout).strip()
    detail = "\n".join(f"  {line}" for line in output.splitlines()[-8:])
    for words, sentence, hint in CAUSES:
        if any(word in output for word in words):
            raise Failed(sentence, hint, detail)
    name = Path(command[0]).name
    raise Failed(f"{name} failed ({ended.returncode}).", "mend that, then run it again", detail)


if __name__ == "__main__":
    sys.exit(main())
