// The SDK bundled for a browser, run without Node's globals.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";

import { build } from "esbuild";
import { beforeAll, expect, it } from "vitest";

import { json, KEY, raw, ScriptedServer } from "./scripted-server.ts";

// The globals of a page that the SDK may use: no process, Buffer, require or global.
const web = {
	AbortController,
	atob,
	btoa,
	clearTimeout,
	crypto,
	document: {},
	fetch,
	Headers,
	setTimeout,
	TextDecoder,
	TextEncoder,
	URL,
};

let bundle: string;

beforeAll(async () => {
	const { outputFiles } = await build({
		entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
		bundle: true,
		platform: "browser",
		format: "iife",
		globalName: "fanfare",
		target: "es2022",
		// Removes the comments, which may mention Node.
		minifyWhitespace: true,
		write: false,
	});
	bundle = outputFiles[0]!.text;
});

/** Runs `code` with the bundle. Input and output are JSON, because objects of another realm never compare as equal. */
async function runInPage(code: string, input: unknown): Promise<unknown> {
	const page = createContext({ ...web, input: JSON.stringify(input) });
	const result: unknown = await runInContext(
		`${bundle};(async (input) => JSON.stringify(${code}))(JSON.parse(input))`,
		page,
	);
	return JSON.parse(result as string);
}

it("contains nothing of Node", () => {
	expect(bundle.match(/.{0,40}(?:node:|\brequire\b|\bprocess\b|\bBuffer\b|\bimport\b).{0,40}/g) ?? []).toEqual([]);
});

it("verifies a signature in a browser", async () => {
	const [, vector] = JSON.parse(
		readFileSync(new URL("../../../vectors/signing.json", import.meta.url), "utf8"),
	) as object[];
	const code = (body: string) => `await fanfare.verify(${body}, {
		"webhook-id": input.id,
		"webhook-timestamp": String(input.timestamp),
		"webhook-signature": input.signatures[0],
	}, input.secrets, { now: () => input.timestamp * 1000 }).catch((error) => error.code)`;

	expect(await runInPage(code("input.body"), vector)).toMatchObject({ type: "batch.job.completed" });
	expect(await runInPage(code("new TextEncoder().encode(input.body)"), vector)).toMatchObject({
		type: "batch.job.completed",
	});
	expect(await runInPage(code("new TextEncoder().encode(input.body).buffer"), vector)).toMatchObject({
		type: "batch.job.completed",
	});
	expect(await runInPage(code('input.body + " "'), vector)).toBe("no_matching_signature");
});

it("makes calls in a browser, and does not set the user-agent", async () => {
	await using server = await ScriptedServer.start(json(200, { id: "ws_1" }));
	const call = "await new fanfare.Client(input.key, { endpoint: input.endpoint, fetch }).getInfo()";

	expect(await runInPage(call, { key: KEY, endpoint: server.endpoint })).toEqual({ id: "ws_1" });
	expect(server.last.headers["user-agent"]).not.toContain("fanfare");
});

it("generates secrets in a browser", async () => {
	expect(await runInPage("fanfare.utils.generateWebhookSecret()", null)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
});

it("is the receiver of a relay in a browser", async () => {
	const relay = { object: "relay", id: "relay_1", webhookId: "webhook_1" };
	const request = {
		kind: "request",
		requestId: "dlv_1.1",
		headers: [["webhook-id", "evt_1"]],
		bodyBase64: btoa("bytes"),
		timeoutMs: 600_000,
	};
	const signals = [{ kind: "ready", relayId: relay.id, webhookId: relay.webhookId }, request];
	const stream = [...signals, { kind: "end", code: "deleted", reason: "it was deleted" }]
		.map((signal) => `event: ${signal.kind}\ndata: ${JSON.stringify(signal)}\n\n`)
		.join("");
	await using server = await ScriptedServer.start(
		json(200, relay),
		raw(200, stream, { "content-type": "text/event-stream" }),
		json(200, { object: "relayAnswer", requestId: request.requestId }),
	);
	const code = `await (async () => {
		const seen = [];
		const project = new fanfare.Client(input.key, { endpoint: input.endpoint, fetch }).project("proj_1");
		const onState = ({ state }) => seen.push(state);
		for await (const { body, answer } of project.relays.connect({ device: "tab", secret: input.secret }, { onState })) {
			seen.push(new TextDecoder().decode(body), await answer({ status: 200, body: "fine" }));
		}
		return seen;
	})()`;
	const secret = `whsec_${btoa("x".repeat(32))}`;
	const seen = await runInPage(code, { key: KEY, endpoint: server.endpoint, secret });
	expect(seen).toEqual(["ready", "bytes", true, "deleted"]);
	expect(JSON.parse(server.last.body)).toEqual({ status: 200, headers: [], bodyBase64: btoa("fine") });
});
