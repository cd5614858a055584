"""Every group of routes of the web, and every part that gives values to templates, as the application takes them."""

from __future__ import annotations

from federation_bridge.web import brand_files, languages, static_files
from federation_bridge.web.administration import (
    accounts,
    aws,
    aws_endings,
    blocks,
    live_grants,
    page,
    people,
    reviews,
    rule_files,
    rule_form,
    rulebook,
    rules,
    scim,
    sign_ins,
)
from federation_bridge.web.administration import signals as signal_streams
from federation_bridge.web.api import routes as api
from federation_bridge.web.api.administration import routes as administration_api
from federation_bridge.web.oauth import endpoints as oauth
from federation_bridge.web.observe import health, issuer
from federation_bridge.web.pages import (
    activity,
    authorize,
    console,
    credentials,
    device,
    just_granted,
    language,
    my_roles,
    out,
    role_page,
    roles,
    sign_in,
    sign_out,
    unseen_command_lines,
    why,
)
from federation_bridge.web.provider_events import back_channel_logout, signals

BLUEPRINTS = (
    sign_in.pages,
    sign_out.pages,
    out.pages,
    language.pages,
    activity.pages,
    roles.pages,
    my_roles.pages,
    just_granted.pages,
    role_page.pages,
    console.pages,
    credentials.pages,
    why.pages,
    api.api,
    administration_api.api,
    oauth.endpoints,
    authorize.pages,
    device.pages,
    back_channel_logout.endpoints,
    signals.endpoints,
    issuer.pages,
    health.pages,
    rulebook.pages,
    reviews.pages,
    rule_files.pages,
    rule_form.pages,
    accounts.pages,
    rules.pages,
    people.pages,
    blocks.pages,
    sign_ins.pages,
    live_grants.pages,
    aws.pages,
    aws_endings.pages,
    scim.pages,
    signal_streams.pages,
    static_files.pages,
    brand_files.pages,
)

IN_TEMPLATES = (languages, language, unseen_command_lines, just_granted, page, sign_out, static_files, brand_files)
