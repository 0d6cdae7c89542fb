"""What is to be done with a Secret that holds a token."""

import pytest

from kk.control.controllers.serviceaccount_token import NAME, UID, plan

ACCOUNT = {"metadata": {"name": "robot", "uid": "u1"}}


def secret(data=None, **annotations):
    return {"metadata": {"name": "s", "annotations": annotations}, "data": data or {}}


@pytest.mark.parametrize(
    ("held", "account", "action"),
    [
        (secret(**{NAME: "robot"}), ACCOUNT, "fill"),
        (secret({"token": "dA==", "namespace": "bg=="}, **{NAME: "robot", UID: "u1"}), ACCOUNT, ""),
        (secret({"namespace": "bg=="}, **{NAME: "robot", UID: "u1"}), ACCOUNT, "fill"),
        (secret(**{NAME: "robot", UID: "old"}), ACCOUNT, "delete"),
        (secret(**{NAME: "robot"}), None, "delete"),
        (secret(), None, ""),
    ],
)
def test_plan(held, account, action):
    assert plan(held, account) == action
