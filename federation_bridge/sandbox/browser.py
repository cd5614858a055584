"""A person's browser as far as signing in needs one: links, forms, cookies, and the rules that protect them.

It keeps the rules on which sign-in stands or falls in a real browser: SameSite and `__Host-` cookies (this machine
counts as secure over http), `Sec-Fetch-Site`, the `Origin` of a form, and the page's `form-action`, redirects included.
Pages that post a form by themselves are let do so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPMessage, HTTPResponse
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPErrorProcessor, OpenerDirector, ProxyHandler, Request, build_opener

from federation_bridge.sandbox.markup import Form, read_markup

_MOST_REDIRECTS = 12
_TIMEOUT = 20.0


class BrowserStopped(Exception):
    """A real browser would not have gone on here (a policy of the page forbids it, or redirects never end)."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows."""

    url: str
    status: int
    headers: HTTPMessage
    body: str
    forms: tuple[Form, ...]
    links: tuple[str, ...]
    words: str
    """The text that a person can read."""
    by_id: Mapping[str, str]
    """The text of every element that has an id and nothing but text in it."""
    visited: tuple[str, ...] = ()
    """The addresses on the way here, this one included."""

    def form(self, action: str) -> Form:
        """The first form whose address contains `action`; LookupError names the forms that are there."""
        for form in self.forms:
            if action in form.action:
                return form
        there = ", ".join(form.action for form in self.forms) or "none"
        raise LookupError(f"no form for {action} on {self.url} ({self.status}); there are: {there}")

    def has_form(self, action: str) -> bool:
        """Whether some form's address contains `action`."""
        return any(action in form.action for form in self.forms)

    def link(self, part: str) -> str:
        """The first link whose address contains `part`; LookupError where there is none."""
        for link in self.links:
            if part in link:
                return link
        raise LookupError(f"no link to {part} on {self.url} ({self.status})")

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class _Journey:
    """One navigation: who began it, and what it has seen on its way."""

    initiator: Page | None
    visited: list[str] = field(default_factory=list)
    is_cross_site: bool = False
    is_same_origin: bool = True


class _Fetch(Request):
    """A request that knows whether another site caused it."""

    def __init__(self, url: str, data: bytes | None, method: str, headers: Mapping[str, str], cross_site: bool) -> None:
        super().__init__(url, data=data, method=method, headers=dict(headers))
        self.is_cross_site = cross_site


class _Policy(DefaultCookiePolicy):
    """Cookies as Chromium keeps them: `Secure` on this machine over http too, `__Host-` and SameSite obeyed."""

    def __init__(self) -> None:
        super().__init__(secure_protocols=("https", "wss", "http"))

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        if cookie.name.startswith("__Host-") and (
            not cookie.secure or cookie.domain_specified or not cookie.path_specified or cookie.path != "/"
        ):
            return False
        return super().set_ok(cookie, request)

    def return_ok(self, cookie: Cookie, request: Request) -> bool:
        rule = (cookie.get_nonstandard_attr("SameSite") or "Lax").lower()
        crosses = isinstance(request, _Fetch) and request.is_cross_site
        if crosses and (rule == "strict" or (rule == "lax" and request.get_method() != "GET")):
            return False
        return super().return_ok(cookie, request)


class _EveryStatus(HTTPErrorProcessor):
    """Gives every answer as it is: redirects are followed by the browser itself, refusals are pages."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:  # noqa: ARG002 - as its base has it
        return response

    https_response = http_response


class Browser:
    """One person's browser, with its own cookies."""

    def __init__(self, user_agent: str = "SandboxBrowser/1.0") -> None:
        self.cookies = CookieJar(policy=_Policy())
        self._user_agent = user_agent
        self._opener: OpenerDirector = build_opener(ProxyHandler({}), _EveryStatus)

    def open(self, url: str, *, from_page: Page | None = None) -> Page:
        """The page at `url`: typed in or bookmarked, or a link of `from_page`."""
        return self._settled(self._go("GET", url, None, _Journey(from_page)))

    def submit(self, page: Page, form: Form, **fields: str) -> Page:
        """The page after `form` of `page` was sent with `fields` filled in."""
        return self._settled(self._send(page, form, fields))

    def submit_and_stop(self, page: Page, form: Form, **fields: str) -> Page:
        """As `submit`, but a page that would post a form by itself is given as it is."""
        return self._send(page, form, fields)

    def open_and_stop(self, url: str, *, from_page: Page | None = None) -> Page:
        """As `open`, but a page that would post a form by itself is given as it is."""
        return self._go("GET", url, None, _Journey(from_page))

    def call(
        self, page: Page, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Page:
        """What a script of `page` would get that calls the API there: JSON in, JSON out, with the cookies."""
        data = None if body is None else json.dumps(body).encode()
        more = {"Content-Type": "application/json"} if data is not None else {}
        return self._go(method, urljoin(page.url, url), data, _Journey(page), more | dict(headers or {}))

    def post(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Page:
        """What a client gets that posts these form fields by itself, from no page, following no redirect."""
        more = {"Content-Type": "application/x-www-form-urlencoded"} | dict(headers or {})
        return self._fetch("POST", url, urlencode(fields).encode(), _Journey(None), more)

    def forget(self) -> None:
        """Throws all cookies away."""
        self.cookies.clear()

    def _send(self, page: Page, form: Form, fields: Mapping[str, str]) -> Page:
        data = urlencode({**form.fields, **fields})
        if form.method == "GET":
            return self._go("GET", f"{form.action.partition('?')[0]}?{data}", None, _Journey(page))
        _check_form_action(page, form.action)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._go("POST", form.action, data.encode(), _Journey(page), headers, is_form=True)

    def _settled(self, page: Page) -> Page:
        for _ in range(_MOST_REDIRECTS):
            form = _posts_itself(page)
            if form is None:
                return page
            page = self._send(page, form, {})
        raise BrowserStopped(f"{page.url} posts forms without end")

    def _go(
        self,
        method: str,
        url: str,
        data: bytes | None,
        journey: _Journey,
        headers: Mapping[str, str] | None = None,
        *,
        is_form: bool = False,
    ) -> Page:
        for _ in range(_MOST_REDIRECTS):
            answer = self._fetch(method, url, data, journey, headers or {})
            location = answer.headers.get("Location")
            if location is None or answer.status not in (301, 302, 303, 307, 308):
                return answer
            url = urljoin(url, location)
            if is_form and journey.initiator is not None:
                _check_form_action(journey.initiator, url)
            if answer.status not in (307, 308):
                method, data, headers = "GET", None, {}
        raise BrowserStopped(f"{url} redirects without end")

    def _fetch(self, method: str, url: str, data: bytes | None, journey: _Journey, headers: Mapping[str, str]) -> Page:
        journey.visited.append(url)
        relation = _relation(journey)
        sent = {"User-Agent": self._user_agent, "Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Site": relation}
        if method == "POST" and journey.initiator is not None:
            sent["Origin"] = _sent_origin(journey.initiator, url)
        request = _Fetch(url, data, method, sent | dict(headers), _is_cross_site(journey.initiator, url))
        self.cookies.add_cookie_header(request)
        with self._opener.open(request, timeout=_TIMEOUT) as response:
            self.cookies.extract_cookies(response, request)
            body = response.read().decode("utf-8", "replace")
            return _page(url, response.status, response.headers, body, tuple(journey.visited))


def _page(url: str, status: int, headers: HTTPMessage, body: str, visited: tuple[str, ...]) -> Page:
    is_html = headers.get_content_type() == "text/html"
    markup = read_markup(url, body if is_html else "")
    return Page(url, status, headers, body, markup.forms, markup.links, markup.words, markup.by_id, visited)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _site(url: str) -> tuple[str, str | None]:
    # Hosts without a registrable domain (this machine's) are sites by themselves; ports never separate sites.
    parts = urlsplit(url)
    return parts.scheme, parts.hostname


def _is_cross_site(initiator: Page | None, url: str) -> bool:
    return initiator is not None and _site(initiator.url) != _site(url)


def _relation(journey: _Journey) -> str:
    """Value of Sec-Fetch-Site: the farthest that any hop of the journey lay from its beginning."""
    if journey.initiator is None:
        return "none"
    if any(_is_cross_site(journey.initiator, url) for url in journey.visited):
        return "cross-site"
    home = _origin(journey.initiator.url)
    return "same-origin" if all(_origin(url) == home for url in journey.visited) else "same-site"


def _sent_origin(initiator: Page, url: str) -> str:
    # Fetch 3.2: a page that sends no referrer sends no origin with its forms either, not even to its own site.
    policy = initiator.headers.get("Referrer-Policy", "strict-origin-when-cross-origin")
    own = _origin(initiator.url)
    if policy == "no-referrer" or (policy == "same-origin" and _origin(url) != own):
        return "null"
    return own


def _posts_itself(page: Page) -> Form | None:
    """The form that a script of the page posts at once, or None."""
    departing = [form for form in page.forms if form.is_departing]
    return departing[0] if departing and "<script" in page.body else None


def _check_form_action(page: Page, url: str) -> None:
    """Holds a form, and each redirect after it, to the page's Content-Security-Policy, as Chromium does."""
    for policy in page.headers.get_all("Content-Security-Policy", []):
        for sources in _directive(policy, "form-action"):
            if not any(_matches(source, page, url) for source in sources):
                raise BrowserStopped(f"form-action of {page.url} does not allow {url}")


def _directive(policy: str, name: str) -> Iterator[list[str]]:
    for directive in policy.split(";"):
        words = directive.split()
        if words and words[0].lower() == name:
            yield words[1:]


def _matches(source: str, page: Page, url: str) -> bool:
    """Whether a source expression of a policy covers the address (CSP 3, 6.7.2.7), paths aside."""
    if source == "'self'":
        return _origin(url) == _origin(page.url)
    source = source.rstrip("/")
    scheme, separator, authority = source.rpartition("//")
    parts = urlsplit(url)
    if source in ("*", f"{parts.scheme}:"):
        return True
    if separator and scheme != f"{parts.scheme}:":
        return False
    host, _, port = authority.partition(":")
    is_host = parts.hostname == host or (host.startswith("*.") and (parts.hostname or "").endswith(host[1:]))
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return is_host and (port == "*" or (parts.port or usual) == int(port or usual or 0))
