"""kk: a Kubernetes that you can pip install. See the README for what it is and kk/*/__init__.py for what lives where."""

__version__ = "0.1.0"
