"""What the cluster verbs share on the command line."""

from kk.cli.command import Flag

SECTION = "Local Cluster Commands"
CLUSTER = Flag("cluster", default="default", help="Name of the local cluster.")
KUBECONFIG = Flag("kubeconfig", help="Kubeconfig whose context is meant; $KUBECONFIG or ~/.kube/config if not given.")
