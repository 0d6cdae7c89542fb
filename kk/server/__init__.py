"""The API server: a fancy object store that speaks Kubernetes. No logic of any workload lives here."""
