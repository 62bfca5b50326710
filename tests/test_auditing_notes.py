"""A finding is raised and closed by an auditor, rectified by the unit; nothing else is theirs (#60)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from given import TODAY, given

import domain.lives  # noqa: F401 - every verb must be declared before all are looked at
from domain import auditing_notes as notes
from domain.auditing_notes import (
    AuditNoteClosed,
    AuditNoteRaised,
    NoteStatus,
    RectificationNotAccepted,
    RectificationReported,
)
from domain.decider import LIFECYCLES, NOT_YOUR_ROLE, Document
from domain.words import Role

past = partial(given, notes.lifecycle)
DUE = TODAY + timedelta(days=30)
raised = AuditNoteRaised(auditor="u_auditor", unit="o_a", finding="一车无卡片", due=DUE)
reported = RectificationReported(reporter="u_clerk", measures="已补建卡片")
PROOF = (Document(type="资产卡片", number="ZC-9"),)


def test_an_auditor_raises_a_finding_with_a_day() -> None:
    asked = past().at(by="u_auditor", role=Role.AUDITOR)
    asked.when(notes.raise_note, unit="o_a", finding="一车无卡片", due=DUE).then(raised)
    asked.when(notes.raise_note, unit="o_a", finding="x", due=TODAY).then_granted()
    yesterday = TODAY - timedelta(days=1)
    asked.when(notes.raise_note, unit="o_a", finding="x", due=yesterday).then_refused(notes.AHEAD)
    past().at(role=Role.OFFICE).when(
        notes.raise_note, unit="o_a", finding="x", due=DUE
    ).then_refused(NOT_YOUR_ROLE)


def test_the_unit_reports_with_evidence() -> None:
    past(raised).at(by="u_clerk", docs=PROOF).when(
        notes.report_rectification, measures="已补建卡片"
    ).then(reported)
    past(raised).when(notes.report_rectification, measures="已补建卡片").then_refused(
        notes.EVIDENCE
    )
    past(raised).at(unit="o_b", docs=PROOF).when(
        notes.report_rectification, measures="x"
    ).then_refused(notes.UNIT_CONCERNED)
    past(raised).at(role=Role.AUDITOR, docs=PROOF).when(
        notes.report_rectification, measures="x"
    ).then_refused(NOT_YOUR_ROLE)


def test_only_the_auditor_ends_it_and_only_after_a_report() -> None:
    past(raised).when(notes.close, conclusion="属实").then_refused(notes.REPORTED)
    past(raised, reported).at(by="u_auditor").when(notes.close, conclusion="已整改").then(
        AuditNoteClosed(auditor="u_auditor", conclusion="已整改")
    ).then_state(status=NoteStatus.CLOSED)
    past(raised, reported).at(role=Role.HEAD).when(notes.close, conclusion="x").then_refused(
        NOT_YOUR_ROLE
    )
    later = DUE + timedelta(days=30)
    past(raised, reported).when(notes.turn_back, reason="无凭证", due=later).then(
        RectificationNotAccepted(reason="无凭证", due=later)
    ).then_state(status=NoteStatus.RAISED, due=later, refused=1)


@pytest.mark.target("T121")
def test_an_auditor_writes_nothing_but_notes() -> None:
    """Every verb that a door offers an auditor is one of a finding."""
    writes = {
        (kind, verb.name)
        for kind, life in LIFECYCLES.items()
        for verb in life.verbs.values()
        if not verb.inner and (not verb.roles or Role.AUDITOR in verb.roles)
    }
    # A delegation is revoked by who gave it, and an auditor can have given none.
    writes.discard(("person", "revoke"))
    assert writes == {("note", "raise_note"), ("note", "turn_back"), ("note", "close")}
