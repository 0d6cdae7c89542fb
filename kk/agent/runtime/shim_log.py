"""The container log that a shim writes, in the CRI format, rotated by size. Imports nothing else of kk (see shim.py)."""

import errno
import os
import time

LINE_LIMIT = 16 << 10  # as containerd: longer lines are cut into parts with the tag P


class Log:
    """A CRI log file (`time stream tag message`) with rotation by size: NAME, NAME.1 (newest old) … NAME.N."""

    def __init__(self, path, max_size, max_files):
        self.path, self.max_size, self.max_files = path, max_size, max_files
        self.second, self.prefix = -1, b""
        self.rest = {"stdout": b"", "stderr": b""}
        self.open()

    def open(self):
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        self.size = os.fstat(self.fd).st_size

    def stamp(self):
        second, nanos = divmod(time.time_ns(), 1_000_000_000)
        if second != self.second:
            self.second, self.prefix = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%s.%09dZ" % (self.prefix, nanos)

    def feed(self, stream, data, final=False):
        """Output of a stream; an unfinished line waits for its end, for LINE_LIMIT bytes or for `final`."""
        *lines, rest = (self.rest[stream] + data).split(b"\n")
        head = b"%s %s " % (self.stamp(), stream.encode())
        out: list[bytes] = []
        for line in lines:
            while len(line) > LINE_LIMIT:
                out += (head, b"P ", line[:LINE_LIMIT], b"\n")
                line = line[LINE_LIMIT:]
            out += (head, b"F ", line, b"\n")
        while len(rest) >= LINE_LIMIT:
            out += (head, b"P ", rest[:LINE_LIMIT], b"\n")
            rest = rest[LINE_LIMIT:]
        if final and rest:
            out += (head, b"P ", rest, b"\n")
            rest = b""
        self.rest[stream] = rest
        if out:
            self.append(b"".join(out))
        return bool(out)

    def append(self, data):
        try:
            if self.size and self.size + len(data) > self.max_size:
                self.rotate()
            while data:
                written = os.write(self.fd, data)
                self.size += written
                data = data[written:]
        except OSError as error:  # a full disk must not end the program
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise

    def rotate(self):
        for n in range(self.max_files - 1, 0, -1):
            older = self.path + (f".{n - 1}" if n > 1 else "")
            try:
                os.rename(older, f"{self.path}.{n}")
            except FileNotFoundError:
                pass
        full = self.fd
        self.open()
        os.close(full)
