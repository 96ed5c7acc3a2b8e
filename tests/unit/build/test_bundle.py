"""Handlers in one file, by the real esbuild."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from build_files import Make

from tc.build import bundle as bundled
from tc.build.bundle import bundle
from tc.build.package import package_all
from tc.build.tools import NoContainers, Tools
from tc.errors import TcError
from tc.events import Event
from tc.processes import Running
from tc.spec.function import Build, Function
from tc.spec.layer import Platform

LAMBDA = Platform("nodejs20.x", "x86_64")


@pytest.fixture(scope="session")
def esbuild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """esbuild, installed as tc does; skipped where no index answers."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    place = tmp_path_factory.mktemp("esbuild")
    (place / "package.json").write_text("{}")
    words = ["npm", "install", "--ignore-scripts", "--fetch-retries=0", "--no-audit"]
    ended = subprocess.run(
        [*words, f"esbuild@{bundled._ESBUILD}"], cwd=place, capture_output=True, text=True
    )
    if ended.returncode:
        pytest.skip(f"esbuild can't be installed: {ended.stderr.strip()[-200:]}")
    return place


class Bench:
    def __init__(self, cache: Path):
        self.cache = cache
        self.told: list[str] = []

    @property
    def tools(self) -> Tools:
        return Tools(self.cache, self._emit, Running(), NoContainers())

    def _emit(self, event: Event) -> None:
        self.told.append(event.text)


@pytest.fixture
def bench(cache: Path, esbuild: Path) -> Bench:
    cache.mkdir(mode=0o700)
    (cache / "esbuild").mkdir()
    shutil.copytree(esbuild, cache / "esbuild" / bundled._ESBUILD, symlinks=True)
    return Bench(cache)


def app(make: Make, files: dict[str, str], **fields: Any) -> Function:
    known = {"runtime": "nodejs20.x", "build": Build(bundle=True), **fields}
    return make(files, "app", **known)


def answer(name: str, content: bytes, tmp_path: Path) -> Any:
    """What the handler in the file answers, with nothing beside it."""
    place = tmp_path / "task"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / name).write_bytes(content)
    call = "m => console.log(JSON.stringify((m.default?.handler ?? m.handler)()))"
    code = f"import('{place / name}').then({call})"
    ran = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_all_it_imports_is_in_one_file(make: Make, bench: Bench, tmp_path: Path) -> None:
    function = app(
        make,
        {
            "package.json": '{"dependencies": {"words": "file:../words"}}',
            "handler.ts": "import w from 'words';\nimport { sum } from '../shared/sum';\n"
            "export const handler = (): string => w + sum(1, 2);\n",
            "unused.txt": "x",
        },
    )
    top = function.dir.parent
    (top / "shared").mkdir()
    (top / "shared/sum.ts").write_text("export const sum = (a: number, b: number) => a + b;\n")
    (top / "words").mkdir()
    (top / "words/package.json").write_text('{"name": "words", "version": "1.0.0"}')
    (top / "words/index.js").write_text("module.exports = 'one'\n")
    entry = bundle(function, LAMBDA, bench.tools)
    assert entry.name == "handler.js"
    assert answer(entry.name, entry.read(), tmp_path) == "one3"
    bundle(function, LAMBDA, bench.tools)
    assert bench.told.count("Bundling app") == 1
    (top / "shared/sum.ts").write_text("export const sum = (a: number, b: number) => a * b;\n")
    entry = bundle(function, LAMBDA, bench.tools)
    assert answer(entry.name, entry.read(), tmp_path) == "one2"


def test_a_module_stays_one(make: Make, bench: Bench, tmp_path: Path) -> None:
    text = "import { x } from './x.cjs';\nexport const handler = () => x;\n"
    function = app(
        make,
        {"src/app.mjs": text, "src/x.cjs": "exports.x = require('path').sep"},
        handler="src/app.handler",
    )
    entry = bundle(function, LAMBDA, bench.tools)
    assert entry.name == "src/app.mjs"
    assert answer("app.mjs", entry.read(), tmp_path) == "/"


def test_the_sdk_that_lambda_brings_stays_out(make: Make, bench: Bench) -> None:
    text = "const s = require('@aws-sdk/client-s3'); exports.handler = () => s;\n"
    entry = bundle(app(make, {"handler.js": text}), LAMBDA, bench.tools)
    assert b'require("@aws-sdk/client-s3")' in entry.read()


def test_the_package_has_that_file_alone(make: Make, bench: Bench) -> None:
    function = app(make, {"handler.js": "exports.handler = () => 1\n", "README": "x"})
    (artifact,) = package_all([function], bench.cache, bench._emit, tools=bench.tools).values()
    assert artifact.files == 1


def test_what_esbuild_says_is_told(make: Make, bench: Bench) -> None:
    function = app(make, {"handler.js": "require('./gone')\n"})
    with pytest.raises(TcError, match=r'`app` can\'t be built: (.|\n)*resolve "./gone"'):
        bundle(function, LAMBDA, bench.tools)
    assert not (bench.cache / "bundles").exists()


def test_a_handler_must_be_there(make: Make, bench: Bench) -> None:
    with pytest.raises(TcError, match=r"there is no handler\.ts, \.js or \.mjs to bundle"):
        bundle(app(make, {"other.js": ""}), LAMBDA, bench.tools)
