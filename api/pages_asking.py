"""Ask for a step from a page: whatever stands in the way, the form comes back as it was typed."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.forms import Invalid
from api.pages_sign import text
from api.pages_steps import Step, Warned, ask, foreseen
from api.pages_timeline import happened
from api.pages_view import Page
from api.problems import ENTRY_TOO_LARGE
from domain.decider import LIFECYCLES, Refused
from ledger.act import Conflict
from ledger.entry import TooLarge

Draw = Callable[[Step, str, int], Response]  # with the form that came back, why, and the status


def do(page: Page, stream: str, verb_name: str, form: FormData, where: str, draw: Draw) -> Response:
    """Ask a stream, then go `where` the answer is shown; else `draw` the form with what was typed."""
    verb = LIFECYCLES[stream.partition("/")[0]].verbs.get(verb_name)
    if verb is None or verb.inner:
        raise HTTPException(404)
    step = Step(verb=verb, typed=form, open=True)
    version = text(form, "version")
    try:
        if text(form, "preview"):
            step.will = foreseen(page, stream, step)
            return draw(step, "", 200)
        receipt = ask(page, stream, step, int(version) if version.isdecimal() else None)
    except Invalid as invalid:
        step.faults = {f.path.partition("[")[0].partition(".")[0]: f.words for f in invalid.faults}
        return draw(step, page.t("form-wrong"), 422)
    except Warned as warned:
        step.warnings = warned.sentences
        return draw(step, page.t("read-first"), 409)
    except TooLarge:
        step.refusal = page.words(ENTRY_TOO_LARGE)
        return draw(step, page.t("not-recorded"), 422)
    except Refused as refused:
        step.refusal = refused.sentence(page.lang)
        return draw(step, page.t("not-recorded"), 409)
    except Conflict as conflict:
        step.changed = conflict.expected
        step.refusal = page.t("conflict")
        return draw(step, page.t("not-recorded"), 409)
    mine = next(e for e in happened(page, receipt.first, receipt.count))
    return page.go(f"{where}?done={mine.position}")
