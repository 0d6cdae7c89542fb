"""A small threaded web server that behaves like nginx, Apache httpd, or a page that names its pod: `python -I -S web.py KIND [ARGS]`.

It listens on $POD_IP, port $KK_PORT or the image's own. Where an ordinary user may not have that port, it listens on 8000 above it (8080), says so on
standard error, and the agent's probes and port-forward find it there. $KK_VOLUMES (`mount path=folder`, joined by `:`) tells where what
the pod mounted really is. It imports only what it needs, since many of it run at once.
"""

import _signal as signal
import _socket
import _thread
import errno
import os
import sys
import time

NGINX_PAGE = b"""<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
"""
TYPES = {
    "html": "text/html",
    "htm": "text/html",
    "css": "text/css",
    "js": "application/javascript",
    "json": "application/json",
    "txt": "text/plain",
    "xml": "text/xml",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "ico": "image/x-icon",
}
REASONS = {
    200: "OK",
    301: "Moved Permanently",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Not Allowed",
}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HEADER_LIMIT = 32768
IDLE_SECONDS = 65  # nginx' keepalive_timeout


def http_date(at):
    """The date of a header."""
    t = time.gmtime(at)
    return f"{DAYS[t.tm_wday]}, {t.tm_mday:02d} {MONTHS[t.tm_mon - 1]} {t.tm_year} {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} GMT"


def log_date(at):
    """The date of an access log."""
    t = time.gmtime(at)
    return f"{t.tm_mday:02d}/{MONTHS[t.tm_mon - 1]}/{t.tm_year}:{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} +0000"


def say(fd, text):
    """One whole line, so that threads do not mix."""
    try:
        os.write(fd, (text + "\n").encode(errors="replace"))
    except OSError:
        pass


def volumes():
    """(mount path, folder) of what the pod mounts, longest first."""
    pairs = [item.partition("=") for item in os.environ.get("KK_VOLUMES", "").split(":") if "=" in item]
    return sorted(((a.rstrip("/"), b) for a, _, b in pairs), key=lambda pair: -len(pair[0]))


def unquote(text):
    """Percent decoding."""
    raw, out = text.encode(), bytearray()
    at = 0
    while at < len(raw):
        if raw[at] == 37 and at + 2 < len(raw) and all(c in b"0123456789abcdefABCDEF" for c in raw[at + 1 : at + 3]):
            out.append(int(raw[at + 1 : at + 3], 16))
            at += 3
        else:
            out.append(raw[at])
            at += 1
    return out.decode(errors="replace")


class Request:
    """A parsed request head."""

    def __init__(self, head, peer):
        lines = head.split("\r\n")
        self.line = lines[0]
        self.method, _, rest = lines[0].partition(" ")
        self.target, _, self.version = rest.rpartition(" ")
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.peer = peer
        self.path = unquote(self.target.partition("?")[0])
        self.valid = bool(self.target) and self.version.startswith("HTTP/1.")

    @property
    def keep_alive(self):
        wanted = self.headers.get("connection", "").lower()
        return wanted != "close" and (self.version == "HTTP/1.1" or wanted == "keep-alive")


class Files:
    """Static files below a mounted root; without one, a single built-in page."""

    def __init__(self, root, page):
        self.root, self.page = root, page

    def locate(self, path):
        """(folder or file on this machine, mounted) or (None, False)."""
        wanted = os.path.normpath(self.root + "/" + path.lstrip("/")).replace("//", "/")
        if wanted != self.root and not wanted.startswith(self.root + "/"):
            return None, False
        for mount, folder in volumes():
            if wanted == mount or wanted.startswith(mount + "/"):
                return folder + wanted[len(mount) :], True
        return None, any(mount == self.root for mount, _ in volumes())

    def answer(self, path):
        """(status, body, content type, modified, location)."""
        where, mounted = self.locate(path)
        if where is None:
            if not mounted and path in ("/", "/index.html"):
                return 200, self.page, "text/html", None, ""
            return 404, None, "", None, ""
        if os.path.isdir(where):
            if not path.endswith("/"):
                return 301, None, "", None, path + "/"
            where = os.path.join(where, "index.html")
            if not os.path.exists(where):
                return 403, None, "", None, ""
        try:
            with open(where, "rb") as file:
                body = file.read()
            kind = TYPES.get(where.rpartition(".")[2].lower(), "application/octet-stream")
            return 200, body, kind, os.stat(where).st_mtime, ""
        except PermissionError:
            return 403, None, "", None, ""
        except OSError:
            return 404, None, "", None, ""


class Nginx:
    """nginx: its page, error pages, headers and combined log."""

    port = 80
    root = "/usr/share/nginx/html"
    methods: tuple[str, ...] = ("GET", "HEAD")

    def __init__(self):
        self.version = os.environ.get("NGINX_VERSION", "1.29.4")
        self.server = "nginx/" + self.version
        self.files = Files(self.root, NGINX_PAGE)
        self.started = time.time()

    def error_page(self, status):
        title = f"{status} {REASONS[status]}"
        text = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n<hr><center>{self.server}</center>\r\n</body>\r\n</html>\r\n"
        return text.encode()

    def starting(self, address, port):
        stamp = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())
        say(2, f"{stamp} [notice] 1#1: {self.server}")
        say(2, f"{stamp} [notice] 1#1: listening on {address}:{port}, pid {os.getpid()}")

    def cannot_bind(self, address, port, error):
        say(2, f"nginx: [emerg] bind() to {address}:{port} failed ({error.errno}: {os.strerror(error.errno)})")

    def respond(self, request):
        """(status, body, headers)."""
        if not request.valid:
            return 400, self.error_page(400), {"Content-Type": "text/html"}
        if request.method not in self.methods:
            return 405, self.error_page(405), {"Content-Type": "text/html"}
        status, body, kind, modified, location = self.files.answer(request.path)
        if body is None:
            self.complain(request, status)
            headers = {"Content-Type": "text/html"}
            if location:
                headers["Location"] = f"http://{request.headers.get('host', 'localhost')}{location}"
            return status, self.error_page(status), headers
        modified = self.started if modified is None else modified
        headers = {
            "Content-Type": kind,
            "Last-Modified": http_date(modified),
            "ETag": f'"{int(modified):x}-{len(body):x}"',
            "Accept-Ranges": "bytes",
        }
        return status, body, headers

    def complain(self, request, status):
        stamp = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())
        path = self.root + request.path
        what = (
            f'directory index of "{path}" is forbidden'
            if status == 403
            else f'open() "{path}" failed (2: No such file or directory)'
        )
        if status in (403, 404):
            host = request.headers.get("host", "")
            say(
                2,
                f'{stamp} [error] 1#1: {what}, client: {request.peer}, server: localhost, request: "{request.line}", host: "{host}"',
            )

    def log(self, request, status, size):
        get = request.headers.get
        say(
            1,
            f'{request.peer} - - [{log_date(time.time())}] "{request.line}" {status} {size} '
            f'"{get("referer", "-")}" "{get("user-agent", "-")}" "{get("x-forwarded-for", "-")}"',
        )

    def arguments(self, args):
        """What `nginx -v` and its like print; None to go on and serve."""
        if "-v" in args or "-V" in args:
            return f"nginx version: {self.server}"
        if "-t" in args:
            return "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\nnginx: configuration file /etc/nginx/nginx.conf test is successful"
        return "" if "-s" in args else None


class Httpd(Nginx):
    """Apache httpd."""

    root = "/usr/local/apache2/htdocs"
    methods = ("GET", "HEAD", "POST", "OPTIONS")

    def __init__(self):
        self.version = os.environ.get("HTTPD_VERSION", "2.4.66")
        self.server = f"Apache/{self.version} (Unix)"
        self.files = Files(self.root, b"<html><body><h1>It works!</h1></body></html>\n")
        self.started = time.time()

    def error_page(self, status):
        reason = REASONS[status]
        text = f'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>{status} {reason}</title>\n</head><body>\n<h1>{reason}</h1>\n</body></html>\n'
        return text.encode()

    def starting(self, address, port):
        stamp = time.strftime("%a %b %d %H:%M:%S.000000 %Y", time.gmtime())
        say(
            2,
            f"[{stamp}] [mpm_event:notice] [pid 1:tid 1] AH00489: {self.server} configured -- resuming normal operations",
        )

    def cannot_bind(self, address, port, error):
        say(
            2,
            f"({error.errno}){os.strerror(error.errno)}: AH00072: make_sock: could not bind to address {address}:{port}",
        )

    def complain(self, request, status):
        pass

    def log(self, request, status, size):
        say(1, f'{request.peer} - - [{log_date(time.time())}] "{request.line}" {status} {size}')

    def arguments(self, args):
        return f"Server version: {self.server}" if "-v" in args else None


class Color(Nginx):
    """Answers with the pod's name and the address it was asked from."""

    methods = ("GET", "HEAD", "POST")
    colors = {
        "blue": "🔵",
        "green": "🟢",
        "red": "🔴",
        "yellow": "🟡",
        "orange": "🟠",
        "purple": "🟣",
        "brown": "🟤",
        "black": "⚫",
        "white": "⚪",
    }

    def __init__(self):
        self.server = "kk-color"
        self.pod = os.environ.get("KK_POD") or os.environ.get("HOSTNAME", "?")

    def starting(self, address, port):
        say(2, f"listening on {address}:{port}")

    def cannot_bind(self, address, port, error):
        say(2, f"cannot listen on {address}:{port}: {os.strerror(error.errno)}")

    def respond(self, request):
        name = self.pod.rpartition("/")[2]
        mark = self.colors.get(name.partition("-")[0], "📦")
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
        text = f"{mark}This is pod {self.pod} on {os.uname().sysname.lower()}/{machine}, serving {request.target} for {request.peer}.\n"
        return 200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"}

    def arguments(self, args):
        return None


class Bootcamp(Color):
    """The page of the Kubernetes basics tutorial: which pod answers, and which version of the program it is."""

    port = 8080

    def respond(self, request):
        name = self.pod.rpartition("/")[2]
        text = f"Hello Kubernetes bootcamp! | Running on: {name} | v={os.environ.get('KK_VERSION', '1')}\n"
        return 200, text.encode(), {"Content-Type": "text/plain"}


class Hello(Color):
    """The sample of the Google Cloud tutorials."""

    port = 8080

    def respond(self, request):
        name = self.pod.rpartition("/")[2]
        text = f"Hello, world!\nVersion: {os.environ.get('KK_VERSION', '1.0')}.0\nHostname: {name}\n"
        return 200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"}


class Netexec(Color):
    """agnhost netexec: the time, the host name, an echo, the client's address."""

    port = 8080

    def arguments(self, args):
        wanted = [word.partition("=")[2] for word in args if word.startswith("--http-port=")]
        wanted += [args[at + 1] for at, word in enumerate(args[:-1]) if word == "--http-port"]
        self.port = int(wanted[-1]) if wanted and wanted[-1].isdigit() else self.port

    def respond(self, request):
        query = dict(part.partition("=")[::2] for part in request.target.partition("?")[2].split("&"))
        answers = {
            "/": f"NOW: {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} +0000 UTC",
            "/hostname": self.pod.rpartition("/")[2],
            "/hostName": self.pod.rpartition("/")[2],
            "/clientip": request.peer,
            "/echo": unquote(query.get("msg", "")),
            "/healthz": "",
        }
        text = answers.get(request.path)
        plain = {"Content-Type": "text/plain; charset=utf-8"}
        return (404, b"404 page not found\n", plain) if text is None else (200, text.encode(), plain)


class Whoami(Color):
    """traefik/whoami: the host name, the addresses, and the request as it came."""

    def respond(self, request):
        lines = [f"Hostname: {self.pod.rpartition('/')[2]}", "IP: 127.0.0.1", f"IP: {os.environ.get('POD_IP', '')}"]
        lines += [f"RemoteAddr: {request.peer}", request.line]
        lines += [f"{'-'.join(w.capitalize() for w in k.split('-'))}: {v}" for k, v in request.headers.items()]
        return 200, "\n".join([*lines, "", ""]).encode(), {"Content-Type": "text/plain; charset=utf-8"}


KINDS = {
    "nginx": Nginx,
    "httpd": Httpd,
    "color": Color,
    "whoami": Whoami,
    "bootcamp": Bootcamp,
    "hello": Hello,
    "netexec": Netexec,
}


def read_head(sock, rest):
    """(head, what follows it), or (None, b"") at the end of the connection."""
    while b"\r\n\r\n" not in rest:
        data = sock.recv(16384)
        if not data or len(rest) > HEADER_LIMIT:
            return None, b""
        rest += data
    head, _, rest = rest.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def serve(kind, sock, peer):
    """One connection, until it ends or is idle for too long."""
    rest = b""
    try:
        sock.settimeout(IDLE_SECONDS)
        while True:
            head, rest = read_head(sock, rest)
            if head is None:
                return
            request = Request(head, peer)
            length = request.headers.get("content-length", "0")
            missing = (int(length) if length.isdigit() else 0) - len(rest)
            while missing > 0 and (data := sock.recv(65536)):
                missing -= len(data)
            rest = rest[int(length) if length.isdigit() else 0 :]
            status, body, headers = kind.respond(request)
            keep = request.keep_alive and request.valid
            lines = [
                f"HTTP/1.1 {status} {REASONS[status]}",
                f"Server: {kind.server}",
                f"Date: {http_date(time.time())}",
            ]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            lines += [f"Content-Length: {len(body)}", "Connection: " + ("keep-alive" if keep else "close")]
            sent = b"" if request.method == "HEAD" else body
            sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + sent)
            kind.log(request, status, len(sent))
            if not keep:
                return
    except (OSError, ValueError):
        pass
    finally:
        sock.close()


def listen(kind, address, port):
    """The listening socket, on 8000 above the port where that is not allowed."""
    for wanted in (port, port + 8000):
        sock = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        try:
            sock.bind((address, wanted))
            sock.listen(128)
            return sock, wanted
        except OSError as error:
            sock.close()
            if error.errno in (errno.EACCES, errno.EPERM) and wanted == port < 1024:
                say(2, f"port {port} is not for ordinary users here: listening on {port + 8000}")
                continue
            kind.cannot_bind(address, wanted, error)
            sys.exit(1)
    return sys.exit(1)


def main(args):
    """Serve until a signal ends it."""
    kind = KINDS[args[0]]()
    printed = kind.arguments(args[1:])
    if printed is not None:
        if printed:
            say(2, printed)
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH):
        signal.signal(number, lambda *_: os._exit(0))
    address = os.environ.get("POD_IP", "127.0.0.1")
    listener, port = listen(kind, address, int(os.environ.get("KK_PORT") or kind.port))
    kind.starting(address, port)
    while True:
        fd, peer = listener._accept()
        _thread.start_new_thread(serve, (kind, _socket.socket(fileno=fd), peer[0]))


if __name__ == "__main__":
    _thread.stack_size(256 * 1024)
    main(sys.argv[1:])
