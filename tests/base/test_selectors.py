import pytest

from kk.base import selectors


@pytest.mark.parametrize(
    ("text", "labels", "wanted"),
    [
        ("", {}, True),
        ("a", {"a": ""}, True),
        ("!a", {"a": ""}, False),
        ("a=1", {"a": "1"}, True),
        ("a==1", {"a": "2"}, False),
        ("a!=1", {}, True),
        ("a in (1,2)", {"a": "2"}, True),
        ("a notin (1,2)", {"a": "2"}, False),
        ("a in ()", {"a": ""}, True),
        ("a>1,b<5", {"a": "2", "b": "4"}, True),
        ("a>1", {"a": "x"}, False),
        ("in in (in)", {"in": "in"}, True),
        (" a = 1 , b ", {"a": "1", "b": "z"}, True),
    ],
)
def test_labels(text, labels, wanted):
    assert selectors.parse_labels(text).matches(labels) is wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("x,", "found '', expected: identifier after ','"),
        ("x in a", "unable to parse requirement: found 'a' expected: '('"),
        (
            "x>a",
            "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer",
        ),
    ],
)
def test_label_faults(text, words):
    with pytest.raises(ValueError) as caught:
        selectors.parse_labels(text)
    assert str(caught.value) == words


def test_label_selector_objects():
    made = selectors.from_label_selector
    assert not made(None).matches({"a": "1"})
    assert made({}).matches({"a": "1"})
    selector = made(
        {"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["x"]}]}
    )
    assert str(selector) == "a=1,b notin (x)"
    assert selector.matches({"a": "1"})
    with pytest.raises(ValueError, match='"Like" is not a valid label selector operator'):
        made({"matchExpressions": [{"key": "b", "operator": "Like"}]})


def test_fields():
    parsed = selectors.parse_fields("metadata.name=a\\,b,spec.nodeName!=,x==1")
    assert parsed.requirements == [("metadata.name", "=", "a,b"), ("spec.nodeName", "!=", ""), ("x", "=", "1")]
    assert parsed.matches({"metadata.name": "a,b", "spec.nodeName": "n", "x": "1"}.__getitem__)
    assert not parsed.matches({"metadata.name": "a,b", "spec.nodeName": "", "x": "1"}.__getitem__)
    assert selectors.parse_fields(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        ("a=b\\c", "invalid field selector: invalid escape sequence: \\c"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_field_faults(text, words):
    with pytest.raises(ValueError) as caught:
        selectors.parse_fields(text)
    assert str(caught.value) == words
