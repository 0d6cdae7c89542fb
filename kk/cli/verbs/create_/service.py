"""`kk create service`: a group; its kinds are in kk.cli.verbs.create_.service_."""

from __future__ import annotations

from ...command import Command

COMMAND = Command(
    "create service",
    "Create a service of one of the types",
    usage="(clusterip | externalname | loadbalancer | nodeport)",
    text="Create a service that selects the pods labelled app=NAME.",
    aliases=("svc",),
    package="kk.cli.verbs.create_.service_",
)
