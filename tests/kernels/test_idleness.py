"""Until when a server is kept: rules that what runs in it cannot move."""

from __future__ import annotations

import datetime as dt

import pytest
from tpc_hub.settings.profile import Limits
from tpc_hub.web.session.idleness import Report, kept

NOON = dt.datetime(2027, 1, 29, 12, tzinfo=dt.UTC)
LIMITS = Limits(idle_minutes=60, busy_hours=12)
WORK = (("train.ipynb", NOON),)


def after(hours: float) -> dt.datetime:
    return NOON + dt.timedelta(hours=hours)


def server(started: float = 0, proxied: float = 0) -> dict[str, str]:
    return {"started": after(started).isoformat(), "last_activity": after(proxied).isoformat()}


@pytest.mark.parametrize(
    ("hub", "report", "pressed", "until"),
    [
        pytest.param(server(), None, None, 1, id="nothing heard, no request"),
        pytest.param(server(proxied=3), None, None, 4, id="nothing heard, requests count"),
        pytest.param(server(proxied=3), Report(NOON, NOON), None, 1, id="an open tab polls, nobody is there"),
        pytest.param(server(proxied=3), Report(after(2), NOON), None, 3, id="somebody was at the keyboard"),
        pytest.param(server(), Report(after(9), NOON), None, 1, id="claims a person, no browser was there"),
        pytest.param(server(), Report(NOON, after(5), WORK), None, 6, id="computed for five hours"),
        pytest.param(server(), Report(NOON, after(11.8), WORK), None, 12, id="computes longer than it may"),
        pytest.param(server(), Report(after(99), after(99), WORK), None, 12, id="claims everything for ever"),
        pytest.param(
            server(), Report(NOON, after(20), WORK), after(10), 21, id="extended on the campus page"
        ),
        pytest.param(
            server(), Report(NOON, after(30), WORK), after(10), 22, id="extended once, not for ever"
        ),
        pytest.param(
            server(started=30), Report(NOON, after(20), WORK), after(10), 31, id="before this start"
        ),
    ],
)
def test_a_server_is_kept_until(hub, report, pressed, until):
    assert kept(LIMITS, hub, report, pressed).until == after(until)


def test_a_patience_longer_than_the_limit_holds():
    limits = Limits(idle_minutes=600, busy_hours=1)
    assert kept(limits, server(), Report(NOON, NOON), None).until == after(10)


def test_what_ends_is_told_ten_minutes_before_or_a_third_of_a_short_patience():
    told = kept(LIMITS, server(), None, None)
    assert told.until - told.notice_from == dt.timedelta(minutes=10)
    short = kept(Limits(idle_minutes=6), server(), None, None)
    assert short.until - short.notice_from == dt.timedelta(minutes=2)
