"""After a loss: what comes back from a mirror, and the new name that begins when nothing does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from books import ADMIN, ON, going_back, unit
from doors import PASSWORD, staffed
from given import given
from test_proving import many
from typer.testing import CliRunner

from api import cli
from api.notarising import Place
from api.office import Office
from domain import recovery
from domain.decider import Ask, Occasion, Refused
from domain.duties import INCOMPATIBLE
from domain.recovery import RecoveryAsked, RecoveryConfirmed, RecoveryDeclined
from ledger import bundling, keys, verify_bundle
from ledger.book import LOSS_STAYS, Book
from ledger.notary import Refusal
from ledger.notes import LOG, Checkpoint
from ledger.verifying import verify

ORIGIN = "ledger.example.gov.cn/warehouse-1"
CITED = f"{ORIGIN}\n120\nAAAA\n\n— {ORIGIN} BBBB"
LOSS = RecoveryAsked(
    asker="u_asker",
    old_origin=ORIGIN,
    signed=120,
    proven=100,
    checkpoint=CITED + "\n",
    origin="x.gov.cn/2",
    reason="磁盘损坏",
)
FORM = {"checkpoint": CITED, "proven": 100, "origin": "x.gov.cn/2", "reason": "磁盘损坏"}
past = given(recovery.lifecycle)


# What two persons say -----------------------------------------------------------------


def test_a_loss_is_told_with_the_last_checkpoint_of_the_old_name():
    past.when(recovery.ask, **FORM).then(LOSS)
    typed = {**FORM, "checkpoint": CITED.replace("\n", "\r\n") + "\r\n"}
    past.when(recovery.ask, **typed).then(LOSS)
    for wrong in ("nonsense", CITED.partition("\n\n")[0], CITED.replace("120", "many")):
        past.when(recovery.ask, **{**FORM, "checkpoint": wrong}).then_refused(recovery.A_CHECKPOINT)
    given(recovery.lifecycle, LOSS).when(recovery.ask, **FORM).then_refused(recovery.NOT_ASKED_YET)


def test_a_new_name_is_for_a_loss_alone_and_is_new():
    past.when(recovery.ask, **{**FORM, "proven": 119}).then_granted()
    past.when(recovery.ask, **{**FORM, "proven": 120}).then_refused(recovery.LESS_THAN_SIGNED)
    past.when(recovery.ask, **{**FORM, "origin": ORIGIN}).then_refused(recovery.ANOTHER_NAME)


def test_another_person_confirms_or_declines():
    waiting = given(recovery.lifecycle, LOSS)
    waiting.when(recovery.confirm).then_refused(recovery.ANOTHER_CONFIRMS)
    other = waiting.at(by="u_other")
    other.when(recovery.confirm).then(RecoveryConfirmed(origin="x.gov.cn/2", first=101))
    other.when(recovery.decline, reason="见备份").then(RecoveryDeclined(reason="见备份"))
    past.when(recovery.confirm).then_refused(recovery.ASKED)
    declined = given(recovery.lifecycle, LOSS, RecoveryDeclined(reason="见备份"))
    declined.when(recovery.ask, **FORM).then_granted()
    done = given(recovery.lifecycle, LOSS, RecoveryConfirmed(origin="x.gov.cn/2", first=101))
    done.when(recovery.confirm).then_refused(recovery.ASKED)


def test_duties_follow_the_person_into_another_role(database: str):
    """The rule of the policy says so too, whoever delegated, and the audit works it out again."""
    with closing(Book.open(database)) as book:
        book.act([Ask("recovery/1", "ask", FORM)], Occasion(by="u_1", on=ON, role="admin"))
        stead = Occasion(by="u_2", behalf="u_1", on=ON, role="head")
        with pytest.raises(Refused) as refused:
            book.act([Ask("recovery/1", "confirm", {})], stead)
        assert refused.value.rule is INCOMPATIBLE


# What the notary does -----------------------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as found:
        yield found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "notary")
    made.make(ORIGIN)
    return made


@pytest.fixture
def gongwu(office: Office, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command on the office's ledger, in English; its exit code is part of the promise."""
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)

    def run(*words: str, code: int = 0) -> str:
        asked = ["--lang", "en", "--database", office.settings.database, *words]
        result = CliRunner().invoke(cli.app, asked)
        assert result.exit_code == code, result.output
        return result.output

    return run


@contextmanager
def gone_back(office: Office, place: Place) -> Iterator[None]:
    """Sign 12 entries, and let the database become what it was at 7."""
    many(office, 5)
    place.notary().sign(office.book)
    with backed_up(office):
        many(office, 5)
        place.notary().sign(office.book)
    yield


@contextmanager
def backed_up(office: Office) -> Iterator[None]:
    """Restore at the end what the database was at the beginning."""
    with going_back(office.settings.database):
        yield
        office.close()


@pytest.mark.either_backend("an older backup takes the same away from either")
@pytest.mark.target("T06")
@pytest.mark.reliability("R12")
def test_what_is_lost_for_ever_is_told_by_two_persons_and_a_new_name_begins(
    office: Office, place: Place, tmp_path: Path, gongwu: Callable[..., str]
):
    """The old name is cited and never signed again; whoever kept its checkpoint is told."""
    at = ("--folder", str(place.folder))
    with gone_back(office, place):
        pass
    early = json.loads(gongwu("--json", "notary", "recover", *at, code=1))
    size, signed = early["size"], early["signed"]
    assert (early["proven"], signed - size) == (size, 5)
    old_key = place.trust.logs[0]
    assert "recovery/1 confirm" in gongwu("notary", "recover", *at, code=1)
    lost = place.folder / "lost-checkpoint.txt"
    assert lost.read_text() == early["checkpoint"]
    told = ("--proven", str(size), "--checkpoint", lost.read_text(), "--reason", "磁盘损坏")
    new = ("--origin", "ledger.example.gov.cn/warehouse-2")
    recover = ("notary", "recover", *at, "--reopen", "recovery/1")
    assert "not yet told" in gongwu(*recover, code=1)
    gongwu("do", "recovery/1", "ask", "--as", "admin", *told, *new)
    assert "not yet told" in gongwu(*recover, code=1)
    assert "own-recovery" in gongwu(
        "--json", "do", "recovery/1", "confirm", "--as", "admin", code=1
    )
    gongwu("do", "recovery/1", "confirm", "--as", "head")
    assert "went back" in gongwu("notary", "sign", *at, code=1)  # the name is still the old one
    assert "warehouse-2" in gongwu(*recover)
    assert "Nothing to recover" in gongwu("notary", "recover", *at)
    note = gongwu("notary", "sign", *at)
    assert "warehouse-2" in note
    assert place.trust.logs[1:] == (old_key,)
    said = gongwu("verify")
    assert f"entries {size + 1} to {signed} are lost" in said
    assert "the new name ledger.example.gov.cn/warehouse-2 counts from entry" in said
    kept = tmp_path / "kept.txt"
    kept.write_text(early["checkpoint"])
    assert "are lost (see the recovery)" in gongwu(
        "verify", "--since", str(kept), "--trust", str(place.policy), code=1
    )
    with closing(Book.open(office.settings.database)) as book:
        kept.write_bytes(book.log.checkpoints(size, size, 1)[0][1])
    gongwu("verify", "--since", str(kept), "--trust", str(place.policy))
    assert "Integrity: passed" in gongwu("verify")


@pytest.mark.either_backend("an older backup takes the same away from either")
def test_a_new_name_needs_the_truth(office: Office, place: Place, tmp_path: Path):
    """What two persons say is held against what the notary finds, and no name is used again."""
    with gone_back(office, place):
        pass
    notary = place.notary()
    with closing(Book.open(office.settings.database)) as book:
        loss = notary.loss(book)
        assert loss is not None
        cited = loss.note.raw.decode()
        for number, (proven, checkpoint, origin) in enumerate(
            (
                (loss.proven - 1, cited, "new"),
                (loss.proven, cited.replace(f"\n{loss.signed}\n", f"\n{loss.signed + 1}\n"), "new"),
                (loss.proven, cited, ORIGIN + "x"),
            )
        ):
            told(book, f"recovery/{number}", proven, checkpoint, origin)
        for stream, slug in (
            *((f"recovery/{n}", "told-otherwise") for n in range(2)),
            *(("recovery/none", "not-confirmed"), ("unit/o_a", "not-confirmed")),
        ):
            with pytest.raises(Refusal) as refused:
                notary.close(book, stream)
            assert refused.value.slug == slug
        assert notary.close(book, "recovery/2") == notary.close(book, "recovery/2") == ORIGIN + "x"
        for closed in (lambda: notary.sign(book), lambda: notary.close(book, "recovery/0")):
            with pytest.raises(Refusal) as refused:
                closed()
            assert refused.value.slug == "closed"
        with pytest.raises(Refused) as kept:
            book.reverse("recovery/2", 2, Occasion(by="u_3", on=ON, role="admin"), reason="x")
        assert kept.value.rule is LOSS_STAYS
        place.reopened(notary.signer, ORIGIN + "x")
        again = place.notary()
        assert Checkpoint.parse(again.sign(book).text).origin == ORIGIN + "x"
        assert again.loss(book) is None
        evidence = bundling.bundle(book, bundling.of_stream(book, "recovery/2"), place.trust)
        (tmp_path / "evidence.zip").write_bytes(evidence.content)
        checked = [str(tmp_path / "evidence.zip"), "--policy", str(place.policy)]
        assert verify_bundle.main(checked) == 0
        with pytest.raises(Refusal) as refused:
            again.close(book, "recovery/2")
        assert refused.value.slug == "nothing-lost"


def test_a_name_that_was_used_is_not_used_again(database: str, tmp_path: Path):
    """On both databases; a crash while keys change hands leaves a notary that goes on."""
    place = Place(tmp_path / "notary")
    place.make("first")
    with closing(Book.open(database)) as book:
        book.act([unit(f"o_{number}") for number in range(4)], ADMIN)
        place.notary().sign(book)
    with closing(sqlite3.connect(place.folder / "signed.db")) as store:
        row = ("first", 9, bytes(32), bytes(32), None)
        store.execute("INSERT INTO signed VALUES (?,?,?,?,?)", row)  # signed, and lost since
        store.execute("INSERT INTO signed VALUES (?,?,?,?,?)", ("other", *row[1:]))
        store.commit()
    with closing(Book.open(database)) as book:
        notary = place.notary()
        loss = notary.loss(book)
        assert loss is not None
        assert (loss.signed, loss.size, loss.proven, loss.gone) == (9, 4, 4, 5)
        told(book, "recovery/1", 4, loss.note.raw.decode(), "other")
        told(book, "recovery/2", 4, loss.note.raw.decode(), "second")
        with pytest.raises(Refusal) as refused:
            notary.close(book, "recovery/1")
        assert refused.value.slug == "origin-used"
        assert notary.close(book, "recovery/2") == "second"
        keys.make(place.next_key, "second", LOG)  # and then it crashed
        place.reopened(notary.signer, "second")
        place.key.replace(place.next_key)  # another time it crashed here
        assert place.reopened(notary.signer, "second").name == "second"
        note = place.notary().sign(book)
        assert place.trust.judge(note).checkpoint.size == book.head()[0]
        verdict = verify(book, held=[Checkpoint.parse(loss.note.text)])
        assert [(p.check, p.position) for p in verdict.integrity] == [("lost", 5)]
        *_, lost = verify(book).lost
        assert (lost.proven, lost.origin, lost.asker, lost.confirmer) == (4, "second", "u_1", "u_2")
        assert verify(book).intact
        assert "丢失" in lost.sentence("zh")


def told(book: Book, stream: str, proven: int, checkpoint: str, origin: str) -> None:
    """Let two persons say what was lost."""
    form = {"proven": proven, "checkpoint": checkpoint, "origin": origin, "reason": "磁盘损坏"}
    book.act([Ask(stream, "ask", form)], Occasion(by="u_1", on=ON, role="admin"))
    book.act([Ask(stream, "confirm", {})], Occasion(by="u_2", on=ON, role="head"))


@pytest.mark.either_backend("an older backup takes the same away from either")
def test_a_mirror_that_ends_early_brings_back_what_it_has(
    office: Office, place: Place, tmp_path: Path, gongwu: Callable[..., str]
):
    many(office, 2)
    mirror, at = tmp_path / "mirror", ("--folder", str(place.folder))
    with backed_up(office):
        many(office, 5)
        gongwu("notary", "sign", *at, "--mirror", str(mirror))
        reached = office.book.head()[0]
        many(office, 5)
        gongwu("notary", "sign", *at)
    said = gongwu(
        "notary", "recover", *at, "--mirror", str(mirror), "--to", str(tmp_path / "back.jsonl")
    )
    assert f"entries {reached + 1} to {reached + 5} are still missing" in said
    assert len((tmp_path / "back.jsonl").read_bytes().splitlines()) == reached
