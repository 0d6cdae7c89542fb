"""CEL, the expression language of Kubernetes: rules of custom resources, admission policies, match conditions."""
