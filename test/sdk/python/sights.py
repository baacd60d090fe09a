"""What the scripts of all Python clients share: the plan on standard input, and one JSON line a step on standard output.

A step is a function of a model and of the text to say; it returns what the application saw. What it raises is seen, too, and no step passes by it.
"""

import faulthandler
import gc
import json
import sys
import traceback

from pydantic import BaseModel

faulthandler.dump_traceback_later(150, exit=True)  # a client that hangs says where
# A client leaves a stream behind when a call is refused. Where the collector closes it while httpcore holds the lock of its connections,
# httpcore waits for itself for ever: so garbage is collected between the steps only.
gc.disable()
gc.freeze()  # what the imports made stays

plan = json.load(sys.stdin)
base, key, system = plan["base"], plan["key"], plan["system"]


class Ticket(BaseModel):
    """A ticket."""

    sku: str
    count: int
    urgent: bool


TOOL = {
    "name": "stock",
    "description": "Counts what is in stock.",
    "schema": {
        "type": "object",
        "properties": {"sku": {"type": "string"}, "depot": {"type": "string"}},
        "required": ["sku", "depot"],
        "additionalProperties": False,
    },
}


def stock(sku: str, depot: str) -> str:
    """Counts what is in stock."""
    return f"{len(depot)} of {sku} in {depot}"


def steps(face, **functions):
    """Runs the steps of a surface for each model that the plan has for it."""
    for model in plan["models"].get(face, []):
        for name, function in functions.items():
            name = name.replace("_", "-")
            ref = f"{plan['client']}.{face}.{model}.{name}"
            text = plan["asks"].get(name.removesuffix("-stream"), "") + f" ref={ref}"
            try:
                saw = function(model, text)
            except Exception:  # noqa: BLE001 whatever it is, it is what the application saw
                saw = {"raised": traceback.format_exc(limit=-3)}
            gc.collect()
            print(json.dumps({"face": face, "model": model, "step": name, "ref": ref, "saw": saw}), flush=True)


def refused(expected, function):
    """The error that an application catches, as the client's own class shows it."""
    try:
        got = function()
    except expected as e:
        response = getattr(e, "response", None)
        headers = getattr(response, "headers", None) or {}
        body = getattr(e, "body", None) or getattr(e, "details", None)
        told = body.get("request_id") or (body.get("error") or {}).get("request_id") if isinstance(body, dict) else ""
        return {"error": {
            "class": type(e).__name__,
            "status": getattr(e, "status_code", None) or getattr(e, "code", None),
            "call": headers.get("x-tollgate-call-id") or told or "",
            "message": str(e)[:300],
        }}
    return {"raised": f"nothing was raised: {got}"}


def drained(pieces):
    """Reads a stream of texts to its end, for what it raises."""
    return "".join(pieces)
