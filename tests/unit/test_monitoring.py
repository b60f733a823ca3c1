"""Each expression that is shipped for Prometheus and Grafana speaks of figures that `/metrics` has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from relay.events import write
from relay.observe.trouble import Trouble
from relay.store.database import transaction
from relay.store.sqlite.pool import Pool
from relay.web import metrics
from relay.web.delivery_times import MOST
from relay.web.machine import MachineFigures
from relay.web.peer import Insiders
from tests.meta.tree import ROOT
from tests.support.web import Shop

RULES = ROOT / "monitoring" / "prometheus-rules.yaml"
DASHBOARD = ROOT / "monitoring" / "grafana-dashboard.json"
FUNCTIONS = {
    "sum", "min", "max", "by", "rate", "increase", "time", "histogram_quantile", "predict_linear", "and", "or", "le",
    "instance", "up",
}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(metrics, "KEPT_S", 0.0)
    return Shop.create(tmp_path, tls={"certificate": str(tmp_path / "c.pem"), "key": str(tmp_path / "k.pem")})


def known(shop: Shop, *troubles: Trouble) -> metrics.Metrics:
    machine = MachineFigures(shop.settings, lambda: not troubles, lambda: list(troubles))
    return metrics.Metrics(Pool(shop.settings.database), Insiders(()), machine)


def given(found: metrics.Metrics) -> dict[str, set[str]]:
    """Every name of a sample → its labels' names."""
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(generate_latest(found.registry).decode()):
        names.setdefault(family.name, set())
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def expressions() -> list[tuple[str, str]]:
    rules = re.findall(r"- alert: (\w+)\n\s+expr: (.+)", RULES.read_text("utf-8"))
    board = json.loads(DASHBOARD.read_text("utf-8"))
    panels = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]
    return [*rules, *panels]


def test_there_are_rules_and_panels() -> None:
    assert len(expressions()) > 35
    assert RULES.read_text("utf-8").count("- alert:") == RULES.read_text("utf-8").count("action:") >= 15


def test_every_expression_is_of_figures_and_labels_that_are_there(shop: Shop) -> None:
    import datetime as dt

    from relay.certificates.self_signed import self_signed

    certificate, _ = self_signed("relay.test", dt.datetime.now(dt.UTC))
    assert shop.settings.tls.certificate is not None
    shop.settings.tls.certificate.write_bytes(certificate)
    found = known(shop)
    generate_latest(found.registry)  # counters follow from here on
    found.observe("/u", "GET", 200, 0.1)
    with transaction(shop.conn):
        write.of_copy(shop.conn, shop.tenant_id, "bounced", 1, 0, None, {}, 1.0)
    shop.consent("ann@people.example", "news")
    there = given(found)
    wrong = []
    for title, text in expressions():
        bare = re.sub(r'"[^"]*"', '""', text)
        for name, labels in re.findall(r"\b([a-z_]+)(?:\{([^}]*)\})?", bare):
            if name.startswith(("relay_", "process_")):
                asked = set(re.findall(r"([a-z_]+)[=!]", labels)) - {"instance", "job"}
                if name not in there or not asked <= there[name]:
                    wrong.append((title, name, sorted(asked)))
        for names in re.findall(r"\bby \(([^)]*)\)", bare):
            labelled = {label for labels in there.values() for label in labels} | {"instance", "le"}
            wrong += [(title, name, []) for name in names.split(", ") if name not in labelled]
        assert bare.count("(") == bare.count(")") and bare.count("{") == bare.count("}"), title
    assert wrong == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool")
def test_promtool_has_nothing_against_the_rules_and_the_figures(shop: Shop) -> None:
    done = subprocess.run(["promtool", "check", "rules", str(RULES)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    text = generate_latest(known(shop).registry)
    done_ = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)
    assert done_.returncode == 0, done_.stdout + done_.stderr


def value(found: metrics.Metrics, name: str, **labels: str) -> float | None:
    return found.registry.get_sample_value(name, labels)


def test_what_keeps_mail_from_being_stored_is_said(shop: Shop) -> None:
    well = known(shop)
    assert value(well, "relay_mail_up") == 1
    assert value(well, "relay_trouble", trouble="full") == 0
    ill = known(shop, Trouble.FULL)
    assert value(ill, "relay_mail_up") == 0
    assert value(ill, "relay_trouble", trouble="full") == 1
    assert value(ill, "relay_trouble", trouble="damaged") == 0


def delivered(shop: Shop, took_s: list[float], at: float) -> None:
    copies = []
    for number, seconds in enumerate(took_s):
        row = shop.conn.execute(
            "INSERT INTO submission (tenant_id, stream_id, reverse_path, message_id, from_domain, size_octets,"
            " accepted_at, expires_at, open_recipients) VALUES (1, 1, '', '', '', 0, ?, 0, 0) RETURNING id",
            (at - seconds,),
        ).fetchone()
        copies.append((shop.tenant_id, 1, int(row[0]), number))
    write.told(shop.conn, write.DELIVERED, copies, at)


def test_times_of_delivery_are_a_histogram_and_bounded(shop: Shop) -> None:
    found = known(shop)
    generate_latest(found.registry)
    with transaction(shop.conn):
        delivered(shop, [0.05, 0.3, 4.0, 4000.0], time.time())
    generate_latest(found.registry)
    counts = {
        edge: value(found, "relay_delivery_seconds_bucket", le=edge) for edge in ("0.1", "0.5", "5.0", "3600.0", "+Inf")
    }
    assert list(counts.values()) == [1, 2, 3, 3, 4]
    assert value(found, "relay_delivery_seconds_count") == 4
    with transaction(shop.conn):
        delivered(shop, [1.0] * (2 * MOST), time.time())
    generate_latest(found.registry)
    assert value(found, "relay_delivery_seconds_count") == 4 + MOST


def test_copies_that_one_commit_found_delivered_count_each(shop: Shop) -> None:
    found = known(shop)
    generate_latest(found.registry)
    with transaction(shop.conn):
        delivered(shop, [1.0] * 7, time.time())
    assert value(found, "relay_events_total", kind="delivered") == 7
