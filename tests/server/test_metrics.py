"""/metrics and the health paths over real HTTP: names, labels, forms, single checks."""

import http.client
import ssl

import pytest

from kk.server.exposition import Family, page, wants_open
from kk.server.metrics import Metrics


def samples(api, path="/metrics", **headers):
    """Samples by name and labels."""
    status, head, data = api.raw("GET", path, None, headers)
    assert status == 200
    found = {}
    for line in data.decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return head, found


def test_requests_are_counted_under_their_names(api, ns):
    ns("GET", "configmaps/none")
    ns("POST", "configmaps", {"metadata": {"name": "a"}})
    apply = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}
    kind = "application/apply-patch+yaml"
    assert ns("PATCH", "configmaps/b?fieldManager=m&dryRun=All", apply, Content_Type=kind)[0] == 201
    ns.watch("configmaps?watch=1&timeoutSeconds=1")
    head, found = samples(api)
    assert head["content-type"].startswith("text/plain; version=0.0.4")
    labels = 'group="",resource="configmaps",scope="resource",subresource="",verb="GET",version="v1"'
    assert found[f'apiserver_request_total{{code="404",component="apiserver",dry_run="",{labels}}}'] >= 1
    applied = 'group="",resource="configmaps",scope="resource",subresource="",verb="APPLY",version="v1"'
    assert found[f'apiserver_request_total{{code="201",component="apiserver",dry_run="All",{applied}}}'] == 1
    bucket = f'apiserver_request_duration_seconds_bucket{{component="apiserver",dry_run="",{labels},le="+Inf"}}'
    assert found[bucket] >= 1
    assert found['apiserver_resource_objects{group="",resource="configmaps"}'] >= 1
    assert found['apiserver_storage_objects{resource="deployments.apps"}'] == 0
    assert found['apiserver_current_inflight_requests{request_kind="readOnly"}'] == 1
    assert found['apiserver_watch_events_total{group="",resource="configmaps",version="v1"}'] >= 0
    step = (
        'apiserver_admission_step_admission_duration_seconds_count{operation="CREATE",rejected="false",type="validate"}'
    )
    assert found[step] >= 1
    done = 'apiserver_flowcontrol_dispatched_requests_total{flow_schema="exempt",priority_level="exempt"}'
    assert found[done] >= 2
    assert found['authentication_attempts{result="success"}'] >= 2
    assert found["process_open_fds"] > 3
    assert any(name.startswith("kubernetes_build_info{") for name in found)


def test_who_asks_is_counted_by_few_names(api):
    def counts():
        return {k: v for k, v in samples(api)[1].items() if k.startswith("authenticat")}

    before = counts()
    for name in ("jane@example.org", "kubelet", "carol"):  # impersonation does not change who asks
        api.request("GET", "/api/v1/namespaces", headers={"Impersonate-User": name})
    context = ssl.create_default_context(cafile=api.data_dir / "pki" / "ca.crt")
    nobody = http.client.HTTPSConnection("127.0.0.1", api.port, context=context, timeout=30)
    nobody.request("GET", "/api/v1/namespaces", headers={"Authorization": "Bearer wrong"})
    assert nobody.getresponse().status == 401
    nobody.close()
    after = counts()
    assert after['authentication_attempts{result="error"}'] > before['authentication_attempts{result="error"}']
    assert after['authentication_attempts{result="failure"}'] == 0
    other = 'authenticated_user_requests{username="other"}'
    assert after[other] >= before[other] + 3


@pytest.mark.parametrize(
    ("name", "told"),
    [("kubelet", "kubelet"), ("jane@example.org", "email_id"), ("system:serviceaccount:a:b", "other")],
)
def test_the_class_of_a_user(name, told):
    counted = Metrics()
    counted.user(name)[0] += 1
    assert counted.users[name] is counted.user(name)
    assert counted.classes == {told: [1]}


def test_an_openmetrics_scraper_gets_its_form(api):
    status, head, data = api.raw("GET", "/metrics", None, {"Accept": "application/openmetrics-text;version=1.0.0"})
    assert status == 200
    assert head["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert data.endswith(b"# EOF\n")
    assert b"# TYPE apiserver_request counter\n" in data


def test_slis_tell_how_the_checks_stand(api):
    _, found = samples(api, "/metrics/slis")
    assert found['kubernetes_healthcheck{name="ping",type="livez"}'] == 1
    assert found['kubernetes_healthchecks_total{name="etcd",status="success",type="healthz"}'] >= 1


@pytest.mark.parametrize("root", ["livez", "readyz", "healthz"])
def test_health_is_told_whole_and_in_parts(api, root):
    assert api.raw("GET", f"/{root}")[2] == b"ok"
    lines = api.raw("GET", f"/{root}?verbose")[2].decode().splitlines()
    assert lines[0] == "[+]ping ok"
    assert lines[-1] == f"{root} check passed"
    assert api.raw("GET", f"/{root}/ping")[2] == b"ok"
    assert api.raw("GET", f"/{root}/poststarthook/rbac/bootstrap-roles")[2] == b"ok"
    assert api.raw("GET", f"/{root}/nosuch")[0] == 404
    lines = api.raw("GET", f"/{root}?verbose&exclude=ping&exclude=nosuch")[2].decode().splitlines()
    assert lines[0] == "[+]ping excluded: ok"
    assert 'warn: some health checks cannot be excluded: no matches for "nosuch"' in lines


def test_what_is_for_debugging_is_off(api):
    for path in ("/debug/pprof", "/debug/api_priority_and_fairness/dump_priority_levels", "/debug/flags/v"):
        assert api.raw("GET", path)[0] == 404


def test_a_page_of_families():
    family = Family("x_seconds", "histogram", "How long.")
    family.histogram({"a": 'q"'}, (0.5, 1), [1, 2, 3], 4.5)
    assert page([family, Family("none", "gauge", "Nothing.")]).decode().splitlines() == [
        "# HELP x_seconds How long.",
        "# TYPE x_seconds histogram",
        'x_seconds_bucket{a="q\\"",le="0.5"} 1',
        'x_seconds_bucket{a="q\\"",le="1"} 3',
        'x_seconds_bucket{a="q\\"",le="+Inf"} 6',
        'x_seconds_sum{a="q\\""} 4.5',
        'x_seconds_count{a="q\\""} 6',
    ]
    assert wants_open("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert not wants_open("text/plain,application/openmetrics-text")
