"""Who reaches an installation for development?  Programs on this machine, and nobody else."""

from keystead.failures import Failure
from keystead.server.installation.addresses import parse_address
from keystead.server.installation.config import Config


def require_local(config: Config) -> None:
    """Refuse settings by which another machine could reach it; raises Failure."""
    listeners = [("listen", text) for text in config.listen]
    if config.metrics_listen:
        listeners.append(("metrics_listen", config.metrics_listen))
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
