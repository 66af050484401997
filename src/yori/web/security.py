"""Who may listen where, and tokens.

Without a token a server answers on loopback only, and only to requests that were addressed to loopback: a page in the browser
of the same person may send requests to 127.0.0.1 under a name of its own (DNS rebinding).
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from yori.errors import ValuesError
from yori.store.hashes import sha256_bytes

SHORTEST_TOKEN = 16


def new_token() -> str:
    """A token of 192 random bits, safe in URLs and headers."""
    return secrets.token_urlsafe(24)


def token_hash(token: str) -> str:
    """What may be stored of a token: its SHA-256."""
    return sha256_bytes(token.encode("utf-8", "surrogatepass"))


def same_token(given: str | None, expected_hash: str) -> bool:
    """Whether a token is the one with this hash, in a time that does not tell how much of it is right.

    Examples
    --------
    >>> same_token("a", token_hash("a")), same_token("b", token_hash("a")), same_token(None, token_hash("a"))
    (True, False, False)
    """
    return given is not None and hmac.compare_digest(token_hash(given), expected_hash)


def bearer_token(header: str | None) -> str | None:
    """The token of an ``Authorization`` header.

    Examples
    --------
    >>> bearer_token("Bearer abc"), bearer_token("Basic abc"), bearer_token(None)
    ('abc', None, None)
    """
    kind, _, token = (header or "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None


def is_loopback(host: str) -> bool:
    """Whether a name or address reaches this machine only.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_listening(host: str, token: str | None) -> None:
    """Refuse to listen to others without a token.

    Raises
    ------
    ValuesError
        If ``host`` is not loopback and there is no token, or the token is too short to be a secret.
    """
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ValuesError(
            f"a token of at least {SHORTEST_TOKEN} characters", f"{len(token)}", where="--token",
            fix="Make one: python -c 'import secrets; print(secrets.token_urlsafe(24))'",
        )  # fmt: skip
    if token is None and not is_loopback(host):
        raise ValuesError(
            "a token, because others can reach this address", f"none for {host!r}", where="--host",
            fix="Set one in the environment variable YORI_TOKEN, or listen on 127.0.0.1.",
        )  # fmt: skip


def is_addressed_to_loopback(host_header: str | None) -> bool:
    """Whether the ``Host`` header of a request names this machine.

    Examples
    --------
    >>> [is_addressed_to_loopback(h) for h in ("127.0.0.1:8000", "[::1]:8000", "localhost", "evil.example:8000", None)]
    [True, True, True, False, False]
    """
    try:
        name = urlsplit(f"//{host_header or ''}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)
