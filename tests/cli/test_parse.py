"""kubectl's flag grammar: cases as data."""

import pytest

from kk.cli.command import Flag
from kk.cli.errors import FlagError
from kk.cli.parse import HelpWanted, Parser, split_commas

FLAGS = (
    Flag("output", "o"),
    Flag("watch", "w", type="bool"),
    Flag("all", "A", type="bool"),
    Flag("filename", "f", type="list"),
    Flag("from-literal", type="array"),
    Flag("chunk-size", type="int", default=500),
    Flag("timeout", type="duration"),
    Flag("dry-run", default="none", bare="unchanged"),
    Flag("namespace", "n"),
)

GOOD = [
    (["pods"], {"output": "", "watch": False, "chunk_size": 500, "filename": []}, ["pods"]),
    (["pods", "-o", "wide"], {"output": "wide"}, ["pods"]),
    (["-owide", "pods"], {"output": "wide"}, ["pods"]),
    (["-o=wide"], {"output": "wide"}, []),
    (["-o="], {"output": "="}, []),
    (["--output", "wide"], {"output": "wide"}, []),
    (["--output=a=b"], {"output": "a=b"}, []),
    (["-w"], {"watch": True}, []),
    (["-wA"], {"watch": True, "all": True}, []),
    (["-wo", "json"], {"watch": True, "output": "json"}, []),
    (["--watch=false"], {"watch": False}, []),
    (["-w=false"], {"watch": False}, []),
    (["--watch", "false"], {"watch": True}, ["false"]),
    (["-f", "a,b", "-f", "c"], {"filename": ["a", "b", "c"]}, []),
    (["-f", '"a,b",c'], {"filename": ["a,b", "c"]}, []),
    (["--from-literal=a,b", "--from-literal=c"], {"from_literal": ["a,b", "c"]}, []),
    (["--from_literal=a"], {"from_literal": ["a"]}, []),
    (["--chunk-size=0x10"], {"chunk_size": 16}, []),
    (["--timeout", "1m30s"], {"timeout": 90.0}, []),
    (["--dry-run", "x"], {"dry_run": "unchanged"}, ["x"]),
    (["--dry-run=client"], {"dry_run": "client"}, []),
    (["x", "--", "-w", "y"], {"watch": False}, ["x", "-w", "y"]),
    (["-"], {}, ["-"]),
]

BAD = [
    (["--foo"], "unknown flag: --foo"),
    (["-z"], "unknown shorthand flag: 'z' in -z"),
    (["-wz"], "unknown shorthand flag: 'z' in -z"),
    (["-o"], "flag needs an argument: 'o' in -o"),
    (["--output"], "flag needs an argument: --output"),
    (["--=x"], "bad flag syntax: --=x"),
    (
        ["--chunk-size=x"],
        'invalid argument "x" for "--chunk-size" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ),
    (["-w=x"], 'invalid argument "x" for "-w, --watch" flag: strconv.ParseBool: parsing "x": invalid syntax'),
    (["--timeout=x"], 'invalid argument "x" for "--timeout" flag: time: invalid duration "x"'),
]


@pytest.mark.parametrize("words, values, args", GOOD, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_understands(words, values, args):
    options = Parser(FLAGS, "kk get").parse(words)
    assert {k: getattr(options, k) for k in values} == values
    assert options.args == args


@pytest.mark.parametrize("words, message", BAD, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_refuses(words, message):
    with pytest.raises(FlagError) as raised:
        Parser(FLAGS, "kk get").parse(words)
    assert str(raised.value) == message
    assert raised.value.command == "kk get"


def test_tells_what_was_given_and_where_the_dashes_were():
    options = Parser(FLAGS, "").parse(["a", "-o", "x", "b", "--", "c"])
    assert options.changed == {"output"}
    assert options.dash == 2


@pytest.mark.parametrize("word", ["-h", "--help", "-wh"])
def test_help_is_asked_for(word):
    with pytest.raises(HelpWanted):
        Parser(FLAGS, "").parse([word])


def test_a_flag_of_the_verb_wins_over_a_global_one():
    parser = Parser((Flag("user", type="array"), Flag("user")), "")
    assert parser.parse(["--user", "a", "--user", "b"]).user == ["a", "b"]


def test_commas_split_as_in_csv():
    assert split_commas('a,"b,c",d') == ["a", "b,c", "d"]
    assert split_commas("") == []
