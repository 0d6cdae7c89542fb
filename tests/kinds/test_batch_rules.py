"""What Jobs and CronJobs may say: policies of failure and success, bounds of indexes, schedules, zones, changes."""

import copy
from typing import Any

import pytest

from kk.kinds import cronjob, job

Obj = dict[str, Any]
INDEXED: Obj = {"completionMode": "Indexed", "completions": 5}
PER_INDEX: Obj = {**INDEXED, "backoffLimitPerIndex": 1}
ACTIONS = '["Count" "FailIndex" "FailJob" "Ignore"]'


def made(name: str = "a", **spec: Any) -> Obj:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}
    found: Obj = {"metadata": {"name": name, "namespace": "d", "uid": "u"}, "spec": {"template": {"spec": pod}, **spec}}
    job.KIND.default(found)
    job.KIND.prepare_create(found)
    return copy.deepcopy(found)


def told(obj: Obj, old: Obj | None = None) -> list[str]:
    return [str(fault) for fault in job.KIND.validate(obj, old)]


def rules(*found: Obj) -> Obj:
    return {"podFailurePolicy": {"rules": list(found)}}


def codes(**found: Any) -> Obj:
    return {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1], **found}}


P = "spec.podFailurePolicy.rules"
READY = {"type": "Ready"}


@pytest.mark.parametrize(
    ("spec", "faults"),
    [
        ({}, []),
        (rules(codes()), []),
        (rules({"action": "Count", "onPodConditions": [{"type": "Ready", "status": ""}]}), []),
        (rules(*[codes()] * 21), [f"{P}: Too many: 21: must have at most 20 items"]),
        (rules({"onExitCodes": codes()["onExitCodes"]}), [f"{P}[0].action: Required value: valid values: {ACTIONS}"]),
        (rules(codes(operator="")), [f'{P}[0].onExitCodes.operator: Required value: valid values: ["In" "NotIn"]']),
        (rules(codes(values=list(range(1, 257)))), [f"{P}[0].onExitCodes.values: Too many: 256: must have at most 255 items"]),
        (rules({"action": "Count", "onPodConditions": [READY] * 21}), [f"{P}[0].onPodConditions: Too many: 21: must have at most 20 items"]),
        ({**rules(codes()), "podReplacementPolicy": "TerminatingOrFailed"},
         ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"']),
        ({"managedBy": "a.b/" + "c" * 60}, ["spec.managedBy: Too long: may not be more than 63 bytes"]),
    ],
)  # fmt: skip
def test_failure_policies_and_managers(spec: Obj, faults: list[str]) -> None:
    assert told(made(**spec)) == faults


S = "spec.successPolicy.rules"


@pytest.mark.parametrize(
    ("rule", "faults"),
    [
        ({"succeededIndexes": "0,2-4", "succeededCount": 4}, []),
        ({"succeededIndexes": "0-x"}, [f'{S}[0].succeededIndexes: Invalid value: "0-x": error parsing succeededIndexes: cannot convert string to integer for index: "x"']),
        ({"succeededIndexes": "5"}, [f'{S}[0].succeededIndexes: Invalid value: "5": error parsing succeededIndexes: too large index: "5"']),
        ({"succeededIndexes": "3,1"}, [f'{S}[0].succeededIndexes: Invalid value: "3,1": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1']),
        ({"succeededIndexes": "0-1", "succeededCount": 3}, [f"{S}[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)"]),
        ({"succeededCount": 6}, [f"{S}[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)"]),
        ({}, [f"{S}[0]: Required value: at least one of succeededCount or succeededIndexes must be specified"]),
    ],
)  # fmt: skip
def test_success_policies(rule: Obj, faults: list[str]) -> None:
    assert told(made(**INDEXED, successPolicy={"rules": [rule]})) == faults


def test_there_are_at_most_twenty_success_rules() -> None:
    many = made(**INDEXED, successPolicy={"rules": [{"succeededCount": 1}] * 21})
    assert told(many) == [f"{S}: Too many: 21: must have at most 20 items"]


def test_hostnames_of_an_indexed_job_are_labels() -> None:
    name = "a" * 61
    assert told(made(name, completionMode="Indexed", completions=10)) == []
    detail = f"will not able to create pod with invalid DNS label: {name}-10"
    assert told(made(name, completionMode="Indexed", completions=11)) == [
        f'metadata.name: Invalid value: "{name}": {detail}'
    ]


def test_generated_labels_are_the_jobs_own() -> None:
    obj = made()
    obj["spec"]["template"]["metadata"]["labels"]["job-name"] = "other"
    found = told(obj)
    assert len(found) == 1
    assert found[0].startswith("spec.template.metadata.labels[job-name]: Invalid value: {")
    assert found[0].endswith("must be 'a'")
    del obj["spec"]["template"]["metadata"]["labels"]["job-name"]
    assert told(obj) == ["spec.template.metadata.labels[job-name]: Required value: must be 'a'"]


def test_completions_of_an_indexed_job_change_with_its_parallelism() -> None:
    old = made(**INDEXED, parallelism=5)
    assert told(made(**{**INDEXED, "completions": 7}, parallelism=7), old) == []
    assert told(made(**{**INDEXED, "completions": 7}, parallelism=5), old) == [
        "spec.completions: Invalid value: 7: can only be modified in tandem with spec.parallelism"
    ]


def test_policies_do_not_change_and_are_told_in_their_inner_form() -> None:
    old, new = made(**rules(codes())), made(**rules(codes(values=[2])))
    told_rule = (
        '{"Action":"FailJob","OnExitCodes":{"ContainerName":null,"Operator":"In","Values":[2]},"OnPodConditions":null}'
    )
    assert told(new, old) == [
        f'spec.podFailurePolicy: Invalid value: {{"Rules":[{told_rule}]}}: field is immutable',
    ]


def test_a_suspended_job_may_be_sent_elsewhere() -> None:
    def changed(field: str, value: Any) -> Obj:
        new = made(suspend=True)
        new["spec"]["template"]["spec"][field] = value
        return new

    old = made(suspend=True)
    term = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    pods = {"podAntiAffinity": {}}
    sized = copy.deepcopy(old["spec"]["template"]["spec"]["containers"])
    sized[0]["resources"] = {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}
    free = [
        changed("nodeSelector", {"a": "b"}),
        changed("affinity", {"nodeAffinity": required}),
        changed("containers", sized),
    ]
    assert [told(new, old) for new in free] == [[], [], []]
    fixed = [changed("affinity", pods), changed("terminationGracePeriodSeconds", 7)]
    assert [[text.partition(":")[0] for text in told(new, old)] for new in fixed] == [["spec.template.spec"]] * 2
    running = {**old, "status": {"active": 1}}
    assert [[text.partition(":")[0] for text in told(new, running)] for new in free] == [["spec.template"]] * 3


def test_managers_are_named_by_domain_and_path() -> None:
    assert told(made(managedBy="")) == ["spec.managedBy: Required value"]
    assert [text.partition(":")[2][:21] for text in told(made(managedBy="A/ "))] == [
        ' Invalid value: "A": ',
        ' Invalid value: " ": ',
    ]


def test_too_many_indexes_warn() -> None:
    big = made(completionMode="Indexed", completions=100_001, parallelism=10_001)
    assert [text[:22] for text in job.KIND.warnings(big, None)] == ["spec: In Indexed Jobs "]
    assert list(job.KIND.warnings(big, big)) == []


def cron(**spec: Any) -> Obj:
    template = made()["spec"]["template"]
    template["metadata"] = {}
    found: Obj = {
        "metadata": {"name": "a", "namespace": "d"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}, **spec},
    }
    cronjob.KIND.default(found)
    return found


def cron_told(obj: Obj, old: Obj | None = None) -> list[str]:
    return [f"{fault.field}: {fault.detail}" for fault in cronjob.KIND.validate(obj, old)]


NO_TZ = "spec.schedule: cannot use TZ or CRON_TZ in schedule, use timeZone field instead"


@pytest.mark.parametrize(
    ("spec", "faults"),
    [
        ({"timeZone": "Europe/Paris"}, []),
        ({"timeZone": "UTC"}, []),
        ({"schedule": "TZ=UTC * * * * *"}, [NO_TZ]),
        ({"schedule": "CRON_TZ=Nowhere * * * * *"}, ["spec.schedule: provided bad location Nowhere: unknown time zone Nowhere", NO_TZ]),
        ({"schedule": "TZ=UTC * * *"}, ["spec.schedule: expected exactly 5 fields, found 3: [* * *]", NO_TZ]),
        ({"timeZone": ""}, ["spec.timeZone: timeZone must be nil or non-empty string"]),
        ({"timeZone": "../etc"}, ["spec.timeZone: unknown time zone ../etc"]),
        ({"timeZone": "Local"}, ["spec.timeZone: timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"]),
        ({"timeZone": "local"}, ["spec.timeZone: timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
                                 "spec.timeZone: unknown time zone local"]),
        ({"startingDeadlineSeconds": -1, "timeZone": "No", "concurrencyPolicy": "", "failedJobsHistoryLimit": -1},
         ["spec.startingDeadlineSeconds: must be greater than or equal to 0", "spec.timeZone: unknown time zone No",
          "spec.concurrencyPolicy: ", "spec.failedJobsHistoryLimit: must be greater than or equal to 0"]),
    ],
)  # fmt: skip
def test_schedules_and_zones(spec: Obj, faults: list[str]) -> None:
    assert cron_told(cron(**spec)) == faults


def test_a_zone_that_stood_in_the_schedule_may_stay_alone() -> None:
    old = cron(schedule="TZ=UTC * * * * *")
    assert cron_told(cron(schedule="TZ=UTC 1 * * * *"), old) == []
    assert cron_told(cron(schedule="TZ=UTC 1 * * * *", timeZone="UTC"), old) == [
        "spec.schedule: cannot use both timeZone field and TZ or CRON_TZ in schedule"
    ]
    assert [text[:44] for text in cronjob.KIND.warnings(old, old)] == ["cannot use TZ or CRON_TZ in spec.spec.schedu"]
