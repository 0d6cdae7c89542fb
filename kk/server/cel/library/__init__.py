"""The function libraries of Kubernetes CEL: a file per library, each with its signatures in FUNCTIONS and its code in IMPLEMENTATIONS."""
