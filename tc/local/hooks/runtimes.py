"""Which program runs a function of a runtime, and the environment variables it sees.

Handlers get what Lambda gives them and nothing of the engine: its own packages, settings and
secrets stay out of their sight.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import mounts

HERE = Path(__file__).resolve().parent
#: where languages look for what they load
_SEARCHED = frozenset({"PYTHONPATH", "NODE_PATH", "GEM_PATH", "RUBYLIB"})
REGION, ACCOUNT = 3, 4  # places in an ARN split at colons


class NoRuntime(Exception):
    """The machine has nothing that runs this runtime. The text is for the user."""


def command(runtime: str, channel: int, node_sdk: Path) -> list[str]:
    """The program and its arguments; `channel` is the descriptor it talks to us on."""
    if runtime.startswith("python"):
        # -S: no site-packages of whatever interpreter it is; -u: prints and tracebacks in order.
        return [python(runtime), "-S", "-u", str(HERE / "python_worker.py"), str(channel)]
    if runtime.startswith("nodejs"):
        node = shutil.which("node")
        if node is None:
            raise NoRuntime(f"{runtime} needs node, which this machine lacks.")
        return [node, str(HERE / "node_worker.js"), str(channel), str(node_sdk)]
    if runtime.startswith("ruby"):
        ruby = os.environ.get("TC_RUBY", "")
        if not ruby:
            raise NoRuntime(f"{runtime} needs ruby, which this machine lacks.")
        return [ruby, str(HERE / "ruby_worker.rb"), str(channel)]
    raise NoRuntime(f"Functions of runtime {runtime} don't run on this machine.")


def python(runtime: str) -> str:
    """The interpreter of that version, else the engine's own; the manager says which it is."""
    found = json.loads(os.environ.get("TC_PYTHONS") or "{}")
    return str(found.get(runtime) or sys.executable)


def variables(
    config: Mapping[str, Any], credentials: Mapping[str, str], task: Path, opt: Path, tmp: Path
) -> dict[str, str]:
    """The whole environment of a handler's process: Lambda's own variables, then the function's."""
    runtime = str(config["Runtime"])
    arn = str(config["FunctionArn"]).split(":")
    name = str(config["FunctionName"])
    own = {
        "PATH": f"{os.environ.get('PATH', os.defpath)}:{opt}/bin",
        "LD_LIBRARY_PATH": f"{task}:{task}/lib:{opt}/lib",
        "LANG": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8",
        "TZ": ":UTC",
        "TMPDIR": str(tmp),
        # Without HOME an SDK would find the user's ~/.aws through the password file.
        "HOME": str(tmp),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "AWS_REGION": arn[REGION],
        "AWS_DEFAULT_REGION": arn[REGION],
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(config.get("Version") or "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize") or 128),
        "LAMBDA_TASK_ROOT": str(task),
        "LAMBDA_RUNTIME_DIR": str(HERE),
        "_HANDLER": str(config.get("Handler") or ""),
        **{key: value or "local" for key, value in credentials.items()},
    }
    written = (config.get("Environment") or {}).get("Variables") or {}
    addresses = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        # `sync-` and friends before 127.0.0.1 are names that don't resolve.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        **_language(runtime, opt, task),
    }
    places = {"/var/task": str(task), "/opt": str(opt)}
    theirs = {str(key): _here(str(key), str(value), places) for key, value in written.items()}
    if gems := theirs.get("GEM_PATH"):
        real = {path: directory for directory, path in mounts.of(config)}
        theirs["GEM_PATH"] = ":".join(
            found for one in gems.split(":") for found in _gems(one, real)
        )
    return {**addresses, **theirs, **own}


def _here(name: str, value: str, places: Mapping[str, str]) -> str:
    """A variable that says where a language looks: what it says of Lambda's directories, here."""
    if name not in _SEARCHED:
        return value
    return ":".join(_moved(entry, places) for entry in value.split(":"))


def _moved(path: str, places: Mapping[str, str]) -> str:
    start = next((one for one in places if f"{path}/".startswith(f"{one}/")), "")
    return places[start] + path.removeprefix(start) if start else path


def _gems(path: str, real: Mapping[str, str]) -> list[str]:
    """Gems are installed for a version of Ruby, ``gems/3.3.0``, and this machine may have
    another: the versions that are there; `real` has the directories of file systems."""
    above = path.rpartition("/")[0]
    there = sorted(one.name for one in Path(_moved(above, real)).glob("*.*.*") if one.is_dir())
    return [f"{above}/{name}" for name in there] or [path]


def _language(runtime: str, opt: Path, task: Path) -> dict[str, str]:
    """Where the language finds what layers bring."""
    if runtime.startswith("nodejs"):
        places = [opt / "nodejs" / "node_modules", task / "node_modules"]
        return {"NODE_PATH": os.pathsep.join(map(str, places))}
    if runtime.startswith("ruby"):
        gems = [str(path) for path in sorted((opt / "ruby" / "gems").glob("*"))]
        bundled = sorted((task / "vendor" / "bundle" / "ruby").glob("*"))
        found = {"GEM_PATH": os.pathsep.join([*map(str, bundled), *gems])}
        return {
            **{key: value for key, value in found.items() if value},
            "RUBYLIB": os.pathsep.join([str(task), str(opt / "ruby" / "lib")]),
        }
    return {}
