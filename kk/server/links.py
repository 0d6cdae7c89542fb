"""Links of a proxied HTML page: absolute paths are put below the proxy's path, so that the page's images, forms and pages are found.

Pure. Which attributes hold links is a fact of k8s.io/apimachinery `pkg/util/proxy/transport.go`; scripts and styles are left as they are.
"""

import re
import zlib
from collections.abc import Callable

#: element → its attributes that hold links
_ATTRIBUTES = {
    b"a": (b"href",),
    b"applet": (b"codebase",),
    b"area": (b"href",),
    b"audio": (b"src",),
    b"base": (b"href",),
    b"blockquote": (b"cite",),
    b"body": (b"background",),
    b"button": (b"formaction",),
    b"command": (b"icon",),
    b"del": (b"cite",),
    b"embed": (b"src",),
    b"form": (b"action",),
    b"frame": (b"longdesc", b"src"),
    b"head": (b"profile",),
    b"html": (b"manifest",),
    b"iframe": (b"longdesc", b"src"),
    b"img": (b"longdesc", b"src", b"usemap"),
    b"input": (b"src", b"formaction", b"usemap"),
    b"ins": (b"cite",),
    b"link": (b"href",),
    b"object": (b"classid", b"codebase", b"data", b"usemap"),
    b"q": (b"cite",),
    b"script": (b"src",),
    b"source": (b"src",),
    b"video": (b"poster", b"src"),
}
_TAG = re.compile(rb"<([a-zA-Z]+)(\s(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>")
_ATTRIBUTE = re.compile(rb"([^\s=\"'>/]+)(\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)")
#: coding → the window bits by which zlib reads and writes it
_CODINGS = {b"gzip": 31, b"deflate": zlib.MAX_WBITS}

Move = Callable[[bytes], bytes]


def can_read(coding: bytes) -> bool:
    """Whether a page in this content coding can be rewritten."""
    return coding in (b"", b"identity") or coding in _CODINGS


def rewritten(page: bytes, move: Move, coding: bytes = b"") -> bytes:
    """A page with its links moved; what is not in its coding comes back as it is."""
    bits = _CODINGS.get(coding)
    if bits is None:
        return _moved(page, move)
    try:
        plain = zlib.decompress(page, bits)
    except zlib.error:
        return page
    packer = zlib.compressobj(wbits=bits)
    return packer.compress(_moved(plain, move)) + packer.flush()


def _moved(page: bytes, move: Move) -> bytes:
    def tag(found: re.Match[bytes]) -> bytes:
        wanted = _ATTRIBUTES.get(found[1].lower())
        if wanted is None:
            return found[0]

        def attribute(pair: re.Match[bytes]) -> bytes:
            if pair[1].lower() not in wanted:
                return pair[0]
            value = pair[3]
            quote = value[:1] if value[:1] in (b'"', b"'") else b""
            inner = value[1:-1] if quote else value
            return pair[1] + pair[2] + quote + move(inner) + quote

        return b"<" + found[1] + _ATTRIBUTE.sub(attribute, found[2]) + b">"

    return _TAG.sub(tag, page)
