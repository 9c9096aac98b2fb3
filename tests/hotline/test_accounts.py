"""Who may log in, seen from the command line: accounts, one-time passwords, and the first administrator."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from typer.testing import CliRunner

from hotline import cli_accounts, cli_common
from hotline.accounts import service
from hotline.accounts.models import Account, DeskSession
from hotline.db import Database
from hotline.records import ledger
from hotline.records.models import Record

AT = datetime(2026, 11, 22, 7, 18, 5, tzinfo=UTC)
NEW = "a-new-Passphrase-7"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Argon2 as ever, but with little to do."""
    monkeypatch.setattr(service, "_hasher", PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)))


@pytest.fixture
def hotline(tmp_path, db, monkeypatch):
    """`hotline accounts …` on the database of `db`: gives exit code, what was printed, what was complained of."""
    monkeypatch.setenv("HOTLINE_VAR", str(tmp_path))
    monkeypatch.setattr(cli_common.logging, "configure", lambda *_args, **_more: None)

    def type_in(*words):
        done = CliRunner().invoke(cli_accounts.app, list(words))
        return done.exit_code, done.stdout, done.stderr

    return type_in


def rows(db: Database) -> list[tuple[str, str, str]]:
    with db.read() as session:
        return [(row.actor, row.kind, row.subject) for row in session.query(Record).order_by(Record.seq)]


def account(db: Database, name: str) -> Account:
    with db.read() as session:
        return service.get(session, name)


def password_in(printed: str) -> str:
    assert printed.count("\n") == 1
    return printed.split()[-1]


def first(db: Database) -> str | None:
    with db.write() as session:
        return service.first_administrator(session, AT)


# -- the first administrator ---------------------------------------------------------------------------------


def test_a_new_hotline_gives_its_first_administrator_a_one_time_password(db):
    password = first(db)
    made = account(db, "admin")
    assert (made.role, made.must_change, made.active) == ("administrator", True, True)
    assert service.is_password(made, password)
    assert rows(db) == [("hotline", "account_created", "account:admin")]


def test_until_a_password_was_chosen_each_start_gives_a_new_one(db):
    passwords = [first(db) for _ in range(3)]
    assert len(set(passwords)) == 3
    assert [service.is_password(account(db, "admin"), one) for one in passwords] == [False, False, True]


def test_once_a_password_was_chosen_no_start_gives_another(db):
    first(db)
    with db.write() as session:
        admin = service.get(session, "admin")
        service.change_password(session, admin, service.chosen(admin, NEW), at=AT, keep="")
    assert first(db) is None
    assert service.is_password(account(db, "admin"), NEW)


def test_where_there_are_accounts_no_first_administrator_is_made(db):
    with db.write() as session:
        service.create(session, name="boss", display_name="王", role="administrator", at=AT, actor="test")
    assert first(db) is None
    with pytest.raises(service.NoSuchAccount):
        account(db, "admin")


def test_a_first_administrator_who_was_closed_is_not_let_in_again_by_a_start(db):
    first(db)
    with db.write() as session:
        service.create(session, name="boss", display_name="王", role="administrator", at=AT, actor="test")
        service.change(session, service.get(session, "admin"), at=AT, actor="test", active=False)
    assert first(db) is None
    assert not account(db, "admin").active


# -- commands ------------------------------------------------------------------------------------------------


def test_an_account_is_made_and_its_one_time_password_printed_once(db, hotline):
    code, printed, _ = hotline("add", "li.si", "--role", "reviewer", "--display", "李四")
    assert code == 0
    made = account(db, "li.si")
    assert (made.display_name, made.role, made.must_change) == ("李四", "reviewer", True)
    assert service.is_password(made, password_in(printed))
    assert rows(db) == [("command line", "account_created", "account:li.si")]
    with db.read() as session:
        assert password_in(printed) not in str(ledger.history(session, "account:li.si")[0].payload)


def test_an_account_is_an_agents_and_shows_its_own_name_unless_said_otherwise(db, hotline):
    assert hotline("add", "li.si")[0] == 0
    assert (account(db, "li.si").role, account(db, "li.si").display_name) == ("agent", "li.si")


@pytest.mark.parametrize("name", ["A", "a", "Li", "1a", "a b", "a\n", "ab\n", "../a", "李四", "a" * 33, ""])
def test_a_name_that_cannot_be_is_refused_with_what_can_be(db, hotline, name):
    code, _, complaint = hotline("add", name)
    assert code == 2
    assert complaint == "hotline: a name has 2 to 32 small letters, digits, dots, dashes and underscores; " \
                        "a letter first\n"  # fmt: skip
    assert rows(db) == []


def test_a_role_that_there_is_not_is_refused_with_those_there_are(db, hotline):
    hotline("add", "li.si")
    for words in (("add", "wang", "--role", "god"), ("role", "li.si", "god")):
        code, _, complaint = hotline(*words)
        assert code == 2
        assert complaint.startswith("hotline: god: roles are agent, reviewer, ")
    assert account(db, "li.si").role == "agent"


@pytest.mark.parametrize("display", ["a\nb", "x" * 65])
def test_a_display_name_that_cannot_be_shown_is_refused(db, hotline, display):
    code, _, complaint = hotline("add", "li.si", "--display", display)
    assert (code, rows(db)) == (2, [])
    assert "--display" in complaint


def test_a_name_is_given_once(db, hotline):
    hotline("add", "li.si", "--role", "leader")
    code, _, complaint = hotline("add", "li.si")
    assert (code, complaint) == (2, "hotline: there is an account li.si already\n")
    assert account(db, "li.si").role == "leader"


@pytest.mark.parametrize("words", [("password", "x"), ("role", "x", "agent"), ("close", "x"), ("open", "x")])
def test_an_account_that_there_is_not_is_told_so(hotline, words):
    assert hotline(*words) == (1, "", "hotline: no account x: 'hotline accounts list' shows them\n")


def test_a_new_password_logs_the_account_out_everywhere(db, hotline):
    old = password_in(hotline("add", "li.si")[1])
    with db.write() as session:
        service.log_in(session, service.get(session, "li.si"), "192.0.2.1", AT)
    code, printed, _ = hotline("password", "li.si")
    assert code == 0
    assert service.is_password(account(db, "li.si"), password_in(printed))
    assert not service.is_password(account(db, "li.si"), old)
    with db.read() as session:
        assert session.query(DeskSession).count() == 0


def test_an_account_is_closed_and_opened_again(db, hotline):
    password = password_in(hotline("add", "boss", "--role", "administrator")[1])
    hotline("add", "li.si")
    with db.write() as session:
        service.log_in(session, service.get(session, "li.si"), "192.0.2.1", AT)
    assert hotline("close", "li.si") == (0, "", "")
    assert not account(db, "li.si").active
    with db.read() as session:
        assert session.query(DeskSession).count() == 0
    assert hotline("open", "li.si") == (0, "", "")
    assert account(db, "li.si").active
    assert service.is_password(account(db, "boss"), password)
    assert [kind for _, kind, subject in rows(db) if subject == "account:li.si"] == [
        "account_created", "logged_in", "account_changed", "account_changed",
    ]  # fmt: skip


def test_what_is_so_already_is_no_row(db, hotline):
    hotline("add", "boss", "--role", "administrator")
    before = rows(db)
    assert hotline("open", "boss")[0] == hotline("role", "boss", "administrator")[0] == 0
    assert rows(db) == before


@pytest.mark.parametrize("words", [("close", "boss"), ("role", "boss", "agent")])
def test_the_last_administrator_stays_one(db, hotline, words):
    hotline("add", "boss", "--role", "administrator")
    hotline("add", "li.si")
    hotline("add", "chief", "--role", "administrator")
    hotline("close", "chief")
    code, _, complaint = hotline(*words)
    assert (code, complaint) == (2, "hotline: boss is the last administrator: make another one first\n")
    assert (account(db, "boss").active, account(db, "boss").role) == (True, "administrator")

    hotline("open", "chief")
    assert hotline(*words)[0] == 0


def test_the_list_shows_everybody_and_how_they_stand(db, hotline):
    hotline("add", "boss", "--role", "administrator", "--display", "王")
    hotline("add", "li.si")
    hotline("close", "li.si")
    code, printed, _ = hotline("list")
    assert code == 0
    boss, other = printed.splitlines()
    assert (boss.split()[:2], boss.split()[-1]) == (["boss", "administrator"], "password")
    assert (other.split()[:2], other.split()[-1]) == (["li.si", "agent"], "closed")

    listed = json.loads(hotline("list", "--json")[1])
    assert [(one["name"], one["active"], one["must_change"]) for one in listed] == [
        ("boss", True, True), ("li.si", False, True),
    ]  # fmt: skip
    assert "argon2" not in str(listed)


def test_no_accounts_is_an_empty_list(hotline):
    assert hotline("list") == (0, "", "")
    assert hotline("list", "--json") == (0, "[]\n", "")


# -- small things that much hangs on -------------------------------------------------------------------------


def test_a_one_time_password_has_no_letter_that_looks_like_a_digit():
    passwords = {service.one_time_password() for _ in range(200)}
    assert len(passwords) == 200
    assert set("".join(passwords)) <= set("abcdefghjkmnpqrstuvwxyz23456789-")
    assert {len(one) for one in passwords} == {19}


def test_using_a_session_is_written_down_no_more_than_once_in_ten_minutes():
    used = DeskSession(seen_at=AT)
    assert not service.is_stale(used, AT + timedelta(seconds=600))
    assert service.is_stale(used, AT + timedelta(seconds=601))
