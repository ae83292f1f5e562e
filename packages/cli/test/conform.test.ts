// `fanfare conform` with receivers that are correct, and with receivers that each have a defect.
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

import { verifySignature } from "@fanfare/sdk";
import { CHECKS, grade } from "@fanfare/server/conformance";
import { startReceiver } from "@fanfare/testkit/receiver";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { LocalProbe } from "../src/commands/conform/probe.ts";
import { parseTarget } from "../src/commands/listen/target.ts";
import { parseSecret, type Secret } from "../src/commands/signing/signature.ts";
import { runInProcess } from "./support/in-process.ts";
import { World } from "./support/world.ts";

const SECRET = parseSecret(`whsec_${Buffer.alloc(32, 5).toString("base64")}`) as Secret;
const KEY = Buffer.from(SECRET.bytes);
const NEVER_MS = 60_000;
/** Only the event of one check is larger. */
const LARGE_BYTES = 102_400;
/** The checks that a receiver fails that refuses nothing. */
const REFUSALS = ["changed_body", "wrong_secret", "no_signature", "changed_id", "stale", "future", "malformed"];

interface Received {
	readonly body: Buffer;
	readonly text: string;
	readonly headers: Record<string, string>;
	readonly rawHeaders: readonly string[];
	readonly event: { readonly type?: string };
}

/** A status, or a whole response. */
type Answer = number | { readonly status: number; readonly headers?: Record<string, string> } | "never";
type Handler = (request: Received) => Answer | Promise<Answer>;

async function serve(handler: Handler): Promise<AsyncDisposable & { readonly url: string }> {
	const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
		const body = await buffer(incoming);
		const text = body.toString("utf8");
		const { headers, rawHeaders } = incoming;
		let answer: Answer;
		try {
			const event = JSON.parse(text) as { type?: string };
			answer = await handler({ body, text, headers: headers as Record<string, string>, rawHeaders, event });
		} catch {
			answer = 500;
		}
		if (answer === "never") return;
		const { status, headers: own = {} } = typeof answer === "number" ? { status: answer } : answer;
		response.writeHead(status, own).end();
	};
	const server = createServer((incoming, response) => void handle(incoming, response));
	const { promise, resolve } = Promise.withResolvers<void>();
	server.listen(0, "127.0.0.1", resolve);
	await promise;
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
		[Symbol.asyncDispose]: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

async function failedChecks(url: string, { slowMs = NEVER_MS, timeoutMs = NEVER_MS } = {}): Promise<string[]> {
	const probe = new LocalProbe(parseTarget(url, true), SECRET, { type: "conform.test", data: {} }, timeoutMs);
	const graded = await grade(CHECKS, { probe, first: await probe.send(), burst: 10, slowMs });
	// Only one that is not reachable gives no answer.
	for (const { name, problem } of graded) if (name !== "reachable") expect(problem ?? "").not.toContain("no answer");
	return graded.filter(({ result }) => result === "failed").map(({ name }) => name);
}

const isSigned = ({ body, headers }: Received, options = {}) =>
	verifySignature(body, headers, SECRET.text, options).then(
		() => true,
		() => false,
	);
/** Verifies, and then answers as `then` says. */
const verified =
	(then: Handler = () => 200, otherwise: Answer = 401): Handler =>
	async (request) =>
		(await isSigned(request)) ? then(request) : otherwise;
/** Answers 200 if this is so, and otherwise 401. */
const passes =
	(isSo: (request: Received) => boolean | Promise<boolean>): Handler =>
	async (request) =>
		(await isSo(request)) ? 200 : 401;
const macOf = ({ headers }: Received, body: string | Buffer, key: string | Buffer = KEY) =>
	`v1,${createHmac("sha256", key).update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`).update(body).digest("base64")}`;
const isRecent = ({ headers }: Received) => Math.abs(Date.now() / 1_000 - Number(headers["webhook-timestamp"])) < 300;

/** As people write it without a library, and right. */
const byHand: Handler = (request) => {
	const { "webhook-signature": signature = "", "webhook-timestamp": timestamp = "" } = request.headers;
	if (!/^\d{1,12}$/.test(timestamp) || !isRecent(request)) return 400;
	return signature.split(" ").includes(macOf(request, request.body)) ? 204 : 400;
};

function withoutDuplicates(onDuplicate: Answer): Handler {
	const seen = new Set<string | undefined>();
	return verified(({ headers: { "webhook-id": id } }) => {
		if (seen.has(id)) return onDuplicate;
		seen.add(id);
		return 202;
	});
}

/** Takes one request at a time. The first of a burst, which comes after the large body, is under way until there was one too many. */
function oneAtOnce(): Handler {
	const tooMany = Promise.withResolvers<void>();
	let [isBusy, isBurst] = [false, false];
	return verified(async ({ body }) => {
		if (isBusy) {
			tooMany.resolve();
			return 503;
		}
		isBusy = true;
		if (isBurst) await tooMany.promise;
		isBurst ||= body.length > LARGE_BYTES;
		isBusy = false;
		return 200;
	});
}

const CORRECT: readonly (readonly [name: string, handler: Handler])[] = [
	["verifies with the SDK", verified()],
	["verifies by hand", byHand],
	["answers 403 and 299", verified(() => 299, 403)],
	["remembers ids", withoutDuplicates(200)],
	["takes a while", verified(() => delay(50).then(() => 200))],
];

const signatureOf = ({ headers }: Received) => headers["webhook-signature"];
const timeOf = ({ headers }: Received) => Number(headers["webhook-timestamp"]);
const signaturesOf = (request: Received) => signatureOf(request)?.split(" ") ?? [];
/** Verifies with this one of the signatures only. */
const comparesWith = (index: number) =>
	passes((request) => isRecent(request) && signaturesOf(request).at(index) === macOf(request, request.body));
const ignoresTime = (request: Received) => isSigned(request, { toleranceMs: 1e12 });
/** Verifies what fits, and answers this to the rest. */
const onlyIf =
	(fits: (request: Received) => boolean, otherwise: Answer): Handler =>
	(request) =>
		fits(request) ? verified()(request) : otherwise;
let slowCount = 0;

const BROKEN: readonly (readonly [name: string, defects: readonly string[], handler: Handler])[] = [
	["verifies nothing", REFUSALS, () => 200],
	["does not await the result", REFUSALS, (request) => ((isSigned(request) as unknown as boolean) ? 200 : 401)],
	[
		"lets pass what has no signature",
		["no_signature"],
		(request) => (signatureOf(request) === undefined ? 200 : verified()(request)),
	],
	["ignores the time", ["stale", "future"], passes(ignoresTime)],
	[
		"looks only for old requests",
		["future"],
		passes(async (request) => Date.now() / 1_000 - timeOf(request) <= 300 && (await ignoresTime(request))),
	],
	[
		"verifies what it has parsed and written again",
		["raw_body"],
		(request) => byHand({ ...request, body: Buffer.from(JSON.stringify(request.event)) }),
	],
	["compares with the first signature only", ["rotation", "other_version"], comparesWith(0)],
	["compares with the last signature only", ["rotation"], comparesWith(-1)],
	[
		"refuses versions that it does not know",
		["other_version"],
		onlyIf(
			(request) => signaturesOf(request).length > 0 && signaturesOf(request).every((one) => one.startsWith("v1,")),
			400,
		),
	],
	["fails where it should refuse", REFUSALS, verified(undefined, 500)],
	["answers 410 to a wrong signature", REFUSALS, verified(undefined, 410)],
	["sends strangers to a login", REFUSALS, verified(undefined, 302)],
	[
		"fails with a time that is no number",
		["malformed"],
		onlyIf(({ headers }) => /^\d{1,12}$/.test(headers["webhook-timestamp"] ?? ""), 500),
	],
	[
		"uses the text of the secret as the key",
		["accepts"],
		passes((request) => signatureOf(request) === macOf(request, request.body, SECRET.text)),
	],
	["redirects to a slash at the end", ["redirect"], () => ({ status: 308, headers: { location: "/hooks/" } })],
	["never answers", ["reachable"], () => "never"],
	["is slow", ["quick"], verified(() => delay(slowCount++ === 0 ? 150 : 0).then(() => 200))],
	["takes one request at once", ["burst"], oneAtOnce()],
	["refuses duplicates", ["duplicate"], withoutDuplicates(409)],
	[
		"refuses types that it does not know",
		["unknown_type"],
		verified(({ event }) => (event.type === "conform.test" ? 200 : 422)),
	],
	[
		"refuses fields that it does not know",
		["unknown_field"],
		verified(({ event }) => (Object.keys(event).length === 3 ? 200 : 400)),
	],
	["takes small bodies only", ["large"], verified(({ body }) => (body.length > LARGE_BYTES ? 413 : 200))],
	[
		"looks for headers in lower case",
		["header_case"],
		onlyIf(({ rawHeaders }) => rawHeaders.includes("webhook-id"), 400),
	],
];

describe("fanfare conform", () => {
	it.each(CORRECT)("finds no defect in a receiver that %s", async (_, handler) => {
		await using receiver = await serve(handler);
		expect(await failedChecks(receiver.url)).toEqual([]);
	});

	it.each(BROKEN)("finds in a receiver that %s: %j", async (_, defects, handler) => {
		await using receiver = await serve(handler);
		const limits = {
			...(defects[0] === "reachable" && { timeoutMs: 200 }),
			...(defects[0] === "quick" && { slowMs: 100 }),
		};
		expect(await failedChecks(receiver.url, limits)).toEqual(defects);
	});

	it("finds a receiver that is not there, and a certificate that nobody trusts", async () => {
		await using receiver = await serve(() => 200);
		await receiver[Symbol.asyncDispose]();
		expect(await failedChecks(receiver.url)).toEqual(["reachable"]);
		await using tls = await startReceiver({ tls: true });
		const probe = new LocalProbe(
			{ ...parseTarget(tls.url, true), isLocal: false },
			SECRET,
			{ type: "a", data: {} },
			NEVER_MS,
		);
		const [first] = await grade(CHECKS, { probe, first: await probe.send(), burst: 1, slowMs: NEVER_MS });
		expect(first).toMatchObject({ name: "reachable", problem: expect.stringMatching(/^TLS failed: .*chain/) });
	});

	it("every check has a receiver here that fails it", () => {
		const failed = new Set(BROKEN.flatMap(([, defects]) => defects));
		expect(CHECKS.map(({ name }) => name).filter((name) => !failed.has(name))).toEqual([]);
	});

	it("prints a table, JSON and JUnit, with exit code 1 if there is a defect", async () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("secret"), SECRET.text);
		await using good = await serve(verified());
		await using bad = await serve(verified(({ event }) => (event.type === "shop.test" ? 200 : 422)));
		const run = (url: string, ...args: string[]) =>
			runInProcess(["conform", url, "--secret-file", dir.join("secret"), "--burst", "3", ...args]);
		const fine = await run(good.url);
		expect([fine.code, fine.stdout.match(/^✓/gm)?.length, fine.stdout.includes("✗")]).toEqual([
			0,
			CHECKS.length,
			false,
		]);
		expect(fine.stderr).toMatch(
			new RegExp(`^${CHECKS.length} of ${CHECKS.length} checks passed, with \\d+ requests\\.\n$`),
		);
		const args = ["--type", "shop.test", "--only", "unknown_type,stale", "--junit", dir.join("junit.xml")];
		const wrong = await run(bad.url, ...args);
		expect([wrong.code, wrong.stdout]).toEqual([
			1,
			expect.stringMatching(/✗ unknown_type .*\n {4}It responded to a valid request with 422\. Ignore it/),
		]);
		const xml = readFileSync(dir.join("junit.xml"), "utf8");
		expect(xml).toMatch(
			/^<\?xml [^]*tests="5" failures="1" skipped="0"[^]*<failure message="It responded[^]*<\/testsuite>\n$/,
		);
		const { code, stdout, stderr } = await run(bad.url, ...args, "--json");
		expect([code, stderr]).toEqual([1, ""]);
		expect(JSON.parse(stdout)).toEqual({
			object: "conformance",
			url: bad.url,
			conforms: false,
			checks: ["reachable", "redirect", "accepts", "stale", "unknown_type"].map((name) => ({
				name,
				title: expect.any(String),
				result: name === "unknown_type" ? "failed" : "passed",
				problem: name === "unknown_type" ? expect.any(String) : null,
				durationMs: expect.any(Number),
			})),
		});
		const basic = await run("1", "--only", "stale");
		expect(basic.stdout).toMatch(/✗ reachable[^]*– stale .*\(skipped\)/);
		expect((await run(good.url, "--only", "nothing")).code).toBe(2);
	});

	it("lets the server check a webhook, with its secret and without a trace in the log", async () => {
		await using world = await World.start();
		await using receiver = await serve(verified(({ event }) => (event.type === "shop.test" ? 200 : 422)));
		const { project } = world.server;
		const spec = { endpoint: receiver.url, secret: SECRET.text };
		const { id } = await project.batch.webhooks.create({ name: "Billing", key: "billing", spec });
		const junit = world.dir.join("junit.xml");
		const args = ["conform", "billing", "--type", "shop.test", "--data", "{}", "--only", "unknown_type,stale"];
		const { code, stdout, stderr } = await world.run([...args, "--junit", junit]);
		expect([code, stdout]).toEqual([
			1,
			expect.stringMatching(/✓ stale [^]*✗ unknown_type .*\n {4}It responded to a valid request/),
		]);
		expect(stderr).toMatch(/The server is checking the receiver[^]*4 of 5 checks passed, with \d+ requests\./);
		expect(readFileSync(junit, "utf8")).toContain('tests="5" failures="1"');
		const { stdout: json } = await world.run([...args, "--json"]);
		expect(JSON.parse(json)).toMatchObject({ object: "conformance", webhookId: id, conforms: false, endedEarly: null });
		expect((await project.deliveries.list({ webhookId: id })).data).toEqual([]);
		for (const wrong of [
			["3000/hooks"],
			["http://localhost:1/"],
			["billing", "--timeout", "1s"],
			["billing", "--burst", "51"],
			["billing", "--only", "header_case"],
		]) {
			expect([wrong, (await world.run(["conform", ...wrong])).code]).toEqual([wrong, 2]);
		}
		expect((await world.run(["conform", "nobody"])).code).toBe(3);
	});
});
