"""Every page that exists, and how it is reached.  A new page needs one line here.

`test_looks.py` looks at each of them in Chromium (axe, widths, pictures), and fails if a template
is in no line. A line has a name, the template, and a function from the world to the page.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import keystead.console
from tests.console.browser import STEP, Browser, Page, Site
from tests.console.logging_in import with_code
from tests.console.outside import Outside
from tests.console.passkeys import use, with_passkey
from tests.console.people import PASSWORD, account_of, given_password, minutes, signed_in, user
from tests.console.programs import CALLBACK, CONFIRMATION, CROSS, SAME, Program, may_log_in
from tests.console.saml_people import company_elsewhere, described
from tests.console.test_brokers import assumed, hidden, link, token_of
from tests.console.test_credentials import ALL, somebody
from tests.console.test_ending import Device
from tests.console.test_mfa import at_the_code
from tests.console.test_switching import person, role, switch, switched

NO_PAGES = {"base.html", "signed_in.html", "macros.html", "logins.html"}  # parts of others


def templates() -> set[str]:
    """Those that are pages."""
    folder = Path(next(iter(keystead.console.__path__))) / "templates"
    return {file.name for file in folder.glob("*.html")} - NO_PAGES


@dataclass
class World:
    """An installation, and people in it."""

    site: Site
    outside: Outside
    numbers: list[str] = field(default_factory=list)

    def name(self) -> str:
        """A name that nobody has yet."""
        self.numbers.append(f"pat-{len(self.numbers)}")
        return self.numbers[-1]

    def user(self) -> str:
        """A user without any permission."""
        return user(self.site, self.name())

    def with_password(self, name: str, password: str = PASSWORD) -> Page:
        """What follows a password."""
        return self.site.browser().sign_in(account_of(self.site), name, password)

    def signed_in(self) -> Browser:
        """Somebody without any permission."""
        return signed_in(self.site, self.user())

    def administrator(self) -> Browser:
        return somebody(self.site, self.name())

    def at_the_code(self, devices: int = 1) -> Browser:
        name = self.user()
        Device(self.site, name)
        for number in range(1, devices):
            self._more(name, f"{name}-{number}")
        return at_the_code(self.site, name)

    def _more(self, name: str, device: str) -> None:
        made = Device.__new__(Device)
        made.local, made.name = self.site.local, name
        answer = self.site.local.iam("CreateVirtualMFADevice", VirtualMFADeviceName=device)
        [seed] = re.findall(rb"<Base32StringSeed>([^<]+)<", answer.body)
        [serial] = re.findall(rb"<SerialNumber>([^<]+)<", answer.body)
        made.seed = base64.b32decode(base64.b64decode(seed))
        made.serial = serial.decode()
        made.enable()

    def root(self, ip: str = "127.0.0.1") -> Page:
        """What follows root's one-time password."""
        email = self.site.local.founded.email
        return self.site.browser(ip).sign_in_as_root(email, given_password(self.site))

    def at_roles(self, number: int) -> Browser:
        """Somebody from outside, with so many roles, and one that does not let them in."""
        name = self.name()
        roles = [self.outside.role(f"{name}-{each}") for each in range(number)]
        roles.append(self.outside.role(f"{name}-closed", trusts=False))
        browser = self.site.browser()
        assert self.outside.came(browser, self.outside.person(name, roles)) == "role"
        return browser

    def in_role(self) -> Browser:
        """Somebody from outside, with a session of a role."""
        return self.outside.signed_in(self.outside.role(self.name()))

    def acting(self, number: int = 1) -> tuple[Browser, str]:
        """A user who switched to so many roles, and the path of the last one."""
        name = self.name()
        browser = person(self.site, name)
        for each in range(number):
            role(self.site, f"{name}-{each}")
            fields = {"displayName": f"Production {each}", "color": "F2B0A9"}
            path = switched(browser, f"{name}-{each}", **fields)
        return browser, path


class Look(NamedTuple):
    """One look at a page."""

    name: str
    template: str
    reach: Callable[[World], Page]


def _refused(world: World) -> Page:
    return world.site.browser().sign_in(account_of(world.site), "nobody", "wrong")


def _no_directory(world: World) -> Page:
    browser = world.site.browser()
    browser.get("/directory")
    fields = {"directory": "corp", "user": "nobody", "password": "wrong"}
    return browser.post("/directory", fields)


def _too_many(world: World) -> Page:
    return [_refused(world) for _ in range(4)][-1]


def _expired(world: World) -> Page:
    name, local = world.user(), world.site.local
    local.iam("UpdateAccountPasswordPolicy", MaxPasswordAge="1", HardExpiry="true")
    minutes(world.site, 2 * 24 * 60)
    page = world.with_password(name)
    local.iam("DeleteAccountPasswordPolicy")
    return page


def _to_be_changed(world: World) -> Page:
    name = user(world.site, world.name(), reset=True)
    world.site.local.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=ALL)
    return world.with_password(name)


def _no_cookies(world: World) -> Page:
    return world.site.browser().post("/signin", {"as": "user"}, headers={"cookie": None})


def _signed_out(world: World) -> Page:
    return world.signed_in().post("/signout")


def _old_session(world: World) -> Page:
    browser = world.administrator()
    minutes(world.site, 16)
    return browser.post("/security/key")


def _old_session_of_passkey(world: World) -> Page:
    name = world.name()
    made = with_passkey(world.site, name)
    browser = at_the_code(world.site, name)
    use(browser, made)
    minutes(world.site, 16)
    return browser.post("/security/key")


def _inactive_key(world: World) -> Page:
    browser = world.administrator()
    [key] = re.findall(r"AKIA[A-Z0-9]{16}", browser.post("/security/key").text)[:1]
    return browser.post("/security/key/status", id=key, status="Inactive")


def _wrong_code(world: World) -> Page:
    return world.at_the_code().post("/signin/mfa", code="0")


def _passkey(world: World) -> Page:
    name = world.name()
    with_passkey(world.site, name)
    return at_the_code(world.site, name).get("/signin/step")


def _new_device(world: World) -> Page:
    return world.administrator().post("/security/device", name=world.name())


def _wrong_codes(world: World) -> Page:
    browser, name = world.administrator(), world.name()
    page = browser.post("/security/device", name=name)
    [serial] = re.findall(r'name="serial" value="([^"]+)"', page.text)
    return browser.post("/security/device/enable", serial=serial, first="000000", second="000001")


def _long_name(world: World) -> Page:
    user(world.site, "n" * 64)
    return signed_in(world.site, "n" * 64).get("/")


def _long_names(world: World) -> tuple[Browser, str]:
    """A user, a role, its path and its name as long as they can be, and without a blank."""
    name = world.name().ljust(64, "n")
    browser = person(world.site, name)
    role(world.site, name, f"/{'p' * 500}/")
    return browser, switched(browser, f"{'p' * 500}/{name}", displayName="D" * 64)


def _acting_at_length(world: World) -> Page:
    browser, path = _long_names(world)
    return browser.get(path)


def _step_is_over(world: World) -> Page:
    browser = world.at_the_code()
    browser.cookies[STEP] = "none"
    return browser.post("/signin/mfa", code="000000")


def _in_a_role(world: World) -> Page:
    browser, path = world.acting(3)
    return browser.get(path)


def _role_is_over(world: World) -> Page:
    browser, path = world.acting()
    browser.post("/role/exit", actor=path[3:-1])
    return browser.get(path)


def _leaving(world: World) -> Page:
    return world.site.browser().post(company_elsewhere(world.site).start)


def _form_for_a_provider(world: World) -> Page:
    corp = company_elsewhere(world.site)
    corp.land.create_provider("forms", SAMLMetadataDocument=described("idp", binding="POST"))
    return world.site.browser().post(f"/saml/start/{corp.id('forms')}")


def _not_accepted(world: World) -> Page:
    return world.site.browser().post("/saml/start/NOBODY")


def _as_somebody_else(world: World) -> Page:
    corp = company_elsewhere(world.site)
    return corp.post(world.signed_in(), corp.response(subject="n" * 256))


def _asked(world: World, client: str = SAME) -> tuple[Browser, Program]:
    """A program asks somebody who may let it in."""
    name, redirect = world.user(), CALLBACK if client == SAME else CONFIRMATION
    may_log_in(world.site, name)
    return signed_in(world.site, name), Program(world.site, client=client, redirect=redirect)


def _no_role(world: World) -> Page:
    corp = company_elsewhere(world.site)
    shut = corp.land.role("shut", corp.land.trusting(StringEquals={"saml:sub": "nobody"}))
    return corp.post(world.site.browser(), corp.response(role=shut))


def _consent(world: World, client: str = SAME) -> Page:
    browser, program = _asked(world, client)
    return browser.get(program.path())


def _code_for_a_program(world: World) -> Page:
    name = world.user()
    may_log_in(world.site, name)
    browser = with_code(world.site, Device(world.site, name))
    return Program(world.site, client=CROSS, redirect=CONFIRMATION).asks(browser)


def _not_fresh(world: World) -> Page:
    name = world.user()
    may_log_in(world.site, name)
    browser = with_code(world.site, Device(world.site, name))
    minutes(world.site, 16)
    return Program(world.site, client=CROSS, redirect=CONFIRMATION).asks(browser)


def _no_second_factor(world: World) -> Page:
    browser, program = _asked(world, CROSS)
    return program.asks(browser)


def _programs(world: World) -> Page:
    browser, program = _asked(world)
    program.browser.headers["user-agent"] = "aws-cli/2.34.30 md/command#login"
    program.logged_in(browser)
    return browser.get("/security")


def _from_a_broker(world: World, browser: Browser | None = None) -> Page:
    role(world.site, name := world.name())
    browser = browser or world.site.browser()
    return browser.get(link(token_of(world.site.browser(), assumed(world.site, name))))


def _left_a_broker(world: World) -> Page:
    page, browser = _from_a_broker(world), world.site.browser()
    browser.post("/federation/login", hidden(page))
    return browser.post("/signout")


LOOKS = (
    Look("sign-in", "signin.html", lambda world: world.site.browser().get("/signin")),
    Look("sign-in-root", "signin.html", lambda world: world.site.browser().get("/signin?root")),
    Look("sign-in-refused", "signin.html", _refused),
    Look("sign-in-waits", "signin.html", _too_many),
    Look("sign-in-again", "signin.html", _step_is_over),
    Look("directory", "directory.html", lambda w: w.site.browser().get("/directory/corp")),
    Look("directory-refused", "directory.html", _no_directory),
    Look("no-cookies", "no_cookies.html", _no_cookies),
    Look("ended-root", "ended.html", lambda world: world.root("192.0.2.1")),
    Look("ended-expired", "ended.html", _expired),
    Look("ended-no-role", "ended.html", _no_role),
    Look("new-password", "password.html", _to_be_changed),
    Look("new-password-root", "password.html", World.root),
    Look("second-factor", "mfa.html", lambda w: w.at_the_code(2).get("/signin/step")),
    Look("second-factor-refused", "mfa.html", _wrong_code),
    Look("second-factor-passkey", "mfa.html", _passkey),
    Look("new-passkey", "passkey.html", lambda w: w.administrator().get("/security/passkey")),
    Look("roles", "roles.html", lambda world: world.at_roles(2).get("/signin/role")),
    Look("roles-many", "roles.html", lambda world: world.at_roles(12).get("/signin/role")),
    Look("roles-none", "roles.html", lambda w: w.at_roles(9).get("/signin/role?q=nothing")),
    Look("session", "session.html", lambda world: world.administrator().get("/")),
    Look("session-long-name", "session.html", _long_name),
    Look("session-role", "session.html", lambda world: world.in_role().get("/")),
    Look("session-acting", "session.html", _in_a_role),
    Look("session-acting-long", "session.html", _acting_at_length),
    Look("role-is-over", "role_ended.html", _role_is_over),
    Look("switch", "switch.html", lambda world: world.acting(3)[0].get("/switchrole")),
    Look("switch-long", "switch.html", lambda w: _long_names(w)[0].get("/switchrole")),
    Look("switch-refused", "switch.html", lambda world: switch(world.signed_in(), "nothing")),
    Look("not-yours", "not_yours.html", lambda world: world.in_role().get("/security")),
    Look("credentials", "security.html", lambda world: world.administrator().get("/security")),
    Look("credentials-denied", "security.html", lambda world: world.signed_in().get("/security")),
    Look("credentials-inactive-key", "security.html", _inactive_key),
    Look("new-key", "key.html", lambda world: world.administrator().post("/security/key")),
    Look("new-device", "device.html", _new_device),
    Look("new-device-refused", "device.html", _wrong_codes),
    Look("sign-in-again-first", "again.html", _old_session),
    Look("sign-in-again-passkey", "again.html", _old_session_of_passkey),
    Look("changed", "changed.html", lambda world: world.site.browser().get("/changed?device")),
    Look("broker-signed-in", "broker.html", lambda w: _from_a_broker(w, w.signed_in())),
    Look("signed-out-of-broker", "signed_out.html", _left_a_broker),
    Look("signed-out", "signed_out.html", _signed_out),
    Look("provider", "start.html", lambda world: world.site.browser().get("/saml/start/X")),
    Look("provider-leaving", "leaving.html", _leaving),
    Look("provider-form", "leaving.html", _form_for_a_provider),
    Look("provider-refused", "not_accepted.html", _not_accepted),
    Look("provider-continue", "continue.html", _as_somebody_else),
    Look("program", "consent.html", _consent),
    Look("program-elsewhere", "consent.html", lambda world: _consent(world, CROSS)),
    Look("program-code", "code.html", _code_for_a_program),
    Look("program-no-factor", "fresh.html", _no_second_factor),
    Look("program-not-fresh", "fresh.html", _not_fresh),
    Look("credentials-programs", "security.html", _programs),
    Look("programs", "programs.html", lambda world: world.in_role().get("/security/logins")),
    Look("missing", "error.html", lambda world: world.site.browser().get("/no-such-page")),
)  # fmt: skip
