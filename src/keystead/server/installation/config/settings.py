"""Which settings are there, and what do they mean?  One frozen value.

The text below each field explains it. The reference in the documentation is made of these texts.
Secrets are given as paths of files, never as values.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keystead.arns import partition_of
from keystead.failures import Failure
from keystead.identity.federation import (
    NotAPlace,
    NotARecipient,
    NotBuiltIn,
    Own,
    Reachable,
    ServiceProvider,
    read_built_in,
)
from keystead.server.installation.config.addresses import (
    Address,
    Bound,
    Network,
    parse_address,
    parse_bound,
    parse_network,
    parse_vpc,
)

READ_AGAIN = (
    "tls_certificate", "tls_key", "trusted_proxies", "endpoint_listen", "vpcs", "proxy_listen",
    "trusted_balancers", "max_connections", "max_connections_per_peer", "drain_seconds",
    "log_level", "request_quotas", "quotas",
)  # fmt: skip
"""The settings that a running server reads again at SIGHUP. All others need a restart."""
_WAY = re.compile(r"([^=\x00-\x1f]{1,64})=(/(?:saml|oidc)/start/[A-Za-z0-9]{1,64})")


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of one server."""

    data: str = "data"
    """The data directory. It is made, with mode 0700, if it is not there."""

    listen: tuple[str, ...] = ("127.0.0.1:8420",)
    """Where the AWS endpoint listens: `HOST:PORT` or `[IPV6]:PORT`. Port 0 takes a free one."""

    endpoint_url: str = ""
    """The URL that clients use; it is written to `aws/config` in the data directory. Empty: the
    first `listen` address."""

    regions: tuple[str, ...] = ("us-east-1",)
    """The Regions that this server serves. A key lives in one of them. Calls of IAM and STS may be
    signed for any of them, or for the Region that SDKs choose for global services (us-east-1, in
    other partitions us-gov-west-1, cn-north-1 and so on). All Regions are of one partition, which
    stands in every ARN: `aws`, `aws-us-gov`, `aws-cn` and so on."""

    tls_certificate: str = ""
    """The file with the certificate chain (PEM) for TLS. Empty: plain HTTP."""

    tls_key: str = ""
    """The file with the private key (PEM) of the certificate. Other users must not be able to
    read it."""

    allow_plain_http: bool = False
    """Allow plain HTTP on an address that other machines reach. Use it only behind a proxy that
    ends TLS. Elsewhere requests and data keys would cross the network in clear."""

    trusted_proxies: tuple[str, ...] = ()
    """The networks (`10.0.0.0/8`) of proxies whose X-Forwarded-For and X-Forwarded-Proto are
    believed. The number of their connections is not limited."""

    endpoint_listen: tuple[str, ...] = ()
    """Listeners of VPC endpoints: `ADDRESS=ENDPOINT`, such as
    `10.1.0.5:443=vpce-0123456789abcdef0`. Whoever connects there comes through that endpoint.
    [How](network-endpoints.md)."""

    vpcs: tuple[str, ...] = ()
    """The VPCs in which accounts may have endpoints: `VPC=ACCOUNT`, such as
    `vpc-0123456789abcdef0=111122223333`. If there are any, no other VPC exists; if there are none,
    the first account with an endpoint in a VPC has it. [How](network-endpoints.md)."""

    proxy_listen: tuple[str, ...] = ()
    """Addresses of listeners for balancers: each connection begins with a preface of the PROXY
    protocol, version 2. The preface tells the client's address, and AWS's TLV in it the VPC
    endpoint. [How](network-endpoints.md)."""

    trusted_balancers: tuple[str, ...] = ()
    """The networks (`10.0.0.0/8`) of balancers whose prefaces are believed on `proxy_listen`.
    Nobody else may connect there. The number of their connections is not limited, but that of each
    client is."""

    metrics_listen: str = ""
    """The address of a listener for `/metrics` alone. Empty: `/metrics` is served on `listen`, for
    callers on this machine only."""

    console: str = ""
    """Where the pages for persons listen, such as `localhost:8421`. Empty: there are none. They
    need the extra `console`."""

    console_url: str = ""
    """The one URL by which browsers reach the pages for persons, such as
    `https://console.example.com`. Empty: `http://localhost` with the port of `console`. With
    `https` they use `tls_certificate`; without one a proxy in front must end TLS. Passkeys belong
    to its host name: with another one they are to be made anew."""

    cross_device_login: bool = True
    """Let people sign in with the browser of one device for the command line of another
    (`aws login --remote`, `keystead login --remote`). Such a person types a code there, and may be
    talked into giving it to somebody else."""

    sign_in_providers: tuple[str, ...] = ()
    """Providers of identities that the page of sign-in offers to everybody, each as
    `LABEL=/saml/start/ID` or `LABEL=/oidc/start/ID`; `keystead federation list` shows the paths. A
    provider that is not here has its own address, which its people know."""

    max_connections: int = 8192
    """The most connections at one time. Connections count from the start of their TLS handshake.
    There are fewer when the limit of open files does not leave 64 for everything else, and one for
    each address of `endpoint_listen` and `proxy_listen`."""

    max_connections_per_peer: int = 200
    """The most connections of one address, or of one /64 of IPv6, at one time."""

    drain_seconds: int = 20
    """How many seconds a stop waits for requests that have begun to arrive."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much to log."""

    log_format: Literal["auto", "json", "text"] = "auto"
    """The form of the log's lines: `json`, `text` or `auto`. With `auto` it is text if standard
    error is a terminal, else JSON."""

    seal: Literal["file", "passphrase"] = "file"
    """How the root key of a new installation is protected: by a key file in the data directory, or
    by a passphrase."""

    passphrase_file: str = ""
    """The file with the passphrase of the root key. Other users must not be able to read it. An
    installation that is sealed with a passphrase needs it at each start."""

    accept_unsupported_condition_keys: bool = False
    """Store policies with condition keys that exist at AWS and never have a value here. Such a
    condition does not do what its author thinks. Without this setting the policies are refused."""

    allow_unscoped_trust: bool = False
    """Store trust policies that let in every tenant of a provider of identities which serves many,
    such as GitHub Actions. Without this setting an Allow for such a provider needs a condition that
    tells the tenant: on the subject, or for some providers on the audience."""

    federation_private_addresses: tuple[str, ...] = ()
    """The hosts (`login.example.internal`) and networks (`10.2.0.0/16`) of identity providers that
    are not on public addresses. A host may have any private or loopback address then. Link-local
    addresses and listeners of this server are never reached."""

    web_identity_providers: tuple[str, ...] = ()
    """The providers of web identities that every account has without a record, as at AWS:
    `accounts.google.com`, `cognito-identity.amazonaws.com`. This server has to reach them over the
    network. Trust policies that name one count then, those that were written earlier as well."""

    saml_recipients: tuple[str, ...] = ()
    """The URLs (`https://keys.example.com/saml`) that SAML assertions have as their recipient, and
    responses as their destination. Without this setting they are those of AWS's sign-in, such as
    `https://signin.aws.amazon.com/saml`, as identity providers have them for AWS."""

    services_account: str = ""
    """The account whose principals may register services of the site through the API, as far as
    their policies allow it. Without this setting it is the only account there is, and nobody's if
    there are several."""

    page_cache_mb: int = 16
    """The most memory, in MB (2^20 bytes), for pages of the database. It is taken only as pages are
    read. Keys that were not used for a while are found there without a look at the disk."""

    checkpoint_file: str = ""
    """A second file, to which each signed checkpoint of the audit log is appended. Put it on
    another machine's disk: an attacker who rewrites the data directory cannot rewrite that."""

    request_quotas: bool = True
    """Refuse calls above the request quotas with `ThrottlingException`, as AWS does. SDKs wait
    and try again. Without it the rate of calls is not limited."""

    quotas: tuple[str, ...] = ()
    """Quotas with another number than AWS's: `NAME=NUMBER` for all accounts, such as
    `CreateKey=50`, and `ACCOUNT:NAME=NUMBER` for one. The names are [below](#quotas)."""

    @property
    def directory(self) -> Path:
        """The data directory."""
        return Path(self.data)

    @property
    def addresses(self) -> list[Address]:
        """The addresses on which the AWS endpoint listens."""
        return [parse_address(text, "listen") for text in self.listen]

    @property
    def endpoint_listeners(self) -> list[Bound]:
        """The listeners of VPC endpoints."""
        return [parse_bound(text, "endpoint_listen") for text in self.endpoint_listen]

    @property
    def vpc_owners(self) -> dict[str, str]:
        """The account of each listed VPC."""
        owners: dict[str, str] = {}
        for text in self.vpcs:
            vpc, account = parse_vpc(text, "vpcs")
            if vpc in owners:
                raise Failure(f"`vpcs`: `{vpc}` has two accounts", "remove one")
            owners[vpc] = account
        return owners

    @property
    def balanced(self) -> list[Address]:
        """The addresses of the listeners for balancers."""
        return [parse_address(text, "proxy_listen") for text in self.proxy_listen]

    @property
    def balancers(self) -> list[Network]:
        """The trusted balancers."""
        return [parse_network(text, "trusted_balancers") for text in self.trusted_balancers]

    @property
    def _listeners(self) -> list[Address]:
        metrics = [self.metrics_listen] if self.metrics_listen else []
        return [
            *self.addresses,
            *(each.address for each in self.endpoint_listeners),
            *self.balanced,
            *(parse_address(text, "metrics_listen") for text in metrics),
            *([] if self.console_address is None else [self.console_address]),
        ]

    @property
    def console_address(self) -> Address | None:
        """The address of the pages for persons, if there are any."""
        return parse_address(self.console, "console") if self.console else None

    def console_at(self, port: int) -> str:
        """The URL of the pages for persons, which listen on this port."""
        return self.console_url.rstrip("/") or f"http://localhost:{port}"

    @property
    def ways(self) -> list[tuple[str, str]]:
        """The labels and the paths of `sign_in_providers`."""
        found = [_WAY.fullmatch(text) for text in self.sign_in_providers]
        for text, match in zip(self.sign_in_providers, found, strict=True):
            if match is None:
                raise Failure(
                    f"`sign_in_providers`: `{text}` is no label and path",
                    "write `Example Corp=/saml/start/ID`; `keystead federation list` has the path",
                )
        return [(match[1].strip(), match[2]) for match in found if match is not None]

    @property
    def reachable(self) -> Reachable:
        """Which addresses a fetch from a provider of identities may connect to."""
        own = [Own.at(each.host, each.port) for each in self._listeners if each.port]
        try:
            return Reachable.read(self.federation_private_addresses, own)
        except NotAPlace as error:
            raise Failure(
                f"`federation_private_addresses`: `{error}` is neither a host nor a network",
                "write `login.example.internal`, or a network such as `10.2.0.0/16`",
            ) from None

    @property
    def web_identities(self) -> frozenset[str]:
        """The providers of web identities that need no record."""
        try:
            return read_built_in(self.web_identity_providers)
        except NotBuiltIn as error:
            why = "gives access tokens, which are not taken" if error.by_access_token else "is none"
            raise Failure(
                f"`web_identity_providers`: `{error}` {why}",
                "name `accounts.google.com` or `cognito-identity.amazonaws.com`; any other provider"
                " is created in the accounts whose roles trust it",
            ) from None

    @property
    def service_provider(self) -> ServiceProvider:
        """Whom assertions of SAML must be for."""
        partition = partition_of(self.regions[0])
        try:
            return ServiceProvider.of(self.saml_recipients, partition, self.regions)
        except NotARecipient as error:
            raise Failure(
                f"`saml_recipients`: `{error}` is not a URL",
                "write `https://keys.example.com/saml`, as the identity provider has it",
            ) from None

    @property
    def proxies(self) -> list[Network]:
        """The trusted proxies."""
        return [parse_network(text, "trusted_proxies") for text in self.trusted_proxies]
