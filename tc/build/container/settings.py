"""What commands in a container learn of this machine: indexes, certificates, proxies, caches.

All of it goes into the environment of the commands alone, since addresses hold passwords: an
image, a container's configuration and a log have none of it.
"""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from tc.build.tools import Job
from tc.indexes import pip_settings, uv_environment
from tc.processes import Program, Running

#: where the certificates of this machine are put, and the variables that name them
CERTIFICATES = "/etc/tc/ca.pem"
KNOWN_HOSTS = "/etc/tc/known_hosts"
#: seconds that git may take to find a credential
_PATIENCE = 10
_TRUST = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "BUNDLE_SSL_CA_CERT",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
)
#: the volume of a builder image is mounted here
CACHE = "/cache"
_CACHES = {
    "PIP_CACHE_DIR": "pip",
    "UV_CACHE_DIR": "uv",
    "NPM_CONFIG_CACHE": "npm",
    "YARN_CACHE_FOLDER": "yarn",
    "BUNDLE_USER_CACHE": "bundle",
    "GOCACHE": "go/build",
    "GOMODCACHE": "go/modules",
}
#: variables of this machine that say where packages come from; no path of this machine
_KEPT = re.compile(
    r"(?i:https?|all|no|ftp)_proxy|CI|SOURCE_DATE_EPOCH"
    r"|(?i:npm_config)_(?:registry|strict_ssl|always_auth|//.+|@.+)|NPM_TOKEN|NODE_AUTH_TOKEN"
    r"|BUNDLE_(?:MIRROR__\w+|\w+__\w+)|GEM_HOST_API_KEY"
    r"|GOPROXY|GOPRIVATE|GONOPROXY|GONOSUMDB|GONOSUMCHECK|GOSUMDB|GOINSECURE|GOAUTH"
    r"|CARGO_REGISTRIES_\w+|CARGO_REGISTRY_\w+"
)
#: pip's settings that mean the same anywhere
_PIP = ("index-url", "extra-index-url", "trusted-host", "timeout", "retries", "no-index")
_UV = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_INDEX_STRATEGY")
_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def handed_in(environ: Mapping[str, str], *, trusting: bool) -> dict[str, str]:
    """The variables for every command, of the user's `environ`; `trusting` when certificates
    were put where they say."""
    made = {name: value for name, value in environ.items() if _KEPT.fullmatch(name)}
    settings = pip_settings(environ)
    for key in _PIP:
        if settings.get(key):
            made[f"PIP_{key.upper().replace('-', '_')}"] = settings[key]
    links = [one for one in settings.get("find-links", "").split() if "://" in one]
    if links:
        made["PIP_FIND_LINKS"] = " ".join(links)
    uv = uv_environment(environ)
    made |= {name: uv[name] for name in _UV if name in uv}
    made |= {name: f"{CACHE}/{folder}" for name, folder in _CACHES.items()}
    return made | (dict.fromkeys(_TRUST, CERTIFICATES) if trusting else {})


def certificates(environ: Mapping[str, str]) -> bytes:
    """The certificate authorities that this machine trusts; nothing where it has no bundle."""
    told = [pip_settings(environ).get("cert", ""), *(environ.get(name, "") for name in _BUNDLES)]
    usual = ssl.get_default_verify_paths().cafile or ""
    for place in (*told, usual, "/etc/ssl/cert.pem"):
        if place and Path(place).is_file():
            return Path(place).read_bytes()
    return b""


def named_in(commands: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The user's variables that the commands name: ``$INDEX_TOKEN``, ``${STAGE:-dev}``."""
    names = {name for command in commands for name in re.findall(r"\$\{?([A-Za-z_]\w*)", command)}
    own = {"PATH", "HOME", "PWD", "USER", "SHELL", "TMPDIR"}
    return {name: environ[name] for name in sorted(names - own) if name in environ}


def agent_socket(environ: Mapping[str, str], platform: str) -> str:
    """The socket of the user's ssh-agent, as the engine sees it; empty without an agent."""
    socket = environ.get("SSH_AUTH_SOCK", "")
    # Docker Desktop keeps the agent's socket of a Mac at this place in its own machine
    return "/run/host-services/ssh-auth.sock" if socket and platform == "darwin" else socket


def known_hosts(environ: Mapping[str, str]) -> bytes:
    """The hosts that the user and this machine know: public keys."""
    home = Path(environ.get("HOME") or "/")
    files = (home / ".ssh/known_hosts", Path("/etc/ssh/ssh_known_hosts"))
    return b"\n".join(file.read_bytes() for file in files if os.access(file, os.R_OK))


#: an https address of a git repository: in a requirement, a lock, a command
_GIT = re.compile(
    r"(?:git\+https://|https://(?=[^\s\"']+\.git\b))(?:[^/\s@\"']+@)?([\w.-]+(?::\d+)?)"
)
#: bytes of a file that are looked at for addresses
_LOOKED_AT = 4 * 1024 * 1024
_DECIDING = (
    "*.txt",
    "*.toml",
    "*.lock",
    "Gemfile",
    "package*.json",
    "*.yaml",
    "go.mod",
)


def git_hosts(job: Job) -> list[str]:
    """The hosts of https git repositories that the job's files and commands name."""
    texts = [one if isinstance(one, str) else " ".join(one) for one in job.commands]
    for pattern in _DECIDING:
        for path in sorted(job.directory.glob(pattern)):
            if path.is_file() and path.stat().st_size <= _LOOKED_AT:
                texts.append(path.read_text("utf-8", "replace"))
    return sorted({host for text in texts for host in _GIT.findall(text)})


def git_credentials(job: Job, environ: Mapping[str, str], running: Running) -> dict[str, str]:
    """What the user's own git would send to the hosts of the job's repositories, as variables
    from which git inside takes it: for that host alone, written nowhere."""
    made: dict[str, str] = {}
    for host in git_hosts(job):
        found = _git_credential(host, environ, running)
        if found is None:
            continue
        number = len(made) // 4
        names = (f"TC_GIT_USER_{number}", f"TC_GIT_PASSWORD_{number}")
        made[f"GIT_CONFIG_KEY_{number}"] = f"credential.https://{host}.helper"
        made[f"GIT_CONFIG_VALUE_{number}"] = (
            '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" '
            f'"${names[0]}" "${names[1]}"; }}; f'
        )
        made |= dict(zip(names, found, strict=True))
    count = len(made) // 4
    return made | ({"GIT_CONFIG_COUNT": str(count)} if count else {})


def _git_credential(
    host: str, environ: Mapping[str, str], running: Running
) -> tuple[str, str] | None:
    """The user name and password that git knows for `host`, without asking anybody."""
    quiet = {**environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true"}
    if "GIT_ASKPASS" in environ:
        quiet["GIT_ASKPASS"] = environ["GIT_ASKPASS"]
    ask = 'printf "protocol=https\\nhost=%s\\n\\n" "$1" | git credential fill'
    told = dict(
        line.split("=", 1)
        for line in _said(Program(["/bin/sh", "-c", ask, "sh", host], Path.cwd(), quiet), running)
        if "=" in line
    )
    user, password = told.get("username", ""), told.get("password", "")
    return (user, password) if password else None


def _said(program: Program, running: Running) -> list[str]:
    """The lines that `program` writes, few enough for a pipe: they are in no file. None of one
    that takes too long."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as output:
        try:
            running.run(program, writing, subprocess.DEVNULL, _PATIENCE)
        except subprocess.TimeoutExpired:
            return []
        finally:
            os.close(writing)
        return output.read().decode("utf-8", "replace").splitlines()
