"""Is every setting usable, and do they fit together?  They are checked whole, at the start.

A value that is not clearly safe is an error: a security setting is never guessed.
"""

import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from keystead import quotas
from keystead.arns import is_account_id, partition_of
from keystead.failures import Failure
from keystead.server.installation.config.addresses import (
    Address,
    parse_address,
    parse_region,
)
from keystead.server.installation.config.settings import Config

_ORIGIN = re.compile(
    r"\Ahttps://[a-z0-9.-]+(?::[0-9]{1,5})?/?\Z|\Ahttp://localhost(?::[0-9]{1,5})?/?\Z"
)
MOST_PAGE_CACHE_MB = 1 << 20  # 1 TB
MOST_OF_NETWORKS = 250  # listeners; each is a descriptor that no connection has


def check(config: Config) -> None:
    """Is every value usable, and do they fit together?"""
    if not config.data:
        raise Failure("`data` is empty", "name a directory with --data")
    if not config.listen:
        raise Failure("`listen` is empty", "give an address, such as `127.0.0.1:8420`")
    if not config.regions:
        raise Failure("`regions` is empty", "give a Region, such as `us-east-1`")
    for region in config.regions:
        parse_region(region, "regions")
    _check_partition(config.regions)
    if bool(config.tls_certificate) != bool(config.tls_key):
        raise Failure(
            "TLS needs both a certificate and its key",
            "set `tls_certificate` and `tls_key`",
        )
    if config.services_account and not is_account_id(config.services_account):
        raise Failure(
            f"`services_account`: `{config.services_account}` is not an account id",
            "an account id has twelve digits",
        )
    for name in ("max_connections", "max_connections_per_peer"):
        if getattr(config, name) < 1:
            raise Failure(
                f"`{name}` must be at least 1", f"change the value `{getattr(config, name)}`"
            )
    if not 1 <= config.page_cache_mb <= MOST_PAGE_CACHE_MB:
        raise Failure(
            f"`page_cache_mb` must be from 1 to {MOST_PAGE_CACHE_MB}",
            f"change the value `{config.page_cache_mb}`",
        )
    if config.drain_seconds < 0:
        raise Failure(
            "`drain_seconds` must not be negative", f"change the value `{config.drain_seconds}`"
        )
    if config.seal == "passphrase" and not config.passphrase_file:
        raise Failure(
            "`seal` is `passphrase`, but no passphrase is given",
            "write it to a file with mode 0600 and set `passphrase_file`",
        )
    _ = config.proxies  # raises Failure for a text that is not a network
    quotas.read(config.quotas)
    _ = config.reachable
    _ = config.service_provider, config.ways
    _ = config.web_identities
    _check_exposure(config)


def _check_partition(regions: tuple[str, ...]) -> None:
    """Are all Regions of one partition?

    ARNs, accounts and policies of one partition mean nothing in another.
    """
    by_partition = {partition_of(region).name: region for region in regions}
    if len(by_partition) > 1:
        named = ", ".join(f"`{region}` is of `{name}`" for name, region in by_partition.items())
        raise Failure(
            f"`regions` are of several partitions: {named}",
            "run one server, with a data directory of its own, for each partition",
        )


def _check_exposure(config: Config) -> None:
    """Refuse settings that let secrets cross a network in clear, unless they say so.  (HF-8)"""
    _ = config.vpc_owners  # raises Failure, too
    _ = config.balancers  # raises Failure for a text that is not a network
    if config.proxy_listen and not config.trusted_balancers:
        raise Failure(
            "`proxy_listen` needs balancers whose prefaces are believed",
            "set `trusted_balancers` to their addresses",
        )
    of_networks = [*(each.address for each in config.endpoint_listeners), *config.balanced]
    _check_number(of_networks)
    for address in (*config.addresses, *of_networks):
        if not (config.tls_certificate or config.allow_plain_http or address.loopback):
            raise Failure(
                f"plain HTTP on `{address}` would be readable on the network",
                "set `tls_certificate` and `tls_key`, or listen on 127.0.0.1, or set"
                " `allow_plain_http` if a proxy in front ends TLS",
            )
    if config.metrics_listen:
        parse_address(config.metrics_listen, "metrics_listen")
    _check_console(config)


def _check_number(of_networks: Sequence[Address]) -> None:
    """Are there few listeners of endpoints and balancers, each with an address of its own?"""
    if len(of_networks) > MOST_OF_NETWORKS:
        raise Failure(
            f"`endpoint_listen` and `proxy_listen` name more than {MOST_OF_NETWORKS} addresses",
            "let a balancer name the endpoints: one address is enough for all of them",
        )
    for address, times in Counter(of_networks).items():
        if address.port and times > 1:
            raise Failure(
                f"`endpoint_listen` and `proxy_listen` name `{address}` {times} times",
                "an address leads to one endpoint, or is a balancer's",
            )


def _is_origin(url: str) -> bool:
    """Is it spelled as browsers spell an Origin?  Every form is compared with it.  (CO-2)"""
    if not _ORIGIN.match(url):
        return False
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:  # it is above all ports
        return False
    usual = 443 if parts.scheme == "https" else 80
    return port is None or (port not in {0, usual} and parts.netloc.endswith(f":{port}"))


def _check_console(config: Config) -> None:
    """Browsers keep our cookies over TLS, or on localhost; nothing else is served.  (CO-1, CO-4)"""
    address = config.console_address
    if address is None:
        return
    url = config.console_url
    if url and not _is_origin(url):
        raise Failure(
            f"`console_url`: `{url}` is not the URL of a host",
            "write `https://HOST` or `https://HOST:PORT`, without a path and without port 443",
        )
    if not url.startswith("https://") and not address.loopback:
        raise Failure(
            f"the pages for persons on `{address}` need TLS",
            "set `console_url` to the https URL by which browsers reach them, with"
            " `tls_certificate` and `tls_key`, or listen on `localhost:8421`",
        )
    if (
        url.startswith("https://")
        and not config.tls_certificate
        and not (address.loopback or config.allow_plain_http)
    ):
        raise Failure(
            f"plain HTTP on `{address}` would be readable on the network",
            "set `tls_certificate` and `tls_key`, or `allow_plain_http` if a proxy ends TLS",
        )
