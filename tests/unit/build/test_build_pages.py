"""Sites from their sources to the files that are served."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tc.build.pages import dotenv, read_site
from tc.errors import TcError
from tc.events import Event
from tc.spec.site import SiteSource


class Web:
    """A site's directory, and what was told of its builds."""

    def __init__(self, root: Path):
        self.root = root / "web"
        self.cache = root / "cache"
        self.root.mkdir()
        (root / ".git").mkdir()
        self.told: list[str] = []

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.root / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def files(self, dist: str = "dist", *build: str, template: str = "", **values: str) -> set[str]:
        source = SiteSource("web", self.root, dist, build, template)
        found = read_site(source, self.cache, self._tell).build(values)
        for file in found.values():
            assert file.md5 == hashlib.md5(file.path.read_bytes()).hexdigest()
        return set(found)

    def _tell(self, event: Event) -> None:
        if event.name == "build.done":
            self.told.append(event.text)


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(tmp_path)


def test_without_a_build_it_is_the_directory_without_secrets(web: Web) -> None:
    web.write(**{"index.html": "x", ".env": "KEY=1", "key.pem": "x", "a__b.css": "x", "c.zip": "x"})
    web.write(**{".tcignore": "notes.md\n", "notes.md": "x"})
    assert web.files(".") == {"index.html", "a/b.css", "c.zip"}


def test_commands_run_in_a_copy_and_only_when_something_changed(web: Web) -> None:
    web.write(**{"page.html": "one", "node_modules__tool": "echo"})
    build = ("test -f node_modules/tool", "mkdir dist && cp page.html dist/index.html")
    assert web.files("dist", *build) == {"index.html"}
    assert web.files("dist", *build) == {"index.html"}
    assert len(web.told) == 1
    assert not (web.root / "dist").exists()
    web.write(**{"node_modules__tool": "another", "dist__old.html": "old"})
    web.files("dist", *build)
    assert len(web.told) == 1
    web.write(**{"page.html": "two"})
    web.files("dist", *build)
    assert len(web.told) == 2


def test_the_template_becomes_the_dotenv_file(web: Web) -> None:
    web.write(**{"index.html": "x", ".env.template": "A={{REGION}}\nB={{ sandbox }}\n"})
    build = ("mkdir dist && cp index.html .env dist/ && mv dist/.env dist/env.txt",)
    assert "env.txt" in web.files(
        "dist", *build, template=".env.template", REGION="eu-west-1", sandbox="bob"
    )
    source = SiteSource("web", web.root, "dist", build, ".env.template")
    site = read_site(source, web.cache, web._tell)
    assert site.names == ("REGION", "sandbox")
    made = site.build({"REGION": "eu-west-1", "sandbox": "bob"})
    assert made["env.txt"].path.read_text() == "A=eu-west-1\nB=bob\n"
    site.build({"REGION": "eu-west-1", "sandbox": "alice"})
    assert len(web.told) == 2


@pytest.mark.parametrize(
    ("template", "file"),
    [
        (".env.template", ".env"),
        ("config/.env.production.tpl", ".env.production"),
        ("config.env", ".env"),
        ("tc.tmpl", "tc"),
    ],
)
def test_what_a_template_is_called(template: str, file: str) -> None:
    assert dotenv(template) == file


@pytest.mark.parametrize(
    ("build", "code", "text"),
    [
        (("echo no >&2; exit 3",), "build-failed", "ended with exit code 3"),
        (("true",), "no-site", "left no directory `dist`"),
        (("mkdir dist && touch dist/page.html",), "no-site", "dist has no index.html"),
        ((), "no-site", "dist"),
    ],
)
def test_what_goes_wrong_is_told(web: Web, build: tuple[str, ...], code: str, text: str) -> None:
    with pytest.raises(TcError) as caught:
        web.files("dist", *build)
    assert caught.value.code == code
    assert text in caught.value.message


def test_a_directory_or_file_that_isnt_there(web: Web) -> None:
    for source in (
        SiteSource("web", web.root / "nix", "dist"),
        SiteSource("web", web.root, "dist", (), ".env.tpl"),
        SiteSource("web", web.root, "dist", (), "", {"request": "edge.js"}),
    ):
        with pytest.raises(TcError) as caught:
            read_site(source, web.cache, web._tell)
        assert caught.value.code == "no-site"


def test_a_long_edge_function_is_refused(web: Web) -> None:
    web.write(**{"edge.js": "x" * 11_000})
    source = SiteSource("web", web.root, ".", (), "", {"request": "edge.js"})
    with pytest.raises(TcError, match="CloudFront takes 10,240"):
        read_site(source, web.cache, web._tell)
