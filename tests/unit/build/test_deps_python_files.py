"""Which file says what a Python function depends on, and what of it changes a build."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from build_files import Make
from wheels import package, placed

from tc.build.deps import Needs, python
from tc.errors import TcError
from tc.spec.function import Build
from tc.spec.layer import Platform

LAMBDA = Platform("python3.12", "x86_64")
PEP621 = '[project]\nname = "fn"\nversion = "0"\ndependencies = ["requests>=2"]\n'
LOCK = 'version = 1\nrequires-python = ">=3.10"\n'


def needed(make: Make, files: Mapping[str, str], name: str = "enhancer", **build: object) -> Needs:
    found = python.needs(make(files, name, build=Build.model_validate(build)), LAMBDA)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("files", "file", "kind"),
    [
        (["uv.lock", "poetry.lock", "pyproject.toml", "requirements.txt"], "uv.lock", "uv"),
        (["poetry.lock", "pyproject.toml", "Pipfile.lock"], "poetry.lock", "poetry"),
        (["Pipfile.lock", "pyproject.toml", "requirements.txt"], "Pipfile.lock", "pipenv"),
        (["pyproject.toml", "requirements.txt"], "pyproject.toml", "open"),
        (["requirements.txt"], "requirements.txt", "open"),
    ],
)
def test_a_lock_comes_before_what_it_was_made_of(
    make: Make, files: list[str], file: str, kind: str
) -> None:
    content = {
        "uv.lock": LOCK,
        "poetry.lock": "",
        "Pipfile.lock": json.dumps({"default": {"six": {"version": "==1"}}}),
        "pyproject.toml": PEP621,
        "requirements.txt": "six\n",
    }
    found = needed(make, {name: content[name] for name in files})
    assert (found.file.name, found.detail.kind) == (file, kind)


@pytest.mark.parametrize(
    ("manager", "file"),
    [("pip", "requirements.txt"), ("uv", "pyproject.toml"), ("poetry", "poetry.lock")],
)
def test_the_package_manager_picks(make: Make, manager: str, file: str) -> None:
    files = {"pyproject.toml": PEP621, "requirements.txt": "six\n", "poetry.lock": ""}
    assert needed(make, files, package_manager=manager).file.name == file


def test_a_package_manager_without_its_file_is_an_error(make: Make) -> None:
    function = make({"requirements.txt": "six\n"}, build=Build(package_manager="poetry"))
    with pytest.raises(TcError, match=r"is poetry, and there is no pyproject\.toml"):
        python.needs(function, LAMBDA)
    function = make({"requirements.txt": "six\n"}, build=Build(package_manager="npm"))
    with pytest.raises(TcError, match="isn't for Python"):
        python.needs(function, LAMBDA)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"requirements.txt": "# nothing yet\n\n"},
        {"requirements.txt": "--pre\n"},
        {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"},
        {"pyproject.toml": '[project]\nname = "fn"\ndependencies = []\n'},
        {"pyproject.toml": '[project]\nname = "fn"\ndependencies = []\n', "uv.lock": LOCK},
        {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.10"\n'},
        {"Pipfile.lock": '{"default": {}, "develop": {"pytest": {"version": "==8"}}}'},
        {"Pipfile": "[dev-packages]\npytest = '*'\n"},
        {"requirements.txt": "--pre\ntomli ; python_version < '3.11'\npywin ; os_name == 'nt'\n"},
    ],
)
def test_no_dependencies_are_none(make: Make, files: Mapping[str, str]) -> None:
    assert python.needs(make(files), LAMBDA) is None


def test_a_pyproject_for_tools_leaves_it_to_requirements(make: Make) -> None:
    files = {"pyproject.toml": "[tool.ruff]\n", "requirements.txt": "six\n"}
    assert needed(make, files).file.name == "requirements.txt"


def test_development_counts_only_when_asked(make: Make) -> None:
    groups = '[dependency-groups]\ndev = ["pytest", {include-group = "more"}]\nmore = ["mypy"]\n'
    files = {"pyproject.toml": PEP621 + groups}
    assert needed(make, files).detail.lines == ("requests>=2",)
    found = needed(make, files, skip_dev_deps=False).detail.lines
    assert found == ("requests>=2", "pytest", "mypy")


def test_poetrys_own_words_are_told_in_everybodys(make: Make) -> None:
    table = """
[tool.poetry.dependencies]
python = ">=3.10,<4"
a = "^1.2.3"
b = "^0.2"
c = "~1.4"
d = "*"
e = "1.*"
f = {version = ">=2 <3", extras = ["x", "y"], python = ">=3.11"}
g = {git = "ssh://git@host/g.git", tag = "v1", subdirectory = "py"}
h = {version = "^1", optional = true}
i = [{version = "1", python = "<3.11"}, {version = "2", python = ">=3.11"}]
"""
    assert needed(make, {"pyproject.toml": table}).detail.lines == (
        "a>=1.2.3,<2",
        "b>=0.2,<0.3",
        "c>=1.4,<1.5",
        "d",
        "e==1.*",
        'f[x,y]>=2,<3 ; python_version >= "3.11"',
        "g @ git+ssh://git@host/g.git@v1#subdirectory=py",
        'i==1 ; python_version < "3.11"',
        'i==2 ; python_version >= "3.11"',
    )


def test_requirements_are_read_with_what_they_include(make: Make) -> None:
    files = {
        "requirements.txt": "-r more/base.txt\n-c limits.txt\nsix \\\n  >=1.16  # why not\n"
        "--index-url http://127.0.0.1/simple\n--only-binary :all:\n",
        "more/base.txt": "-r ../requirements.txt\nidna<3\n",
        "limits.txt": "six<2\n",
    }
    found = needed(make, files).detail
    assert found.lines == ("idna<3", "six >=1.16", "--index-url http://127.0.0.1/simple")
    assert found.constraints == ("six<2",)


def test_markers_are_those_of_lambda_whatever_this_machine_is(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    function = make(
        {"requirements.txt": "six ; platform_machine == 'aarch64' and sys_platform == 'linux'\n"}
    )
    assert python.needs(function, Platform("python3.12", "arm64")) is not None
    assert python.needs(function, LAMBDA) is None


def test_what_powershell_writes_is_read(make: Make) -> None:
    function = make({"requirements.txt": ""})
    (function.dir / "requirements.txt").write_text("six\r\nidna\r\n", "utf-16")
    found = python.needs(function, LAMBDA)
    assert found is not None
    assert found.detail.lines == ("six", "idna")


def digest(make: Make, files: Mapping[str, str], name: str = "enhancer", **build: object) -> str:
    return needed(make, files, name, **build).digest


def test_the_digest_is_of_what_decides(make: Make) -> None:
    first = digest(make, {"requirements.txt": "requests>=2\n"}, "a")
    assert digest(make, {"requirements.txt": "# hello\nrequests>=2 # 3\n"}, "b") == first
    assert digest(make, {"requirements.txt": "requests>=2.1\n"}, "c") != first
    limited = {"requirements.txt": "requests>=2\n-c limits.txt\n", "limits.txt": "idna<3\n"}
    assert digest(make, limited, "limited") != first
    compiled = {"requirements.txt": "requests>=2\n--no-binary idna\n"}
    assert digest(make, compiled, "compiled") != first
    project_ = digest(make, {"pyproject.toml": PEP621}, "d")
    tools = "# hello\n[tool.ruff]\nline-length = 80\n[tool.pytest]\nx = 1\n"
    assert digest(make, {"pyproject.toml": PEP621 + tools}, "e") == project_
    uv = '[tool.uv]\nprerelease = "allow"\n'
    assert digest(make, {"pyproject.toml": PEP621 + uv}, "f") != project_
    lock = digest(make, {"pyproject.toml": PEP621, "uv.lock": LOCK}, "g")
    assert digest(make, {"pyproject.toml": PEP621, "uv.lock": f"{LOCK}\n"}, "h") != lock


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "--find-links wheels\nsix\n"},
        {"pyproject.toml": f"{PEP621}[tool.uv]\nfind-links = ['wheels']\n"},
    ],
)
def test_a_directory_of_wheels_counts_by_what_it_has(make: Make, files: Mapping[str, str]) -> None:
    first = digest(make, {**files, "wheels/six-1-py3-none-any.whl": "one", "wheels/README": "x"})
    assert digest(make, {**files, "wheels/six-1-py3-none-any.whl": "one"}, "elsewhere") == first
    assert digest(make, {**files, "wheels/six-1-py3-none-any.whl": "two"}, "changed") != first


def test_the_digest_is_of_one_platform(make: Make) -> None:
    function = make({"requirements.txt": "six\n"})
    platforms = [
        LAMBDA,
        Platform("python3.13", "x86_64"),
        Platform("python3.12", "arm64"),
        Platform("python3.12", "x86_64", "/usr/bin/python3"),
    ]
    digests = set()
    for platform in platforms:
        found = python.needs(function, platform)
        assert found is not None
        digests.add(found.digest)
    assert len(digests) == len(platforms)


def test_files_of_local_dependencies_count(make: Make, project: Path) -> None:
    lib = project / "shared"
    for name, text in package("shared").items():
        lib.mkdir(exist_ok=True)
        (lib / name).write_text(text)
    files = {"requirements.txt": "../../shared\n"}
    before = digest(make, files)
    assert digest(make, files, "other") == before
    (lib / "__pycache__").mkdir()
    (lib / "__pycache__/shared.pyc").write_bytes(b"x")
    assert digest(make, files) == before
    (lib / "shared.py").write_text("name = 'another'\n")
    assert digest(make, files) != before


def test_what_local_dependencies_need_of_the_project_counts(make: Make) -> None:
    extra = '[tool.uv.sources]\nutil = {path = "../util"}\n'
    files = {
        "requirements.txt": "-e ./core\n",
        **placed(package("core", ["util"], extra=extra), "core"),
        **placed(package("util"), "util"),
    }
    before = needed(make, files)
    assert [local.name for local in before.detail.locals] == ["core", "util"]
    after = needed(make, {**files, "util/util.py": "name = 'another'\n"})
    assert after.digest != before.digest


def test_members_of_a_workspace_are_found(make: Make, project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["etl/*", "libs/*"]\n')
    for name, text in package("core").items():
        (project / "libs/core").mkdir(parents=True, exist_ok=True)
        (project / "libs/core" / name).write_text(text)
    own = (
        '[project]\nname = "fn"\ndependencies = ["core"]\n'
        "[tool.uv.sources]\ncore = {workspace = true}\n"
    )
    found = needed(make, {"pyproject.toml": own}).detail
    assert found.lines == (f"core @ {(project / 'libs/core').as_uri()}",)
    (project / "uv.lock").write_text(LOCK)
    found = needed(make, {"pyproject.toml": own}).detail
    assert (found.kind, found.root, found.member) == ("uv", project, "fn")


@pytest.mark.parametrize(
    ("files", "where", "said"),
    [
        ({"pyproject.toml": "[project]\nname = \n"}, "pyproject.toml:2:8", "can't be read"),
        (
            {"pyproject.toml": "[project]\ndependencies = [1]\n"},
            "pyproject.toml:2",
            "a list of texts",
        ),
        ({"Pipfile.lock": '{\n"a": }'}, "Pipfile.lock:2:6", "JSON"),
        ({"requirements.txt": "six\n\n???\n"}, "requirements.txt:3", "no requirement: `???`"),
        ({"requirements.txt": "six\n-r gone.txt\n"}, "requirements.txt:2", "gone.txt"),
        ({"requirements.txt": "./gone\n"}, "requirements.txt", "leads nowhere"),
        ({"Pipfile": "[packages]\nsix = '*'\n"}, "Pipfile", "no Pipfile.lock"),
        ({"pyproject.toml": '[project]\nname="x"\ndynamic=["dependencies"]\n'}, "toml", "dynamic"),
        (
            {"requirements.txt": "six\nrequests=2\n"},
            "requirements.txt:2",
            "requirement: `requests=2`",
        ),
        ({"requirements.txt": "six ; python < '3'\n"}, "requirements.txt:1", "no requirement"),
        ({"requirements.txt": "pip install six\n"}, "requirements.txt:1", "no requirement"),
        (
            {"pyproject.toml": '[project]\nname = "x"\ndependencies = [\n"six",\n"a=1"]\n'},
            "pyproject.toml:5",
            "no requirement: `a=1`",
        ),
        (
            {"pyproject.toml": "[project]\nrequires-python = 3.12\ndependencies = ['six']\n"},
            "pyproject.toml:2",
            "`project.requires-python` must be text",
        ),
        ({"pyproject.toml": 'project = "x"\n'}, "pyproject.toml:1", "`project` must be a table"),
        (
            {"pyproject.toml": '[project]\ndependencies = "six"\n'},
            "pyproject.toml:2",
            "a list of texts",
        ),
        (
            {"pyproject.toml": "[tool.poetry.dependencies]\nsix = 5\n"},
            "pyproject.toml:1",
            "`tool.poetry.dependencies` must be a table of versions",
        ),
        (
            {"pyproject.toml": '[tool.poetry.dependencies]\nsix = "^x.y"\n'},
            "pyproject.toml",
            "`^x.y`, which `six` may be, is no version",
        ),
        ({"Pipfile.lock": "[]"}, "Pipfile.lock", "isn't an object"),
        ({"Pipfile.lock": '{"default": {"six": "1"}}'}, "Pipfile.lock", "an object of objects"),
        (
            {"pyproject.toml": '[tool.poetry.dependencies]\nsix = "^1 || ^2"\n'},
            "pyproject.toml",
            "several ranges",
        ),
    ],
)
def test_a_bad_file_is_told_with_its_place(
    make: Make, files: Mapping[str, str], where: str, said: str
) -> None:
    with pytest.raises(TcError) as told:
        python.needs(make(files), LAMBDA)
    assert told.value.where.endswith(where)
    assert said in told.value.message
    assert told.value.code == ("local-dependency" if "nowhere" in said else "bad-file")
    assert told.value.hint


def test_a_dependency_outside_of_the_project_is_refused(make: Make, project: Path) -> None:
    outside = project.parent / "outside"
    outside.mkdir()
    with pytest.raises(TcError, match="outside of the project") as told:
        python.needs(make({"requirements.txt": "../../../outside\n"}), LAMBDA)
    assert told.value.code == "local-dependency"


def test_without_shared_context_only_the_own_directory_counts(make: Make, project: Path) -> None:
    (project / "shared").mkdir()
    files = {"requirements.txt": "../../shared\n"}
    assert python.needs(make(files), LAMBDA) is not None
    with pytest.raises(TcError, match="shared_context` is false"):
        python.needs(make(files, build=Build(shared_context=False)), LAMBDA)


def test_passwords_in_addresses_are_not_told(make: Make) -> None:
    with pytest.raises(TcError) as told:
        python.needs(make({"requirements.txt": "?? http://me:hidden@host/x\n"}), LAMBDA)
    assert "hidden" not in told.value.message
