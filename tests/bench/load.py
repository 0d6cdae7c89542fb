"""Drives Debian's wrk: a Python client would be slower than the server it measures."""

import re
import shutil
import subprocess
from pathlib import Path

SECONDS, CONNECTIONS = 4, 16


class NoTool(Exception):
    """wrk is not installed; the rows that need it say so."""


def rate(url: str, *, token: str = "", script: str = "", folder: Path | None = None, seconds: int = SECONDS) -> float:
    """Requests a second over 16 connections; raises AssertionError where answers were no successes."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NoTool("wrk is not installed (Debian: apt-get install wrk)")
    argv = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    if token:
        argv += ["-H", f"Authorization: Bearer {token}"]
    if script:
        assert folder is not None
        (folder / "load.lua").write_text(script)
        argv += ["-s", str(folder / "load.lua")]
    out = subprocess.run([*argv, url], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found, out
    return float(found[1])


def posts(path: str, prefix: str) -> str:
    """A wrk script that creates ConfigMaps with names that rise."""
    return f"""
local n = 0
request = function()
  n = n + 1
  local body = '{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{prefix}-' .. n .. '"}},"data":{{"a":"1","b":"some text"}}}}'
  wrk.headers["Content-Type"] = "application/json"
  return wrk.format("POST", "{path}", nil, body)
end
"""


def patches(path: str, name: str, prefix: str) -> str:
    """A wrk script that changes one object again and again by merge patches."""
    return f"""
local n = 0
request = function()
  n = n + 1
  local body = '{{"data":{{"a":"{prefix}-' .. n .. '"}}}}'
  wrk.headers["Content-Type"] = "application/merge-patch+json"
  return wrk.format("PATCH", "{path}/{name}", nil, body)
end
"""
