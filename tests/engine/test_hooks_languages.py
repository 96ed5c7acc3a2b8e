"""Ruby and Node.js functions run for real; other languages say that they don't."""

from __future__ import annotations

import io
import json
import shutil
import sys
import zipfile

import pytest
from hooks_support import ROLE, SECRET, Hooked, archive

pytestmark = pytest.mark.engine

ruby = pytest.mark.skipif(shutil.which("ruby") is None, reason="ruby is not installed")
node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

RUBY = """
class SoldOut < StandardError; end
def handler(event:, context:)
  puts "got #{event}"
  raise SoldOut, 'none left' if event == 'raise'
  exit 4 if event == 'exit'
  { 'event' => event, 'name' => context.function_name,
    'left' => context.get_remaining_time_in_millis > 0 }
end
module Shop
  class Order
    def self.place(event:, context:)
      event.merge('placed' => true)
    end
  end
end
"""


@ruby
def test_a_ruby_function_answers_and_logs(hooked: Hooked) -> None:
    name = hooked.function({"handler.rb": RUBY}, Runtime="ruby3.3")
    got = hooked.invoke(name, {"é": 1})
    assert got.error is None
    assert got.payload == {"event": {"é": 1}, "name": name, "left": True}
    assert any(line.startswith("got {") for line in hooked.logged(name))


@ruby
def test_a_ruby_method_of_a_class_is_a_handler(hooked: Hooked) -> None:
    name = hooked.function(
        {"lib/shop.rb": RUBY}, Runtime="ruby3.3", Handler="lib/shop.Shop::Order.place"
    )
    assert hooked.invoke(name, {"n": 1}).payload == {"n": 1, "placed": True}


@ruby
def test_ruby_errors_have_lambdas_types(hooked: Hooked) -> None:
    name = hooked.function({"handler.rb": RUBY}, Runtime="ruby3.3")
    got = hooked.invoke(name, "raise")
    assert (got.error, got.payload["errorType"]) == ("Unhandled", "Function<SoldOut>")
    assert got.payload["errorMessage"] == "none left"
    assert got.payload["stackTrace"][0].startswith("/var/task/handler.rb:5:")
    assert hooked.invoke(name, "exit").payload["errorMessage"].endswith("exit status 4")
    assert hooked.invoke(name, "x").error is None
    missing = hooked.function({"handler.rb": "require 'nowhere'"}, Runtime="ruby3.3")
    assert hooked.invoke(missing).payload["errorType"] == "Init<LoadError>"
    other = hooked.function({"handler.rb": RUBY}, Runtime="ruby3.3", Handler="handler.other")
    assert hooked.invoke(other).payload["errorType"] == "Init<NameError>"


@ruby
def test_ruby_finds_gems_and_files_of_layers(hooked: Hooked) -> None:
    spec = "Gem::Specification.new { |s| s.name = 'hello'; s.version = '1.0'; s.summary = 'x' }"
    files = {
        "ruby/gems/3.3.0/specifications/hello-1.0.gemspec": spec,
        "ruby/gems/3.3.0/gems/hello-1.0/lib/hello.rb": "HELLO = 'gem'",
        "ruby/lib/plain.rb": "PLAIN = 'file'",
    }
    layer = hooked.client("lambda").publish_layer_version(
        LayerName="gems", Content={"ZipFile": archive(files)}
    )["LayerVersionArn"]
    code = "require 'hello'\nrequire 'plain'\ndef handler(event:, context:) = [HELLO, PLAIN]"
    name = hooked.function({"handler.rb": code}, Runtime="ruby3.3", Layers=[layer])
    assert hooked.invoke(name).payload == ["gem", "file"]


def test_a_machine_without_ruby_says_so(own_hooked: Hooked) -> None:
    own_hooked.more["TC_RUBY"] = ""
    own_hooked.start()
    got = own_hooked.invoke(own_hooked.function({"handler.rb": RUBY}, Runtime="ruby3.3"))
    assert got.payload["errorType"] == "Runtime.InvalidRuntime"
    assert got.payload["errorMessage"].endswith("ruby3.3 needs ruby, which this machine lacks.")


def test_java_is_refused_and_not_mocked(hooked: Hooked) -> None:
    got = hooked.invoke(hooked.function({"x": ""}, Runtime="java21", Handler="a.B::c"))
    assert got.payload["errorType"] == "Runtime.InvalidRuntime"
    assert "java21" in got.payload["errorMessage"]


NODE = """
class SoldOut extends Error { constructor(m) { super(m); this.name = "SoldOut"; } }
exports.handler = async (event, context) => {
  console.log("got", event);
  if (event === "raise") throw new SoldOut("none left");
  return { event, name: context.functionName };
};
exports.late = (event, context, callback) => setTimeout(() => callback(null, "late"), 20);
exports.lost = (event, context, callback) => setTimeout(() => { throw new TypeError("lost"); }, 20);
"""


@node
def test_a_node_function_answers_fails_and_logs(hooked: Hooked) -> None:
    name = hooked.function({"index.js": NODE}, Runtime="nodejs20.x", Handler="index.handler")
    assert hooked.invoke(name, {"n": 1}).payload == {"event": {"n": 1}, "name": name}
    got = hooked.invoke(name, "raise")
    assert (got.error, got.payload["errorType"]) == ("Unhandled", "SoldOut")
    assert got.payload["errorMessage"] == "none left"
    assert "/var/task/index.js:5" in got.payload["trace"][1]
    assert any(line.endswith("\tINFO\tgot { n: 1 }") for line in hooked.logged(name))


@node
@pytest.mark.parametrize(
    ("files", "handler", "expected"),
    [
        ({"index.js": NODE}, "index.late", "late"),
        ({"index.mjs": "export const handler = async () => 'module'"}, "index.handler", "module"),
        (
            {"package.json": '{"type": "module"}', "a/b.js": "export const c = async () => 'esm'"},
            "a/b.c",
            "esm",
        ),
    ],
)
def test_node_handlers_of_every_form(
    hooked: Hooked, files: dict[str, str], handler: str, expected: str
) -> None:
    name = hooked.function(files, Runtime="nodejs20.x", Handler=handler)
    assert hooked.invoke(name).payload == expected


@node
@pytest.mark.parametrize(
    ("code", "handler", "kind"),
    [
        ("require('nowhere')", "index.handler", "Runtime.ImportModuleError"),
        ("exports.other = 1", "index.handler", "Runtime.HandlerNotFound"),
        ("exports.handler = {", "index.handler", "Runtime.UserCodeSyntaxError"),
        (NODE, "index.lost", "TypeError"),
    ],
)
def test_node_errors_have_lambdas_types(hooked: Hooked, code: str, handler: str, kind: str) -> None:
    name = hooked.function({"index.js": code}, Runtime="nodejs20.x", Handler=handler)
    assert hooked.invoke(name).payload["errorType"] == kind


@node
def test_node_has_the_sdk(hooked: Hooked) -> None:
    other = hooked.python("def handler(event, context): return event + 1")
    code = """
const { LambdaClient, InvokeCommand } = require("@aws-sdk/client-lambda");
exports.handler = async (event) => {
  const got = await new LambdaClient({}).send(
    new InvokeCommand({ FunctionName: event.other, Payload: "1" }));
  return JSON.parse(Buffer.from(got.Payload).toString());
};
"""
    name = hooked.function({"index.js": code}, Runtime="nodejs20.x", Handler="index.handler")
    assert json.dumps(hooked.invoke(name, {"other": other}).payload) == "2"


BOOTSTRAP = f"""#!{sys.executable}
import json, os, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(base + "next") as got:
        event, key = json.load(got), got.headers["Lambda-Runtime-Aws-Request-Id"]
    print("got", event, flush=True)
    answer = dict(os.environ) if event is None else {{"errorType": "SoldOut", "errorMessage": "x"}}
    kind = "/response" if event is None else "/error"
    urllib.request.urlopen(base + key + kind, json.dumps(answer).encode())
"""


def test_a_program_of_its_own_runs_without_the_engines_environment(hooked: Hooked) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o100755 << 16
        opened.writestr(entry, BOOTSTRAP)
    hooked.client("lambda").create_function(
        FunctionName="program",
        Role=ROLE,
        Code={"ZipFile": data.getvalue()},
        Runtime="provided.al2023",
        Handler="bootstrap",
        Environment={"Variables": {"MINE": "1"}},
    )
    env = hooked.invoke("program").payload
    assert SECRET not in str(env)
    assert not {"STATE_DIR", "GATEWAY_PORT", "TC_RUBY"} & set(env)
    assert env["MINE"] == "1"
    assert env["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{hooked.port}"
    got = hooked.invoke("program", "raise")
    assert (got.error, got.payload["errorType"]) == ("Unhandled", "SoldOut")
    assert "got raise" in hooked.logged("program")
