"""pip's settings reach uv."""

from __future__ import annotations

from pathlib import Path

import pytest

from tc.indexes import pip_settings, uv_arguments, uv_environment


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A user with an empty home, on a machine without settings of its own."""
    monkeypatch.setattr("sys.prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr("sys.platform", "linux")
    chosen = tmp_path / "chosen.conf"
    chosen.write_text("[global]\ncert =\n")
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "PATH": "/bin"}


def write(environ: dict[str, str], place: str, text: str) -> Path:
    file = Path(environ["HOME"]) / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_the_variables_of_pip(environ: dict[str, str], tmp_path: Path) -> None:
    bundle = write(environ, "ca.pem", "")
    env = uv_environment(
        environ
        | {
            "PIP_INDEX_URL": "https://me:pw@mirror/simple",
            "PIP_EXTRA_INDEX_URL": "https://one/simple https://two/simple",
            "PIP_FIND_LINKS": f"{tmp_path} /no/such/place https://wheels/",
            "PIP_TRUSTED_HOST": "mirror one",
            "PIP_CERT": str(bundle),
            "PIP_CLIENT_CERT": "/client.pem",
        }
    )
    assert env["UV_DEFAULT_INDEX"] == "https://me:pw@mirror/simple"
    assert env["UV_EXTRA_INDEX_URL"] == "https://one/simple https://two/simple"
    assert env["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert env["UV_FIND_LINKS"] == f"{tmp_path},https://wheels/"
    assert env["UV_INSECURE_HOST"] == "mirror one"
    assert env["SSL_CERT_FILE"] == str(bundle)
    assert env["SSL_CLIENT_CERT"] == "/client.pem"


def test_the_files_of_pip_in_their_order(environ: dict[str, str], tmp_path: Path) -> None:
    write(environ, "xdg/pip/pip.conf", "[global]\nindex-url = https://shared/\ntimeout = 60\n")
    write(environ, ".pip/pip.conf", "[global]\nindex_url = https://old/\n")
    write(environ, ".config/pip/pip.conf", "[global]\nindex-url = https://user/%(x)\n")
    assert pip_settings(environ)["index-url"] == "https://user/%(x)"
    assert pip_settings(environ)["timeout"] == "60"

    write(environ, ".config/pip/pip.conf", "[install]\nindex-url=b\n[global]\nindex-url=a\n")
    assert pip_settings(environ)["index-url"] == "b"
    write(environ, "prefix/pip.conf", "[global]\nindex-url = https://site/\n")
    assert pip_settings(environ)["index-url"] == "https://site/"
    chosen = write(environ, "own.conf", "[global]\nindex-url = https://chosen/\n")
    own = environ | {"PIP_CONFIG_FILE": str(chosen)}
    assert pip_settings(own)["index-url"] == "https://chosen/"
    assert pip_settings(own | {"PIP_INDEX_URL": "https://env/"})["index-url"] == "https://env/"
    assert "index-url" not in pip_settings(environ | {"PIP_CONFIG_FILE": "/dev/null"})


def test_lists_over_several_lines(environ: dict[str, str]) -> None:
    text = "[global]\nextra-index-url =\n    https://one/\n    https://two/\n"
    write(environ, ".config/pip/pip.conf", text)
    assert uv_environment(environ)["UV_EXTRA_INDEX_URL"] == "https://one/ https://two/"


def test_a_file_that_pip_cannot_read_says_nothing(environ: dict[str, str]) -> None:
    write(environ, ".config/pip/pip.conf", "index-url = https://no-section/\n")
    assert "index-url" not in pip_settings(environ)


def test_what_the_user_told_uv_stays(environ: dict[str, str]) -> None:
    said = {
        "UV_DEFAULT_INDEX": "https://uv/",
        "UV_INDEX": "https://more/",
        "UV_FIND_LINKS": "/wheels",
        "SSL_CERT_FILE": "/uv.pem",
        "UV_INDEX_STRATEGY": "first-index",
        "UV_INDEX_CORP_PASSWORD": "pw",
    }
    pip = {
        "PIP_INDEX_URL": "https://pip/",
        "PIP_EXTRA_INDEX_URL": "https://pip2/",
        "PIP_FIND_LINKS": "https://pip3/",
        "PIP_CERT": __file__,
    }
    env = uv_environment(environ | said | pip)
    assert {name: env[name] for name in said} == said
    assert "UV_EXTRA_INDEX_URL" not in env


def test_settings_of_the_users_own_projects_stay_out(environ: dict[str, str]) -> None:
    own = {"VIRTUAL_ENV": "/v", "PYTHONPATH": "/p", "UV_PYTHON": "3.9", "UV_CONSTRAINT": "c.txt"}
    env = uv_environment(environ | own)
    assert not own.keys() & env.keys()
    assert env["UV_PYTHON_DOWNLOADS"] == "never"


def test_no_index(environ: dict[str, str]) -> None:
    assert uv_arguments(environ) == []
    assert uv_arguments(environ | {"PIP_NO_INDEX": "1"}) == ["--no-index"]


def test_poetrys_credentials_are_handed_on() -> None:
    env = uv_environment(
        {"POETRY_HTTP_BASIC_OWN_USERNAME": "me", "POETRY_HTTP_BASIC_OWN_PASSWORD": "word"}
    )
    assert (env["UV_INDEX_OWN_USERNAME"], env["UV_INDEX_OWN_PASSWORD"]) == ("me", "word")
