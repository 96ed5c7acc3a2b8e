"""Dependencies in private repositories: fetched inside, and nothing of the key stays there."""

from __future__ import annotations

import base64
import http.server
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tc.build.container import Engine
from tc.build.tools import Job
from tc.errors import TcError
from tc.events import Event

Make = Callable[..., Job]
TOKEN = "a-token-that-nobody-may-see"
_SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


@pytest.fixture
def gateway(docker_client: Any) -> str:
    """This machine's address as containers see it."""
    config = docker_client.networks.get("bridge").attrs["IPAM"]["Config"][0]
    # an engine that took an interface which was there before doesn't say it
    return str(config.get("Gateway") or ipaddress.ip_network(config["Subnet"])[1])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A bare repository with one commit, which plain HTTP can serve too."""
    work, bare = tmp_path / "work", tmp_path / "private.git"
    work.mkdir()
    (work / "secret_sauce.py").write_text("recipe = 'salt'\n")
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=work, check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(bare)], check=True)
    subprocess.run(["git", "update-server-info"], cwd=bare, check=True)
    return bare


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    return made


@pytest.fixture
def sshd(
    tmp_path: Path, home: Path, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """A server that lets in who has the key of the agent; its port."""
    if not Path(_SSHD).exists() or shutil.which("ssh-agent") is None:
        pytest.skip("sshd or ssh-agent isn't installed")
    for name in ("host", "user"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(key, check=True)
    port = 20000 + os.getpid() % 10000
    (tmp_path / "sshd.conf").write_text(
        f"ListenAddress {gateway}:{port}\nHostKey {tmp_path / 'host'}\nUsePAM no\n"
        f"AuthorizedKeysFile {tmp_path / 'user.pub'}\nStrictModes no\n"
        f"PidFile {tmp_path / 'sshd.pid'}\nPermitRootLogin yes\n"
    )
    (home / ".ssh").mkdir()
    public = (tmp_path / "host.pub").read_text()
    (home / ".ssh/known_hosts").write_text(f"[{gateway}]:{port} {public}")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen(
        [_SSHD, "-D", "-e", "-f", str(tmp_path / "sshd.conf")], stderr=subprocess.PIPE
    )
    socket = str(tmp_path / "agent")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", socket)
    try:
        for _ in range(100):
            added = subprocess.run(["ssh-add", "-q", str(tmp_path / "user")], check=False)
            if added.returncode == 0:
                break
            time.sleep(0.1)
        (tmp_path / "user").unlink()
        yield port
    finally:
        for process in (agent, server):
            process.terminate()
            process.wait()


def test_a_repository_over_ssh_with_the_users_agent(
    built_by: Engine, job: Make, sshd: int, gateway: str, repository: Path
) -> None:
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    address = f"ssh://{user}@{gateway}:{sshd}{repository}"
    made = job(f"git clone -q {address} out && ls -A /root > out/home", ssh=True)
    built_by.run(made)
    assert (made.directory / "out/secret_sauce.py").exists()
    assert ".ssh" not in (made.directory / "out/home").read_text()
    # without being asked for, the agent isn't there
    with pytest.raises(TcError):
        built_by.run(job(f"git clone -q {address} out"))


def test_a_host_that_the_user_does_not_know_is_refused(
    built_by: Engine, job: Make, sshd: int, gateway: str, repository: Path, home: Path
) -> None:
    (home / ".ssh/known_hosts").write_text("")
    with pytest.raises(TcError) as caught:
        built_by.run(job(f"git clone ssh://root@{gateway}:{sshd}{repository} out", ssh=True))
    assert "Host key verification failed" in caught.value.message


@pytest.fixture
def https(
    tmp_path: Path, repository: Path, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A git host over TLS that wants the token; its address, without a user."""
    certificate = tmp_path / "ca.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    made += ["-keyout", str(tmp_path / "ca.key"), "-out", str(certificate), "-subj", "/CN=git"]
    made += ["-addext", f"subjectAltName=IP:{gateway}"]
    subprocess.run(made, check=True, capture_output=True)
    wanted = "Basic " + base64.b64encode(f"ada:{TOKEN}".encode()).decode()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any):
            super().__init__(*args, directory=str(repository.parent))

        def do_GET(self) -> None:
            if self.headers.get("Authorization") == wanted:
                super().do_GET()
                return
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer((gateway, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "ca.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_CERT", str(certificate))
    yield f"https://{gateway}:{server.server_port}/{repository.name}"
    server.shutdown()
    server.server_close()


def test_a_repository_over_https_with_the_token_of_the_users_git(
    built_by: Engine,
    job: Make,
    https: str,
    home: Path,
    docker_client: Any,
    told: list[Event],
    cache: Path,
) -> None:
    host = https.removeprefix("https://").partition("/")[0]
    (home / "tokens").write_text(f"https://ada:{TOKEN}@{host}\n")
    (home / ".gitconfig").write_text(f"[credential]\n\thelper = store --file {home / 'tokens'}\n")
    made = job(
        f"git clone -q {https} out && grep -rl {TOKEN[:9]} /root /build /etc/git* > out/left; env",
        files={"requirements.txt": f"sauce @ git+{https}\n"},
    )
    built_by.run(made)
    out = made.directory / "out"
    assert (out / "secret_sauce.py").exists()
    assert (out / "left").read_text() == ""
    assert any("TC_GIT_PASSWORD_0=***" in event.text for event in told)
    written = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    written += [path.read_bytes() for path in cache.rglob("*") if path.is_file()]
    written += [json.dumps([event.text for event in told]).encode()]
    written += [json.dumps(image.history()).encode() for image in docker_client.images.list()]
    assert [text for text in written if TOKEN.encode() in text] == []


def test_git_is_given_nothing_for_hosts_that_are_not_named(
    built_by: Engine, job: Make, https: str, home: Path
) -> None:
    host = https.removeprefix("https://").partition("/")[0]
    (home / "tokens").write_text(f"https://ada:{TOKEN}@{host}\n")
    (home / ".gitconfig").write_text(f"[credential]\n\thelper = store --file {home / 'tokens'}\n")
    made = job("mkdir out; env > out/environment")
    built_by.run(made)
    assert TOKEN not in (made.directory / "out/environment").read_text()
