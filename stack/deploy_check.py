"""`python -m stack deploy-check`: what has to be changed before this goes to a node of your own.

It reads `prod-env.json`, the systems and the pipes as they would be uploaded, and asks the node and the
webhook address when they are named. Nothing is changed anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import requests

from connectors.chargebee.settings import read_settings as chargebee_settings
from connectors.common.errors import SettingsError
from connectors.erp.settings import read_settings as erp_settings
from core.jsonio import Json
from core.settings import rows
from core.suggestions import did_you_mean
from localnode.config import read_directory, read_variables
from localnode.config.substitution import Substitution, secret_names
from stack.environment import PipeSettings
from stack.node import NodeClient, detail_of, pack
from stack.process_manager import StackError

READY, WRONG, OPEN = "ready", "wrong", "open"
"""All is well; it must be changed; it cannot be known from here, or is for a person to decide."""

LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 - looked for, not listened on
EXAMPLES = ("example", "example.com", "example.org", "example.net")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
VARIABLE = re.compile(r"\$ENV\(([^()]*)\)")
MEMORY_MB = 128
"""What a microservice has on a Sesam node unless it asks for more; the services are tested within it."""
ARCHIVE_BYTES = 20 * 1024 * 1024
TIMEOUT = (5, 20)
TLS = "https"


@dataclass(frozen=True)
class Result:
    """The outcome of one check; `todo` is what to do about it, with the command where there is one."""

    check: str
    state: str
    said: str
    todo: str = ""


@dataclass(frozen=True)
class Deployment:
    """What is to be uploaded from `root`; `node` and `webhooks` (an address) when they can be asked."""

    root: Path
    profile: str = "prod"
    node: NodeClient | None = None
    webhooks: str | None = None

    @cached_property
    def variables(self) -> Json:
        """The variables of the profile."""
        return read_variables(self.root, self.profile) or {}

    @cached_property
    def entities(self) -> list[Json]:
        """Pipes, systems and metadata as they are uploaded."""
        return read_directory(self.root)

    @cached_property
    def systems(self) -> dict[str, Json]:
        """The systems with the variables put in."""
        found = [each for each in self.entities if str(each.get("type", "")).startswith("system:")]
        return {each["_id"]: Substitution(self.variables).component(each) for each in found}

    def container(self, system: str) -> dict[str, str]:
        """Return the environment that a microservice is started with; secrets are names here, not values."""
        environment = self.systems.get(system, {}).get("docker", {}).get("environment", {})
        return {name: str(value) for name, value in environment.items()}


Check = Callable[[Deployment], Iterator[Result]]
CHECKS: dict[str, Check] = {}
"""Every check by its name, in the order of the deploy page."""


def check(name: str) -> Callable[[Check], Check]:
    """Register a check."""

    def registered(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return registered


def run_checks(deployment: Deployment) -> list[Result]:
    """Return the results of all checks, in order."""
    return [result for function in CHECKS.values() for result in function(deployment)]


def told(results: list[Result], file: str) -> str:
    """Return the results as lines, what is to be done below, and a closing sentence."""
    marks = {READY: "ok", WRONG: "WRONG", OPEN: "?"}
    lines = [f"{marks[each.state]:<6} {each.check:<12} {each.said}" for each in results]
    todo = [f"{number}. {each.todo}" for number, each in enumerate((r for r in results if r.todo), 1)]
    wrong = sum(each.state == WRONG for each in results)
    open_ = sum(each.state == OPEN for each in results)
    sum_ = f"{wrong} to change, {open_} that a person has to answer" if wrong or open_ else "ready to go"
    return "\n".join([*lines, *(["", "To do:", *todo] if todo else []), "", f"{file}: {sum_}"])


@check("variables")
def check_variables(deployment: Deployment) -> Iterator[Result]:
    """Check that every variable that pipes and systems name is there, and none is left over.

    Values must be known ones.
    """
    used = set(VARIABLE.findall(str(deployment.entities)))
    there = deployment.variables.keys()
    for name in sorted(used - there):
        yield Result("variables", WRONG, f"{name} is missing{did_you_mean(name, there)}", f"set {name}")
    for name in sorted(there - used):
        yield Result("variables", WRONG, f"nothing reads {name}{did_you_mean(name, used)}", f"remove {name}")
    for field, row in rows(PipeSettings).items():
        name = field.replace("_", "-")
        value = deployment.variables.get(name)
        try:
            if value is not None:
                row.reader(str(value))
        except ValueError as problem:
            yield Result("variables", WRONG, f"{name} {problem}", f"change {name}")
    if deployment.variables.get("node-env") != "prod":
        yield Result(
            "variables", WRONG, "node-env is not prod: test data would be synced", "set node-env to prod"
        )
    if used == there:
        yield Result("variables", READY, f"{len(used)} variables, all read by something")


@check("images")
def check_images(deployment: Deployment) -> Iterator[Result]:
    """Check that the images are yours, and stay what they are."""
    for name in ("customerp-image", "chargebee-image"):
        image = str(deployment.variables.get(name, ""))
        host = image.partition("/")[0]
        if not image or _is_example(host) or host.startswith("registry.example"):
            todo = f"build and push the image (deploy page, step 1), and set {name} to it"
            yield Result("images", WRONG, f"{name} still names an example: {image or 'nothing'}", todo)
        elif DIGEST.search(image):
            yield Result("images", READY, f"{name} is pinned by its digest")
        else:
            todo = f"pin {name} by digest: docker buildx imagetools inspect {image}"
            yield Result("images", OPEN, f"{name} is {image}: a tag can be moved to another image", todo)


@check("erp")
def check_erp(deployment: Deployment) -> Iterator[Result]:
    """Check that the ERP's address is a real one."""
    yield _address("erp", "erp-base-url", str(deployment.variables.get("erp-base-url", "")))


@check("profile")
def check_profile(deployment: Deployment) -> Iterator[Result]:
    """Check that the profile which the ERP service is started with is in its image, and fits."""
    name = str(deployment.variables.get("erp-profile", ""))
    if name == "sandbox":
        todo = (
            "copy your profile to connectors/erp/profiles/NAME.json, build the image, and set erp-profile to"
            " NAME (try it first: make erp-check PROFILE=connectors/erp/profiles/NAME.json)"
        )
        yield Result("profile", WRONG, "erp-profile still names that of the sandbox ERP", todo)
        return
    yield _starts("profile", "customerp", deployment, erp_settings)


@check("chargebee")
def check_chargebee(deployment: Deployment) -> Iterator[Result]:
    """Check that the Chargebee site is yours, and that the service starts with its settings."""
    site = str(deployment.variables.get("chargebee-site", ""))
    if site in ("", "acme-test", "acme"):
        todo = "set chargebee-site to the name of your site (the part before .chargebee.com)"
        yield Result("chargebee", WRONG, f"chargebee-site still names an example: {site or 'nothing'}", todo)
        return
    if site.endswith("-test"):
        yield Result(
            "chargebee",
            OPEN,
            f"chargebee-site {site} is a test site",
            "set chargebee-site to the live site when all is well on this one",
        )
    yield _starts("chargebee", "chargebee", deployment, chargebee_settings)
    rate = int(deployment.variables.get("chargebee-rate-per-minute") or 0)
    if rate:
        hours = 10_000 / rate / 60
        yield Result("chargebee", READY, f"{rate} calls a minute: 10,000 new customers take {hours:.1f} h")


@check("credentials")
def check_credentials(deployment: Deployment) -> Iterator[Result]:
    """Whoever reaches the services must present credentials."""
    if deployment.variables.get("service-auth") == "basic":
        yield Result("credentials", READY, "the node presents credentials to the services")
        return
    todo = (
        "set service-auth to basic and service-username, and store the secret service-password (step 3); on a"
        " Sesam node, where nothing else reaches them, it may stay as it is unless webhooks come in"
    )
    yield Result(
        "credentials", OPEN, "service-auth is none: whoever reaches the services may read and write", todo
    )


@check("secrets")
def check_secrets(deployment: Deployment) -> Iterator[Result]:
    """Check that the secrets which the systems name are stored on the node."""
    wanted = sorted(set().union(*(secret_names(each) for each in deployment.systems.values())))
    if not _takes_webhooks(deployment):
        wanted = [name for name in wanted if name not in ("webhook-password", "node-jwt")]
    if deployment.node is None:
        todo = (
            f"store {', '.join(wanted)} on the node (step 3), and name the node here: --node URL --jwt TOKEN"
        )
        yield Result("secrets", OPEN, f"needs {', '.join(wanted)}; no node was asked", todo)
        return
    try:
        stored = {*deployment.node.get("/secrets")}
        for name in deployment.systems:
            stored |= {*deployment.node.get(f"/systems/{name}/secrets", missing=[])}
    except StackError as error:
        yield Result("secrets", OPEN, str(error), "see that the node can be reached")
        return
    missing = [name for name in wanted if name not in stored]
    if missing:
        yield Result(
            "secrets", WRONG, f"not on the node: {', '.join(missing)}", f"store {', '.join(missing)} (step 3)"
        )
    else:
        yield Result("secrets", READY, f"the node has {', '.join(wanted)}")


@check("share-mode")
def check_share_mode(deployment: Deployment) -> Iterator[Result]:
    """Check that nothing is written before somebody has looked."""
    mode = deployment.variables.get("share-mode")
    if mode == "manual":
        yield Result("share-mode", READY, "the share pumps wait until a person sets share-mode to scheduled")
    elif mode == "scheduled":
        todo = "for a first load set share-mode to manual, and look before you let them go (step 5)"
        yield Result("share-mode", OPEN, "the share pumps write as soon as they are uploaded", todo)
    else:
        todo = "disable the pumps of all *-share pipes before their first run (step 5)"
        yield Result("share-mode", OPEN, "the pipes have no share-mode: they write at once", todo)


@check("time-zone")
def check_time_zone(deployment: Deployment) -> Iterator[Result]:
    """Dates without a time begin at midnight of the Chargebee site's time zone."""
    zone = str(deployment.variables.get("chargebee-time-zone", ""))
    if zone not in available_timezones():
        hint = did_you_mean(zone, available_timezones())
        todo = "set chargebee-time-zone, such as Europe/Oslo"
        yield Result("time-zone", WRONG, f"{zone or 'nothing'} is not an IANA time zone{hint}", todo)
    elif zone == "UTC":
        said = "dates of orders are taken in UTC"
        yield Result(
            "time-zone", OPEN, said, "set chargebee-time-zone to the Chargebee site's, unless it is UTC"
        )
    else:
        yield Result("time-zone", READY, f"dates of orders are those of {zone}")


@check("webhooks")
def check_webhooks(deployment: Deployment) -> Iterator[Result]:
    """Chargebee reaches `/webhooks` and nothing else, and the service reaches the node."""
    if not _takes_webhooks(deployment):
        todo = "set webhook-username and node-url to have edits in Chargebee within seconds (step 6)"
        yield Result("webhooks", OPEN, "off: edits in Chargebee arrive with the next read", todo)
        return
    yield _address("webhooks", "node-url", str(deployment.variables.get("node-url", "")))
    if deployment.webhooks is None:
        todo = "name the address that Chargebee calls: --webhooks https://…/webhooks"
        yield Result("webhooks", OPEN, "whether Chargebee reaches the service was not tried", todo)
        return
    yield from _probe(deployment.webhooks)


@check("sizes")
def check_sizes(deployment: Deployment) -> Iterator[Result]:
    """Check that each service has the memory it needs, and the archive can be uploaded."""
    for name, system in deployment.systems.items():
        memory = system.get("docker", {}).get("memory")
        if not isinstance(memory, int) or memory < MEMORY_MB:
            said = f"the system {name} has {memory} MB of memory"
            yield Result("sizes", WRONG, said, f"set docker.memory of {name} to at least {MEMORY_MB}")
    size = len(pack(deployment.root))
    pipes = sum(each.get("type") == "pipe" for each in deployment.entities)
    state = READY if size <= ARCHIVE_BYTES else WRONG
    yield Result(
        "sizes", state, f"{pipes} pipes, {size / 1024:,.0f} kB to upload; {MEMORY_MB} MB for each service"
    )


@check("node")
def check_node(deployment: Deployment) -> Iterator[Result]:
    """On the node: its variables are those of the file, and both services run and reach their systems."""
    if deployment.node is None:
        return
    try:
        present = deployment.node.get("/env")
        differing = sorted(name for name, value in deployment.variables.items() if present.get(name) != value)
        if differing and not present:
            yield Result("node", OPEN, "nothing was uploaded to it yet", "upload (step 4)")
            return
        if differing:
            yield Result("node", OPEN, f"differs from the file in {', '.join(differing)}", "upload (step 4)")
        else:
            yield Result("node", READY, "its variables are those of the file")
        for name in deployment.systems:
            answer = deployment.node.proxied(name, "/ready")
            if answer.ok:
                yield Result("node", READY, f"the service of {name} runs, and reaches its system")
            else:
                said = f"the service of {name} answers {answer.status_code}: {detail_of(answer)}"
                todo = f"read the log of the system {name} (a local node needs --system {name}=URL)"
                yield Result("node", WRONG, said, todo)
    except StackError as error:
        yield Result("node", OPEN, str(error), "upload first (step 4), or see that the node can be reached")


def _starts(
    name: str, system: str, deployment: Deployment, read: Callable[[Mapping[str, str]], object]
) -> Result:
    """Return whether a service would start with the environment that its container is given."""
    try:
        read(deployment.container(system))
    except SettingsError as error:
        return Result(
            name, WRONG, f"the service of {system} would not start: {error.detail}", "set it, see the message"
        )
    return Result(name, READY, f"the service of {system} starts with these settings")


def _address(name: str, variable: str, url: str) -> Result:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        return Result(name, WRONG, f"{variable} is not an address: {url or 'nothing'}", f"set {variable}")
    if host in LOOPBACK or host.startswith("127.") or _is_example(host):
        return Result(name, WRONG, f"{variable} still names {host}", f"set {variable} to the real address")
    if parts.scheme == "http":
        return Result(name, OPEN, f"{variable} goes over plain HTTP", f"use https in {variable} if it can")
    return Result(name, READY, f"{variable} is {url}")


RECEIVER = "/receivers/chargebee-webhook/"
"""In the address of the receiver of a node, which answers 400 where its `validation_expression` refuses."""


def _probe(url: str) -> Iterator[Result]:
    """Call the public address as Chargebee would, without credentials, and look what else answers there."""
    if urlsplit(url).scheme != TLS:
        yield Result(
            "webhooks", WRONG, f"{url} is not HTTPS", "Chargebee requires TLS: put it behind an ingress"
        )
        return
    try:
        answer = requests.post(url, json={}, timeout=TIMEOUT)
        refused = (400, 401, 403) if RECEIVER in url else (401,)
        if answer.status_code in refused:
            yield Result("webhooks", READY, f"{url} is reached, and asks for credentials")
        else:
            said = f"{url} answers {answer.status_code} to a call without credentials, not 401"
            yield Result(
                "webhooks", WRONG, said, "let the address lead to /webhooks of the Chargebee service"
            )
        root = url.removesuffix("/").rpartition("/")[0]
        for path in ("/", "/metrics", "/customer/entities"):
            if requests.get(root + path, timeout=TIMEOUT).ok:
                yield Result(
                    "webhooks", WRONG, f"{root}{path} can be read by everybody", "let out /webhooks alone"
                )
    except requests.RequestException as error:
        said = f"{url} cannot be reached: {type(error).__name__}"
        yield Result("webhooks", WRONG, said, "see to DNS, certificate and ingress")


def _takes_webhooks(deployment: Deployment) -> bool:
    return bool(deployment.variables.get("webhook-username"))


def _is_example(host: str) -> bool:
    return host in EXAMPLES or host.endswith(tuple(f".{name}" for name in EXAMPLES)) or host == ""
