"""What belongs to a topology, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from .repository import ETL, HANDLER, Repository

INCLUDING = """\
name: etl
function_dirs: [../more]
functions:
  enhancer: {}
  shared: {uri: ../libs/shared}
routes: !include ../common/routes.yml
flow: ../flows/etl.json
pages:
  site: {dir: ../web}
"""
FLOW = (
    '{"StartAt": "a", "States": {"a": {"Type": "Pass", "End": true}}, "Comment": "no ../secrets"}'
)

VARS = '{"default": {"environment": {"A": "file:../texts/a.txt"}}}'


@pytest.fixture
def files(etl: Repository) -> Repository:
    etl.write(
        {
            "etl/topology.yml": INCLUDING,
            "libs/shared/handler.py": HANDLER,
            "more/adder/handler.py": HANDLER,
            "common/routes.yml": "/api/etl: {method: POST, function: enhancer}\n",
            "flows/etl.json": FLOW,
            "web/index.html": "<p>",
            "infrastructure/tc/etl/vars/enhancer.json": VARS,
            "infrastructure/tc/etl/texts/a.txt": "a",
            "infrastructure/tc/other/vars/x.json": "{}",
            "infrastructure/tc/config.yml": "{}",
            "README.md": "",
        }
    )
    return etl


def test_functions_includes_flows_pages_and_overlays_belong(files: Repository) -> None:
    closure = files.closure()
    for path in (
        "etl/topology.yml",
        "etl/enhancer/new/file.py",
        "libs/shared/handler.py",
        "more/adder/handler.py",
        "more/new/handler.py",
        "common/routes.yml",
        "flows/etl.json",
        "web/index.html",
        "infrastructure/tc/etl/vars/loader.json",
        "infrastructure/tc/etl/texts/a.txt",
    ):
        assert closure.holds(path), path
    for path in (
        "README.md",
        "infrastructure/tc/other/vars/x.json",
        "infrastructure/tc/config.yml",
        "common/others.yml",
        "flows/other.json",
        "etlx/topology.yml",
    ):
        assert not closure.holds(path), path


def test_what_tcignore_leaves_out_does_not_belong(etl: Repository) -> None:
    etl.write({"etl/.tcignore": "# notes\n*.md\n/docs/\n", "etl/enhancer/.tcignore": "tests\n"})
    etl.write({"etl/enhancer/lib/.tcignore": "*.py\n"})
    closure = etl.closure()
    # one of a directory that is no function's leaves nothing out of a package
    assert closure.holds("etl/enhancer/lib/x.py")
    assert closure.holds("etl/.tcignore")
    assert closure.holds("etl/enhancer/docs/x.py")
    for path in ("etl/a.md", "etl/enhancer/b.md", "etl/docs/x", "etl/enhancer/tests/t.py"):
        assert not closure.holds(path), path


def test_what_decides_belongs_though_packages_lack_it(etl: Repository) -> None:
    etl.write(
        {
            "etl/topology.yml": ETL + "flow: flow.json\n",
            "etl/flow.json": FLOW,
            "etl/.tcignore": "*.json\n",
            "etl/enhancer/.tcignore": "*.toml\n.*\n*.json\n",
            "etl/enhancer/function.json": "{}",
        }
    )
    closure = etl.closure()
    for name in ("flow.json", "enhancer/function.json", "enhancer/pyproject.toml"):
        assert closure.holds(f"etl/{name}"), name
    assert closure.holds("etl/enhancer/.tcignore")
    assert not closure.holds("etl/event.json")
    assert not closure.holds("etl/enhancer/event.json")


def test_what_a_function_takes_back_belongs(etl: Repository) -> None:
    etl.write({"etl/.tcignore": "*.md\n", "etl/enhancer/.tcignore": "!prompt.md\n"})
    closure = etl.closure()
    assert closure.holds("etl/enhancer/prompt.md")
    assert not closure.holds("etl/enhancer/README.md")
    assert not closure.holds("etl/prompt.md")


def test_what_is_published_as_an_asset_belongs(etl: Repository) -> None:
    function = '{"assets": {"MODEL_PATH": "/mnt/assets/m", "ARTIFACTS_SOURCE": "model"}}'
    etl.write(
        {
            "etl/enhancer/function.json": function,
            "etl/enhancer/.tcignore": "*.md\n",
            "etl/enhancer/model/weights.bin": "x",
        }
    )
    closure = etl.closure()
    assert closure.holds("etl/enhancer/model/weights.bin")
    assert not closure.holds("etl/enhancer/a.md")


def test_nested_topologies_belong_and_others_below_do_not(etl: Repository) -> None:
    for name in ("inner", "other"):
        etl.write({f"etl/{name}/topology.yml": f"name: {name}\n"})
    etl.write({"etl/topology.yml": ETL + "nodes: {dirs: [inner]}\n"})
    closure = etl.closure()
    assert closure.holds("etl/inner/topology.yml")
    assert not closure.holds("etl/other/topology.yml")
    assert not closure.holds("etl/other/deep/x.py")


def test_a_topology_at_the_root_has_all_but_others(tmp_path: Path) -> None:
    made = Repository(tmp_path / "one")
    made.write({"topology.yml": ETL, "enhancer/handler.py": HANDLER, "b/topology.yml": "name: b\n"})
    for name in ("etl/vars/enhancer.json", "b/vars/x.json", "config.yml"):
        made.write({f"infrastructure/tc/{name}": "{}"})
    closure = made.closure(".")
    assert closure.paths == (".",)
    assert closure.holds("infrastructure/tc/etl/vars/enhancer.json")
    assert not closure.holds("infrastructure/tc/b/vars/x.json")
    assert not closure.holds("infrastructure/tc/config.yml")
    assert closure.holds("enhancer/handler.py")
    assert not closure.holds("b/topology.yml")


PYTHON = """\
[project]
name = "enhancer"
dependencies = ["shared", "my_member"]
[tool.uv.sources]
shared = {path = "../../libs/shared"}
my_member = {workspace = true}
"""


def test_packages_beside_belong_with_what_they_take_in_turn(etl: Repository) -> None:
    etl.write(
        {
            "pyproject.toml": "[tool.uv.workspace]\nmembers = ['packages/*', 'etl/*']\n",
            "uv.lock": "",
            "etl/enhancer/pyproject.toml": PYTHON,
            "libs/shared/pyproject.toml": "[project]\nname='shared'\n[tool.uv.sources]\n"
            "deep = {path = '../deep'}\n",
            "libs/deep/deep.py": "",
            "libs/unused/x.py": "",
            "packages/one/pyproject.toml": '[project]\nname = "my-member"\n',
            "packages/two/pyproject.toml": '[project]\nname = "my-member-two"\n',
        }
    )
    closure = etl.closure()
    for path in (
        "libs/shared/shared.py",
        "libs/deep/deep.py",
        "packages/one/x.py",
        "uv.lock",
        "pyproject.toml",
    ):
        assert closure.holds(path), path
    for path in ("libs/unused/x.py", "packages/two/x.py"):
        assert not closure.holds(path), path


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        ("requirements.txt", "-e ../../libs/shared\n"),
        ("package.json", '{"dependencies": {"shared": "file:../../libs/shared"}}'),
        ("Gemfile", "gem 'shared', path: '../../libs/shared'\n"),
        ("go.mod", "module x\nreplace example.com/shared => ../../libs/shared\n"),
        ("Cargo.toml", '[dependencies]\nshared = { path = "../../libs/shared" }\n'),
        ("function.json", '{"build": {"pre": ["cp -r ../../libs/shared ."]}}'),
    ],
)
def test_each_language_says_what_it_takes_from_beside(
    etl: Repository, manifest: str, text: str
) -> None:
    etl.write({f"etl/enhancer/{manifest}": text, "libs/shared/x": "", "libs/other/x": ""})
    closure = etl.closure()
    assert closure.holds("libs/shared/x")
    assert not closure.holds("libs/other/x")


def test_directories_above_are_no_part(etl: Repository) -> None:
    etl.write(
        {"etl/enhancer/function.json": '{"build": {"pre": ["cd ../.. && make", "ls ../../../.."]}}'}
    )
    assert etl.closure().paths == ("etl", "infrastructure/tc/etl")


def test_what_a_link_leads_to_belongs(etl: Repository) -> None:
    etl.write({"libs/common.py": "", "libs/tree/x.py": ""})
    (etl.root / "etl/enhancer/common.py").symlink_to("../../libs/common.py")
    (etl.root / "etl/enhancer/tree").symlink_to("../../libs/tree")
    (etl.root / "etl/enhancer/away").symlink_to("/etc")
    (etl.root / "etl/enhancer/loop").symlink_to(".")
    closure = etl.closure()
    assert closure.holds("libs/common.py")
    assert closure.holds("libs/tree/new.py")
    assert not closure.holds("libs/else.py")
