"""How mail leaves: the delivery engine, put together."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from relay.delivery.smtp.compose import Composer, LinkBase
from relay.delivery.smtp.engine import Engine
from relay.delivery.smtp.judge import Judge
from relay.delivery.smtp.mail import SmtpChannel
from relay.delivery.smtp.report import Reporter
from relay.delivery.smtp.resolve import Resolver
from relay.delivery.smtp.session import LONGEST_DATA
from relay.delivery.smtp.signatures import TOGETHER, Signatures
from relay.delivery.worker import Worker, WorkerTerms
from relay.mail_process.parts import Parts
from relay.queue.operator import Operator
from relay.queue.schedule import Schedule
from relay.store.units import GroupCommit
from relay.tracking.hosts import TrackingHosts

_log = logging.getLogger("relay")


def delivering(parts: Parts, committer: GroupCommit) -> Worker:
    """The engine of deliveries with all that it needs; it isn't running yet."""
    settings, share, clock = parts.settings, parts.share, parts.clock
    delivery = settings.delivery
    resolver = Resolver(settings.dns.nameservers, settings.dns.timeout)
    own_ports = frozenset(int(address.rpartition(":")[2]) for address in settings.listen.inbound)
    divided = delivery.model_copy(
        update={
            "connections": share.of(delivery.connections),
            "connections_per_site": share.of(delivery.connections_per_site),
        }
    )
    judge = Judge(parts.conn, committer.submit, Operator.of(settings), delivery.missing_wait, clock, _dns_log)
    signatures = Signatures(parts.signing_pool)
    engine = Engine(
        divided,
        settings.server.hostname,
        resolver,
        clock,
        _delivery_log,
        own_ports=own_ports,
        look_ahead=parts.signing_pool is not None,
        together=TOGETHER if signatures.together else 0,
        places=lambda: signatures.places,
        judge=judge,
    )
    tracking = settings.tracking
    hosts = TrackingHosts(settings.links.base_url, tracking.apart_url, tracking.tenant_hosts)
    links = LinkBase(settings.links.base_url, settings.links.mail_domain, hosts, tracking.consent)
    terms = WorkerTerms(
        inflight=share.of(delivery.inflight),
        expire_s=delivery.expire,
        longest_send_s=delivery.connect_timeout
        + 5 * delivery.command_timeout
        + (LONGEST_DATA + 1) * delivery.data_timeout,
        schedule=Schedule(delivery.retry, delivery.jitter),
        enabled=delivery.enabled,
    )
    parts.owners.enter(settings.server.node_name, share.index, terms.lease_s, clock())
    composer = Composer(parts.conn, parts.secrets, links, share.of(settings.limits.memory_octets) // 4, clock)
    reporter = Reporter(settings.server.hostname, composer, parts.snapshots)
    return Worker(
        terms,
        SmtpChannel(engine, composer, signatures, reporter),
        parts.chain,
        parts.snapshots,
        parts.conn,
        committer,
        clock,
        parts.facts,
        parts.store.looking,
        parts.owners,
        parts.steady,
    )


def _delivery_log(what: str, detail: Mapping[str, object]) -> None:
    _log.info("%s %s", what, " ".join(f"{key}={value}" for key, value in detail.items()))


def _dns_log(what: str, detail: Mapping[str, object]) -> None:
    _log.warning("%s %s", what, " ".join(f"{key}={value}" for key, value in detail.items()))
