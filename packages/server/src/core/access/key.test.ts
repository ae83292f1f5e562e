import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import {
	generateSecretKey,
	isExpired,
	isSecretKey,
	keyDigest,
	makeKey,
	overlapEndDate,
	rolledKey,
	sameDigest,
	scopeAllows,
	SCOPES,
	secretEndDate,
	type ApiKey,
} from "./key.ts";

it("generateSecretKey makes a different key each time: sk_ and 43 base64url characters", () => {
	const secretKey = generateSecretKey(systemChance);
	expect(secretKey).toMatch(/^sk_[A-Za-z0-9_-]{43}$/);
	expect(isSecretKey(secretKey)).toBe(true);
	expect(generateSecretKey(systemChance)).not.toBe(secretKey);
});

it("makeKey keeps the last four characters and the digest of the key, and nothing else of it", () => {
	const secretKey = generateSecretKey(systemChance);
	const input = { name: "CI", scope: "write", projectId: null } as const;
	const key = makeKey("key_1", secretKey, input, 1_000);
	const made = { id: "key_1", ...input, createDate: 1_000, expireDate: null, revision: 0 };
	const secret = { hint: secretKey.slice(-4), digest: keyDigest(secretKey), olderSecrets: [] };
	expect(key).toEqual({ ...made, ...secret });
	expect(JSON.stringify(key)).not.toContain(secretKey.slice(3));
});

describe("a key that is rolled", () => {
	const made = (expireDate: number | null = null) => {
		const secretKeys = Array.from({ length: 8 }, () => generateSecretKey(systemChance));
		const input = { name: "CI", scope: "write", projectId: null, expireDate } as const;
		return { secretKeys, key: makeKey("key_1", secretKeys[0]!, input, 0) };
	};
	const ends = (key: ApiKey, secretKeys: readonly string[]) =>
		secretKeys.map((secretKey) => secretEndDate(key, keyDigest(secretKey)));

	it("accepts the earlier ones until the overlap of the first roll after them, or a shorter one of a later roll, ends", () => {
		const { secretKeys, key } = made();
		const once = rolledKey(key, secretKeys[1]!, 100, 0);
		expect(once).toMatchObject({ hint: secretKeys[1]!.slice(-4), id: "key_1" });
		expect(ends(once, secretKeys.slice(0, 3))).toEqual([100, Infinity, 0]);
		const twice = rolledKey(once, secretKeys[2]!, 1_000, 50);
		expect(ends(twice, secretKeys.slice(0, 3))).toEqual([100, 1_050, Infinity]);
		expect([99, 100, 1_049, 1_050].map((now) => overlapEndDate(twice, now))).toEqual([1_050, 1_050, 1_050, null]);
		const shorter = rolledKey(twice, secretKeys[3]!, 10, 60);
		expect(ends(shorter, secretKeys.slice(0, 4))).toEqual([70, 70, 70, Infinity]);
		const atOnce = rolledKey(twice, secretKeys[3]!, 0, 60);
		expect(ends(atOnce, secretKeys.slice(0, 4))).toEqual([0, 0, 0, Infinity]);
		expect(overlapEndDate(atOnce, 60)).toBeNull();
	});

	it("accepts five at once: of more, the oldest ends", () => {
		const { secretKeys, key } = made();
		const rolled = secretKeys.slice(1, 7).reduce((known, secretKey, n) => rolledKey(known, secretKey, 1_000, n), key);
		expect(ends(rolled, secretKeys)).toEqual([0, 0, 1_002, 1_003, 1_004, 1_005, Infinity, 0]);
	});

	it("ends with the key at the latest", () => {
		const { secretKeys, key } = made(500);
		const rolled = rolledKey(key, secretKeys[1]!, 1_000, 0);
		expect(ends(rolled, secretKeys.slice(0, 2))).toEqual([500, 500]);
		expect([overlapEndDate(rolled, 499), overlapEndDate(rolled, 500)]).toEqual([500, null]);
		expect([isExpired(rolled, 499), isExpired(rolled, 500)]).toEqual([false, true]);
	});
});

it("sameDigest tells the digests of two keys apart", () => {
	const [digest, other] = [1, 2].map(() => keyDigest(generateSecretKey(systemChance)));
	const same = [Uint8Array.from(digest!), other!, new Uint8Array()].map((one) => sameDigest(digest!, one));
	expect(same).toEqual([true, false, false]);
});

it.each([
	["read", [true, false, false]],
	["write", [true, true, false]],
	["admin", [true, true, true]],
] as const)("a key of scope %s may do what needs read, write, admin: %j", (scope, allowed) => {
	expect(SCOPES.map((needed) => scopeAllows(scope, needed))).toEqual(allowed);
});
