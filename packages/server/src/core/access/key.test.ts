import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { generateSecretKey, isSecretKey, keyDigest, makeKey, sameDigest, scopeAllows, SCOPES } from "./key.ts";

describe("generateSecretKey", () => {
	it("makes a different key each time: sk_ and 43 base64url characters", () => {
		const secretKey = generateSecretKey(systemChance);
		expect(secretKey).toMatch(/^sk_[A-Za-z0-9_-]{43}$/);
		expect(isSecretKey(secretKey)).toBe(true);
		expect(generateSecretKey(systemChance)).not.toBe(secretKey);
	});
});

describe("makeKey", () => {
	it("keeps the last four characters and the digest of the key, and nothing else of it", () => {
		const secretKey = generateSecretKey(systemChance);
		const input = { name: "CI", scope: "write", projectId: null } as const;
		const key = makeKey("key_1", secretKey, input, 1_000);
		expect(key).toEqual({
			id: "key_1",
			...input,
			hint: secretKey.slice(-4),
			digest: keyDigest(secretKey),
			createDate: 1_000,
		});
		expect(JSON.stringify(key)).not.toContain(secretKey.slice(3));
	});
});

describe("sameDigest", () => {
	it("tells the digests of two keys apart", () => {
		const secretKey = generateSecretKey(systemChance);
		expect(sameDigest(keyDigest(secretKey), keyDigest(secretKey))).toBe(true);
		expect(sameDigest(keyDigest(secretKey), keyDigest(generateSecretKey(systemChance)))).toBe(false);
		expect(sameDigest(keyDigest(secretKey), new Uint8Array())).toBe(false);
	});
});

describe("scopeAllows", () => {
	it.each([
		["read", [true, false, false]],
		["write", [true, true, false]],
		["admin", [true, true, true]],
	] as const)("a key of scope %s may do what needs read, write, admin: %j", (scope, allowed) => {
		expect(SCOPES.map((needed) => scopeAllows(scope, needed))).toEqual(allowed);
	});
});
