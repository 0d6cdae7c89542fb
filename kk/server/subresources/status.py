"""status: what controllers report; spec stays as it is."""

from kk.server.subresources._changes import get, patch, put

SUBRESOURCE = {"GET": get, "PUT": put, "PATCH": patch}
