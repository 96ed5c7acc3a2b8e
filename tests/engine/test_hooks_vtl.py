"""Mapping templates by themselves: what each construct makes."""

from __future__ import annotations

import pytest

from tc.local.hooks.vtl import BodyError, Mapping, render
from tc.local.hooks.vtl_parse import TemplateError

BODY = '{"a": {"b": [1, {"c": "x"}]}, "t": "it\'s \\"so\\"", "n": 3, "none": null, "yes": true}'


def made(template: str, body: str = BODY) -> str:
    params = {"path": {"p": "1"}, "querystring": {"q": "a b"}, "header": {"X-H": "h"}}
    return render(template, Mapping(body, params, {"stage": "live"}, {"v": "s"}))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain #1 $5 $. a@b #hash", "plain #1 $5 $. a@b #hash"),
        ("$unknown.x $!unknown ${unknown}", "$unknown.x  ${unknown}"),
        ("$input.path('$.a.b[1].c')", "x"),
        ("$input.path('$.a.b').size()", "2"),
        ("$input.json('$.a')", '{"b":[1,{"c":"x"}]}'),
        ("$input.json('$.t')", '"it\'s \\"so\\""'),
        ("$input.path('$.nowhere')|$input.json('$.nowhere')", "|null"),
        ("$util.escapeJavaScript($input.path('$.t'))", 'it\\\'s \\"so\\"'),
        (
            "$util.escapeJavaScript($input.path('$.t')).replaceAll(\"\\\\'\", \"'\")",
            'it\'s \\"so\\"',
        ),
        ("$util.urlEncode($input.params('q'))", "a+b"),
        ("$util.base64Decode($util.base64Encode('ü'))", "ü"),
        ("$util.parseJson('{\"k\": [5]}').k[0]", "5"),
        ("$input.params('p')$input.params('x-h')$input.params().header.X-H", "1hh"),
        ("$context.stage $stageVariables.v", "live s"),
        ("#set($x = 1 + 2 * 3)\n$x", "7"),
        ("#set($x = \"n is $input.path('$.n')\")$x", "n is 3"),
        ("#set($x = 'it''s $raw')$x", "it's $raw"),
        ("#if($input.path('$.n') == 3)yes#{else}no#end", "yes"),
        ("#if($input.path('$.none') == '')empty#end", "empty"),
        ("#if(!$input.path('$.none'))not#end", "not"),
        ("#if($input.path('$.n') > 5)a#elseif($input.path('$.n') >= 3 && true)b#{else}c#end", "b"),
        ("#if($missing.x == 1 || $input.path('$.yes'))or#end", "or"),
        ("#foreach($i in [1..3])$i#if($foreach.hasNext),#end#end", "1,2,3"),
        ("#foreach($k in $input.path('$.a').keySet())$k#end", "b"),
        ("#set($m = {'k': [1, 2]})#set($m.z = 9)$m", '{"k":[1,2],"z":9}'),
        ("a## comment\nb#* more\n *#c", "abc"),
        ('#set($s = "a b")#if($s.split(" ").size() == 2 and not false)two#end', "two"),
    ],
)
def test_what_a_template_makes(template: str, text: str) -> None:
    assert made(template) == text


def test_a_template_overrides_the_status_and_headers() -> None:
    mapping = Mapping("{}", {})
    template = "#set($context.responseOverride.status = 418)"
    template += '#set($context.responseOverride.header.X-A = "b")'
    assert render(template, mapping) == ""
    assert mapping.context["responseOverride"] == {"status": 418, "header": {"X-A": "b"}}


@pytest.mark.parametrize(
    "template", ["#if($a)", "#end", "#set($a = )", "#foreach($a of $b)#end", "${a", '#set($a = "b)']
)
def test_a_broken_template_is_named(template: str) -> None:
    with pytest.raises(TemplateError):
        made(template)


def test_a_body_that_is_no_json_is_an_error_only_where_it_is_looked_into() -> None:
    assert made("$input.body", "x") == "x"
    with pytest.raises(BodyError):
        made("$input.json('$')", "x")
