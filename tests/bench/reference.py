"""What the API server is measured against: an ASGI application that does nothing, on the same uvicorn over the same TLS.

`python -m tests.bench.reference PORT CERT KEY [BYTES]`: answers 200 with a small body, or with one of BYTES bytes on /static.
"""

import sys

import uvicorn


def application(size: int):
    """An empty application; /static answers a body of `size` bytes made once."""
    small, big = b'{"kind":"Status"}', b"x" * size
    head = {
        "small": {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"17")],
        },
        "big": {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json"), (b"content-length", str(size).encode())],
        },
    }

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        if scope["method"] == "POST":
            await receive()
        which = "big" if scope["path"] == "/static" else "small"
        await send(head[which])
        await send({"type": "http.response.body", "body": big if which == "big" else small})

    return app


def main() -> None:
    """Serve until killed."""
    port, cert, key, *size = sys.argv[1:]
    uvicorn.run(
        application(int(size[0]) if size else 0),
        host="127.0.0.1",
        port=int(port),
        ssl_certfile=cert,
        ssl_keyfile=key,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
