// Programs that receive webhooks and verify their signatures. A test runs each of them against a real server.

/** The variable from which the programs read the secret. */
export const SECRET_VARIABLE = "WEBHOOK_SECRET";

export const LANGUAGES = ["TypeScript", "Python", "Go"] as const;
export type Language = (typeof LANGUAGES)[number];

const typescript = `// npm install @fanfare/sdk
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

import { verify } from "@fanfare/sdk";

const secret = process.env["WEBHOOK_SECRET"] ?? "";

const server = createServer(async (request, response) => {
	try {
		// Exactly the bytes that came: parsed and written again, they would not fit the signature.
		const event = await verify(await buffer(request), request.headers, secret);
		console.log(event.type, event.data);
		response.writeHead(204).end();
	} catch (error) {
		console.error(error);
		response.writeHead(400).end();
	}
});
server.listen(Number(process.env["PORT"] ?? 3000));
`;

const python = `# Needs nothing but Python 3.
import base64, hashlib, hmac, json, os, time
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))


def verify(headers, body: bytes) -> dict:
    message_id, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > 300:
        raise ValueError("the request is too old: check the clock")
    signed = f"{message_id}.{sent_at}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    for signature in headers["webhook-signature"].split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(value, expected):
            return json.loads(body)
    raise ValueError("no signature fits the secret")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        # Exactly the bytes that came: parsed and written again, they would not fit the signature.
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = verify(self.headers, body)
            print(event["type"], event["data"], flush=True)
            self.send_response(204)
        except ValueError as error:
            print(error, flush=True)
            self.send_response(400)
        self.end_headers()


HTTPServer(("", int(os.environ.get("PORT", "3000"))), Receiver).serve_forever()
`;

const go = `// Needs nothing but Go's standard library.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func verify(header http.Header, body, secret []byte) error {
	id, sentAt := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(sentAt, 10, 64)
	if err != nil || math.Abs(time.Since(time.Unix(seconds, 0)).Seconds()) > 300 {
		return errors.New("the request is too old: check the clock")
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + sentAt + "."))
	mac.Write(body)
	expected := mac.Sum(nil)
	for _, signature := range strings.Fields(header.Get("webhook-signature")) {
		version, value, _ := strings.Cut(signature, ",")
		given, err := base64.StdEncoding.DecodeString(value)
		if version == "v1" && err == nil && hmac.Equal(given, expected) {
			return nil
		}
	}
	return errors.New("no signature fits the secret")
}

func main() {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil {
		log.Fatal(err)
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		// Exactly the bytes that came: parsed and written again, they would not fit the signature.
		body, err := io.ReadAll(request.Body)
		if err == nil {
			err = verify(request.Header, body, secret)
		}
		if err != nil {
			log.Println(err)
			response.WriteHeader(http.StatusBadRequest)
			return
		}
		log.Println(string(body))
		response.WriteHeader(http.StatusNoContent)
	})
	log.Fatal(http.ListenAndServe(":"+port, nil))
}
`;

/** A whole program in the language, with nothing left to fill in. */
export function verificationCode(language: Language): string {
	switch (language) {
		case "TypeScript":
			return typescript;
		case "Python":
			return python;
		case "Go":
			return go;
	}
}
