"""What the pipeline does besides tc: log in to AWS without keys, and talk about pull requests.

    pipeline.py login PROFILE ROLE   writes an AWS profile that assumes the role by the job's token
    pipeline.py credentials ROLE     prints the role's credentials, as such a profile takes them
    pipeline.py comment FILE         puts the file into a comment, always the same one
    pipeline.py closed FILE          prints the sandboxes pr-N of `tc list --json` in FILE whose
                                     pull request is closed

Plain Python, for GitHub Actions, GitLab CI and CircleCI.
"""

import json
import os
import re
import shlex
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

MARK = "<!-- tc diff -->"
#: characters that a comment may have on GitHub
LIMIT = 65536
SECONDS = 30
env = os.environ


def ask(method, url, headers, body=None):
    """The JSON that `url` answers with."""
    data = None if body is None else json.dumps(body).encode()
    return json.loads(fetch(method, url, {"Content-Type": "application/json", **headers}, data))


def fetch(method, url, headers, data):
    """What `url` answers with."""
    request = urllib.request.Request(url, data, {"User-Agent": "tc", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        said = error.read(500).decode("utf-8", "replace")
        sys.exit(f"{method} {url.partition('?')[0]} was answered {error.code}: {said}")
    except urllib.error.URLError as error:
        sys.exit(f"{url.partition('?')[0]} can't be reached: {error.reason}")


def job_token():
    """The token that says to AWS which job this is."""
    for name in ("TC_TOKEN", "CIRCLE_OIDC_TOKEN_V2"):
        if env.get(name):
            return env[name]
    if "ACTIONS_ID_TOKEN_REQUEST_URL" not in env:
        sys.exit("the job has no token of its own: on GitHub it needs `id-token: write`")
    url = env["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=sts.amazonaws.com"
    bearer = "bearer " + env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    return ask("GET", url, {"Authorization": bearer})["value"]


def login(profile, role):
    """The profile asks this file for credentials, since a job's token is good for minutes only."""
    if not role:
        sys.exit(f"the variable with the role for {profile} is not set: see docs/ci.md of tc")
    assumed(role)
    command = [sys.executable, str(Path(__file__).resolve()), "credentials", role]
    settings = {"credential_process": shlex.join(command), "region": env.get("AWS_REGION", "")}
    file = Path(env.get("AWS_CONFIG_FILE", Path.home() / ".aws" / "config"))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("a") as config:
        config.write(f"\n[profile {profile}]\n")
        config.writelines(f"{key} = {value}\n" for key, value in settings.items() if value)
    print(f"{profile} is {role}")


def credentials(role):
    print(json.dumps({"Version": 1, **assumed(role)}))


def assumed(role):
    """The credentials that AWS gives for the job's token."""
    run = env.get("GITHUB_RUN_ID") or env.get("CI_JOB_ID") or env.get("CIRCLE_WORKFLOW_ID", "job")
    region = env.get("AWS_REGION") or "us-east-1"
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = env.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.{suffix}"
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": f"tc-{run}"[:64],
        "WebIdentityToken": job_token(),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = fetch("POST", url, headers, urllib.parse.urlencode(form).encode())
    found = ElementTree.fromstring(answer).find(".//{*}Credentials")
    return {part.tag.rpartition("}")[2]: part.text for part in found}


class GitHub:
    """Pull requests on GitHub, for jobs there and on CircleCI."""

    def __init__(self):
        self.token = env.get("GITHUB_TOKEN", "")
        self.headers = {"Authorization": f"Bearer {self.token}"}
        api = env.get("GITHUB_API_URL", "https://api.github.com")
        if "GITHUB_EVENT_PATH" in env:
            repository = env["GITHUB_REPOSITORY"]
            self.number = json.loads(Path(env["GITHUB_EVENT_PATH"]).read_text()).get("number")
        else:
            repository = f"{env['CIRCLE_PROJECT_USERNAME']}/{env['CIRCLE_PROJECT_REPONAME']}"
            self.number = env.get("CIRCLE_PULL_REQUEST", "").rpartition("/")[2]
        self.base = f"{api}/repos/{repository}"

    def comments(self):
        for page in range(1, 100):
            url = f"{self.base}/issues/{self.number}/comments?per_page=100&page={page}"
            found = ask("GET", url, self.headers)
            yield from found
            if len(found) < 100:
                return

    def write(self, body):
        ask("POST", f"{self.base}/issues/{self.number}/comments", self.headers, {"body": body})

    def change(self, comment, body):
        url = f"{self.base}/issues/comments/{comment['id']}"
        ask("PATCH", url, self.headers, {"body": body})

    def is_closed(self, number):
        return ask("GET", f"{self.base}/pulls/{number}", self.headers)["state"] == "closed"


class GitLab:
    """Merge requests on GitLab."""

    def __init__(self):
        self.token = env.get("TC_GITLAB_TOKEN", "")
        self.headers = {"PRIVATE-TOKEN": self.token}
        self.number = env.get("CI_MERGE_REQUEST_IID", "")
        project = f"{env['CI_API_V4_URL']}/projects/{env['CI_PROJECT_ID']}"
        self.notes = f"{project}/merge_requests/{self.number}/notes"

    def comments(self):
        for page in range(1, 100):
            found = ask("GET", f"{self.notes}?per_page=100&page={page}", self.headers)
            yield from found
            if len(found) < 100:
                return

    def write(self, body):
        ask("POST", self.notes, self.headers, {"body": body})

    def change(self, comment, body):
        ask("PUT", f"{self.notes}/{comment['id']}", self.headers, {"body": body})


def cut(body):
    """The beginning of `body`, with what is open in it closed."""
    body = body[: LIMIT - 200].rpartition("\n")[0]
    if body.count("\n```") % 2:
        body += "\n```"
    body += "\n</details>" * (body.count("<details>") - body.count("</details>"))
    return body + "\n\nCut here: `tc diff` tells all of it."


def comment(file):
    host = GitLab() if "GITLAB_CI" in env else GitHub()
    text = Path(file).read_text().strip() or "Nothing of a topology changed."
    if not host.number:
        print("There is no pull request of this branch yet, so nobody gets the comment")
        return
    if not host.token:
        print("There is no token for comments, so the diff is only here:", text, sep="\n\n")
        return
    body = f"{MARK}\n{text}"
    if len(body) > LIMIT:
        body = cut(body)
    old = next((one for one in host.comments() if (one["body"] or "").startswith(MARK)), None)
    if old is None:
        host.write(body)
    else:
        host.change(old, body)


def closed(file):
    host = GitHub()
    names = set()
    for line in Path(file).read_text().splitlines():
        event = json.loads(line)
        for row in event.get("rows", []):
            names.add(dict(zip(event["columns"], row)).get("sandbox", ""))
    for name in sorted(names):
        found = re.fullmatch(r"pr-(\d+)", name)
        if found and host.is_closed(found[1]):
            print(name)


if __name__ == "__main__":
    commands = {"login": login, "credentials": credentials, "comment": comment, "closed": closed}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
