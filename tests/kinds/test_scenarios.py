"""Recorded scenarios of a real API server against the kinds' pure functions: defaults, faults with their causes, warnings, tables."""

from pathlib import Path

import pytest

from tests.kinds.scenario import play

_FOLDER = Path(__file__).parent.parent / "golden" / "kinds"


@pytest.mark.parametrize("path", sorted(_FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_kinds_answer_as_recorded(path: Path) -> None:
    assert list(play(path)) == []
