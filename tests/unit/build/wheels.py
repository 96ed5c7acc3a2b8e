"""Tiny packages, made on the spot: no package index is asked."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

#: builds a wheel of one module, without any tool
BACKEND = """
import zipfile
def build_wheel(directory, config=None, metadata=None):
    name = "{name}-0.1-{tag}.whl"
    info = "{name}-0.1.dist-info"
    with zipfile.ZipFile(directory + "/" + name, "w") as wheel:
        wheel.write("{name}.py")
        text = "Metadata-Version: 2.1\\nName: {name}\\nVersion: 0.1\\n{requires}"
        wheel.writestr(info + "/METADATA", text)
        tag = "Root-Is-Purelib: true\\nTag: {tag}\\n"
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\n" + tag)
        wheel.writestr(info + "/RECORD", "")
    open("left-behind", "w").close()
    return name
"""


def wheel(
    directory: Path,
    name: str,
    version: str,
    requires: Sequence[str] = (),
    *,
    tag: str = "py3-none-any",
    python: str = "",
    files: Mapping[str, str] | None = None,
    scripts: str = "",
) -> str:
    """Writes a wheel; its hash as requirements have it (``sha256:…``)."""
    directory.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Python: {python}\n" if python else ""
    metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
    content = {
        f"{module}/__init__.py": f"version = {version!r}\n",
        **(files or {}),
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    if scripts:
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{scripts}\n"
    record = "".join(f"{file},{_sum(text)},{len(text)}\n" for file, text in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    path = directory / f"{module}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as out:
        for file, text in content.items():
            out.writestr(file, text)
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _sum(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def package(
    name: str, requires: Sequence[str] = (), *, tag: str = "py3-none-any", extra: str = ""
) -> dict[str, str]:
    """The files of a package that can be built without any tool."""
    lines = "".join(f"Requires-Dist: {one}\\n" for one in requires)
    return {
        "pyproject.toml": f'[project]\nname = "{name}"\nversion = "0.1"\n'
        f"dependencies = {list(requires)!r}\n"
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n" + extra,
        "backend.py": BACKEND.replace("{name}", name)
        .replace("{tag}", tag)
        .replace("{requires}", lines),
        f"{name}.py": f"name = {name!r}\n",
    }


def sdist(directory: Path, name: str, tag: str) -> None:
    """Writes a source distribution, version 0.1, that builds a wheel of the kind `tag`."""
    top = f"{name}-0.1"
    info = f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n"
    with tarfile.open(directory / f"{top}.tar.gz", "w:gz") as out:
        for file, text in {**package(name, tag=tag), "PKG-INFO": info}.items():
            entry = tarfile.TarInfo(f"{top}/{file}")
            entry.size = len(text.encode())
            out.addfile(entry, io.BytesIO(text.encode()))


def placed(files: Mapping[str, str], below: str) -> dict[str, str]:
    """`files` in the directory `below`."""
    return {f"{below}/{name}": text for name, text in files.items()}
