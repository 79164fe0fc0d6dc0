"""Where anybody who holds a receipt can have it checked; no account is needed, and nothing is kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from tpc_grader.submissions.receipt_check import check_receipt, summary
from tpc_grader.submissions.receipts import MAXIMUM_BYTES, ReceiptError

from tpc_hub.web.api.intake import read_body
from tpc_hub.web.session.identity import PREFIX, campus_of

router = APIRouter()


@router.get("/receipts", response_class=HTMLResponse, include_in_schema=False)
async def receipts_page(request: Request) -> Response:
    """Show the form."""
    return _page(request)


@router.post("/receipts", response_class=HTMLResponse, include_in_schema=False)
async def check_pasted(request: Request) -> Response:
    """Say whether the pasted receipt holds."""
    # Percent signs make a form up to three times as long as its text.
    body = await read_body(request, 3 * MAXIMUM_BYTES)
    text = parse_qs(body.decode("utf-8", "replace"), max_num_fields=4).get("receipt", [""])[0]
    found = await _check(request, text)
    return _page(request, found, text)


@router.post("/intake/receipts/verify", tags=["receipts"])
async def check_json(request: Request) -> Response:
    """Check the receipt in the request's body: `valid`, what it proves, or the reason why it does not hold."""
    found = await _check(request, await read_body(request, MAXIMUM_BYTES))
    return JSONResponse(found, 200 if found["valid"] else 422)


async def _check(request: Request, text: str | bytes) -> dict[str, Any]:
    campus = campus_of(request)
    try:
        receipt = await anyio.to_thread.run_sync(lambda: check_receipt(campus.places, text))
    except ReceiptError as e:
        return {"valid": False, "reason": str(e)}
    course = campus.courses.get(receipt.course)
    proves = summary(receipt, course.zone if course else None)
    return {"valid": True, "proves": proves, "receipt": receipt.model_dump(mode="json")}


def _page(request: Request, found: dict[str, Any] | None = None, text: str = "") -> Response:
    template = campus_of(request).templates.get_template("receipts.html")
    body = template.render(found=found, text=text, base=PREFIX, home_url=f"{PREFIX}/")
    return HTMLResponse(body, 200 if found is None or found["valid"] else 422)
