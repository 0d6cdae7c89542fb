"""Termination messages: what a program left in its file, or the end of its log where the container asks for that."""

import os
from pathlib import Path

from kk.agent.runtime.api import Container

FILE_LIMIT = 4096
LOG_LIMIT, LOG_LINES = 2048, 80


def termination_message(container: Container) -> str:
    """The message for the container's terminated state, "" for none."""
    text = _tail(Path(container.config.termination_log), FILE_LIMIT) if container.config.termination_log else ""
    if text or container.exit_code == 0 or container.config.notes.get("policy") != "FallbackToLogsOnError":
        return text
    lines = _tail(container.log_path, 64 * 1024).splitlines()[-LOG_LINES:]
    parts = [line.split(" ", 3) for line in lines]
    return "\n".join(p[3] for p in parts if len(p) == 4)[-LOG_LIMIT:]


def _tail(path: Path, limit: int) -> str:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit))
            return file.read(limit).decode(errors="replace")
    except OSError:
        return ""
