"""A Flask application that sends by the relay and hears what became of it.

pip install flask 'relay-smtp[client]'
RELAY_URL=http://127.0.0.1:8080 RELAY_TOKEN=rt_… WEBHOOK_SECRET=whsec_… flask --app app run
curl -d email=delivered@sandbox.invalid -d order=17 http://127.0.0.1:5000/orders
"""

from __future__ import annotations

import os

from flask import Flask, Response, jsonify, request

from relay.client import BadWebhook, ClientFault, ProblemAnswer, RelayClient, TooFast, verify_webhook

app = Flask(__name__)
relay = RelayClient()  # RELAY_URL, RELAY_TOKEN
heard: dict[str, str] = {}
"""What became of which order; a real application has a database."""
seen: set[str] = set()


@app.post("/orders")
def order() -> tuple[Response, int]:
    number = request.form["order"]
    try:
        sent = relay.send(
            sender=os.environ.get("SHOP_FROM", "Shop <news@shop.example>"),
            to=request.form["email"],
            subject=f"Your order {number}",
            text=f"Thank you. Order {number} is on its way.\n",
            meta={"order": number},
            stream=os.environ.get("SHOP_STREAM"),
            idempotency_key=f"order-{number}",  # a second click sends nothing twice
        )
    except TooFast:
        return jsonify(error="busy, please try again"), 503
    except ProblemAnswer as problem:
        return jsonify(error=problem.word or problem.title, detail=problem.detail), 422
    except ClientFault as fault:
        return jsonify(error=str(fault)), 502
    return jsonify(id=sent.id), 202


@app.post("/hooks/relay")
def hook() -> tuple[str, int]:
    try:
        event = verify_webhook(os.environ["WEBHOOK_SECRET"], request.headers, request.get_data())
    except BadWebhook:
        return "", 400
    if event.id not in seen:  # each comes at least once
        seen.add(event.id)
        heard[event.meta.get("order", "")] = event.type
    return "", 204


@app.get("/orders/<number>")
def state(number: str) -> Response:
    return jsonify(order=number, state=heard.get(number, "unknown"))
