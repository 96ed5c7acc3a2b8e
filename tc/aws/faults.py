"""botocore's exceptions as sentences for people.

Every exception of botocore (and the few of Python's own that it lets through)
becomes one `TcError`: what is wrong with which credentials, network or call, and
the way out. Nothing in a sentence is secret: values that botocore quotes from
the parameters of a call are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from tc.config import Environment
from tc.errors import AwsError, TcError, UsageError
from tc.records import dataclass

#: what botocore raises, and what it lets through of Python's own: a file that cannot
#: be read, a setting that is no number, credentials that are old when they are fetched.
#: Anything else is a bug of ours.
RAISED = (
    boto.BotoCoreError,
    boto.ClientError,
    ResponseParserError,
    OSError,
    ValueError,
    RuntimeError,
)

_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
)
_NO_SUCH_KEY = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"}
)
_BAD_SIGNATURE = frozenset(
    {"SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"}
)
_CLOCK = re.compile(r"expired|not yet current|too skewed|too large", re.IGNORECASE)
_REQUEST_ID = re.compile(
    r"\s*\((?=[^()]*Request ?ID)[^()]*\)|[;,]?\s*(?:AWS )?Request ?ID:? ?[\w-]+", re.IGNORECASE
)
#: seconds by which AWS lets a clock be off (AWS IAM user guide, "Troubleshoot request errors")
_TOLERATED = 300
_MAY_NOT_ASSUME = re.compile(
    r"User: (?P<user>\S+) is not authorized to perform: sts:AssumeRole on resource: (?P<role>\S+)"
)
#: the regions that every account has; later ones must be enabled (AWS Account Management
#: reference guide, "Enable or disable AWS Regions in your account")
_ALWAYS_ON = frozenset(
    {
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1"),
        *("ap-southeast-1", "ap-southeast-2"),
    }
)
_QUOTED_VALUE = re.compile(r", value: .*?, (type|valid)", re.DOTALL)

#: failures to reach AWS, with what each says; ConnectionError's subclasses first
_NETWORK: tuple[tuple[type[Exception], str], ...] = (
    (boto.ProxyConnectionError, "can't be reached: the proxy refuses or doesn't answer"),
    (boto.SSLError, "can't be reached: the TLS handshake failed"),
    (boto.ConnectTimeoutError, "didn't answer within 10 s"),
    (boto.ReadTimeoutError, "took the call and didn't answer in time"),
    (boto.ConnectionClosedError, "closed the connection without an answer"),
    (boto.EndpointConnectionError, "can't be reached"),
    (boto.HTTPClientError, "can't be reached"),
    (boto.ConnectionError, "can't be reached"),
)
_NETWORK_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (boto.ProxyConnectionError, "check HTTPS_PROXY and NO_PROXY"),
    (boto.SSLError, "set AWS_CA_BUNDLE to the file with the CA certificates of your network"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose credentials a call used, for the sentences about them; `login` when `tc login`
    gets new ones."""

    environment: Environment
    region: str = ""
    login: bool = False

    @property
    def where(self) -> str:
        return f"env {self.environment.name}"

    @property
    def whose(self) -> str:
        profile = self.environment.profile
        return f"profile `{profile}`" if profile else "this machine"

    @property
    def renew(self) -> str:
        """How to get new credentials."""
        if self.login:
            return f"tc login -e {self.environment.name}"
        if self.environment.profile:
            return f"renew the credentials of profile `{self.environment.profile}`"
        return "put credentials into the environment (AWS_ACCESS_KEY_ID, …)"


def translate(
    error: Exception, origin: Origin, operation: str = "", *, login: bool = False
) -> TcError:
    """The `TcError` for one of `RAISED` that came out of `operation` (``sts.get_…``).

    In a `login` an expired token is the login's own affair, told as an AwsError.
    """
    if isinstance(error, boto.ClientError):
        return _answered(error, operation) if login else _refused(error, origin, operation)
    if isinstance(error, ResponseParserError):
        return not_aws(operation)
    network = next((says for kind, says in _NETWORK if isinstance(error, kind)), None)
    if network is not None:
        return _unreached(error, network, origin, operation)
    known = _logged_out(error, origin) or _credentials(error, origin)
    return known or _configuration(error, origin, operation)


def not_aws(operation: str) -> AwsError:
    """What came back makes no sense."""
    return AwsError(
        "what answered isn't AWS: a proxy, a captive portal or a wrong endpoint URL",
        aws_code="ResponseParserError",
        operation=operation,
        hint="check the proxy settings and `endpoint_url`",
    )


def _answered(error: boto.ClientError, operation: str) -> AwsError:
    """AWS's own words."""
    said = error.response.get("Error", {})
    code = str(said.get("Code") or "Unknown")
    message = _REQUEST_ID.sub("", str(said.get("Message") or "")).strip()
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    return AwsError(
        message or f"AWS answered {code}", aws_code=code, operation=operation, status=status
    )


def _refused(error: boto.ClientError, origin: Origin, operation: str) -> TcError:
    """AWS's own words, unless they are about the credentials."""
    answer = _answered(error, operation)
    code = answer.aws_code
    asked = getattr(error, "operation_name", "")
    if code in _EXPIRED:
        return expired(origin)
    if code in _BAD_SIGNATURE:
        if code == "RequestTimeTooSkewed" or _CLOCK.search(answer.message):
            return _clock(error, origin)
        return _no_credentials(f"the secret key of {origin.whose} is wrong", origin)
    if code == "RegionDisabledException" or (code in _NO_SUCH_KEY and _is_opt_in(origin.region)):
        return _region_off(code, origin)
    if code in _NO_SUCH_KEY:
        return _no_credentials(f"AWS doesn't know the access key of {origin.whose}", origin)
    if asked in ("AssumeRole", "AssumeRoleWithWebIdentity"):
        return _not_assumed(answer, origin)
    if asked == "GetRoleCredentials":
        return TcError(
            f"the SSO login of {origin.whose} has no such role in that account: {answer.message}",
            code="credentials",
            where=origin.where,
            hint="check `sso_account_id` and `sso_role_name` of that profile",
        )
    return answer


def expired(origin: Origin) -> TcError:
    """The credentials are over."""
    return _no_credentials(f"the credentials of {origin.whose} have expired", origin)


def _clock(error: boto.ClientError, origin: Origin) -> TcError:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return TcError(
        f"AWS refused the call's date: this machine's clock is off by {_off_by(headers)}",
        code="clock",
        where=origin.where,
        hint="set this machine's clock",
    )


def _off_by(headers: Mapping[str, str]) -> str:
    """By how much the clock is off: AWS's answer has AWS's time."""
    try:
        off = (datetime.now(UTC) - parsedate_to_datetime(headers["date"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        off = 0.0
    if abs(off) < _TOLERATED:
        return "over 5 minutes"
    return f"{round(abs(off) / 60)} min, it is {'ahead' if off > 0 else 'behind'}"


def _is_opt_in(region: str) -> bool:
    """Whether an account has to enable `region` before it can be used."""
    return region.count("-") == 2 and region not in _ALWAYS_ON and not region.startswith("cn-")


def _region_off(code: str, origin: Origin) -> TcError:
    region = origin.region
    message = f"the account hasn't enabled the region {region}"
    if code != "RegionDisabledException":
        message = f"{message}, or AWS doesn't know the access key of {origin.whose}"
    return TcError(
        message,
        code="region",
        where=origin.where,
        hint=f"aws account enable-region --region-name {region}",
    )


def _not_assumed(answer: AwsError, origin: Origin) -> TcError:
    """Both ARNs where AWS says them."""
    found = _MAY_NOT_ASSUME.search(answer.message)
    role = found["role"] if found else origin.environment.role or f"of {origin.whose}"
    if "MultiFactorAuthentication" in answer.message and "invalid" in answer.message.lower():
        return TcError(
            f"AWS refused the MFA code for {origin.whose}",
            code="credentials",
            where=origin.where,
            hint="wait for the next code and run the command again",
        )
    if found:
        return TcError(
            f"{found['user']} may not assume the role {role}",
            code="credentials",
            where=origin.where,
            hint="that role's trust policy must allow it, with the external id if it asks for "
            "one, and the caller's own policy sts:AssumeRole on it",
        )
    return TcError(
        f"the role {role} can't be assumed: {answer.message}",
        code="credentials",
        where=origin.where,
        hint="check `role_arn`, `external_id` and `duration_seconds` of that profile"
        if origin.environment.profile
        else "check `role` and `external_id` of that env in config.yml",
    )


def _no_credentials(message: str, origin: Origin, configure: bool = False) -> TcError:
    hint = origin.renew
    if configure and origin.environment.profile and not origin.login:
        hint = f"aws configure --profile {origin.environment.profile}"
    return TcError(message, code="credentials", where=origin.where, hint=hint)


def _unreached(error: Exception, says: str, origin: Origin, operation: str) -> AwsError:
    url = _endpoint(error)
    if origin.environment.local:
        subject, hint = f"the local engine ({url})", "tc local status"
    else:
        subject = url or "AWS"
        hint = next(
            (hint for kind, hint in _NETWORK_HINTS if isinstance(error, kind)),
            f"check the network and that `{origin.region}` is the right region",
        )
        if _no_file(error):
            hint = "AWS_CA_BUNDLE, or `ca_bundle` of the profile, names no file"
    return AwsError(
        f"{subject} {says}", aws_code=type(error).__name__, operation=operation, hint=hint
    )


def _no_file(error: Exception) -> bool:
    """Whether the file with the CA certificates isn't there."""
    cause = getattr(error, "kwargs", {}).get("error")
    return isinstance(cause, Exception) and any(
        isinstance(reason, FileNotFoundError) for reason in cause.args
    )


def _endpoint(error: Exception) -> str:
    """Scheme and host of the address that did not answer, without user or path."""
    fields = getattr(error, "kwargs", {})
    parts = urlsplit(str(fields.get("endpoint_url") or ""))
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}" if host else ""


def _logged_out(error: Exception, origin: Origin) -> TcError | None:
    """The sentence for a login that is missing or over."""
    whose = origin.whose
    if isinstance(error, boto.SSOTokenLoadError):
        return _no_credentials(f"there is no SSO login for {whose} yet", origin)
    if isinstance(error, boto.UnauthorizedSSOTokenError | boto.TokenRetrievalError):
        return _no_credentials(f"the SSO login of {whose} has expired", origin)
    if isinstance(error, boto.RefreshWithMFAUnsupportedError):
        return expired(origin)
    if isinstance(error, boto.MissingDependencyException):
        return TcError(
            f"{whose} uses `aws login`, whose credentials can't be read without awscrt",
            code="credentials",
            where=origin.where,
            hint="install awscrt beside tc, or give the profile a `credential_process` of "
            "`aws configure export-credentials --format process`",
        )
    if isinstance(error, boto.LoginError):
        name = origin.environment.profile or "default"
        return TcError(
            f"the `aws login` session of {whose} is missing or has expired",
            code="credentials",
            where=origin.where,
            hint=f"aws login --profile {name}",
        )
    return None


def _credentials(error: Exception, origin: Origin) -> TcError | None:
    """The sentence for credentials that are not there, incomplete or out of date."""
    whose = origin.whose
    if isinstance(error, boto.NoCredentialsError):
        if origin.environment.profile:
            return _no_credentials(f"there are no credentials for {whose}", origin, configure=True)
        return _no_credentials("there are no AWS credentials on this machine", origin)
    if isinstance(error, boto.PartialCredentialsError):
        missing = error.kwargs.get("cred_var", "a part")
        return _no_credentials(
            f"the credentials of {whose} lack `{missing}`", origin, configure=True
        )
    if isinstance(error, boto.CredentialRetrievalError | boto.MetadataRetrievalError):
        reason = _first_line(str(error.kwargs.get("error_msg", "")))
        why = f": {reason}" if reason else ""
        return _no_credentials(f"the credentials of {whose} can't be fetched{why}", origin)
    if isinstance(error, RuntimeError) and "expired" in str(
        error
    ):  # see botocore's RefreshableCredentials
        return _no_credentials(f"the credentials of {whose} have expired", origin)
    if isinstance(
        error, json.JSONDecodeError
    ):  # a credential process; see botocore's ProcessProvider
        return TcError(
            f"the credentials of {whose} can't be fetched: the credential process printed no JSON",
            code="credentials",
            where=origin.where,
            hint="check the `credential_process` of that profile",
        )
    return None


def _configuration(error: Exception, origin: Origin, operation: str) -> TcError:
    """The sentence for settings that cannot be used, and for everything unforeseen."""
    where = origin.where
    if isinstance(error, boto.ProfileNotFound):
        profile = origin.environment.profile or error.kwargs["profile"]
        return UsageError(
            f"there is no AWS profile `{profile}`",
            code="no-profile",
            where=where,
            hint=f"aws configure --profile {profile}",
        )
    if isinstance(error, boto.NoRegionError):
        return no_region(origin.environment)
    if isinstance(error, boto.ConfigParseError):
        return UsageError(
            "this file isn't a valid AWS configuration", code="aws-config", where=_path(error)
        )
    if isinstance(error, boto.ParamValidationError):
        return AwsError(
            _QUOTED_VALUE.sub(r", \1", _first_line(str(error.kwargs["report"]))),
            aws_code="ParamValidation",
            operation=operation,
        )
    if isinstance(error, OSError) and error.filename:
        reason = (error.strerror or type(error).__name__).lower()
        return TcError(f"{error.filename}: {reason}", code="aws-config", where=where)
    return TcError(_first_line(str(error)) or type(error).__name__, code="aws-config", where=where)


def no_region(environment: Environment) -> UsageError:
    """No region is set anywhere."""
    if environment.profile:
        hint = f"pass --region, or: aws configure set region REGION --profile {environment.profile}"
    else:
        hint = "pass --region, or set AWS_REGION"
    return UsageError(
        f"no region is set for env `{environment.name}`",
        code="no-region",
        where=f"env {environment.name}",
        hint=hint,
    )


def _path(error: boto.ConfigParseError) -> str:
    return str(error.kwargs.get("path", "~/.aws/config"))


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
