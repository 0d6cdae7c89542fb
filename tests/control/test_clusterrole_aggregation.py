"""What a gathering role's rules should be."""

from kk.control.controllers.clusterrole_aggregation import plan

READ = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
WRITE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}


def role(name, rules=(), gathers=None, **labels):
    found = {"metadata": {"name": name, "labels": labels}, "rules": list(rules)}
    if gathers is not None:
        found["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": g} for g in gathers]}
    return found


def test_rules_come_by_name_each_once():
    whole = role("whole", gathers=[{"a": "b"}])
    parts = [role("two", [WRITE, READ], a="b"), role("one", [READ], a="b"), role("other", [WRITE], a="c")]
    assert plan(whole, [whole, *parts]) == [READ, WRITE]


def test_a_role_does_not_gather_itself_and_rests_when_it_is_whole():
    whole = role("whole", [READ], gathers=[{"a": "b"}], a="b")
    assert plan(whole, [whole, role("one", [READ], a="b")]) is None


def test_what_nobody_gives_any_more_is_dropped():
    assert plan(role("whole", [READ], gathers=[{"a": "b"}]), []) == []
