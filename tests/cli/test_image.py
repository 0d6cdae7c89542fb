"""`kk image`: the user's entries are written, listed and taken out again."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def kk(tmp_path):
    def run(*args):
        env = {**os.environ, "KK_HOME": str(tmp_path)}
        done = subprocess.run([sys.executable, "-m", "kk", "image", *args], env=env, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    return run


def test_add_list_and_remove(kk):
    assert kk("add", "my/app", "--port=8080", "--env=A=b", "--", "sleep", "7")[:2] == (0, "image/my/app added\n")
    listed = kk("ls", "--no-headers")[1].splitlines()
    assert [line.split(None, 2)[1:] for line in listed if line.startswith("my/app ")] == [["user", "sleep 7"]]
    assert any(line.startswith("nginx ") for line in listed)
    assert kk("rm", "my/app") == (0, "image/my/app removed\n", "")
    assert kk("rm", "my/app") == (1, "", 'error: image "my/app" was not added by you\n')


@pytest.mark.parametrize(
    "args, words",
    [
        (["add", "my/app"], "a NAME and, after --, a COMMAND are needed"),
        (["add", "MY APP", "--", "x"], "invalid reference format: 'MY APP'"),
        (["add", "a", "--env=A", "--", "x"], "expected NAME=VALUE"),
        (["add", "a", "--port=x", "--", "y"], "invalid literal"),
        (["rm"], "at least one NAME is needed"),
    ],
)
def test_what_cannot_be(kk, args, words):
    code, out, err = kk(*args)
    assert (code, out) == (1, "") and words in err
