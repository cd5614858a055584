"""The sandbox's browser keeps the rules on which a sign-in stands or falls in a real one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from flask import Flask, Response, jsonify, redirect, request

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox.browser import Browser, BrowserStopped, Page
from federation_bridge.sandbox.markup import read_markup
from federation_bridge.sandbox.serving import serve


@dataclass
class Sites:
    """Two sites of this machine with the same pages."""

    home: str
    other: str


def _app(_address: str) -> Flask:  # noqa: C901 - one page after the other
    app = Flask(__name__)

    @app.get("/set")
    def set_cookies() -> Response:
        response = Response("<p>set</p>", mimetype="text/html")
        for rule in ("Strict", "Lax", "None"):
            response.set_cookie(f"__Host-{rule}", "1", secure=True, samesite=rule)
        response.headers.add("Set-Cookie", "plain=1; Path=/")
        response.headers.add("Set-Cookie", "__Host-not-secure=1; Path=/")
        response.headers.add("Set-Cookie", "__Host-elsewhere=1; Path=/sub; Secure")
        return response

    @app.route("/echo", methods=["GET", "POST"])
    def echo() -> Response:
        names = ("Origin", "Sec-Fetch-Site")
        sent = {name: request.headers.get(name) for name in names}
        return jsonify(cookies=sorted(request.cookies), form=request.form, method=request.method, **sent)

    @app.route("/to", methods=["GET", "POST"])
    def to() -> Response:
        return redirect(request.values["url"], 303)  # type: ignore[return-value]

    @app.get("/again")
    def again() -> Response:
        return redirect("/again", 302)  # type: ignore[return-value]

    @app.get("/page")
    def page() -> Response:
        body = f'<form method="post" action="{request.args["action"]}"{request.args.get("more", "")}>'
        response = Response(body + '<input type="hidden" name="url" value="' + request.args.get("url", "") + '"></form>'
                            "<script></script>", mimetype="text/html")  # fmt: skip
        for name in ("Content-Security-Policy", "Referrer-Policy"):
            if name in request.args:
                response.headers[name] = request.args[name]
        return response

    return app


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    home, other = serve(_app), serve(_app, host="localhost")
    yield Sites(home.address, other.address)
    home.stop()
    other.stop()


def _page(browser: Browser, site: str, **query: str) -> Page:
    return browser.open_and_stop(f"{site}/page?{urlencode(query)}")


@pytest.mark.parametrize(
    ("method", "from_other", "arrive"),
    [
        ("GET", False, ["__Host-Lax", "__Host-None", "__Host-Strict", "plain"]),
        ("POST", False, ["__Host-Lax", "__Host-None", "__Host-Strict", "plain"]),
        ("GET", True, ["__Host-Lax", "__Host-None", "plain"]),
        ("POST", True, ["__Host-None"]),
    ],
)
def test_cookies_cross_sites_only_as_far_as_they_say(
    sites: Sites, method: str, from_other: bool, arrive: list[str]
) -> None:
    browser = Browser()
    browser.open(f"{sites.home}/set")
    page = _page(browser, sites.other if from_other else sites.home, action=f"{sites.home}/echo")
    if method == "GET":
        seen = browser.open(f"{sites.home}/echo", from_page=page).json()
    else:
        seen = browser.submit(page, page.forms[0]).json()
    assert seen["cookies"] == arrive


def test_a_host_cookie_that_breaks_its_promise_is_not_kept(sites: Sites) -> None:
    browser = Browser()
    browser.open(f"{sites.home}/set")
    kept = {cookie.name for cookie in browser.cookies}
    assert kept.isdisjoint({"__Host-not-secure", "__Host-elsewhere"})


@pytest.mark.parametrize(
    ("start", "via", "end", "relation"),
    [
        ("", "", "home", "none"),
        ("home", "", "home", "same-origin"),
        ("home", "", "other", "cross-site"),
        ("home", "other", "home", "cross-site"),
    ],
)
def test_it_says_which_site_sent_it(sites: Sites, start: str, via: str, end: str, relation: str) -> None:
    browser = Browser()
    where = {"home": sites.home, "other": sites.other}
    target = f"{where[end]}/echo"
    page = _page(browser, where[start], action="/echo") if start else None
    url = f"{where[via]}/to?url={target}" if via else target
    assert browser.open(url, from_page=page).json()["Sec-Fetch-Site"] == relation


@pytest.mark.parametrize(
    ("policy", "to_other", "is_told"),
    [("no-referrer", False, False), ("same-origin", False, True), ("same-origin", True, False), ("origin", True, True)],
)
def test_a_form_tells_its_origin_as_the_pages_referrer_policy_lets_it(
    sites: Sites, policy: str, to_other: bool, is_told: bool
) -> None:
    browser = Browser()
    target = sites.other if to_other else sites.home
    page = _page(browser, sites.home, action=f"{target}/echo", **{"Referrer-Policy": policy})
    assert browser.submit(page, page.forms[0]).json()["Origin"] == (sites.home if is_told else "null")


@pytest.mark.parametrize(
    ("policy", "is_let"),
    [
        ("form-action 'self'", False),
        ("form-action 'self' http://localhost:*", True),
        ("form-action https:", False),
        ("form-action http:", True),
        ("form-action http://*.example.test", False),
        ("default-src 'none'", True),
    ],
)
def test_form_action_holds_for_redirects_too(sites: Sites, policy: str, is_let: bool) -> None:
    browser = Browser()
    query = {"action": "/to", "url": f"{sites.other}/echo", "Content-Security-Policy": policy}
    page = _page(browser, sites.home, **query)
    if is_let:
        assert browser.submit(page, page.forms[0]).url == f"{sites.other}/echo"
    else:
        with pytest.raises(BrowserStopped, match="form-action"):
            browser.submit(page, page.forms[0])


def test_a_page_that_posts_its_form_by_itself_is_let(sites: Sites) -> None:
    answer = Browser().open(f"{sites.home}/page?action={sites.other}/echo&more=%20data-departing&url=x")
    assert answer.url == f"{sites.other}/echo"
    assert answer.json()["form"] == {"url": "x"}


def test_redirects_without_end_stop(sites: Sites) -> None:
    with pytest.raises(BrowserStopped, match="without end"):
        Browser().open(f"{sites.home}/again")


def test_forms_are_read_as_a_browser_would_send_them() -> None:
    html = """<form action="/a?x=1" method="POST"><input name="t" value="a&amp;b"><input type="checkbox" name="c">
      <input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
      <select name="s"><option value="first">1<option value="second" selected>2</select>
      <button name="b" value="pressed">B</button><input type="submit" value="Go"></form>
      <form><input name="q"></form><p id="told">one &lt;two&gt;</p><script>var hidden;</script>"""
    markup = read_markup("http://127.0.0.1/dir/page", html)
    first, second = markup.forms
    assert (first.action, first.method) == ("http://127.0.0.1/a?x=1", "POST")
    assert first.fields == {"t": "a&b", "r": "2", "s": "second"}
    assert first.buttons == (("b", "pressed"),)
    assert (second.action, second.method) == ("http://127.0.0.1/dir/page", "GET")
    assert markup.by_id["told"] == "one <two>"
    assert "hidden" not in markup.words


def test_a_taken_port_is_told_in_words(sites: Sites) -> None:
    port = int(sites.home.rpartition(":")[2])
    with pytest.raises(ConfigurationInvalid, match="cannot listen"):
        serve(_app, port=port)


def test_a_host_that_is_not_this_machine_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="this machine only"):
        serve(_app, host="0.0.0.0")
