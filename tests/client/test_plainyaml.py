"""What the plain reader reads is what PyYAML reads; what it is not sure of it leaves to PyYAML."""

import pytest
import yaml

from kk.client import plainyaml

PLAIN = [
    "a: b\n",
    "---\na: b\nc:\n  d: e\n",
    "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: QUJD\n    server: https://127.0.0.1:6443\n  name: kk\n"
    "contexts:\n- context: {}\n  name: x\ncurrent-context: kk\nkind: Config\npreferences: {}\nusers: []\n",
    "users:\n  - name: a\n    user:\n      exec:\n        args:\n          - one\n          - two\n        command: get\n        env: null\n",
    "a:\nb: true\n# comment\nc: false\nd: \"\"\ne: ''\nf: x=y\n",
    'a: "quoted text"\nb: word\n',
    "a:\n- b: c\n  d: e\n- b: f\nz: w\n",
]
NOT_PLAIN = [
    "",
    "- a\n",
    "a: 1\n",
    "a: 1e3\n",
    "a: yes\n",
    "a: 'it''s'\n",
    'a: "tab\\t"\n',
    "a: |\n  text\n",
    "a: >-\n  text\n",
    "a: &x b\nc: *x\n",
    "a: {b: c}\n",
    "a: b # comment\n",
    "a: b: c\n",
    "a: b\n  c\n",
    "a: b\na: c\n",
    "? a\n: b\n",
    "a: 2024-01-01\n",
    "a: !!str b\n",
    "a:\tb\n",
    "a: b\n---\nc: d\n",
    "on: b\n",
]


@pytest.mark.parametrize("text", PLAIN)
def test_reads_as_a_yaml_parser_does(text):
    assert plainyaml.read(text) == yaml.safe_load(text)


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_leaves_the_rest_to_a_yaml_parser(text):
    assert plainyaml.read(text) is None


def test_what_pyyaml_writes_is_plain():
    config = {
        "clusters": [{"name": "a", "cluster": {"server": "https://x:1", "insecure-skip-tls-verify": True}}],
        "users": [],
        "current-context": "a",
    }
    for style in ({"sort_keys": False}, {"sort_keys": True}):
        assert plainyaml.read(yaml.safe_dump(config, **style)) == config
