"""What has no fitting wheel is built in a container, by pip, with the same pins and indexes."""

from __future__ import annotations

import json
import sys

import pytest
from python_index import (
    ARM,
    PROJECT,
    Containers,
    Index,
    locked,
    pipfile_lock,
    tree,
)
from wheels import package, placed, sdist

from tc.build.tools import Job
from tc.errors import TcError
from tc.spec.layer import Platform


def test_a_package_without_a_wheel_is_built_in_a_container(index: Index) -> None:
    index.add("alpha", "1.0")
    index.add("native", "1.0", tag="cp310-cp310-manylinux_2_17_x86_64")
    index.containers = Containers(
        {
            "out/index/native/__init__.py": "",
            "out/index/native-1.0.dist-info/RECORD": "native/__init__.py,,\n",
            "out/index/__pycache__/x.pyc": "",
            "out/lib/libfoo.so.1": "",
        }
    )
    directory, found = index.install({"requirements.txt": "alpha\nnative\n"})
    assert any("native (for enhancer) has no wheel" in event.text for event in index.told)
    (job,) = index.containers.jobs
    assert job.platform == ARM
    assert index.containers.files[0]["requirements.txt"] == "alpha\nnative\n"
    assert sorted(tree(directory)) == [
        "lib/libfoo.so.1",
        "python/native-1.0.dist-info/RECORD",
        "python/native/__init__.py",
    ]
    assert [one.name for one in found] == ["native", "shared libraries"]


def test_without_a_container_engine_one_sentence_says_what_and_for_whom(index: Index) -> None:
    index.add("native", "1.0", tag="cp310-cp310-manylinux_2_17_x86_64")
    error = index.refusal("native\n")
    assert error.code == "no-wheel"
    assert error.message == (
        "`native`, which `enhancer` needs, has no wheel for Python 3.10 on arm64 with glibc 2.26, "
        "and can't be built in a container: there is no container engine here"
    )
    assert error.hint == (
        "ask for a version that has one, or set `runtime.lang` to python3.12 or newer, whose glibc "
        "is 2.34, or start Docker"
    )
    assert error.where.endswith("requirements.txt")


def test_a_local_package_with_compiled_code_goes_to_the_container(index: Index) -> None:
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}-abi3-linux_x86_64"
    files = {"requirements.txt": "./cext\n", **placed(package("cext", tag=tag), "cext")}
    index.containers = Containers({"out/index/cext.py": ""})
    index.install(files, Platform(f"python3.{sys.version_info[1]}", "x86_64"))
    assert index.containers.files[0]["requirements.txt"] == "./own/0/cext\n"
    assert "own/0/cext/cext.py" in index.containers.files[0]


@pytest.mark.parametrize(
    ("address", "ssh"), [("git+ssh://git@h/x.git", True), ("https://h/x", False)]
)
def test_what_is_fetched_over_ssh_gets_the_ssh_agent(index: Index, address: str, ssh: bool) -> None:
    index.containers = Containers({"out/index/beta/__init__.py": ""})
    index.always = True
    index.install({"requirements.txt": f"beta @ {address}\n"})
    assert index.containers.jobs[0].ssh is ssh


def test_a_lock_holds_in_the_container_too(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    index.containers = Containers({"out/index/alpha/__init__.py": ""})
    index.always = True
    index.install(locked("poetry", digest))
    assert index.containers.files[0]["requirements.txt"] == f"alpha==1.0 --hash={digest}\n"
    assert "--no-deps" in index.containers.jobs[0].commands[0]


def test_what_has_no_hash_goes_to_the_container_by_itself_with_its_marker(index: Index) -> None:
    digest = index.add("alpha", "1.0")
    lock = json.loads(pipfile_lock(digest))
    lock["default"]["beta"] = {"markers": "sys_platform == 'win32'", "version": "*"}
    index.containers = Containers({"out/index/alpha/__init__.py": ""})
    index.always = True
    index.install({"Pipfile.lock": json.dumps(lock)})
    (job,) = index.containers.jobs
    assert index.containers.files[0]["requirements.txt"] == f"alpha==1.0 --hash={digest}\n"
    assert index.containers.files[0]["own.txt"] == "beta ; sys_platform == 'win32'\n"
    assert [command[-1] for command in job.commands] == ["requirements.txt", "own.txt"]


def test_hashes_of_requirements_do_not_keep_the_project_out_of_the_container(
    index: Index,
) -> None:
    digest = index.add("alpha", "1.0")
    index.containers = Containers({"out/index/alpha/__init__.py": ""})
    index.always = True
    asked = f"--index-url http://127.0.0.1:9/simple\nalpha==1.0 --hash={digest}\n./lib\n"
    index.install({"requirements.txt": asked, **placed(package("lib"), "lib")})
    files = index.containers.files[0]
    option = "--index-url http://127.0.0.1:9/simple\n"
    assert files["requirements.txt"] == f"{option}alpha==1.0 --hash={digest}\n"
    assert files["own.txt"] == f"{option}./own/0/lib\n"
    assert "--no-deps" not in index.containers.jobs[0].commands[0]


def test_the_container_is_told_where_packages_come_from(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "UV_INDEX_MY_CORP_USERNAME": "me",
        "UV_INDEX_MY_CORP_PASSWORD": "hidden-word",
        "TOKEN": "other-word",
    }.items():
        monkeypatch.setenv(name, value)
    index.containers = Containers({"out/index/alpha/__init__.py": ""})
    index.always = True
    own = PROJECT + (
        'dependencies = ["alpha", "beta @ git+https://${TOKEN}@127.0.0.1/beta.git"]\n'
        "[tool.uv]\nfind-links = ['vendored']\n"
        '[[tool.uv.index]]\nname = "my-corp"\nurl = "https://127.0.0.1:9/simple"\n'
    )
    needs = index.needs({"pyproject.toml": own}, ARM)
    (needs.file.parent / "vendored").mkdir()
    (needs.file.parent / "vendored/gamma.whl").write_text("a wheel")
    index.install({"pyproject.toml": own})
    (job,) = index.containers.jobs
    user = "${UV_INDEX_MY_CORP_USERNAME}:${UV_INDEX_MY_CORP_PASSWORD}"
    assert index.containers.files[0]["requirements.txt"].splitlines()[:2] == [
        "--find-links offers/0",
        f"--extra-index-url https://{user}@127.0.0.1:9/simple",
    ]
    assert index.containers.files[0]["offers/0/gamma.whl"] == "a wheel"
    assert job.secrets == {
        "TOKEN": "other-word",
        "UV_INDEX_MY_CORP_PASSWORD": "hidden-word",
        "UV_INDEX_MY_CORP_USERNAME": "me",
    }
    assert "hidden-word" not in json.dumps(index.containers.files)


class Nowhere(Containers):
    """A machine without a container engine."""

    def run(self, job: Job) -> None:
        raise TcError("there is no container engine here", code="no-container-engine")


@pytest.mark.parametrize(
    ("tag", "pure"), [("py3-none-any", True), ("cp310-abi3-linux_x86_64", False)]
)
def test_where_no_container_can_be_had_pure_python_is_built_here(
    index: Index, tag: str, pure: bool
) -> None:
    index.containers = Nowhere()
    index.add("alpha", "1.0")
    sdist(index.wheels, "source", tag)
    files = {"requirements.txt": "alpha\nsource\n"}
    if not pure:
        assert index.refusal(files).code == "no-wheel"
        return
    directory, found = index.install(files)
    assert [(one.name, one.version) for one in found] == [("alpha", "1.0"), ("source", "0.1")]
    assert (directory / "python/source.py").is_file()
    assert not list((index.root / "uv").rglob("source-0.1*"))
    assert [event.text for event in index.told if event.name == "log"] == [
        "source (for enhancer) has no wheel for Python 3.10 on arm64: built in a container",
        "source built here: pure Python, and there is no container",
    ]


def test_a_build_that_fails_in_the_container_is_not_tried_here(index: Index) -> None:
    class Failing(Containers):
        def run(self, job: Job) -> None:
            raise TcError("the compiler said no", code="build-failed")

    index.containers = Failing()
    sdist(index.wheels, "source", "py3-none-any")
    assert "the compiler said no" in index.refusal("source\n").message
