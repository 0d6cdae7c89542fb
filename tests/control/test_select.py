"""What --controllers chooses, and that every controller is fit to be chosen."""

import pytest

from kk.control.controller import select
from kk.control.main import all_controllers


def names(text):
    return {c.name for c in select(text, all_controllers())}


def test_star_less_and_more():
    everything = names("*")
    assert "deployment-controller" in everything
    assert names("*,-deployment") == everything - {"deployment-controller"}
    assert names("*,-scheduler,-deployment-controller") == everything - {"deployment-controller"}
    assert names("replicaset,podgc") == {"replicaset-controller", "pod-garbage-collector-controller"}
    assert names("scheduler") == set()


def test_unknown():
    with pytest.raises(ValueError, match='"nobody" is not in the list of known controllers'):
        names("*,nobody")


def test_names_are_unique():
    seen = [n for c in all_controllers() for n in c.names]
    assert len(seen) == len(set(seen))
