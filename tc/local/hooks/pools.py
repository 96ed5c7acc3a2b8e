"""User pools ask the triggers PostConfirmation, PreAuthentication and PostAuthentication.

Why: the engine keeps all triggers of a pool and calls those of sign-up, tokens, messages and custom
challenges only. A function that gives every new user a row in a table would never run.
"""

from __future__ import annotations

import json
from typing import Any

from .needs import need, replace

MODULE = "services.cognito"
SIGN_IN = {"InitiateAuth", "AdminInitiateAuth"}
CONFIRMED = {
    "SignUp": "PostConfirmation_ConfirmSignUp",
    "ConfirmSignUp": "PostConfirmation_ConfirmSignUp",
    "AdminConfirmSignUp": "PostConfirmation_ConfirmSignUp",
    "ConfirmForgotPassword": "PostConfirmation_ConfirmForgotPassword",
}
#: what tokens are renewed by, which is no sign-in
RENEWALS = {"REFRESH_TOKEN", "REFRESH_TOKEN_AUTH"}


class Refused(Exception):
    """A trigger failed; its message is the one that Cognito passes on."""


def install() -> None:
    need(MODULE, "_user_pools")
    need(MODULE, "_pool_for_client", "cid")
    need(MODULE, "_resolve_user", "pool", "username")
    need(MODULE, "_attr_list_to_dict")
    need(MODULE, "error_response_json")
    need(MODULE, "_UNSIGNED_IDP_ACTIONS")
    need(MODULE, "_pin_unsigned_idp_scope", "data")
    need("services.lambda_svc", "_get_func_record_for_ref")
    need("services.lambda_svc", "_execution_record_for_config")
    need("services.lambda_svc", "_execute_function_with_config_scope")
    original = need(MODULE, "_run_idp_handler", "handler", "action", "data")

    def run(handler: Any, action: str, data: dict[str, Any]) -> Any:
        from ministack.services import cognito

        if action in cognito._UNSIGNED_IDP_ACTIONS:
            cognito._pin_unsigned_idp_scope(data)
        try:
            if action in SIGN_IN and data.get("AuthFlow") not in RENEWALS:
                ask("PreAuthentication", "PreAuthentication_Authentication", data)
            answer = original(handler, action, data)
            if answer[0] == 200:
                told(action, data, json.loads(answer[2] or b"{}"))
            return answer
        except Refused as error:
            return cognito.error_response_json("UserLambdaValidationException", str(error), 400)

    replace(MODULE, "_run_idp_handler", run)


def told(action: str, data: dict[str, Any], answer: dict[str, Any]) -> None:
    """Tells the triggers what has just happened."""
    source = CONFIRMED.get(action)
    if source and (action != "SignUp" or answer.get("UserConfirmed")):
        ask("PostConfirmation", source, data)
    if answer.get("AuthenticationResult") and data.get("AuthFlow") not in RENEWALS:
        ask("PostAuthentication", "PostAuthentication_Authentication", data)


def ask(trigger: str, source: str, data: dict[str, Any]) -> None:
    """Calls the pool's function for `trigger`, where it has one and the user is known."""
    from ministack.services import cognito, lambda_svc

    client = data.get("ClientId") or ""
    pool = cognito._user_pools.get(data.get("UserPoolId")) or cognito._pool_for_client(client)[0]
    arn = ((pool or {}).get("LambdaConfig") or {}).get(trigger)
    parameters = {**(data.get("AuthParameters") or {}), **(data.get("ChallengeResponses") or {})}
    name = data.get("Username") or parameters.get("USERNAME")
    user = cognito._resolve_user(pool, name)[0] if arn and name else None
    if not user:
        return
    record, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if record is None or config is None:
        raise Refused(f"{trigger} failed: there is no function {arn}")
    call = lambda_svc._execution_record_for_config(record, config)
    result = lambda_svc._execute_function_with_config_scope(
        call, event(source, pool, client, user, data.get("ClientMetadata"))
    )
    if isinstance(result, dict) and result.get("error"):
        raise Refused(f"{trigger} failed with error {message(result.get('body'))}.")


def event(
    source: str, pool: dict[str, Any], client: str, user: dict[str, Any], metadata: Any
) -> dict[str, Any]:
    """What a trigger gets ("Lambda trigger event sources" in the Cognito developer guide)."""
    from ministack.services import cognito

    status = {"cognito:user_status": user.get("UserStatus", "")}
    more = {"clientMetadata": metadata} if metadata else {}
    return {
        "version": "1",
        "triggerSource": source,
        "region": pool["Id"].partition("_")[0],
        "userPoolId": pool["Id"],
        "userName": user["Username"],
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client},
        "request": {
            "userAttributes": {**cognito._attr_list_to_dict(user.get("Attributes", [])), **status},
            **more,
        },
        "response": {},
    }


def message(body: Any) -> str:
    """What the function said when it failed."""
    try:
        found = json.loads(body) if isinstance(body, str | bytes) else body
    except ValueError:
        found = None
    return str(found.get("errorMessage", "")) if isinstance(found, dict) else str(body)
