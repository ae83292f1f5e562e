import { readFileSync } from "node:fs";

import fc from "fast-check";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { decodeSecret, generateSecret, secretHint, sign, signingKey } from "./signing.ts";

interface Vector {
	readonly name: string;
	readonly secrets: readonly string[];
	readonly id: string;
	readonly timestamp: number;
	readonly body: string;
	readonly signatures: readonly string[];
}

const file = new URL("../../../../../vectors/signing.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as readonly Vector[];

function keyOf(secret: string) {
	const bytes = decodeSecret(secret);
	if (bytes === null) throw new Error("not a secret");
	return signingKey(bytes);
}

describe("sign", () => {
	it.each(vectors)("agrees with the vector: $name", (vector) => {
		const signature = sign(vector.secrets.map(keyOf), vector.id, vector.timestamp, Buffer.from(vector.body));
		expect(signature).toBe(vector.signatures.join(" "));
	});

	it("makes signatures that the standardwebhooks and svix libraries accept with each of several secrets", () => {
		fc.assert(
			fc.property(fc.json(), fc.integer({ min: 1, max: 5 }), (body, count) => {
				const secrets = Array.from({ length: count }, () => generateSecret(systemChance));
				const id = "evt_0190a1b2";
				const timestamp = Math.floor(Date.now() / 1_000);
				const signature = sign(secrets.map(keyOf), id, timestamp, Buffer.from(body));
				const standard = { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signature };
				const svix = { "svix-id": id, "svix-timestamp": String(timestamp), "svix-signature": signature };
				for (const secret of secrets) {
					expect(new StandardWebhook(secret).verify(body, standard)).toEqual(JSON.parse(body));
					expect(new SvixWebhook(secret).verify(body, svix)).toEqual(JSON.parse(body));
				}
			}),
			{ numRuns: 30 },
		);
	});
});

describe("generateSecret", () => {
	it("makes whsec_ and 32 random bytes, of which the hint shows the last four characters", () => {
		const secret = generateSecret(systemChance);
		expect(secret).toMatch(/^whsec_/);
		const bytes = decodeSecret(secret)!;
		expect(bytes).toHaveLength(32);
		expect(secretHint(bytes)).toBe(secret.slice(-4));
		expect(generateSecret(systemChance)).not.toBe(secret);
	});
});

describe("decodeSecret", () => {
	it("accepts base64 of 24 to 64 bytes, with or without whsec_", () => {
		for (const length of [24, 32, 64]) {
			const base64 = Buffer.alloc(length, 7).toString("base64");
			expect(decodeSecret(base64)).toHaveLength(length);
			expect(decodeSecret(`whsec_${base64}`)).toHaveLength(length);
		}
	});

	it.each([
		["too short", Buffer.alloc(23).toString("base64")],
		["too long", Buffer.alloc(65).toString("base64")],
		["base64url", Buffer.alloc(24, 0xff).toString("base64url").replace(/A/g, "-")],
		["without padding", Buffer.alloc(25).toString("base64").replace(/=+$/, "")],
		["with white space", `${Buffer.alloc(24).toString("base64")}\n`],
		["empty", ""],
		["two prefixes", `whsec_whsec_${Buffer.alloc(24).toString("base64")}`],
	])("refuses a secret that is %s", (_title, contents) => {
		expect(decodeSecret(contents)).toBeNull();
	});
});
