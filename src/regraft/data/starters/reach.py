"""Decides whether a server answers, and where pip would look, within seconds."""

import os
import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

PROBE_SECONDS = 2.5
"""How long a server may take to accept a connection before it counts as unreachable."""
LEAST_SECONDS = 1.0
"""How long it may take at least, whatever came before it."""
_PORTS = {"http": 80, "https": 443}
_REGISTRY = "https://pypi.org/simple"


def offline() -> bool:
    """Says whether the user forbade every use of the network."""
    return os.environ.get("REGRAFT_OFFLINE", "").strip().lower() not in ("", "0", "false", "no")


def seconds_left(began: float) -> float:
    """Returns how long servers may take to answer, less what people have waited already.

    Args:
        began: `monotonic()` when people began to wait.
    """
    return max(PROBE_SECONDS - (monotonic() - began), LEAST_SECONDS)


def answers(url: str, *, seconds: float = PROBE_SECONDS) -> bool:
    """Says whether the server of a URL, or the proxy before it, accepts a connection.

    The look-up of the name has no time limit of its own, so a thread does the work.

    Args:
        url: Any address that begins with `http://` or `https://`.
        seconds: The longest time to wait.
    """
    place = _first_hop(url)
    outcome: list[bool] = []
    worker = threading.Thread(
        target=_connect, args=(place, outcome), kwargs={"seconds": seconds}, daemon=True
    )
    worker.start()
    worker.join(max(seconds, 0.0))
    return bool(outcome)


def _connect(place: tuple[str, int], outcome: list[bool], *, seconds: float) -> None:
    """Notes an outcome if the place accepts a connection."""
    try:
        socket.create_connection(place, timeout=max(seconds, 0.1)).close()
        outcome.append(True)
    except (OSError, UnicodeError):
        return


def _first_hop(url: str) -> tuple[str, int]:
    """Returns host and port of the first machine on the way to a URL."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and not proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)


@dataclass(frozen=True)
class PipPlaces:
    """Where pip would look for a package.

    Args:
        remote: Indexes that need the network.
        local: Indexes on the disk.
        links: Whether there is a place for loose wheels.
        proxy: The proxy that pip was told of, or the empty string.
    """

    remote: tuple[str, ...]
    local: tuple[str, ...]
    links: bool
    proxy: str

    def answer(self, *, seconds: float) -> bool:
        """Says whether the network serves one of the indexes."""
        limit = monotonic() + seconds
        asked = (self.proxy,) if self.proxy else self.remote
        return any(answers(url, seconds=limit - monotonic()) for url in asked)


def pip_places() -> PipPlaces:
    """Returns where pip would look, by its own files and variables."""
    options = _pip_options()
    indexes: list[str] = []
    if options.get("no-index", "").lower() not in ("1", "true", "yes", "on", "t", "y"):
        indexes = [options.get("index-url", _REGISTRY), *options.get("extra-index-url", "").split()]
    remote = tuple(url for url in indexes if urlsplit(url).scheme in _PORTS)
    local = tuple(url for url in indexes if url not in remote)
    proxy = options.get("proxy", "")
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    return PipPlaces(remote, local, bool(options.get("find-links")), proxy)


def _pip_options() -> dict[str, str]:
    """Returns pip's settings, of which those from variables win over those from files."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    found = re.findall(r"^(global|download|:env:)\.([\w-]+)='(.*)'$", listing.stdout, re.MULTILINE)
    rank = {"global": 0, "download": 1, ":env:": 2}
    return {key: value for _, key, value in sorted(found, key=lambda item: rank[item[0]])}
