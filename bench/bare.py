"""Yardstick: an empty JSON endpoint, in the same framework under the same server."""

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.post("/empty")
def empty() -> Response:
    """Takes any body and answers `{}`."""
    return jsonify({})
