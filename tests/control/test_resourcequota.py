"""What a quota's status should say, by tables."""

from kk.control.controllers.resourcequota import plan


def pod(name, phase="Running", cpu="100m"):
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}, "status": {"phase": phase}}


def quota(hard, used=None, **spec):
    status = {"hard": hard, "used": used} if used is not None else {}
    return {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}, "status": status}


def objects(**found):
    return lambda plural, group: found.get(plural, ())


def test_a_new_quota_is_filled():
    hard = {"pods": "3", "requests.cpu": "1", "count/pods": "9", "services": "2"}
    status = plan(quota(hard), objects(pods=[pod("a"), pod("b", "Succeeded"), pod("c")]))
    assert status == {"hard": hard, "used": {"pods": "2", "requests.cpu": "200m", "count/pods": "3", "services": "0"}}


def test_a_quota_that_is_right_is_left_alone():
    assert plan(quota({"pods": "3"}, {"pods": "1"}), objects(pods=[pod("a")])) is None


def test_new_bounds_are_shown():
    held = quota({"pods": "5"}, {"pods": "1"})
    held["status"]["hard"] = {"pods": "3"}
    assert plan(held, objects(pods=[pod("a")])) == {"hard": {"pods": "5"}, "used": {"pods": "1"}}


def test_scopes_choose_what_counts():
    best_effort = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c"}]}}
    status = plan(quota({"pods": "1"}, scopes=["BestEffort"]), objects(pods=[pod("a"), best_effort]))
    assert status["used"] == {"pods": "1"}
