"""Who may take a lease, and events that are counted up."""

import pytest

from kk.client.lease import claim

NOW = "2026-01-02T03:04:05.000000Z"


def lease(holder, transitions=0):
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 15,
        "renewTime": "x",
        "acquireTime": "then",
        "leaseTransitions": transitions,
    }
    return {"metadata": {}, "spec": spec}


@pytest.mark.parametrize(
    ("held", "seen_for", "expected"),
    [
        (None, 0, (NOW, 0)),
        (lease("other"), 3, None),
        (lease("other", 4), 16, (NOW, 5)),
        (lease("", 1), 0, (NOW, 2)),
        (lease("me", 1), 99, ("then", 1)),
    ],
)
def test_claim(held, seen_for, expected):
    spec = claim(held, "me", 15, NOW, seen_for)
    assert (spec and (spec["acquireTime"], spec["leaseTransitions"])) == expected
    if spec:
        assert (spec["holderIdentity"], spec["renewTime"]) == ("me", NOW)
