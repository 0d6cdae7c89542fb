"""Helm: install, upgrade, rollback and uninstall of a chart with hooks, a CRD, a test of what `--wait` waits for, and its records in Secrets."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.servers import APIServer

HELM = os.environ.get("HELM") or next(
    (str(p) for p in (Path(sys.executable).with_name("helm"),) if p.exists()), shutil.which("helm") or ""
)
pytestmark = pytest.mark.skipif(not HELM, reason="no helm")
TEMPLATES = {
    "deployment.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web, labels: {app: web}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: busybox}]}
""",
    "config.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-config}
data:
  size: {{ .Values.size | quote }}
  known: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}
  version: {{ .Capabilities.KubeVersion.Minor | quote }}
""",
    "hook.yaml": """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: before-hook-creation}
data: {revision: {{ .Release.Revision | quote }}}
""",
    "job.yaml": """
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-job
  annotations: {helm.sh/hook: post-install, helm.sh/hook-delete-policy: hook-succeeded}
spec:
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox}]}}
""",
}
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.helm.test}
spec:
  group: helm.test
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A small chart."""
    folder = tmp_path / "chart"
    (folder / "templates").mkdir(parents=True)
    (folder / "crds").mkdir()
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: small\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text("replicas: 1\nsize: small\n")
    (folder / "crds" / "thing.yaml").write_text(CRD)
    for name, text in TEMPLATES.items():
        (folder / "templates" / name).write_text(text)
    return folder


def helm(api: APIServer, namespace: str, tmp_path: Path, *words: str) -> str:
    """Run helm; it must succeed."""
    env = {"HOME": str(tmp_path), "KUBECONFIG": str(api.kubeconfig), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [HELM, *words, "--namespace", namespace], capture_output=True, text=True, env=env, timeout=120
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def when(api: APIServer, path: str, check: Callable[[Any], bool], act: Callable[[Any], None]) -> threading.Thread:
    """Play the controllers' part: do something once an object is as `check` says."""
    folder, _, name = path.rpartition("/")

    def look() -> None:
        connection = api.connect(timeout=60)
        connection.request("GET", f"{folder}?watch=1&timeoutSeconds=60&fieldSelector=metadata.name%3D{name}")
        with connection.getresponse() as response:
            for line in response:
                event = json.loads(line)
                if event["type"] != "DELETED" and check(event["object"]):
                    act(event["object"])
                    return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    return thread


def status(api: APIServer, path: str, value: dict[str, Any]) -> None:
    """Write a status."""
    code, told = api.request(
        "PATCH", f"{path}/status", {"status": value}, {"Content-Type": "application/merge-patch+json"}
    )
    assert code == 200, told


def test_the_life_of_a_release(api: APIServer, namespace: str, chart: Path, tmp_path: Path) -> None:
    core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
    job, web = f"/apis/batch/v1/namespaces/{namespace}/jobs/r-job", f"{apps}/deployments/r-web"
    done = {
        "succeeded": 1,
        "startTime": "2026-01-01T00:00:00Z",
        "completionTime": "2026-01-01T00:00:01Z",
        "uncountedTerminatedPods": {},
        "conditions": [{"type": t, "status": "True"} for t in ("SuccessCriteriaMet", "Complete")],
    }
    threads = [when(api, job, lambda _: True, lambda _: status(api, job, done))]

    def available(obj: Any) -> None:
        counts = dict.fromkeys(
            ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), obj["spec"]["replicas"]
        )
        conditions = [
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ]
        status(api, web, {**counts, "observedGeneration": obj["metadata"]["generation"], "conditions": conditions})

    threads.append(when(api, web, lambda _: True, available))
    said = helm(api, namespace, tmp_path, "install", "r", str(chart), "--wait", "--timeout", "60s")
    assert "STATUS: deployed" in said
    for thread in threads:
        thread.join(30)
    _, config = api.request("GET", f"{core}/configmaps/r-config")
    assert config["data"] == {"size": "small", "known": "true", "version": "36"}
    assert api.request("GET", f"{core}/configmaps/r-hook")[1]["data"] == {"revision": "1"}
    assert api.request("GET", job)[0] == 404, "the hook went after it succeeded"
    assert api.request("GET", "/apis/helm.test/v1")[0] == 200

    helm(api, namespace, tmp_path, "upgrade", "r", str(chart), "--set", "size=large,replicas=3")
    assert api.request("GET", f"{core}/configmaps/r-config")[1]["data"]["size"] == "large"
    assert api.request("GET", web)[1]["spec"]["replicas"] == 3
    assert api.request("GET", f"{core}/configmaps/r-hook")[1]["data"] == {"revision": "2"}
    history = json.loads(helm(api, namespace, tmp_path, "history", "r", "-o", "json"))
    assert [(h["revision"], h["status"]) for h in history] == [(1, "superseded"), (2, "deployed")]
    helm(api, namespace, tmp_path, "rollback", "r", "1")
    assert api.request("GET", f"{core}/configmaps/r-config")[1]["data"]["size"] == "small"
    listed = json.loads(helm(api, namespace, tmp_path, "list", "-o", "json"))
    assert [(r["name"], r["revision"], r["status"]) for r in listed] == [("r", "3", "deployed")]
    secrets = api.request("GET", f"{core}/secrets?fieldSelector=type%3Dhelm.sh%2Frelease.v1")[1]["items"]
    assert len(secrets) == 3
    assert "size: small" in helm(api, namespace, tmp_path, "get", "manifest", "r").replace('"', "")
    helm(api, namespace, tmp_path, "uninstall", "r")
    assert api.request("GET", web)[0] == 404
    assert api.request("GET", f"{core}/configmaps/r-config")[0] == 404
    assert json.loads(helm(api, namespace, tmp_path, "list", "-o", "json")) == []


def test_dry_runs_lookups_and_what_is_refused(api: APIServer, namespace: str, chart: Path, tmp_path: Path) -> None:
    said = helm(api, namespace, tmp_path, "install", "d", str(chart), "--dry-run=server")
    assert "kind: Deployment" in said
    (chart / "templates" / "bad.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\ndata: {}\n"
    )
    env = {"HOME": str(tmp_path), "KUBECONFIG": str(api.kubeconfig), "PATH": os.environ["PATH"]}
    words = [HELM, "install", "bad", str(chart), "--no-hooks", "--namespace", namespace]
    done = subprocess.run(words, capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode and "Invalid value" in done.stderr
