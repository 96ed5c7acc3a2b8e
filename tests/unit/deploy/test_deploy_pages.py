"""Pages, their buckets and distributions on the account in memory; the sites are real files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from composing import Directory, codes
from deploying import failures, packages, work
from fake_aws import FakeAws, refused

from tc.build.pages import read_site
from tc.deploy.pipeline import Prepared, carry_out, prepare, prepare_removal
from tc.deploy.walk import Outcome
from tc.errors import TcError
from tc.events import silent
from tc.spec.site import Site, SiteSource

TOPOLOGY = """
name: etl
pages:
  web: {}
"""
FILES = {
    "web/index.html": "<p>hello",
    "web/app.8f3a2b1c.js": "go()",
    "web/style.css": "p {}",
}
Deploy = Callable[..., Outcome]


class Lab:
    """An account, a topology's directory and a cache for built sites."""

    def __init__(self, directory: Directory, cache: Path):
        self.aws = FakeAws()
        self.directory = directory
        self.cache = cache

    def write(self, text: str = TOPOLOGY, **files: str) -> Lab:
        self.directory.write(text, "one", {**FILES, **files})
        return self

    def edit(self, name: str, text: str) -> None:
        (self.directory.root / name).write_text(text)

    def _site(self, source: SiteSource) -> Site:
        return read_site(source, self.cache, silent)

    def plan(self, *components: str) -> Prepared:
        topology = self.directory.topology()
        return prepare(
            topology, self.aws, packages, silent, components=components, read_site=self._site
        )

    def create(self, *components: str) -> Outcome:
        outcome = carry_out(self.plan(*components), self.aws, silent)
        assert failures(outcome) == []
        return outcome

    def settled(self) -> None:
        self.aws.forget()
        assert work(self.plan()) == []
        assert self.aws.writes() == []

    def delete(self) -> Outcome:
        return carry_out(prepare_removal(self.directory.topology(), self.aws), self.aws, silent)

    @property
    def bucket(self) -> str:
        (name,) = [name for name in self.aws.buckets if name.startswith("etl-web-bob-p")]
        return name

    @property
    def served(self) -> dict[str, dict[str, Any]]:
        live = self.aws.buckets[self.bucket]["objects"]
        return {key: self.aws.sent[self.bucket][key] for key in live}

    @property
    def config(self) -> dict[str, Any]:
        (live,) = self.aws.distributions.values()
        return dict(live["DistributionConfig"])

    def pages_writes(self) -> list[str]:
        kinds = ("s3.", "cloudfront.")
        return [name for name in self.aws.writes() if name.startswith(kinds)]


@pytest.fixture
def lab(directory: Directory, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(directory, tmp_path_factory.mktemp("cache"))


def test_a_page_from_nothing_to_nothing(lab: Lab) -> None:
    lab.write().create()
    assert lab.served["index.html"]["CacheControl"] == "no-cache"
    assert lab.served["index.html"]["ContentType"] == "text/html; charset=utf-8"
    assert lab.served["app.8f3a2b1c.js"]["CacheControl"] == "public, max-age=31536000, immutable"
    assert lab.served["style.css"]["CacheControl"] == "no-cache"
    settings = lab.aws.buckets[lab.bucket]["settings"]
    assert all(settings["block"].values())
    (live,) = lab.aws.distributions.values()
    (statement,) = json.loads(settings["policy"])["Statement"]
    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert statement["Action"] == "s3:GetObject"
    assert statement["Resource"] == f"arn:aws:s3:::{lab.bucket}/*"
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceArn": live["ARN"]}}
    assert live["tags"]["tc:functor"] == "etl@bob"
    assert lab.aws.invalidations == []
    lab.settled()
    read = {name: count for name, count in lab.aws.names().items() if name[:3] in ("s3.", "clo")}
    assert read == {
        "s3.list_buckets": 2,
        "s3.get_bucket_tagging": 1,
        "s3.get_public_access_block": 1,
        "s3.get_bucket_policy": 1,
        "s3.list_objects_v2": 1,
        "cloudfront.get_distribution": 1,
        "cloudfront.list_tags_for_resource": 1,
    }
    assert lab.delete().ok
    assert lab.aws.is_empty()


def test_only_what_changed_is_sent_and_invalidated(lab: Lab) -> None:
    lab.write().create()
    lab.edit("web/index.html", "<p>bye")
    (lab.directory.root / "web/style.css").unlink()
    lab.edit("web/new.txt", "new")
    assert work(lab.plan()) == ["~ page web: files.index.html, files.style.css, files.new.txt"]
    lab.aws.forget()
    lab.create("pages/web")
    sent = [given["Key"] for name, given in lab.aws.calls if name == "s3.put_object"]
    assert sent == [".tc-stale", "new.txt", "index.html"]
    assert sorted(set(lab.pages_writes())) == [
        "cloudfront.create_invalidation",
        "s3.delete_objects",
        "s3.put_object",
    ]
    assert lab.aws.invalidations == [["/index.html", "/style.css", "/"]]
    assert set(lab.served) == {"index.html", "app.8f3a2b1c.js", "new.txt"}
    lab.settled()


@pytest.mark.parametrize("fails", ["cloudfront.create_invalidation", "s3.put_object"])
def test_an_invalidation_that_is_owed_is_seen_and_made(lab: Lab, fails: str) -> None:
    lab.write().create()
    lab.edit("web/index.html", "<p>bye")

    def refuse(name: str, given: Any) -> Any:
        down = name == fails and given.get("Key") != ".tc-stale"
        return refused("Down") if down else None

    lab.aws.hook = refuse
    outcome = carry_out(lab.plan(), lab.aws, silent)
    lab.aws.hook = lambda name, given: None
    assert not outcome.ok
    assert lab.aws.invalidations == []
    (step,) = work(lab.plan())
    assert "invalidated" in step
    lab.create()
    assert lab.aws.invalidations == [["/*"]]
    assert ".tc-stale" not in lab.served
    lab.settled()


HEADERS = "{headers: {x-frame-options: DENY, X-Team: shop}}"


def test_headers_are_made_changed_and_removed(lab: Lab) -> None:
    lab.write(TOPOLOGY.replace("{}", HEADERS)).create()
    ((number, policy),) = lab.aws.policies.items()
    assert lab.config["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == number
    security = policy["config"]["SecurityHeadersConfig"]
    assert security["FrameOptions"] == {"Override": True, "FrameOption": "DENY"}
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 31536000
    (custom,) = policy["config"]["CustomHeadersConfig"]["Items"]
    assert custom == {"Header": "X-Team", "Value": "shop", "Override": True}
    lab.settled()
    policy["config"]["CustomHeadersConfig"]["Items"][0]["Value"] = "drift"
    assert work(lab.plan()) == ["~ distribution web: headers.X-Team"]
    lab.create()
    lab.settled()
    lab.write(TOPOLOGY.replace("{}", HEADERS.replace("shop", "store")))
    assert work(lab.plan()) == ["~ distribution web: headers.X-Team"]
    lab.create()
    assert list(lab.aws.policies) == [number]
    lab.settled()
    lab.write(TOPOLOGY).create()
    assert not lab.aws.policies
    lab.settled()
    lab.write(TOPOLOGY.replace("{}", HEADERS)).create()
    assert lab.delete().ok
    assert lab.aws.is_empty()


def test_a_policy_of_headers_that_is_anothers_stays(lab: Lab) -> None:
    theirs = {"Name": "etl_web_bob", "Comment": "theirs"}
    lab.aws.cloudfront_create_response_headers_policy(theirs)
    lab.write(TOPOLOGY.replace("{}", HEADERS))
    outcome = carry_out(lab.plan(), lab.aws, silent)
    assert "etl_web_bob belongs to another" in str(failures(outcome))
    assert [one["config"] for one in lab.aws.policies.values()] == [theirs]


def test_many_changes_are_one_path(lab: Lab) -> None:
    many = {f"web/page{n}.html": "one" for n in range(20)}
    lab.write(TOPOLOGY, **many).create()
    for name in many:
        lab.edit(name, "two")
    lab.create()
    assert lab.aws.invalidations == [["/*"]]


def test_drift_is_seen_and_mended(lab: Lab) -> None:
    lab.write().create()
    lab.aws.sent[lab.bucket]["index.html"]["Body"] = b"defaced"
    lab.aws.buckets[lab.bucket]["settings"]["block"] = {"BlockPublicAcls": False}
    lab.config["DefaultCacheBehavior"].pop("ResponseHeadersPolicyId")
    named = ["policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"]
    named += ["Strict-Transport-Security", "X-XSS-Protection"]
    fields = ", ".join(f"headers.{name}" for name in named)
    assert work(lab.plan()) == [
        f"~ distribution web: {fields}",
        "~ page bucket web: private",
        "~ page web: files.index.html",
    ]
    lab.create()
    assert lab.served["index.html"]["Body"] == b"<p>hello"
    lab.settled()


def test_settings_of_the_distribution_that_tc_doesnt_know_survive(lab: Lab) -> None:
    lab.write().create()
    (live,) = lab.aws.distributions.values()
    live["DistributionConfig"] |= {"WebACLId": "arn:waf", "PriceClass": "PriceClass_100"}
    lab.write(TOPOLOGY.replace("{}", "{kind: Static}"))
    assert work(lab.plan()) == [
        "~ distribution web: errors.403.page, errors.403.status, errors.404"
    ]
    lab.aws.forget()
    lab.create()
    assert lab.pages_writes() == ["cloudfront.update_distribution"]
    assert lab.config["WebACLId"] == "arn:waf"
    assert lab.config["PriceClass"] == "PriceClass_100"
    lab.settled()


def test_edge_functions_are_made_changed_and_removed(lab: Lab) -> None:
    text = TOPOLOGY.replace("{}", "{functions: {request: edge.js}}")
    lab.write(text, **{"web/edge.js": "function handler(e) {}"}).create()
    assert list(lab.aws.edge) == ["etl_web_bob_request"]
    assert lab.aws.edge["etl_web_bob_request"]["live"] == b"function handler(e) {}"
    lab.settled()
    lab.edit("web/edge.js", "function handler(e) { return e.request }")
    assert "~ distribution web: functions.request" in work(lab.plan())
    lab.create()
    assert lab.aws.edge["etl_web_bob_request"]["live"].endswith(b"e.request }")
    lab.settled()
    lab.write(TOPOLOGY).create()
    assert not lab.aws.edge
    lab.settled()


def test_a_domain_has_its_certificate_or_is_told(lab: Lab) -> None:
    lab.write(TOPOLOGY.replace("{}", "{domains: {bob: www.example.com, alice: example.org}}"))
    with pytest.raises(TcError, match=r"no issued certificate for www\.example\.com") as caught:
        lab.plan()
    assert caught.value.code == "no-certificate"
    assert lab.aws.writes() == []
    arn = "arn:aws:acm:us-east-1:111122223333:certificate/1"
    lab.aws.certificates = [{"CertificateArn": arn, "DomainName": "*.example.com"}]
    outcome = lab.create()
    assert lab.config["Aliases"]["Items"] == ["www.example.com"]
    assert lab.config["ViewerCertificate"]["ACMCertificateArn"] == arn
    told = outcome.outputs[f"distribution/{lab.bucket}"]
    assert told["url"] == "https://www.example.com"
    assert told["domain"].endswith(".cloudfront.net")
    lab.settled()


def test_the_template_is_filled_when_its_values_are_known(lab: Lab) -> None:
    text = """
name: etl
routes: {/hello: {method: GET, function: one}}
pages:
  web: {build: [mkdir dist, cp index.html dist/, cp .env dist/env.txt], config_template: .env.tpl}
"""
    lab.write(text, **{"web/.env.tpl": "API={{REST_ENDPOINT}}\nS={{sandbox}} {{REGION}}\n"})
    lab.create()
    (number,) = lab.aws.http_apis
    api = f"https://{number}.execute-api.eu-west-1.amazonaws.com"
    assert lab.served["env.txt"]["Body"].decode() == f"API={api}\nS=bob eu-west-1\n"
    lab.settled()
    lab.edit("web/.env.tpl", "{{GRAPHQL_ENDPOINT}} {{nonsense}}")
    with pytest.raises(TcError, match="`GRAPHQL_ENDPOINT`, `nonsense` stands for nothing"):
        lab.plan()


def test_a_key_is_in_the_page_and_nowhere_else(lab: Lab) -> None:
    text = """
name: etl
mutations: {types: {Run: {id: ID!}}, resolvers: {start: {output: Run}}}
channels: {updates: {}}
pages:
  web: {build: [mkdir dist, cp index.html dist/, cp .env dist/env.txt], config_template: .env.tpl}
"""
    template = "K={{GRAPHQL_API_KEY}} {{channels.updates.api_key}}"
    lab.write(text, **{"web/.env.tpl": template})
    outcome = lab.create()
    apis = [*lab.aws.event_apis.values(), *lab.aws.graphql_apis.values()]
    keys = {number for api in apis for number in api["keys"]}
    assert len(keys) == 2
    told = set(lab.served["env.txt"]["Body"].decode().removeprefix("K=").split())
    assert told == keys
    lab.settled()
    seen = repr((outcome, lab.plan()))
    assert not [key for key in keys if key in seen]
    lab.write(text.replace("{types", "{authorizer: one, types"))
    with pytest.raises(TcError, match="`GRAPHQL_API_KEY` stands for nothing"):
        lab.plan()


def test_a_page_in_an_existing_bucket_touches_only_its_own(lab: Lab) -> None:
    lab.aws.s3_create_bucket("company", {"LocationConstraint": "eu-west-1", "Tags": []})
    lab.aws.s3_put_object("company", "other.html", b"theirs", ContentType="text/html")
    theirs = {"Version": "2012-10-17", "Statement": [{"Sid": "theirs", "Effect": "Deny"}]}
    lab.aws.s3_put_bucket_policy("company", json.dumps(theirs))
    lab.write(TOPOLOGY.replace("{}", "{bucket: company}")).create()
    assert "etl/web/bob/index.html" in lab.aws.buckets["company"]["objects"]
    assert lab.config["Origins"]["Items"][0]["OriginPath"] == "/etl/web/bob"
    assert len(json.loads(lab.aws.buckets["company"]["settings"]["policy"])["Statement"]) == 2
    lab.settled()
    assert lab.delete().ok
    assert lab.aws.buckets["company"]["objects"] == ["other.html"]
    assert json.loads(lab.aws.buckets["company"]["settings"]["policy"]) == theirs
    assert not list(lab.aws.left_of_sites())


@pytest.mark.parametrize("how", ["taken out", "removed"])
def test_a_page_taken_out_of_another_bucket_is_found(lab: Lab, how: str) -> None:
    """Its distribution's mark is all that tells of it."""
    lab.aws.s3_create_bucket("company", {"LocationConstraint": "eu-west-1", "Tags": []})
    lab.aws.s3_put_object("company", "other.html", b"theirs", ContentType="text/html")
    lab.write(TOPOLOGY.replace("{}", "{bucket: company}")).create()
    lab.directory.write("name: etl\n", "one", FILES)
    if how == "removed":
        assert lab.delete().ok
    else:
        assert {"- distribution web", "- page web"} <= set(work(lab.plan()))
        lab.create("pages")
    assert lab.aws.buckets["company"]["objects"] == ["other.html"]
    assert "policy" not in lab.aws.buckets["company"]["settings"]
    assert not list(lab.aws.left_of_sites())


def test_a_page_taken_out_goes_with_all_it_has(lab: Lab) -> None:
    lab.write().create()
    lab.write("name: etl\n")
    assert [step for step in work(lab.plan()) if "page" in step or "distribution" in step] == [
        "- distribution web",
        "- page bucket web",
        "- page web",
    ]
    lab.create()
    assert not lab.aws.buckets
    assert not list(lab.aws.left_of_sites())


def test_an_interrupted_create_is_continued(lab: Lab) -> None:
    lab.write()
    lab.aws.hook = lambda name, given: refused("Down") if name == "s3.put_bucket_policy" else None
    assert not carry_out(lab.plan(), lab.aws, silent).ok
    lab.aws.hook = lambda name, given: None
    lab.create()
    assert len(lab.aws.distributions) == 1
    lab.settled()


def test_an_interrupted_delete_is_continued(lab: Lab) -> None:
    lab.write().create()
    lab.aws.propagating = 99
    assert not lab.delete().ok
    assert not lab.config["Enabled"]
    (live,) = lab.aws.distributions.values()
    live["waits"] = lab.aws.propagating = 0
    assert lab.delete().ok
    assert lab.aws.is_empty()


def test_a_foreign_distribution_is_left_alone(lab: Lab) -> None:
    lab.write().create()
    (live,) = lab.aws.distributions.values()
    live["tags"]["tc:functor"] = "other@bob"
    lab.aws.forget()
    with pytest.raises(TcError) as caught:
        lab.plan()
    assert caught.value.code == "not-owned"
    assert lab.aws.writes() == []


def test_paths_are_where_it_is_served(lab: Lab) -> None:
    lab.write(TOPOLOGY.replace("{}", "{paths: [/app/, /beta]}")).create()
    assert set(lab.served) >= {"app/index.html", "beta/index.html", "app/style.css"}
    assert lab.config["DefaultRootObject"] == "app/index.html"
    assert lab.config["CustomErrorResponses"]["Items"][0]["ResponsePagePath"] == "/app/index.html"
    lab.settled()


def test_a_page_that_isnt_deployed_makes_nothing(lab: Lab) -> None:
    lab.write(TOPOLOGY.replace("{}", "{skip_deploy: true}")).create()
    assert not lab.aws.buckets
    assert not lab.aws.distributions


def test_bad_pages_are_all_told(lab: Lab) -> None:
    text = """
name: etl
pages:
  we.b: {}
  web: {domains: {bob: not a host}, paths: ['../x']}
  one: {domains: {bob: a.example.com}, config_template: .env.tpl}
  two: {domains: {bob: a.example.com}}
  three: {headers: {X-Frame-Options: maybe, Access-Control-Allow-Origin: '*', 'a b': c}}
"""
    found = lab.write(text).directory.findings()
    assert codes(found) == [
        "bad-name",
        "bad-name",
        "bad-path",
        "duplicate-name",
        "missing-key",
        "duplicate-name",
        "invalid-value",
        "invalid-value",
        "bad-name",
    ]


def test_a_site_without_files_is_told_before_anything(lab: Lab) -> None:
    lab.directory.write(TOPOLOGY, "one")
    with pytest.raises(TcError) as caught:
        lab.plan()
    assert caught.value.code == "no-site"
    assert lab.aws.calls == []
