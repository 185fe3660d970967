"""Settings: where they come from, and what is said about wrong ones."""

from pathlib import Path

import pytest

from keystead.failures import Failure
from keystead.server.installation.config import Config, load, reference


def toml(directory: Path, text: str) -> Path:
    path = directory / "keystead.toml"
    path.write_text(text)
    return path


def test_defaults_are_for_one_machine() -> None:
    """Without any setting Keystead listens on loopback, without TLS and without metrics outside."""
    config = load(None, {}, {})
    assert config.listen == ("127.0.0.1:8420",)
    assert config.regions == ("us-east-1",)
    assert not config.allow_plain_http


def test_order_of_the_sources(tmp_path: Path) -> None:
    """The command line wins over the environment, and the environment over the file."""
    file = toml(tmp_path, 'data = "a"\nlog_level = "debug"\nregions = ["eu-central-1"]\n')
    environment = {"KEYSTEAD_DATA": "b", "KEYSTEAD_LOG_LEVEL": "error", "PATH": "/bin"}
    environment["KEYSTEAD_HOME"] = "of `keystead login`, and no setting"
    config = load(file, environment, {"data": "c", "regions": ()})

    assert (config.data, config.log_level, config.regions) == ("c", "error", ("eu-central-1",))


def test_environment_has_types() -> None:
    """Lists are separated by commas, numbers are digits, truth is `true`."""
    config = load(
        None,
        {
            "KEYSTEAD_REGIONS": "eu-central-1, us-west-2",
            "KEYSTEAD_DRAIN_SECONDS": "3",
            "KEYSTEAD_ALLOW_PLAIN_HTTP": "true",
        },
        {},
    )
    assert config.regions == ("eu-central-1", "us-west-2")
    assert config.drain_seconds == 3
    assert config.allow_plain_http


def test_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    """KEYSTEAD_CONFIG names the file; --config is over it."""
    file = toml(tmp_path, 'data = "a"\n')
    assert load(None, {"KEYSTEAD_CONFIG": str(file)}, {}).data == "a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dta = 'x'", "unknown setting `dta` in `"),
        ("[server]\ndata = 'x'", "unknown setting `server` in `"),
        ("data = 7", "`data` in `"),
        ("regions = 'us-east-1'", "must be a list of texts"),
        ("drain_seconds = 'soon'", "must be a whole number"),
        ("drain_seconds = true", "must be a whole number"),
        ("allow_plain_http = 1", "must be true or false"),
        ("log_level = 'loud'", "must be one of `debug`, `info`, `warning`, `error`"),
        ("data = ", "is not TOML"),
        ("regions = []", "`regions` is empty"),
        ("regions = ['eu']", "`regions`: `eu` is not a Region"),
        ("listen = []", "`listen` is empty"),
        ("listen = ['8420']", "`listen`: `8420` is not an address"),
        ("listen = ['127.0.0.1:99999']", "is not an address"),
        ("metrics_listen = 'here'", "`metrics_listen`: `here` is not"),
        ("trusted_proxies = ['10.0.0.1/8']", "`trusted_proxies`: `10.0.0.1/8` is not a network"),
        ("max_connections = 0", "`max_connections` must be at least 1"),
        ("drain_seconds = -1", "`drain_seconds` must not be negative"),
        ("quotas = ['CreateKeys=1']", "`quotas`: there is no quota `CreateKeys`"),
        ("request_quotas = 'off'", "must be true or false"),
        ("page_cache_mb = 0", "`page_cache_mb` must be from 1 to"),
        ("tls_key = 'key.pem'", "TLS needs both a certificate and its key"),
        ("seal = 'passphrase'", "no passphrase is given"),
        ("listen = ['0.0.0.0:8420']", "plain HTTP on `0.0.0.0:8420` would be readable"),
        ("listen = ['[::]:8420']", "plain HTTP on `[::]:8420` would be readable"),
        ("listen = ['127.0.0.1:1', 'db.example:2']", "plain HTTP on `db.example:2`"),
        ("endpoint_listen = ['127.0.0.1:1']", "does not name an address and an endpoint"),
        ("endpoint_listen = ['127.0.0.1:1=vpce-1']", "does not name an address and an endpoint"),
        ("endpoint_listen = ['here=vpce-01234567']", "`endpoint_listen`: `here` is not"),
        ("endpoint_listen = ['10.0.0.1:1=vpce-01234567']", "plain HTTP on `10.0.0.1:1`"),
        ("vpcs = ['vpc-01234567']", "does not name a VPC and an account"),
        ("vpcs = ['vpc-0123456=111122223333']", "does not name a VPC and an account"),
        (
            "vpcs = ['vpc-01234567=111122223333', 'vpc-01234567=444455556666']",
            "`vpc-01234567` has two accounts",
        ),
        ("proxy_listen = ['127.0.0.1:1']", "`proxy_listen` needs balancers"),
        (
            "proxy_listen = ['10.0.0.1:1']\ntrusted_balancers = ['10.0.0.0/8']",
            "plain HTTP on `10.0.0.1:1`",
        ),
        ("trusted_balancers = ['10.0.0.1/8']", "`trusted_balancers`: `10.0.0.1/8` is not"),
        (
            "endpoint_listen = ['127.0.0.1:1=vpce-01234567', '127.0.0.1:1=vpce-01234568']",
            "name `127.0.0.1:1` 2 times",
        ),
        (
            f"endpoint_listen = {[f'127.0.0.1:{port}=vpce-01234567' for port in range(1, 252)]}",
            "name more than 250 addresses",
        ),
    ],
)
def test_wrong_settings(tmp_path: Path, text: str, said: str) -> None:
    """A setting that is unknown, of another type, or not clearly safe stops the start."""
    with pytest.raises(Failure) as caught:
        load(toml(tmp_path, text), {}, {})
    assert said in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("KEYSTEAD_REGION", "us-east-1", "unknown setting `KEYSTEAD_REGION` in the environment"),
        ("KEYSTEAD_DRAIN_SECONDS", "1.5", "`KEYSTEAD_DRAIN_SECONDS` in the environment must be"),
    ],
)
def test_wrong_environment(name: str, value: str, said: str) -> None:
    """The same holds for the environment."""
    with pytest.raises(Failure, match=f"^{said}"):
        load(None, {name: value}, {})


@pytest.mark.parametrize(
    "settings",
    [
        {"listen": ["127.0.0.1:1", "[::1]:2", "localhost:3"]},
        {"listen": ["0.0.0.0:8420"], "allow_plain_http": True},
        {"listen": ["0.0.0.0:8420"], "tls_certificate": "c", "tls_key": "k"},
        {"trusted_proxies": ["10.0.0.0/8", "2001:db8::1"]},
        {"endpoint_listen": ["127.0.0.1:1=vpce-01234567", "[::1]:2=vpce-0123456789abcdef0"]},
        {"vpcs": ["vpc-01234567=111122223333", "vpc-0123456789abcdef0=111122223333"]},
        {"proxy_listen": ["127.0.0.1:1"], "trusted_balancers": ["10.0.0.0/8", "2001:db8::1"]},
        {"seal": "passphrase", "passphrase_file": "p"},
        {"request_quotas": False, "quotas": ["CreateKey=1", "111122223333:CreateKey=2"]},
    ],
)
def test_right_settings(settings: dict[str, object]) -> None:
    """The twins of what is refused."""
    load(None, {}, settings)


def test_missing_file(tmp_path: Path) -> None:
    """A file that was named must be there."""
    with pytest.raises(Failure, match=r"^cannot read"):
        load(tmp_path / "no.toml", {}, {})


def test_every_setting_is_documented() -> None:
    """The reference has a line with a sentence for each setting."""
    lines = reference().splitlines()[2:]
    assert len(lines) == len(Config.__dataclass_fields__)
    for name, line in zip(Config.__dataclass_fields__, lines, strict=True):
        assert line.startswith(f"| `{name}` | `KEYSTEAD_{name.upper()}` |")
        assert line.endswith(". |")
