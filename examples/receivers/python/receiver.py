# Receives webhooks with Flask, and verifies them with the library of Standard Webhooks.
import os

from flask import Flask, request
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

app = Flask(__name__)
webhook = Webhook(os.environ["WEBHOOK_SECRET"])


@app.post("/hooks")
def receive():
    try:
        # The raw body: parsed and written again, it would have other bytes.
        event = webhook.verify(request.get_data(), dict(request.headers))
    except WebhookVerificationError as error:
        return str(error), 400
    print("received", request.headers["webhook-id"], event["type"], flush=True)
    return "", 204


app.run(port=int(os.environ.get("PORT", "3000")))
