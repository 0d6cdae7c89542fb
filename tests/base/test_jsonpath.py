import pytest

from kk.base import jsonpath

STORE = {
    "items": [
        {
            "metadata": {"name": "a", "labels": {"app.io/x": "1"}},
            "status": {"n": 1, "ready": True},
            "ports": [{"p": 80}, {"p": 443}],
        },
        {"metadata": {"name": "b"}, "status": {"n": 2, "ready": False}, "ports": []},
    ],
    "kind": "List",
    "empty": None,
}


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("{.kind}", "List"),
        ("x{.kind}y", "xListy"),
        ("{$.kind}{@.kind}", "ListList"),
        ("{.items[*].metadata.name}", "a b"),
        ("{.items[0].metadata.name}", "a"),
        ("{.items[-1].metadata.name}", "b"),
        ("{.items[0:1].metadata.name}", "a"),
        ("{.items[:2].metadata.name}", "a b"),
        ("{.items[::2].metadata.name}", "a"),
        ("{.items[0,1].metadata.name}", "a b"),
        ("{.items[*]['metadata.name','status.n']}", "a b 1 2"),
        ("{.items[0].metadata.labels.app\\.io/x}", "1"),
        ("{.items[0].metadata.labels['app\\.io/x']}", "1"),
        ("{..name}", "a b"),
        ("{.items[?(@.status.n>1)].metadata.name}", "b"),
        ('{.items[?(@.metadata.name=="a")].status.n}', "1"),
        ("{.items[?(@.status.ready==true)].metadata.name}", "a"),
        ("{.items[?(@.metadata.labels)].metadata.name}", "a"),
        ('{range .items[*]}{.metadata.name}={.status.n}{"\\n"}{end}', "a=1\nb=2\n"),
        ("{range .items[*]}[{range .ports[*]}{.p},{end}]{end}!", "[80,443,][]!"),
        ("{.items[0].status}", '{"n":1,"ready":true}'),
        ("{.items[*].status.ready}", "true false"),
        ("{'quoted'} {3}", "quoted 3"),
    ],
)
def test_render(template, wanted):
    assert jsonpath.compile(template).render(STORE) == wanted


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{.kind", "unclosed action"),
        ("{.items[}", "unterminated array"),
        ("{.items[a]}", "invalid array index a"),
        ("{end}", "not in range, nothing to end"),
        ("{nope}", "unrecognized identifier nope"),
        ("{.items[?(.x}", "unterminated filter"),
    ],
)
def test_bad_syntax(template, words):
    with pytest.raises(ValueError, match="^" + words + "$"):
        jsonpath.compile(template)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{.nope}", "nope is not found"),
        ("{.items[5]}", "array index out of bounds: index 5, length 2"),
        ("{.kind[0]}", "string is not array or slice"),
    ],
)
def test_faults(template, words):
    with pytest.raises(ValueError) as caught:
        jsonpath.compile(template).render(STORE)
    assert str(caught.value) == words


def test_missing_may_be_allowed():
    assert jsonpath.compile("[{.nope.x}]", allow_missing=True).render(STORE) == "[]"
    assert jsonpath.compile("{.empty[*]}{.items[*].nope}", allow_missing=True).find(STORE) == [[], []]


@pytest.mark.parametrize("path", ["x.y", ".x.y", "{x.y}", "{.x.y}"])
def test_relaxed(path):
    assert jsonpath.relaxed(path) == "{.x.y}"


def test_relaxed_refuses():
    with pytest.raises(ValueError, match="unexpected path string"):
        jsonpath.relaxed("{.x}{.y}")
