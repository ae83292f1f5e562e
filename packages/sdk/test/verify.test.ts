// Verification, checked with the vectors and with the libraries `standardwebhooks` and `svix`.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import type * as StandardWebhooks from "standardwebhooks";
import type * as Svix from "svix";
import { describe, expect, it } from "vitest";

import {
	utils,
	verify,
	verifySignature,
	WebhookVerificationError,
	type RawBody,
	type WebhookHeaders,
	type WebhookVerificationCode,
} from "../src/index.ts";

// Both libraries are CommonJS.
const require = createRequire(import.meta.url);
const standard = require("standardwebhooks") as typeof StandardWebhooks;
const svix = require("svix") as typeof Svix;

interface Vector {
	readonly name: string;
	readonly secrets: readonly string[];
	readonly id: string;
	readonly timestamp: number;
	readonly body: string;
	readonly signatures: readonly string[];
}

const vectors = JSON.parse(
	readFileSync(new URL("../../../vectors/signing.json", import.meta.url), "utf8"),
) as readonly Vector[];

const headersOf = ({ id, timestamp, signatures }: Vector) => ({
	"webhook-id": id,
	"webhook-timestamp": String(timestamp),
	"webhook-signature": signatures.join(" "),
});
const at = (seconds: number) => ({ now: () => seconds * 1_000 });

const event = vectors[1]!;
const secret = event.secrets[0]!;
const signature = event.signatures[0]!;
const headers = headersOf(event);
const now = at(event.timestamp);

async function codeOf(call: Promise<unknown>): Promise<WebhookVerificationCode | "accepted"> {
	try {
		await call;
		return "accepted";
	} catch (error) {
		if (error instanceof WebhookVerificationError) return error.code;
		throw error;
	}
}

/** The headers of this body, signed by another library. */
const signedBy = (body: string, seconds = event.timestamp) => ({
	...headers,
	"webhook-timestamp": String(seconds),
	"webhook-signature": new standard.Webhook(secret).sign(event.id, new Date(seconds * 1_000), body),
});

const proof = (changes: Record<string, string | undefined>, body: RawBody = event.body) =>
	codeOf(verifySignature(body, { ...headers, ...changes }, secret, now));

describe("the vectors", () => {
	it.each(vectors)("$name: each of its secrets is accepted", async (vector) => {
		for (const secret of [...vector.secrets, vector.secrets]) {
			expect(await verifySignature(vector.body, headersOf(vector), secret, at(vector.timestamp))).toEqual({
				id: vector.id,
				timestamp: vector.timestamp,
			});
		}
	});

	it.each(vectors)("$name: standardwebhooks signs the same", ({ secrets, id, timestamp, body, signatures }) => {
		const sign = (secret: string) => new standard.Webhook(secret).sign(id, new Date(timestamp * 1_000), body);
		expect(secrets.map(sign)).toEqual(signatures);
	});
});

describe("verify", () => {
	it("returns the event, with the webhook-id as its id", async () => {
		expect(await verify<{ jobId: string }>(event.body, headers, secret, now)).toEqual({
			id: event.id,
			type: "batch.job.completed",
			timestamp: "2026-11-24T13:24:00.000Z",
			data: { jobId: "job_1", images: 12 },
		});
	});

	it("returns the fields of another sender's body unchanged", async () => {
		const [published] = vectors;
		expect(await verify(published!.body, headersOf(published!), published!.secrets, at(published!.timestamp))).toEqual({
			id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
			test: 2432232314,
		});
	});

	it.each(["", "null", "[]", "7", '"text"', "{", '{"type":"\u0000"}'])(
		"refuses the well-signed body %j, which is no JSON object",
		async (body) => {
			expect(await codeOf(verify(body, signedBy(body), secret, now))).toBe("invalid_body");
		},
	);

	it("refuses a signed body that is not UTF-8, rather than replace characters", async () => {
		const body = Buffer.concat([Buffer.from('{"type":"'), Buffer.of(0xff), Buffer.from('"}')]);
		const key = Buffer.from(secret.replace("whsec_", ""), "base64");
		const mac = createHmac("sha256", key).update(`${event.id}.${event.timestamp}.`).update(body).digest("base64");
		const signed = { ...headers, "webhook-signature": `v1,${mac}` };
		expect(await codeOf(verifySignature(body, signed, secret, now))).toBe("accepted");
		expect(await codeOf(verify(body, signed, secret, now))).toBe("invalid_body");
	});

	it("does not take the id from the body", async () => {
		const body = '{"id":"evt_other","type":"a.b"}';
		expect(await verify(body, signedBy(body), secret, now)).toEqual({ id: event.id, type: "a.b" });
	});

	it("checks the signature before it parses the body", async () => {
		expect(await codeOf(verify("{", headers, secret, now))).toBe("no_matching_signature");
	});
});

describe("bodies", () => {
	const bytes = new TextEncoder().encode(`..${event.body}..`);

	it.each<[string, RawBody]>([
		["a string", event.body],
		["a Buffer", Buffer.from(event.body)],
		["a Uint8Array", new TextEncoder().encode(event.body)],
		["a part of a larger buffer", bytes.subarray(2, -2)],
		["an ArrayBuffer", bytes.slice(2, -2).buffer],
	])("can be %s", async (_name, body) => {
		expect(await verify(body, headers, secret, now)).toMatchObject({ type: "batch.job.completed" });
	});

	it("may be overwritten as soon as the call has returned", async () => {
		const body = Buffer.from(event.body);
		const proof = verifySignature(body, headers, secret, now);
		const verified = verify(body, headers, secret, now);
		body.fill(" ");
		expect(await proof).toMatchObject({ id: event.id });
		expect(await verified).toMatchObject({ type: "batch.job.completed" });
	});

	it.each([{}, null, undefined, 7, JSON.parse(event.body)])(
		"that are parsed or missing are a mistake in the code: %j",
		async (body) => {
			await expect(verify(body as string, headers, secret, now)).rejects.toThrow(/^The body must be raw/);
			await expect(verify(body as string, headers, secret, now)).rejects.toBeInstanceOf(TypeError);
		},
	);
});

describe("headers", () => {
	const capitals = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));

	it.each<[string, WebhookHeaders]>([
		["a Headers object", new Headers(headers)],
		["a record in capitals", capitals],
		["a record of lists", Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))],
		["a list of several signatures", { ...headers, "webhook-signature": ["v1,no", signature] }],
		["a record with undefined under another spelling", { "Webhook-Id": undefined, ...headers }],
	])("can be %s", async (_name, headers) => {
		expect(await codeOf(verifySignature(event.body, headers, secret, now))).toBe("accepted");
	});

	it.each(Object.keys(headers))("are refused without %s, whatever they are in", async (name) => {
		expect(await proof({ [name]: undefined })).toBe("missing_header");
		expect(await proof({ [name]: "" })).toBe("missing_header");
		// The `get` of the one returns null, and of the other undefined.
		for (const given of [new Headers(headers), new Map(Object.entries(headers))]) {
			const read = () => codeOf(verifySignature(event.body, given as WebhookHeaders, secret, now));
			expect(await read()).toBe("accepted");
			given.delete(name);
			expect(await read()).toBe("missing_header");
		}
	});

	it("are not taken from a prototype", async () => {
		expect(await codeOf(verifySignature(event.body, Object.create(headers) as WebhookHeaders, secret, now))).toBe(
			"missing_header",
		);
	});
});

describe("the timestamp", () => {
	const NO_DIGITS = "abc,1.5e9,-5,+1732454640, 1732454640,1732454640 ,0x67,1732454640.0,١٧٣,NaN,Infinity".split(",");

	it.each([...NO_DIGITS, "1".repeat(40)])("refuses %j, which is not digits", async (timestamp) => {
		expect(await proof({ "webhook-timestamp": timestamp })).toBe("bad_timestamp");
	});

	it.each<[string, number, number | undefined, string]>([
		["5 minutes old", 300_000, undefined, "accepted"],
		["older", 300_001, undefined, "too_old"],
		["5 minutes ahead", -300_000, undefined, "accepted"],
		["further ahead", -300_001, undefined, "too_new"],
		["as old as allowed", 10, 10, "accepted"],
		["older than allowed", 11, 10, "too_old"],
		["as far ahead as allowed", -10, 10, "accepted"],
		["further ahead than allowed", -11, 10, "too_new"],
		["exact, with a tolerance of 0", 0, 0, "accepted"],
		["not exact, with a tolerance of 0", 1, 0, "too_old"],
		["ancient, with an infinite tolerance", 1e12, Infinity, "accepted"],
		["compared with a broken clock", Number.NaN, undefined, "too_old"],
	])("that is %s", async (_name, ageMs, toleranceMs, expected) => {
		const options = { toleranceMs, now: () => event.timestamp * 1_000 + ageMs };
		expect(await codeOf(verifySignature(event.body, headers, secret, options))).toBe(expected);
	});

	it("is compared with the real clock by default", async () => {
		expect(await codeOf(verifySignature(event.body, headers, secret))).not.toBe("accepted");
		const fresh = signedBy(event.body, Math.floor(Date.now() / 1_000));
		expect(await codeOf(verifySignature(event.body, fresh, secret))).toBe("accepted");
	});

	it.each([-1, Number.NaN, "300" as unknown as number])("refuses a tolerance of %j", async (toleranceMs) => {
		await expect(verifySignature(event.body, headers, secret, { ...now, toleranceMs })).rejects.toBeInstanceOf(
			TypeError,
		);
	});
});

describe("signatures", () => {
	it("of other versions are skipped", async () => {
		expect(await proof({ "webhook-signature": `v1a,AAAA v2,${signature.slice(3)} ${signature}` })).toBe("accepted");
		expect(await proof({ "webhook-signature": `v1a,${signature.slice(3)} v2,${signature.slice(3)}` })).toBe(
			"no_matching_signature",
		);
	});

	it.each([
		["nothing", "v1,"],
		["no version", signature.slice(3)],
		["no base64", "v1,???"],
		["base64url", signature.replaceAll("+", "-").replaceAll("/", "_")],
		["no padding", signature.replace("=", "")],
		["more after it", `${signature}AAAA`],
		["a line break", `${signature}\n`],
		["a comma after it", `${signature},`],
		["half of it", signature.slice(0, 23)],
		[
			"other bits that base64 ignores",
			signature.replace(/.=$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`),
		],
	])("that are written with %s are refused", async (_name, value) => {
		expect(await proof({ "webhook-signature": value })).toBe("no_matching_signature");
	});

	it("are limited in number, so that an attacker cannot make a receiver compute endlessly", async () => {
		const other = `v1,${Buffer.alloc(32).toString("base64")} `;
		expect(await proof({ "webhook-signature": other.repeat(15) + signature })).toBe("accepted");
		expect(await proof({ "webhook-signature": other.repeat(16) + signature })).toBe("no_matching_signature");
	});
});

describe("secrets", () => {
	const other = utils.generateWebhookSecret();

	it.each<[string, string | string[], string]>([
		["with its prefix", secret, "accepted"],
		["without its prefix", secret.slice("whsec_".length), "accepted"],
		["among others", [other, secret], "accepted"],
		["of another webhook", other, "no_matching_signature"],
		["of several others", [other, other], "no_matching_signature"],
	])("%s", async (_name, secret, expected) => {
		expect(await codeOf(verifySignature(event.body, headers, secret, now))).toBe(expected);
	});

	it.each<[string, unknown]>([
		["empty", ""],
		["empty after the prefix", "whsec_"],
		["too short", `whsec_${Buffer.alloc(23).toString("base64")}`],
		["too long", Buffer.alloc(65).toString("base64")],
		["not base64", "whsec_correct horse battery staple!"],
		["an empty list", []],
		["undefined", undefined],
		["undefined in a list", [secret, undefined]],
	])("that are %s throw a TypeError that does not show them", async (_name, value) => {
		const error = await verifySignature(event.body, headers, value as string, now).catch((error: unknown) => error);
		expect(error).toBeInstanceOf(TypeError);
		expect(String(error)).not.toContain("correct horse");
	});
});

describe("any request", () => {
	const key = Buffer.alloc(32, 7);
	const keySecret = `whsec_${key.toString("base64")}`;
	const forever = { toleranceMs: Infinity };
	/** What is signed is `id.timestamp.body`. */
	const signatureOf = (content: string) => `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
	const read = (id: string, timestamp: string, body: string, signature: string) => ({
		"webhook-id": id,
		"webhook-timestamp": timestamp,
		"webhook-signature": signature,
		body,
	});
	const check = ({ body, ...headers }: ReturnType<typeof read>) => verify(body, headers, keySecret, forever);

	/** Pieces from which ids and bodies could be mistaken for each other. */
	const PIECES = [
		".",
		"1",
		"1700000000",
		".17.",
		".1.{",
		'"',
		":",
		",",
		"{",
		"}",
		"{}",
		'{"',
		"\\",
		"[",
		"]",
		" ",
		"é",
		"\ufeff",
	];
	const tricky = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 });
	const text = tricky.map((pieces) => pieces.join(""));
	const json = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.constant(null), fc.array(text, { maxLength: 3 })));
	const id = fc.tuple(fc.constantFrom("evt_1", "a"), text).map((parts) => parts.join(""));

	it("can be read as another request with the same signature in no way that verify accepts", async () => {
		await fc.assert(
			fc.asyncProperty(id, fc.nat(2_000_000_000), json, fc.nat(3), async (id, seconds, event, space) => {
				const timestamp = String(seconds);
				const body = " ".repeat(space) + JSON.stringify(event);
				const content = `${id}.${timestamp}.${body}`;
				const signature = signatureOf(content);
				expect(await check(read(id, timestamp, body, signature))).toMatchObject({ id });
				// Every other place at which the timestamp could be.
				for (let from = content.indexOf("."); from >= 0; from = content.indexOf(".", from + 1)) {
					const [, digits] = /^\.(\d+)\./.exec(content.slice(from)) ?? [];
					if (digits === undefined || from === id.length) continue;
					const other = read(content.slice(0, from), digits, content.slice(from + digits.length + 2), signature);
					expect(await codeOf(check(other))).not.toBe("accepted");
				}
			}),
			{ numRuns: runs(200) },
		);
	});

	it("that verifySignature accepts can be read in another way if its body is no JSON object, as its text says", async () => {
		const signature = signatureOf("evt_1.1700000000.1800000000.text");
		const headers = { "webhook-signature": signature, "webhook-id": "evt_1", "webhook-timestamp": "1700000000" };
		expect(await codeOf(verifySignature("1800000000.text", headers, keySecret, forever))).toBe("accepted");
		const later = { ...headers, "webhook-id": "evt_1.1700000000", "webhook-timestamp": "1800000000" };
		expect(await codeOf(verifySignature("text", later, keySecret, forever))).toBe("accepted");
		expect(await codeOf(verify("1800000000.text", headers, keySecret, forever))).toBe("invalid_body");
	});

	it("is accepted exactly if it has an id, a recent time, a signature of the key and a JSON object as its body", async () => {
		const anyBytes = fc.oneof(
			fc.uint8Array({ maxLength: 40 }),
			json.map((value) => Buffer.from(JSON.stringify(value))),
		);
		const anyTime = fc.oneof(fc.nat(2_000_000_000).map(String), text, fc.constant("1700000000"));
		const anySignature = fc.oneof(
			fc.constant(null),
			text,
			fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => `v1,${Buffer.from(bytes).toString("base64")}`),
		);
		await fc.assert(
			fc.asyncProperty(id, anyTime, anyBytes, anySignature, async (id, timestamp, bytes, given) => {
				const right = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(bytes).digest("base64");
				// Null: the right one.
				const signature = given ?? `v1,${right}`;
				const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
				const nowSeconds = 1_700_000_000;
				const isRecent = /^\d+$/.test(timestamp) && Math.abs(Number(timestamp) - nowSeconds) <= 300;
				const isSigned = signature.split(" ").includes(`v1,${right}`);
				const outcome = await codeOf(verify(bytes, headers, keySecret, at(nowSeconds)));
				expect(outcome === "accepted").toBe(isRecent && isSigned && isJsonObject(bytes));
			}),
			{ numRuns: runs(200) },
		);
	});

	function isJsonObject(bytes: Uint8Array): boolean {
		try {
			const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
			return typeof value === "object" && value !== null && !Array.isArray(value);
		} catch {
			return false;
		}
	}
});

describe("against the other libraries", () => {
	const signed = fc.record({
		key: fc.uint8Array({ minLength: 24, maxLength: 64 }),
		id: fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(..."abcXYZ019_-".split("")) }),
		timestamp: fc.integer({ min: 0, max: 4_102_444_800 }),
		body: fc.json(),
	});

	it.each([
		["standardwebhooks", (secret: string) => new standard.Webhook(secret)],
		["svix", (secret: string) => new svix.Webhook(secret)],
	])("accepts everything that %s signs", async (_name, signer) => {
		await fc.assert(
			fc.asyncProperty(signed, async ({ key, id, timestamp, body }) => {
				const secret = `whsec_${Buffer.from(key).toString("base64")}`;
				const signature = signer(secret).sign(id, new Date(timestamp * 1_000), body);
				const headers = { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signature };
				expect(await verifySignature(body, headers, secret, at(timestamp))).toEqual({ id, timestamp });
			}),
		);
	});

	it("refuses a request in which any single bit is changed", async () => {
		const parts = ["body", ...Object.keys(headers)];
		await fc.assert(
			fc.asyncProperty(fc.constantFrom(...vectors), fc.constantFrom(...parts), fc.nat(), async (vector, part, bit) => {
				// With only one signature: if there are two, changing one does not affect the other.
				const one = { ...vector, signatures: vector.signatures.slice(0, 1) };
				const sent: Record<string, string> = { ...headersOf(one), body: vector.body };
				const bytes = Buffer.from(sent[part]!);
				fc.pre(bytes.length > 0);
				bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
				const body = part === "body" ? bytes : vector.body;
				// Latin-1: one character per byte, as in HTTP.
				const changed = part === "body" ? sent : { ...sent, [part]: bytes.toString("latin1") };
				const call = verifySignature(body, changed, vector.secrets, at(vector.timestamp));
				expect(await codeOf(call)).not.toBe("accepted");
			}),
			{ numRuns: runs(200) },
		);
	});

	it("refuses every spelling of a signature that differs in one character", async () => {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_ ,v";
		const place = fc.nat({ max: signature.length - 1 });
		await fc.assert(
			fc.asyncProperty(place, fc.constantFrom(...alphabet.split("")), async (at, character) => {
				const value = signature.slice(0, at) + character + signature.slice(at + 1);
				const expected = value === signature ? "accepted" : "no_matching_signature";
				expect(await proof({ "webhook-signature": value })).toBe(expected);
			}),
			{ numRuns: runs(300) },
		);
	});
});
