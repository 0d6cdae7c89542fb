"""kubectl against custom resources: apply a realistic definition, get, explain, patch, delete."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import APIServer

KUBECTL = Path(sys.executable).with_name("kubectl")
pytestmark = pytest.mark.skipif(not KUBECTL.exists(), reason="needs kubectl beside this Python")

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: certificates.certs.example.com
spec:
  group: certs.example.com
  scope: Namespaced
  names: {plural: certificates, singular: certificate, kind: Certificate, listKind: CertificateList, shortNames: [crt], categories: [certs]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    - {name: Secret, type: string, jsonPath: .spec.secretName}
    - {name: Issuer, type: string, jsonPath: .spec.issuerRef.name, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        description: A certificate that shall be kept in a secret.
        type: object
        required: [spec]
        properties:
          spec:
            description: What is wanted.
            type: object
            required: [secretName, issuerRef]
            properties:
              secretName: {type: string, description: Where the pair is kept.}
              dnsNames: {type: array, items: {type: string}, x-kubernetes-list-type: set}
              duration: {type: string, default: 2160h}
              issuerRef:
                type: object
                required: [name]
                properties: {name: {type: string}, kind: {type: string, enum: [Issuer, ClusterIssuer], default: Issuer}}
          status:
            type: object
            properties:
              conditions:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [type]
                items: {type: object, required: [type, status], properties: {type: {type: string}, status: {type: string}}}
"""
OBJECT = """
apiVersion: certs.example.com/v1
kind: Certificate
metadata: {name: web}
spec:
  secretName: web-tls
  dnsNames: [a.example.com]
  issuerRef: {name: ca}
"""


def test_a_day_with_kubectl(api: APIServer, tmp_path: Path) -> None:
    def run(*words: str, given: str = "", fails: bool = False) -> str:
        env = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": str(api.kubeconfig)}
        done = subprocess.run(
            [KUBECTL, *words], input=given, capture_output=True, text=True, env=env, timeout=120, check=False
        )
        assert (done.returncode != 0) is fails, done.stderr
        return done.stderr if fails else done.stdout

    run("apply", "-f", "-", given=CRD)
    run("wait", "--for=condition=Established", "crd/certificates.certs.example.com", "--timeout=60s")
    run("apply", "-f", "-", given=OBJECT)
    assert run("get", "crt").split() == ["NAME", "READY", "SECRET", "AGE", "web", "web-tls"] + [
        run("get", "crt").split()[-1]
    ]
    assert "ISSUER" in run("get", "certs", "-o", "wide")
    explained = run("explain", "certificate.spec")
    assert "Where the pair is kept." in explained and "issuerRef" in explained and "-required-" in explained
    refused = run("apply", "-f", "-", given=OBJECT.replace("secretName: web-tls", "secretNam: x"), fails=True)
    assert 'unknown field "spec.secretNam"' in refused
    run("patch", "crt", "web", "--type=merge", "-p", '{"spec":{"duration":"24h"}}')
    run(
        "patch",
        "crt",
        "web",
        "--subresource=status",
        "--type=merge",
        "-p",
        '{"status":{"conditions":[{"type":"Ready","status":"True"}]}}',
    )
    run("apply", "--server-side", "--field-manager=team", "--force-conflicts", "-f", "-", given=OBJECT)
    found = json.loads(run("get", "certificate", "web", "-o", "json"))
    assert found["spec"]["duration"] == "24h" and found["spec"]["issuerRef"] == {"kind": "Issuer", "name": "ca"}
    assert "True" in run("get", "crt", "web")
    assert "Certificate" in run("describe", "crt", "web")
    run("delete", "crt", "web")
    run("delete", "crd", "certificates.certs.example.com", "--timeout=60s")
    run("get", "crt", fails=True)


def test_kk_explains_it_too(api: APIServer, tmp_path: Path) -> None:
    env = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": str(api.kubeconfig)}
    kk = [sys.executable, "-m", "kk"]
    subprocess.run(
        [*kk, "apply", "-f", "-"], input=CRD, text=True, env=env, check=True, timeout=120, capture_output=True
    )
    subprocess.run(
        [*kk, "wait", "--for=condition=Established", "crd/certificates.certs.example.com"],
        env=env,
        check=True,
        timeout=120,
        capture_output=True,
    )
    done = subprocess.run(
        [*kk, "explain", "certificates.spec.secretName"],
        text=True,
        env=env,
        timeout=120,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Where the pair is kept." in done.stdout
