"""When a policy is checked, and what its status says then."""

from kk.control.controllers.validatingadmissionpolicy_status import due, status


def test_each_generation_is_checked_once():
    assert due({"metadata": {"generation": 1}})
    assert due({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}})
    assert not due({"metadata": {"generation": 2}, "status": {"observedGeneration": 2}})


def test_the_presence_of_type_checking_tells_that_it_was_done():
    assert status({"observedGeneration": 3, "expressionWarnings": []}) == {"observedGeneration": 3, "typeChecking": {}}
    warnings = [{"fieldRef": "spec.validations[0].expression", "warning": "w"}]
    found = status({"observedGeneration": 3, "expressionWarnings": warnings})
    assert found["typeChecking"] == {"expressionWarnings": warnings}
