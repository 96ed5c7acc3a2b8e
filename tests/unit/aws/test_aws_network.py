"""Proxies and CA bundles, as the AWS CLI takes them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aws_server import Server, dev, write_config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tc.aws.session import open_session
from tc.config import Environment
from tc.errors import AwsError
from tc.events import silent

NOBODY = "http://127.0.0.1:1"


def account(environment: Environment) -> str:
    with open_session(environment, None, silent) as aws:
        return aws.account


def test_calls_go_through_the_proxy(
    server: Server, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    aws = Environment("dev", profile="dev", endpoint_url="http://sts.example.test")
    assert account(aws) == "111111111111"
    (request,) = server.requests
    assert request.path == "http://sts.example.test/"
    assert request.headers["host"] == "sts.example.test"


def test_no_proxy_is_heeded(server: Server, keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    with pytest.raises(AwsError, match="the proxy refuses"):
        account(dev(server))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert account(dev(server)) == "111111111111"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that nobody knows, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "loopback.pem"
    plain = serialization.NoEncryption()
    pkcs8 = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, pkcs8, plain))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = Server(context)
    yield made
    made.close()


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_the_ca_bundle_of_the_network_is_trusted(
    secure: Server,
    certificate: Path,
    keys: None,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with pytest.raises(AwsError, match="the TLS handshake failed"):
        account(dev(secure))
    monkeypatch.setenv(variable, str(certificate))
    assert account(dev(secure)) == "111111111111"


def test_the_ca_bundle_of_a_profile_is_trusted(
    secure: Server, certificate: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    write_config(
        home,
        "[profile dev]\naws_access_key_id=A\naws_secret_access_key=B\nregion=eu-west-1\n"
        f"ca_bundle={certificate}\n",
    )
    assert account(dev(secure)) == "111111111111"
    certificate.unlink()
    with pytest.raises(AwsError) as caught:
        account(dev(secure))
    assert caught.value.hint == "AWS_CA_BUNDLE, or `ca_bundle` of the profile, names no file"
