"""The house: which folder may know which, no circles, one language of SQL, one owner for each table."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tests.meta.tree import ROOT, imports, python_files

KNOWS: Mapping[str, str] = {
    "accounts": "audit keys mail people queue store tenants texts values",
    "again.py": "intake/smtp mail_process observe processes web/server",
    "announcements": "audit conduct queue store tenants texts values",
    "availability": "announcements store support",
    "audit": "keys store store/sqlite values",
    "backup": "keys people store store/copy store/sqlite values",
    "brake": "audit conduct events mail pipeline queue store tenants texts values",
    "campaigns": "events ledger mail store values",
    "certificates": "processes queue store",
    "checks": "audit certificates delivery/smtp feedback keys oidc pipeline store store/postgres "
    "store/sqlite tenants values",
    "cli": "accounts announcements audit availability backup brake campaigns certificates checks conduct contests "
    "demo events evidence exemplars feedback install intake intake/smtp keys ledger lists mail mailings observe "
    "people pipeline processes queue registration rights serve.py signup statistics store store/copy store/sqlite "
    "support takeover templates tenants texts tracking values webhooks",
    "client": "",
    "conduct": "audit events keys ledger mail people queue signup store tenants texts values",
    "contests": "audit campaigns events keys mail people queue store tenants texts values",
    "delivery": "mail observe people pipeline queue store tenants values",
    "delivery/smtp": "audit campaigns delivery keys mail queue store tenants tracking values verdict",
    "demo": "",
    "events": "store values",
    "evidence": "audit campaigns conduct keys mail store tenants values",
    "exemplars": "mail store",
    "feedback": "audit campaigns events keys mail observe people queue signup store tenants texts values verdict",
    "install": "certificates checks keys store tenants",
    "intake": "campaigns keys mail observe people pipeline queue store tenants values",
    "intake/api": "intake keys mail mailings pipeline queue store tenants values",
    "intake/smtp": "feedback intake keys mail observe pipeline store tenants values",
    "keys": "store values",
    "ledger": "store values",
    "lists": "audit events keys mail people processes store store/sqlite values",
    "mail": "",
    "mail_process": "announcements audit brake certificates conduct delivery delivery/smtp events exemplars "
    "feedback intake intake/api intake/smtp keys lists mail mail_store.py mailings/running notes observe pipeline "
    "processes queue rights statistics store telemetry tenants tracking web/server webhooks",
    "mail_store.py": "store store/sqlite",
    "mailings": "audit exemplars mail people queue store templates values",
    "mailings/running": "intake/api mail mailings store templates values",
    "notes": "pipeline store",
    "observe": "",
    "oidc": "",
    "people": "audit campaigns events keys mail store store/sqlite values",
    "pipeline": "mail values",
    "processes": "observe store",
    "queue": "audit campaigns events ledger mail observe people pipeline store store/sqlite texts tracking values",
    "registration": "accounts audit conduct keys mail people queue store tenants texts values",
    "rights": "accounts announcements audit campaigns contests events exemplars feedback keys observe people queue "
    "registration signup statistics store support tenants tracking values webhooks",
    "reload.py": "again.py checks",
    "serve.py": "again.py certificates checks intake/smtp mail_process observe processes queue store "
    "store/sqlite web/server",
    "signup": "audit campaigns events keys ledger mail people queue store tenants texts tracking values",
    "statistics": "events store tracking values",
    "store": "observe",
    "store/copy": "store store/sqlite",
    "store/postgres": "store",
    "store/sqlite": "store",
    "support": "audit conduct queue store tenants texts values",
    "takeover": "audit keys lists mail store tenants values webhooks",
    "telemetry": "events store values",
    "templates": "mail store values",
    "tenants": "audit campaigns events keys ledger mail people store values",
    "texts": "",
    "tracking": "audit events keys mail people store tenants values",
    "uploads": "keys lists observe people pipeline processes store values",
    "values": "mail observe",
    "verdict": "",
    "web": "availability certificates events intake intake/api keys observe oidc pipeline queue signup store "
    "store/sqlite tenants texts tracking uploads verdict webhooks",
    "web/account": "accounts announcements audit campaigns conduct contests exemplars intake intake/api ledger "
    "lists mail mailings mailings/running people queue rights signup statistics store support templates tenants "
    "texts tracking uploads values web web/inside web/public webhooks",
    "web/api": "announcements audit brake campaigns conduct contests events exemplars intake intake/api ledger "
    "lists mail people queue signup statistics store support templates tenants texts tracking values web webhooks",
    "web/desk": "accounts announcements audit availability campaigns checks conduct contests exemplars feedback ledger "
    "lists mail queue registration store support tenants texts tracking values web web/inside",
    "web/inside": "accounts announcements campaigns conduct mail statistics store support tenants texts values web "
    "web/public",
    "web/login": "accounts keys mail oidc registration signup store tenants texts values web web/inside web/public",
    "web/public": "audit certificates conduct contests feedback keys mail people signup store tenants texts "
    "tracking values web",
    "web/resend": "intake/api observe queue store tenants values web web/api",
    "web/server": "accounts certificates intake/api keys observe oidc processes queue signup store store/sqlite "
    "tracking uploads web web/account web/api web/desk web/inside web/login web/public web/resend webhooks",
    "webhooks": "audit delivery/smtp events keys mail queue store texts values",
}
"""Every folder of ``relay/`` (and the files at its top) with those it imports from. What isn't here is a fault."""

SQLITE_ALONE = re.compile(
    r"\bPRAGMA\b|\bINDEXED BY\b|\bjson_each\b|\browid\b|\bsqlite_sequence\b|\bsqlite_master\b|\bTEMP TABLE\b|\btemp\.|"
    r"\biif\(|\bLIMIT -1\b|\bINSERT OR\b|\bREPLACE INTO\b|\bGLOB [?:']|\bifnull\(|\bstrftime\(|"
    r"\bunixepoch\(|\bprintf\(",
    re.IGNORECASE,
)
WRITES = re.compile(
    r"\b(?:INSERT(?: OR \w+)? INTO|UPDATE(?: OR \w+)?|DELETE FROM|REPLACE INTO)\s+(?:main\.)?([a-z_]+|SET)?"
)
OWNERS: Mapping[str, str] = {
    "accounts": "login login_action login_challenge login_code login_passkey login_place login_reset login_session "
    "login_try",
    "announcements": "announcement announcement_seen announcement_tenant",
    "availability": "availability outage",
    "audit": "audit audit_head audit_key audit_leaf audit_node consent_history",
    "brake": "brake brake_place brake_use brake_words",
    "campaigns": "campaign refusal_sum",
    "conduct": "account domain_watch quota_told rate_level rate_reporter rate_site rate_sum statement tenant_note",
    "contests": "contest",
    "evidence": "disclosure",
    "events": "daily event follower",
    "exemplars": "exemplar",
    "feedback": "operator_mail report_try spam_report",
    "ledger": "counted counter",
    "lists": "consent_import import_fate refusal",
    "mailings": "mailing mailing_later mailing_refusal",
    "notes": "policy_note",
    "people": "apart attribute consent doubt erased incoming list_group membership named never_ask profile "
    "subscriber suppression topic wording",
    "queue": "body name_look node recipient submission",
    "registration": "invite registration registration_try",
    "signup": "asking form form_removed form_topic opt_in",
    "statistics": "stat_hour stat_part",
    "store": "meta schema_version",
    "store/sqlite": "sqlite_master sqlite_sequence",
    "support": "support_post support_thread",
    "templates": "template",
    "tenants": "api_token content_permit credential dkim_key domain idempotency idempotency_room logo stream tenant "
    "terms terms_acceptance",
    "tracking": "hit hit_link hit_sum tracking_consent",
    "uploads": "list_job",
    "webhooks": "webhook webhook_again webhook_key webhook_try",
}
"""Folders with the tables that they alone write."""
NAMELESS = {
    "relay/audit/erase.py": "one of ``relay.audit.rows.TABLES``",
    "relay/audit/log.py": "one of ``relay.audit.rows.TABLES``",
    "relay/store/postgres/changes.py": "notes of what changes while a store is copied, no table of the schema",
    "relay/store/postgres/whole.py": "those of a store that is being made as a copy, which nobody else writes as yet",
    "relay/store/sqlite/changes.py": "notes of what changes while a store is copied, no table of the schema",
    "relay/store/sqlite/whole.py": "the same",
    "relay/tenants/recent.py": "the table of whoever makes a ``Recent``, which counts as writing it",
}
"""Files with a statement whose table stands in a variable, and which tables these are."""


def folder(path: str) -> str:
    """``relay/queue/lease.py`` → ``queue``; a file at the top is its own."""
    inner = path.removeprefix("relay/").removesuffix("/__init__.py")
    return inner.rpartition("/")[0] or inner


def modules() -> dict[str, str]:
    """Dotted name → path of every file of ``relay/``."""
    return {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path, _ in python_files("relay")
    }


def edges() -> dict[str, set[str]]:
    """Which file imports which, also inside functions and for types alone."""
    known, found = modules(), defaultdict[str, set[str]](set)
    for path, tree in python_files("relay"):
        for _, name in imports(path, tree):
            target = known.get(name) or known.get(name.rpartition(".")[0])
            if target is not None and target != path:
                found[path].add(target)
    return found


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups that import each other in a loop (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for target in sorted(graph.get(node, ())):
            if target not in number:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], number[target])
        if low[node] == number[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found


def between_folders() -> dict[str, set[str]]:
    found = defaultdict[str, set[str]](set)
    for path, targets in edges().items():
        found[folder(path)] |= {folder(target) for target in targets} - {folder(path)}
    return found


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every string that is no docstring, pieces of f-strings among them."""
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_every_folder_knows_only_those_it_may() -> None:
    allowed = {name: set(others.split()) for name, others in KNOWS.items()}
    seen = between_folders()
    assert {
        name: others - allowed.get(name, set()) for name, others in seen.items() if others - allowed.get(name, set())
    } == {}
    unused = {
        name: others - seen.get(name, set()) for name, others in allowed.items() if others - seen.get(name, set())
    }
    assert unused == {}, "allowed, but nobody uses it any more: take it out"


def test_no_folders_and_no_files_go_in_circles() -> None:
    assert circles(between_folders()) == []
    assert circles(edges()) == []


def test_nobody_but_the_store_names_a_driver_or_speaks_sqlite_alone() -> None:
    found = []
    for path, tree in python_files("relay", "policies"):
        if path.startswith("relay/store/"):
            continue
        found += [
            f"{path}:{line} imports {name}" for line, name in imports(path, tree) if name.split(".")[0] == "sqlite3"
        ]
        found += [f"{path}:{line} {text[:60]!r}" for line, text in strings(tree) if SQLITE_ALONE.search(text)]
    assert found == []


def types_of(tree: ast.Module) -> Iterator[str]:
    """Names of the classes and type aliases that a file defines at its top, but private ones."""
    for node in tree.body:
        names: list[str] = []
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [one.id for one in targets if isinstance(one, ast.Name) and not one.id.isupper()]  # no constants
        yield from (name for name in names if name[0].isupper())


def test_a_type_is_seen() -> None:
    tree = ast.parse("class A: ...\nclass _A: ...\nBc = int | str\nDe: TypeAlias = int\nF_G = 1\n_Hi = int\nj = 2\n")
    assert list(types_of(tree)) == ["A", "Bc", "De"]


def test_a_type_name_means_one_thing() -> None:
    """In ``relay/``, ``policies/`` and ``config/`` together; what is private to its file may share a name."""
    found = defaultdict[str, list[str]](list)
    for path, tree in python_files("relay", "policies", "config"):
        for name in types_of(tree):
            found[name].append(path)
    several = {name: paths for name, paths in found.items() if len(paths) > 1}
    # A plugin's class is called so by its entry point; the file says which policy it is.
    policies = [path for path in several.pop("Policy", []) if not path.startswith("policies/")]
    assert policies in ([], ["relay/pipeline/contract.py"])
    assert several == {}, "name each by what it is of, with the field's words"


def written() -> dict[str, set[str]]:
    """Table → folders with a statement that writes it; under ``""`` files whose statement doesn't say which."""
    found = defaultdict[str, set[str]](set)
    for path, tree in python_files("relay", "policies"):
        for _, text in strings(tree):
            for match in WRITES.finditer(text):
                table = match[1]
                if table == "SET":  # ``DO UPDATE SET``
                    continue
                # PostgreSQL's spelling of a statement is its owner's all the same.
                owner = "store" if path.startswith("relay/store/postgres/") else folder(path)
                found[table or ""].add(owner if table else path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Recent":
                found[ast.literal_eval(node.args[0])].add(folder(path))
    return found


def test_each_table_is_written_by_one_folder() -> None:
    found = written()
    nameless = found.pop("", set())
    owners = {table: {name} for name, tables in OWNERS.items() for table in tables.split()}
    assert {table: folders for table, folders in found.items() if folders != owners.get(table)} == {}
    assert sorted(owners.keys() - found.keys()) == [], "nobody writes it any more: take it out"
    assert sorted(nameless) == sorted(NAMELESS), "say which table"


MOST_BY_PLACE = 12
"""Values in a row, as arguments or unpacked, whose meaning a reader may be asked to count off."""
BY_PLACE = {
    "relay/delivery/attempt.py Result": "made for every copy: by name costs a quarter of a microsecond more",
    "relay/delivery/worker.py Lease": "the same",
    "relay/delivery/worker.py Submission": "the same",
    "relay/queue/lease.py": "a row of a copy; the columns stand beside it",
    "relay/web/api/consent_list.py": "a row as shown; the columns stand beside it",
    "relay/queue/view.py": "a row as shown; the columns stand beside it",
    "relay/queue/lease.py Lease": "the same; the columns stand beside it",
    "relay/queue/lease.py Submission": "the same",
    "relay/tenants/parts.py TenantRecord": "made of a row whose columns stand beside it",
    "relay/tenants/snapshot.py Tenant": "made for each look-up of a changed tenant, in the order of its fields",
}
"""Where there are more, and why."""


def test_records_of_many_values_are_made_by_name() -> None:
    found = set()
    for path, tree in python_files("relay", "policies", "config"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store) and len(node.elts) > MOST_BY_PLACE:
                found.add(path)
            elif isinstance(node, ast.Call) and len(node.args) > MOST_BY_PLACE:
                name = ast.unparse(node.func)
                found |= {f"{path} {name}"} if name[0].isupper() else set()
    assert found - BY_PLACE.keys() == set()


def test_a_parcel_is_begun_prepared_and_checked_in_one_place() -> None:
    """``relay/delivery/smtp/line.py`` says when, ``parcel.py`` how; attempts are asked by parcels alone."""
    parcel = re.compile(r"\b(?:parcel|self\._next|self\._current|ready\[\d\])\.(?:begin|ready|prepared|still_wanted)\(")
    attempt = re.compile(r"\battempt\.(?:wanted|still_wanted|prepare)\(")
    inside = {"parcel.py", "line.py"}
    callers = {
        path.name
        for path in (ROOT / "relay" / "delivery" / "smtp").glob("*.py")
        if parcel.search(path.read_text()) or attempt.search(path.read_text())
    }
    assert callers == inside


def test_the_extension_in_c_is_known_in_one_place() -> None:
    found = [path for path, tree in python_files("relay") for _, name in imports(path, tree) if "_rsa8" in name]
    assert set(found) == {"relay/keys/rsa8.py"}
