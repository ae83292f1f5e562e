// Whatever a request contains, a diagnosis ends, and finds something wrong exactly if `verify` rejects the request.
import { createHmac } from "node:crypto";

import { runs } from "@fanfare/testkit/runs";
import { check, asyncProperty, constantFrom, integer, json, oneof, record, string, uint8Array } from "fast-check";
import { expect, it } from "vitest";

import { diagnose } from "../src/diagnosis/diagnose.ts";
import { verify } from "../src/verify.ts";

const KEY = Buffer.alloc(32, 1);
const SECRET = `whsec_${KEY.toString("base64")}`;
const NOW = 1_800_000_000_123;

const body = oneof(
	json().map((text) => `{"data":${text}}`),
	json(),
	string({ unit: "binary" }),
	uint8Array({ maxLength: 60 }),
	constantFrom('{"a":"\uFEFF"}', "\uFEFF{}", "{}\r\n"),
);
const header = (good: string) => oneof(constantFrom(good, good, good, "", `${good} `, `v1,${good}`), string());

const request = record({
	body,
	received: oneof(constantFrom(null, null), body),
	sentBody: oneof(constantFrom(undefined), body),
	id: header("evt_1"),
	seconds: oneof(constantFrom(0), integer({ min: -302, max: 302 })).map((age) => String(1_800_000_000 - age)),
	signature: oneof(constantFrom("right", "right", "twice", "none"), string()),
});

function signatureOf(kind: string, content: readonly (string | Uint8Array)[]): string {
	const mac = createHmac("sha256", KEY);
	for (const part of content) mac.update(part);
	const right = `v1,${mac.digest("base64")}`;
	if (kind === "right") return right;
	return kind === "twice" ? `v1,AAAA v2,x ${right}` : kind;
}

it("never throws on what a request contains, and agrees with verify", async () => {
	let accepted = 0;
	const agrees = asyncProperty(request, async ({ body, received, sentBody, id, seconds, signature }) => {
		const headers = {
			"webhook-id": id,
			"webhook-timestamp": seconds,
			"webhook-signature": signatureOf(signature, [`${id}.${seconds}.`, body]),
		};
		const options = { now: () => NOW };
		const isAccepted = await verify(received ?? body, headers, SECRET, options).then(
			() => true,
			() => false,
		);
		const { problems } = await diagnose(received ?? body, headers, SECRET, options);
		expect(problems.length === 0).toBe(isAccepted);
		await diagnose(received ?? body, headers, [], { ...options, sentBody });
		if (isAccepted) accepted += 1;
	});
	const numRuns = runs(200);
	const { failed, counterexample, errorInstance } = await check(agrees, { numRuns, seed: 1 });
	expect([failed, counterexample, errorInstance]).toEqual([false, null, null]);
	expect(accepted).toBeGreaterThan(numRuns / 50);
});

const DEEP = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
const LINES = `${"\n".repeat(250_000)}x`;

it.each([
	["nested deeply", DEEP, "v1,AAAA", "{}"],
	["compared with one that is nested deeply", "{}", "v1,AAAA", DEEP],
	["that begins with many line feeds", LINES, "v1,AAAA", "{}"],
	["with a long signature", "{}", "v1,".repeat(200_000), "{ }"],
	["with a long encoded signature", "{}", "v1,%".repeat(200_000), "{ }"],
])("ends on a request %s", async (_, body, signature, sentBody) => {
	const right = `v1,${Buffer.alloc(32).toString("base64")}`;
	for (const form of [signature, right]) {
		const headers = { "webhook-id": "evt_1", "webhook-timestamp": "1800000000", "webhook-signature": form };
		for (const secrets of [SECRET, []]) {
			const { problems } = await diagnose(body, headers, secrets, { now: () => NOW, sentBody });
			expect(problems.map(({ code }) => code)).toContain("body_changed");
		}
	}
});
