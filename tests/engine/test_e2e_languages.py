"""Ruby, Node.js, Go and Rust: built, deployed and called on the engine, without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from e2e_support import Lab, Project

pytestmark = pytest.mark.engine

GO = """package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"

	"words/text"
)

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(base + "next")
		if err != nil {
			os.Exit(1)
		}
		id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		answer := fmt.Sprintf("{\\"said\\": %q}", text.Word)
		http.Post(base+id+"/response", "application/json", bytes.NewBufferString(answer))
	}
}
"""
RUST = """use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn call(request: String) -> (String, String) {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut stream = TcpStream::connect(&api).unwrap();
    stream.write_all(request.replace("HOST", &api).as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let lower = line.trim().to_lowercase();
        if lower.is_empty() { break; }
        if let Some(found) = lower.strip_prefix("lambda-runtime-aws-request-id: ") {
            id = found.to_string();
        }
        if let Some(found) = lower.strip_prefix("content-length: ") {
            length = found.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (id, String::from_utf8(body).unwrap())
}

fn main() {
    let base = "/2018-06-01/runtime/invocation/";
    loop {
        let head = "Host: HOST\\r\\nConnection: close\\r\\n";
        let (id, _) = call(format!("GET {base}next HTTP/1.1\\r\\n{head}\\r\\n"));
        let body = "{\\"said\\": \\"rust\\"}";
        call(format!(
            "POST {base}{id}/response HTTP/1.1\\r\\n{head}Content-Length: {}\\r\\n\\r\\n{body}",
            body.len()
        ));
    }
}
"""


def needs(program: str) -> pytest.MarkDecorator:
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed")


def project(lab: Lab, root: Path, files: dict[str, str]) -> Project:
    (root / ".git").mkdir()
    return Project(lab, root).write({"topology.yml": "name: many\n", **files})


def said(made: Project, function: str = "one") -> Any:
    got = made.tc("invoke", "--json", "--sync", "-c", f"functions/{function}", "--payload", "{}")
    return got.named("result")[0]["output"]


@needs("go")
def test_a_go_function_is_compiled_and_answers(lab: Lab, tmp_path: Path) -> None:
    files = {
        "go.mod": "module words\n\ngo 1.21\n",
        "text/text.go": 'package text\n\nconst Word = "go"\n',
        "one/main.go": GO,
    }
    made = project(lab, tmp_path, files)
    made.create()
    try:
        assert said(made) == {"said": "go"}
        made.same()
        made.edit("text/text.go", '"go"', '"changed"')
        assert made.plan() == ["~ function many_one_bob code"]
        made.tc("update")
        assert said(made) == {"said": "changed"}
    finally:
        made.delete()


@needs("cargo")
def test_a_rust_function_is_compiled_and_answers(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # rustup looks for its compilers in the home, and the lab has one of its own
    monkeypatch.setenv("RUSTUP_HOME", os.environ.get("RUSTUP_HOME") or f"{Path.home()}/.rustup")
    manifest = '[package]\nname = "one"\nversion = "0.1.0"\nedition = "2021"\n'
    made = project(lab, tmp_path, {"one/Cargo.toml": manifest, "one/src/main.rs": RUST})
    made.create()
    try:
        assert said(made) == {"said": "rust"}
        made.same()
    finally:
        made.delete()


@needs("npm")
def test_node_packages_are_in_a_layer_or_in_the_package(lab: Lab, tmp_path: Path) -> None:
    manifest = json.dumps({"name": "one", "dependencies": {"words": "file:../words"}})
    handler = "exports.handler = async () => ({ said: require('words') });\n"
    made = project(
        lab,
        tmp_path,
        {
            "one/handler.js": handler,
            "one/package.json": manifest,
            "two/handler.js": handler,
            "two/package.json": manifest,
            "two/function.json": '{"build": {"kind": "inline"}}',
            "words/package.json": '{"name": "words", "version": "1.0.0"}',
            "words/index.js": "module.exports = 'node';\n",
        },
    )
    made.create()
    try:
        assert said(made, "one") == said(made, "two") == {"said": "node"}
        client = lab.client("lambda")
        layers = {
            name: client.get_function_configuration(FunctionName=f"many_{name}_bob").get("Layers")
            for name in ("one", "two")
        }
        assert len(layers["one"]) == 1
        assert not layers["two"]
        made.same()
    finally:
        made.delete()


@needs("bundle")
def test_gems_are_in_a_layer_or_in_the_package(lab: Lab, tmp_path: Path) -> None:
    gemspec = (
        "Gem::Specification.new { |s| s.name = 'words'; s.version = '1.0.0'; "
        "s.summary = 'x'; s.authors = ['a']; s.files = ['lib/words.rb'] }\n"
    )
    handler = "require 'words'\ndef handler(event:, context:) = { 'said' => WORDS }\n"
    made = project(
        lab,
        tmp_path,
        {
            "one/handler.rb": handler,
            "one/Gemfile": "gem 'words', path: '../words'\n",
            "two/handler.rb": handler,
            "two/Gemfile": "gem 'words', path: '../words'\n",
            "two/function.json": '{"build": {"kind": "inline"}}',
            "words/lib/words.rb": "WORDS = 'ruby'\n",
            "words/words.gemspec": gemspec,
        },
    )
    made.create()
    try:
        assert said(made, "one") == said(made, "two") == {"said": "ruby"}
        made.same()
    finally:
        made.delete()


def test_a_library_is_imported_and_never_deployed(lab: Lab, tmp_path: Path) -> None:
    handler = "import shared\ndef handler(event, context):\n    return {'said': shared.WORD}\n"
    made = project(
        lab,
        tmp_path,
        {
            "one/handler.py": handler,
            "one/function.json": '{"runtime": {"layers": ["shared"]}}',
            "shared/__init__.py": "WORD = 'library'\n",
            "shared/function.json": '{"build": {"kind": "library"}}',
        },
    )
    made.create()
    try:
        assert said(made) == {"said": "library"}
        listed = lab.client("lambda").list_functions()["Functions"]
        assert "many_shared_bob" not in [one["FunctionName"] for one in listed]
        made.same()
        made.edit("shared/__init__.py", "library", "changed")
        made.tc("update")
        assert said(made) == {"said": "changed"}
    finally:
        made.delete()


@needs("go")
def test_a_go_function_for_lambda_is_built_alone(lab: Lab, tmp_path: Path) -> None:
    """`tc build` needs no engine and no network."""
    files = {
        "go.mod": "module words\n\ngo 1.21\n",
        "one/main.go": "package main\n\nfunc main() {}\n",
    }
    made = project(lab, tmp_path, files)
    (artifact,) = lab.tc("build", "--kind", "code", "--json", cwd=made.root).named("build.made")
    unpacked = tmp_path / "out"
    subprocess.run(["unzip", "-q", artifact["path"], "-d", unpacked], check=True)
    assert [path.name for path in unpacked.iterdir()] == ["bootstrap"]
