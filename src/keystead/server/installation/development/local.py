"""Who reaches an installation for development?  Programs on this machine, and nobody else.

A browser is a program on this machine, too, and a web page could use it: with the access key of a
seed that everybody may know. Browsers name the page in `Origin` and `Sec-Fetch-Site`. A page whose
own name leads to this machine (DNS rebinding) names that in `Host`.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from keystead.failures import Failure
from keystead.server.installation.config import Config, parse_address


def require_local(config: Config) -> None:
    """Refuse settings by which another machine could reach it; raises Failure."""
    listeners = [("listen", text) for text in config.listen]
    listeners += [("endpoint_listen", text.partition("=")[0]) for text in config.endpoint_listen]
    listeners += [("proxy_listen", text) for text in config.proxy_listen]
    if config.metrics_listen:
        listeners.append(("metrics_listen", config.metrics_listen))
    if config.console:
        listeners.append(("console", config.console))
    for setting, text in listeners:
        if not parse_address(text, setting).loopback:
            raise Failure(
                f"`{setting}`: with --dev nobody listens on `{text}`, which other machines reach",
                "listen on 127.0.0.1, ::1 or localhost, or serve without --dev",
            )
    if config.trusted_proxies:
        raise Failure(
            "`trusted_proxies`: with --dev no proxy is trusted, because it would let others in",
            "leave the setting out, or serve without --dev",
        )


def is_of_a_page(headers: Mapping[str, str], endpoint_url: str) -> bool:
    """Is this a request that a web page may have caused?

    `headers` have names in lower case. The host of `endpoint_url` is a name of this machine.
    """
    if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
        return True
    try:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        own = urlsplit(endpoint_url).hostname
        if host in {"localhost", own} or host.endswith(".localhost"):
            return False
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:  # no address
        return True
