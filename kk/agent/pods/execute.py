"""What probes and lifecycle hooks do: run a command in the container, ask over HTTP, connect, or sleep. One answer: (ok, output)."""

import os
import select
import socket
import time
from typing import Any

from kk.agent.pods.reach import dial
from kk.agent.runtime.api import Container, Runtime, RuntimeFault

Obj = dict[str, Any]
OUTPUT_LIMIT = 10 * 1024


def run(runtime: Runtime, container: Container, args: list[str], timeout: float) -> tuple[bool, str]:
    """A command in the container; it is ended at the timeout."""
    null = os.open(os.devnull, os.O_RDWR)
    reader, writer = os.pipe()
    try:
        try:
            process = runtime.exec(container, args, [null, writer, writer], kill_on_close=True)
        except RuntimeFault as fault:
            return False, str(fault)
        finally:
            os.close(writer)
            os.close(null)
        deadline = time.monotonic() + timeout
        output = b""
        while (left := deadline - time.monotonic()) > 0 and select.select([reader], [], [], left)[0]:
            data = os.read(reader, 4096)
            if not data:
                break
            output = (output + data)[:OUTPUT_LIMIT]
        code = process.wait(max(0.01, deadline - time.monotonic()))
        process.close()
    finally:
        os.close(reader)
    text = output.decode(errors="replace")
    if code is None:
        return False, f"command timed out: {text}" if text else f"command timed out after {timeout:g}s"
    return code == 0, text


def port_number(container: Obj, port: Any) -> int:
    """A port by number or by the name that the container's spec gives it; ValueError."""
    if isinstance(port, int) or str(port).isdigit():
        return int(port)
    for known in container.get("ports") or ():
        if known.get("name") == port:
            return int(known["containerPort"])
    raise ValueError(f"couldn't find port: {port}")


def http(container: Obj, action: Obj, ip: str, timeout: float, agent: str = "kube-probe/1.36") -> tuple[bool, str]:
    """GET; 200 to 399 is success."""
    host, path = action.get("host") or ip, action.get("path") or "/"
    scheme = (action.get("scheme") or "HTTP").lower()
    try:
        port = port_number(container, action.get("port"))
        url = f"{scheme}://{host}:{port}{path if path.startswith('/') else '/' + path}"
        status = _get(host, port, path, scheme, action.get("httpHeaders") or [], timeout, agent)
    except ValueError as error:
        return False, str(error)
    except OSError as error:
        why = (
            "context deadline exceeded"
            if isinstance(error, TimeoutError)
            else f"dial tcp {host}:{port}: {os.strerror(error.errno).lower() if error.errno else error}"
        )
        return False, f'Get "{url}": {why}'
    if 200 <= status < 400:
        return True, ""
    return False, f"HTTP probe failed with statuscode: {status}"


def _get(host: str, port: int, path: str, scheme: str, headers: list[Obj], timeout: float, agent: str) -> int:
    sock: socket.socket = dial(host, port, timeout)
    try:
        sock.settimeout(timeout)
        if scheme == "https":
            import ssl

            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            sock = context.wrap_socket(sock, server_hostname=host)
        given = {h["name"]: h.get("value", "") for h in headers}
        named = {name.lower() for name in given}
        base = {"Host": f"{host}:{port}", "User-Agent": agent, "Accept": "*/*"}
        lines = [f"{n}: {v}" for n, v in base.items() if n.lower() not in named] + [
            f"{n}: {v}" for n, v in given.items()
        ]
        target = path if path.startswith("/") else "/" + path
        head = [f"GET {target} HTTP/1.1", *lines, "Connection: close", "", ""]
        sock.sendall("\r\n".join(head).encode())
        answer = b""
        while b"\r\n" not in answer:
            data = sock.recv(4096)
            if not data:
                raise ValueError("EOF")
            answer += data
        return int(answer.split(b" ", 2)[1][:3])
    finally:
        sock.close()


def tcp(container: Obj, action: Obj, ip: str, timeout: float) -> tuple[bool, str]:
    """A connection is success."""
    try:
        port = port_number(container, action.get("port"))
        dial(action.get("host") or ip, port, timeout).close()
        return True, ""
    except ValueError as error:
        return False, str(error)
    except OSError as error:
        why = (
            "i/o timeout"
            if isinstance(error, TimeoutError)
            else f"connect: {os.strerror(error.errno).lower() if error.errno else error}"
        )
        return False, f"dial tcp {ip}:{action.get('port')}: {why}"


def perform(
    runtime: Runtime, container: Container, spec: Obj, handler: Obj, ip: str, timeout: float
) -> tuple[bool, str]:
    """A handler of a probe or hook: exec, httpGet, tcpSocket, grpc or sleep."""
    if action := handler.get("exec"):
        return run(runtime, container, list(action.get("command") or ()), timeout)
    if action := handler.get("httpGet"):
        return http(spec, action, ip, timeout)
    if action := handler.get("tcpSocket"):
        return tcp(spec, action, ip, timeout)
    if action := handler.get("grpc"):
        from kk.agent.pods.grpc_health import check

        return check(ip, int(action.get("port") or 0), action.get("service") or "", timeout)
    if action := handler.get("sleep"):
        time.sleep(min(float(action.get("seconds") or 0), timeout))
        return True, ""
    return False, "this handler is not supported at isolation level host"
