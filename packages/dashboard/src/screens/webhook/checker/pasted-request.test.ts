// Requests as people paste them.
import { expect, it } from "vitest";

import { parsePasted, PasteError } from "./pasted-request.ts";

const BODY = '{"type":"order.paid","data":{"note":"it\'s \\"new\\" $HOME"}}';
const HEADERS = { "webhook-id": ["evt_1"], "webhook-signature": ["v1,abc="] };

it.each([
	["headers and body", `webhook-id: evt_1\nWebhook-Signature: v1,abc=\n\n${BODY}`],
	["a request as on the wire", `POST /hooks HTTP/1.1\nwebhook-id: evt_1\nwebhook-signature:v1,abc=\n\n${BODY}`],
	["what curl -v prints", `> POST /hooks HTTP/2\n> webhook-id: evt_1\n> webhook-signature: v1,abc=\n>\n${BODY}`],
	["a body without an empty line before it", `webhook-id: evt_1\nwebhook-signature: v1,abc=\n${BODY}`],
	[
		"a curl command",
		`curl -X POST 'https://a.example/hooks' \\\n  -H 'webhook-id: evt_1' \\\n  -H 'webhook-signature: v1,abc=' \\\n  --data-binary '${BODY.replaceAll("'", String.raw`'\''`)}'`,
	],
	[
		"a curl command of a browser",
		String.raw`curl 'https://a.example/' --header="webhook-id: evt_1" -H 'webhook-signature: v1,abc=' --data-raw $'{"type":"order.paid","data":{"note":"it\'s \\"new\\" \u0024HOME"}}'`,
	],
	[
		"a curl command with double quotes",
		String.raw`curl https://a.example/ -H "webhook-id: evt_1" -H webhook-signature:\ v1,abc= -d "{\"type\":\"order.paid\",\"data\":{\"note\":\"it's \\\"new\\\" \$HOME\"}}"`,
	],
])("reads %s", (_, text) => {
	expect(parsePasted(text)).toEqual({ headers: HEADERS, body: BODY });
});

it("keeps a body as it is, with its empty lines and what looks like headers, and repeated headers", () => {
	const body = '{\n\n  "a": 1\n}\nwebhook-id: evt_2\n';
	expect(parsePasted(`webhook-id: a\nwebhook-id: b\n\n${body}`)).toEqual({
		headers: { "webhook-id": ["a", "b"] },
		body,
	});
});

it("says what is missing", () => {
	expect(() => parsePasted(" \n")).toThrow(PasteError);
	expect(() => parsePasted(BODY)).toThrow("No headers were found");
	expect(() => parsePasted("curl -H 'webhook-id: evt_1' -d @body.json https://a.example")).toThrow(
		"in the file body.json",
	);
});
