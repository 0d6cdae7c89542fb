"""The FNV hashes that Kubernetes names things with. Not for security."""


def fnv1a_32(data: bytes) -> int:
    """FNV-1a of 32 bits, as Go's hash/fnv New32a."""
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def fnv1_32(data: bytes) -> int:
    """FNV-1 of 32 bits, as Go's hash/fnv New32."""
    value = 0x811C9DC5
    for byte in data:
        value = ((value * 0x01000193) & 0xFFFFFFFF) ^ byte
    return value


def fnv1a_64(data: bytes) -> int:
    """FNV-1a of 64 bits, as Go's hash/fnv New64a."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value
