"""The rights that a new cluster gives out: roles of users, components, nodes and controllers, and who holds them.

Facts only, in a short form (see `rule`); the same as Kubernetes' bootstrap policy, which clients, charts and people rely on.
kk.server.bootstrap writes them. What kk adds stands apart, in KK_CONTROLLERS.
"""

from typing import Any

READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")
EVENTS = "core,events.k8s.io events create,patch,update"
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"

#: roles that gather the rules of all roles with a label
AGGREGATED: dict[str, str] = {"admin": "admin", "edit": "edit", "view": "view"}
#: role → the labels that let it be gathered
LABELS: dict[str, dict[str, str]] = {
    "edit": {_AGGREGATE + "admin": "true"},
    "view": {_AGGREGATE + "edit": "true"},
    "system:aggregate-to-admin": {_AGGREGATE + "admin": "true"},
    "system:aggregate-to-edit": {_AGGREGATE + "edit": "true"},
    "system:aggregate-to-view": {_AGGREGATE + "view": "true"},
}

#: cluster roles of users and components
CLUSTER_ROLES: dict[str, tuple[str, ...]] = {
    "cluster-admin": (
        "* * *",
        "url * *",
    ),
    "system:aggregate-to-admin": (
        "authorization.k8s.io localsubjectaccessreviews create",
        "rbac.authorization.k8s.io rolebindings,roles create,delete,deletecollection,get,list,patch,update,watch",
    ),
    "system:aggregate-to-edit": (
        "core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy read",
        "core serviceaccounts impersonate",
        "core pods,pods/attach,pods/exec,pods/portforward,pods/proxy write",
        "core pods/eviction create",
        "core configmaps,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy write",
        "core serviceaccounts/token create",
        "core,events.k8s.io events write",
        "apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale write",
        "autoscaling horizontalpodautoscalers write",
        "batch cronjobs,jobs write",
        "extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale write",
        "policy poddisruptionbudgets write",
        "networking.k8s.io ingresses,networkpolicies write",
        "coordination.k8s.io leases create,delete,deletecollection,get,list,patch,update,watch",
        "resource.k8s.io resourceclaims,resourceclaimtemplates write",
    ),
    "system:aggregate-to-view": (
        "core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status read",
        "core bindings,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status read",
        "core namespaces read",
        "core,events.k8s.io events read",
        "discovery.k8s.io endpointslices read",
        "apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status read",
        "autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status read",
        "batch cronjobs,cronjobs/status,jobs,jobs/status read",
        "extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale read",
        "policy poddisruptionbudgets,poddisruptionbudgets/status read",
        "networking.k8s.io ingresses,ingresses/status,networkpolicies read",
        "resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates read",
    ),
    "system:auth-delegator": (
        "authentication.k8s.io tokenreviews create",
        "authorization.k8s.io subjectaccessreviews create",
    ),
    "system:basic-user": (
        "authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews create",
        "authentication.k8s.io selfsubjectreviews create",
    ),
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient": (
        "certificates.k8s.io certificatesigningrequests/nodeclient create",
    ),
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient": (
        "certificates.k8s.io certificatesigningrequests/selfnodeclient create",
    ),
    "system:certificates.k8s.io:kube-apiserver-client-approver": (
        "certificates.k8s.io signers approve kubernetes.io/kube-apiserver-client",
    ),
    "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver": (
        "certificates.k8s.io signers approve kubernetes.io/kube-apiserver-client-kubelet",
    ),
    "system:certificates.k8s.io:kubelet-serving-approver": (
        "certificates.k8s.io signers approve kubernetes.io/kubelet-serving",
    ),
    "system:certificates.k8s.io:legacy-unknown-approver": (
        "certificates.k8s.io signers approve kubernetes.io/legacy-unknown",
    ),
    "system:discovery": (
        "url /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/ get",
    ),
    "system:heapster": (
        "core events,namespaces,nodes,pods read",
        "extensions deployments read",
    ),
    "system:kube-aggregator": ("core endpoints,services read",),
    "system:kube-controller-manager": (
        EVENTS,
        "coordination.k8s.io leases create",
        "coordination.k8s.io leases get,update kube-controller-manager",
        "core secrets,serviceaccounts create",
        "core secrets delete",
        "core configmaps,namespaces,secrets,serviceaccounts get",
        "core secrets,serviceaccounts update",
        "authentication.k8s.io tokenreviews create",
        "authorization.k8s.io subjectaccessreviews create",
        "* * list,watch",
        "core serviceaccounts/token create",
    ),
    "system:kube-dns": ("core endpoints,services list,watch",),
    "system:kube-scheduler": (
        EVENTS,
        "coordination.k8s.io leases create",
        "coordination.k8s.io leases get,update kube-scheduler",
        "core nodes read",
        "core pods delete,get,list,watch",
        "core bindings,pods/binding create",
        "core pods/status patch,update",
        "core replicationcontrollers,services read",
        "apps,extensions replicasets read",
        "apps statefulsets read",
        "policy poddisruptionbudgets read",
        "core persistentvolumeclaims,persistentvolumes read",
        "authentication.k8s.io tokenreviews create",
        "authorization.k8s.io subjectaccessreviews create",
        "storage.k8s.io csinodes read",
        "core namespaces read",
        "storage.k8s.io csidrivers read",
        "storage.k8s.io csistoragecapacities read",
        "resource.k8s.io deviceclasses read",
        "resource.k8s.io resourceclaims get,list,patch,update,watch",
        "resource.k8s.io resourceclaims/status get,list,patch,update,watch",
        "core pods/finalizers get,list,patch,update,watch",
        "resource.k8s.io resourceslices read",
        "resource.k8s.io resourceclaims/binding patch,update",
    ),
    "system:kubelet-api-admin": (
        "core nodes read",
        "core nodes proxy",
        "core nodes/log,nodes/metrics,nodes/proxy,nodes/stats *",
        "core nodes/configz,nodes/healthz,nodes/pods *",
    ),
    "system:monitoring": (
        "url /flagz,/healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*,/statusz get",
        "core nodes/metrics get",
    ),
    "system:node": (
        "authentication.k8s.io tokenreviews create",
        "authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews create",
        "core services read",
        "core nodes create,get,list,watch",
        "core nodes/status patch,update",
        "core nodes patch,update",
        "core events create,patch,update",
        "core pods read",
        "core pods create,delete",
        "core pods/status patch,update",
        "core pods/eviction create",
        "core configmaps,secrets read",
        "core persistentvolumeclaims,persistentvolumes get",
        "core endpoints get",
        "certificates.k8s.io certificatesigningrequests create,get,list,watch",
        "coordination.k8s.io leases create,delete,get,patch,update",
        "storage.k8s.io volumeattachments get",
        "core serviceaccounts/token create",
        "core persistentvolumeclaims/status get,patch,update",
        "storage.k8s.io csidrivers read",
        "storage.k8s.io csinodes create,delete,get,patch,update",
        "node.k8s.io runtimeclasses read",
        "resource.k8s.io resourceclaims get",
        "resource.k8s.io resourceslices deletecollection",
        "core serviceaccounts get",
    ),
    "system:node-bootstrapper": ("certificates.k8s.io certificatesigningrequests create,get,list,watch",),
    "system:node-problem-detector": (
        "core nodes get",
        "core nodes/status patch",
        EVENTS,
    ),
    "system:node-proxier": (
        "core endpoints,services list,watch",
        "core nodes read",
        EVENTS,
        "networking.k8s.io servicecidrs list,watch",
        "discovery.k8s.io endpointslices list,watch",
    ),
    "system:persistent-volume-provisioner": (
        "core persistentvolumes create,delete,get,list,watch",
        "core persistentvolumeclaims get,list,update,watch",
        "storage.k8s.io storageclasses read",
        "core events watch",
        EVENTS,
    ),
    "system:public-info-viewer": ("url /healthz,/livez,/readyz,/version,/version/ get",),
    "system:service-account-issuer-discovery": (
        "url /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/ get",
    ),
    "system:volume-scheduler": (
        "core persistentvolumes get,list,patch,update,watch",
        "storage.k8s.io storageclasses read",
        "core persistentvolumeclaims get,list,patch,update,watch",
    ),
}
#: what each controller may do: cluster role `system:controller:NAME`, held by the account of that name in kube-system
CONTROLLERS: dict[str, tuple[str, ...]] = {
    "attachdetach-controller": (
        "core persistentvolumeclaims,persistentvolumes list,watch",
        "core nodes read",
        "core nodes/status patch,update",
        "core pods list,watch",
        EVENTS,
        "storage.k8s.io volumeattachments create,delete,get,list,watch",
        "storage.k8s.io csidrivers read",
        "storage.k8s.io csinodes read",
    ),
    "certificate-controller": (
        "certificates.k8s.io certificatesigningrequests delete,get,list,watch",
        "certificates.k8s.io certificatesigningrequests/approval,certificatesigningrequests/status update",
        "certificates.k8s.io signers approve kubernetes.io/kube-apiserver-client-kubelet",
        "certificates.k8s.io signers sign kubernetes.io/kube-apiserver-client,kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving,kubernetes.io/legacy-unknown",
        "authorization.k8s.io subjectaccessreviews create",
        EVENTS,
    ),
    "clusterrole-aggregation-controller": (
        "rbac.authorization.k8s.io clusterroles escalate,get,list,patch,update,watch",
    ),
    "cronjob-controller": (
        "batch cronjobs get,list,update,watch",
        "batch jobs create,delete,get,list,patch,update,watch",
        "batch cronjobs/status update",
        "batch cronjobs/finalizers update",
        "core pods delete,list,watch",
        EVENTS,
    ),
    "daemon-set-controller": (
        "apps,extensions daemonsets read",
        "apps,extensions daemonsets/status update",
        "apps,extensions daemonsets/finalizers update",
        "core nodes list,watch",
        "core pods create,delete,list,patch,watch",
        "core pods/binding create",
        "apps controllerrevisions create,delete,get,list,patch,update,watch",
        EVENTS,
    ),
    "deployment-controller": (
        "apps,extensions deployments get,list,update,watch",
        "apps,extensions deployments/status update",
        "apps,extensions deployments/finalizers update",
        "apps,extensions replicasets create,delete,get,list,patch,update,watch",
        "core pods get,list,update,watch",
        EVENTS,
    ),
    "device-taint-eviction-controller": (
        "core pods delete,get,list,watch",
        "core pods/status patch,update",
        "resource.k8s.io resourceclaims read",
        "resource.k8s.io resourceslices read",
        "resource.k8s.io deviceclasses read",
        EVENTS,
    ),
    "disruption-controller": (
        "apps,extensions deployments read",
        "apps,extensions replicasets read",
        "core replicationcontrollers read",
        "policy poddisruptionbudgets read",
        "apps statefulsets read",
        "policy poddisruptionbudgets/status update",
        "core pods/status patch,update",
        "* */scale get",
        EVENTS,
    ),
    "endpoint-controller": (
        "core pods,services read",
        "core endpoints create,delete,get,list,update,watch",
        "core endpoints/restricted create",
        EVENTS,
    ),
    "endpointslice-controller": (
        "core nodes,pods,services read",
        "core services/finalizers update",
        "discovery.k8s.io endpointslices create,delete,get,list,update,watch",
        "discovery.k8s.io endpointslices/restricted create",
        EVENTS,
    ),
    "endpointslicemirroring-controller": (
        "core endpoints,services read",
        "core services/finalizers update",
        "core endpoints/finalizers update",
        "discovery.k8s.io endpointslices create,delete,get,list,update,watch",
        "discovery.k8s.io endpointslices/restricted create",
        EVENTS,
    ),
    "ephemeral-volume-controller": (
        "core pods read",
        "core pods/finalizers update",
        "core persistentvolumeclaims create,get,list,watch",
        EVENTS,
    ),
    "expand-controller": (
        "core persistentvolumes get,list,patch,update,watch",
        "core persistentvolumeclaims/status patch,update",
        "core persistentvolumeclaims read",
        EVENTS,
    ),
    "generic-garbage-collector": (
        "* * delete,get,list,patch,update,watch",
        EVENTS,
    ),
    "horizontal-pod-autoscaler": (
        "autoscaling horizontalpodautoscalers read",
        "autoscaling horizontalpodautoscalers/status update",
        "* */scale get,update",
        "core pods list,watch",
        "metrics.k8s.io pods list,watch",
        "custom.metrics.k8s.io * read",
        "external.metrics.k8s.io * read",
        EVENTS,
    ),
    "job-controller": (
        "batch jobs get,list,patch,update,watch",
        "batch jobs/status update",
        "batch jobs/finalizers update",
        "core pods create,delete,list,patch,watch",
        EVENTS,
    ),
    "legacy-service-account-token-cleaner": (
        "core configmaps get kube-apiserver-legacy-service-account-token-tracking",
        "core secrets delete,patch",
    ),
    "namespace-controller": (
        "core namespaces delete,get,list,watch",
        "core namespaces/finalize,namespaces/status update",
        "* * delete,deletecollection,get,list,watch",
    ),
    "node-controller": (
        "core nodes delete,get,list,patch,update,watch",
        "core nodes/status patch,update",
        "core pods/status patch,update",
        "core pods delete,get,list,watch",
        EVENTS,
    ),
    "persistent-volume-binder": (
        "core persistentvolumes create,delete,get,list,update,watch",
        "core persistentvolumes/status update",
        "core persistentvolumeclaims get,list,update,watch",
        "core persistentvolumeclaims/status update",
        "core pods create,delete,get,list,watch",
        "storage.k8s.io storageclasses read",
        "core nodes list,watch",
        EVENTS,
        "core events watch",
    ),
    "pod-garbage-collector": (
        "core pods delete,list,watch",
        "core nodes read",
        "core pods/status patch",
    ),
    "pv-protection-controller": (
        "core persistentvolumes get,list,update,watch",
        EVENTS,
    ),
    "pvc-protection-controller": (
        "core persistentvolumeclaims get,list,update,watch",
        "core persistentvolumeclaims/status update",
        "core pods read",
        EVENTS,
    ),
    "replicaset-controller": (
        "apps,extensions replicasets get,list,update,watch",
        "apps,extensions replicasets/status update",
        "apps,extensions replicasets/finalizers update",
        "core pods create,delete,list,patch,watch",
        EVENTS,
    ),
    "replication-controller": (
        "core replicationcontrollers get,list,update,watch",
        "core replicationcontrollers/status update",
        "core replicationcontrollers/finalizers update",
        "core pods create,delete,list,patch,watch",
        EVENTS,
    ),
    "resource-claim-controller": (
        "core pods read",
        "core pods/finalizers update",
        "resource.k8s.io resourceclaims create,delete,get,list,watch",
        "resource.k8s.io resourceclaims,resourceclaims/status patch,update",
        "core pods/status patch,update",
        EVENTS,
        "resource.k8s.io resourceclaims/binding patch,update",
    ),
    "resourcequota-controller": (
        "* * list,watch",
        "core resourcequotas/status update",
        EVENTS,
    ),
    "root-ca-cert-publisher": (
        "core configmaps create,update",
        EVENTS,
    ),
    "route-controller": (
        "core nodes list,watch",
        "core nodes/status patch",
        EVENTS,
    ),
    "selinux-warning-controller": (
        EVENTS,
        "core persistentvolumes read",
        "core persistentvolumeclaims read",
        "core pods read",
        "storage.k8s.io csidrivers read",
    ),
    "service-account-controller": (
        "core serviceaccounts create",
        EVENTS,
    ),
    "service-cidrs-controller": (
        "networking.k8s.io servicecidrs get,list,patch,update,watch",
        "networking.k8s.io servicecidrs/finalizers patch,update",
        "networking.k8s.io servicecidrs/status patch,update",
        "networking.k8s.io ipaddresses read",
        EVENTS,
    ),
    "service-controller": (
        "core services read",
        "core services/status patch,update",
        "core nodes list,watch",
        EVENTS,
    ),
    "statefulset-controller": (
        "core pods list,watch",
        "apps statefulsets read",
        "apps statefulsets/status update",
        "apps statefulsets/finalizers update",
        "core pods create,delete,get,patch,update",
        "apps controllerrevisions create,delete,get,list,patch,update,watch",
        "core persistentvolumeclaims create,get,list,watch",
        "core persistentvolumeclaims delete,update",
        "core pods/finalizers update",
        EVENTS,
    ),
    "ttl-after-finished-controller": (
        "batch jobs delete,get,list,watch",
        EVENTS,
    ),
    "ttl-controller": (
        "core nodes list,patch,update,watch",
        EVENTS,
    ),
    "validatingadmissionpolicy-status-controller": (
        "admissionregistration.k8s.io validatingadmissionpolicies read",
        "admissionregistration.k8s.io validatingadmissionpolicies/status get,patch,update",
        EVENTS,
    ),
    "volumeattributesclass-protection-controller": (
        "core persistentvolumeclaims read",
        "core persistentvolumes read",
        "storage.k8s.io volumeattributesclasses get,list,update,watch",
        EVENTS,
    ),
}
#: roles in namespaces: (namespace, name) → rules
ROLES: dict[tuple[str, str], tuple[str, ...]] = {
    ("kube-public", "system:controller:bootstrap-signer"): (
        "core configmaps read",
        "core configmaps update cluster-info",
        EVENTS,
    ),
    ("kube-system", "extension-apiserver-authentication-reader"): (
        "core configmaps read extension-apiserver-authentication",
    ),
    ("kube-system", "system::leader-locking-kube-controller-manager"): (
        "coordination.k8s.io leases create,get,list,update,watch",
        "coordination.k8s.io leasecandidates create,get,list,update,watch",
    ),
    ("kube-system", "system::leader-locking-kube-scheduler"): (
        "coordination.k8s.io leases create,get,list,update,watch",
        "coordination.k8s.io leasecandidates create,get,list,update,watch",
    ),
    ("kube-system", "system:controller:bootstrap-signer"): ("core secrets read",),
    ("kube-system", "system:controller:cloud-provider"): ("core configmaps create,get,list,watch",),
    ("kube-system", "system:controller:token-cleaner"): ("core secrets delete,get,list,watch", EVENTS),
}

#: cluster role bindings: name → (role, subjects)
CLUSTER_BINDINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cluster-admin": ("cluster-admin", ("Group system:masters",)),
    "system:basic-user": ("system:basic-user", ("Group system:authenticated",)),
    "system:discovery": ("system:discovery", ("Group system:authenticated",)),
    "system:kube-controller-manager": ("system:kube-controller-manager", ("User system:kube-controller-manager",)),
    "system:kube-dns": ("system:kube-dns", ("ServiceAccount kube-system/kube-dns",)),
    "system:kube-scheduler": ("system:kube-scheduler", ("User system:kube-scheduler",)),
    "system:monitoring": ("system:monitoring", ("Group system:monitoring",)),
    "system:node": ("system:node", ()),
    "system:node-proxier": ("system:node-proxier", ("User system:kube-proxy",)),
    "system:public-info-viewer": (
        "system:public-info-viewer",
        ("Group system:authenticated", "Group system:unauthenticated"),
    ),
    "system:service-account-issuer-discovery": (
        "system:service-account-issuer-discovery",
        ("Group system:serviceaccounts",),
    ),
    "system:volume-scheduler": ("system:volume-scheduler", ("User system:kube-scheduler",)),
}
#: role bindings: (namespace, name) → (role, subjects)
BINDINGS: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("kube-public", "system:controller:bootstrap-signer"): (
        "system:controller:bootstrap-signer",
        ("ServiceAccount kube-system/bootstrap-signer",),
    ),
    ("kube-system", "system::extension-apiserver-authentication-reader"): (
        "extension-apiserver-authentication-reader",
        ("User system:kube-controller-manager", "User system:kube-scheduler"),
    ),
    ("kube-system", "system::leader-locking-kube-controller-manager"): (
        "system::leader-locking-kube-controller-manager",
        (
            "User system:kube-controller-manager",
            "ServiceAccount kube-system/kube-controller-manager",
            "ServiceAccount kube-system/leader-election-controller",
        ),
    ),
    ("kube-system", "system::leader-locking-kube-scheduler"): (
        "system::leader-locking-kube-scheduler",
        ("User system:kube-scheduler", "ServiceAccount kube-system/kube-scheduler"),
    ),
    ("kube-system", "system:controller:bootstrap-signer"): (
        "system:controller:bootstrap-signer",
        ("ServiceAccount kube-system/bootstrap-signer",),
    ),
    ("kube-system", "system:controller:cloud-provider"): (
        "system:controller:cloud-provider",
        ("ServiceAccount kube-system/cloud-provider",),
    ),
    ("kube-system", "system:controller:token-cleaner"): (
        "system:controller:token-cleaner",
        ("ServiceAccount kube-system/token-cleaner",),
    ),
}

#: kk's controllers share one identity, so it holds what all controllers hold, in one role of this name
KK_CONTROLLERS = "kk:controllers"
#: and what only kk's server answers
KK_PATHS = "url /kk/typechecks/* get"
GROUP = "rbac.authorization.k8s.io"


def rule(text: str) -> dict[str, Any]:
    """A PolicyRule from its short form: "GROUPS RESOURCES VERBS [NAMES]" or "url PATHS VERBS", lists with commas, `core` for "", read and write for their verbs."""
    first, things, verbs, *names = text.split(" ")
    expanded = {"read": READ, "write": WRITE}.get(verbs) or verbs.split(",")
    found: dict[str, Any] = {"verbs": sorted(expanded)}
    if first == "url":
        return {**found, "nonResourceURLs": sorted(things.split(","))}
    found["apiGroups"] = sorted("" if g == "core" else g for g in first.split(","))
    found["resources"] = sorted(things.split(","))
    if names:
        found["resourceNames"] = sorted(names[0].split(","))
    return found


def subject(text: str) -> dict[str, str]:
    """A Subject from its short form: "User NAME", "Group NAME", "ServiceAccount NAMESPACE/NAME"."""
    kind, _, name = text.partition(" ")
    if kind == "ServiceAccount":
        namespace, _, name = name.partition("/")
        return {"kind": kind, "name": name, "namespace": namespace}
    return {"kind": kind, "apiGroup": GROUP, "name": name}
