// What a first start makes, and what later ones make of it.
import { randomBytes } from "node:crypto";

import { expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { generateSecretKey, keyDigest, sameDigest } from "../../core/crypto/key.ts";
import { createSealer } from "../../core/crypto/sealing.ts";
import { createIdMaker } from "../../core/ids.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import type { EngineParts } from "../parts.ts";
import { bootstrap, MasterKeyError } from "./bootstrap.ts";

async function openParts() {
	const store = await openSqliteStore({ path: ":memory:" });
	const parts = { store, clock: new ManualClock(), ids: createIdMaker(), sealer: createSealer(randomBytes(32)) };
	return parts as typeof parts & EngineParts;
}

it("makes a key at the first start, and shows it then and never again", async () => {
	const parts = await openParts();
	const { firstStart, workspace } = await bootstrap(parts, null);
	const [key, ...others] = await parts.store.keys();
	expect(others).toEqual([]);
	expect(sameDigest(key!.digest, keyDigest(firstStart!.secretKey!))).toBe(true);
	expect(key).toMatchObject({ scope: "admin", projectId: null });
	expect(await bootstrap(parts, null)).toEqual({ workspace, firstStart: null });
	expect(await parts.store.keys()).toHaveLength(1);
	await parts.store.close();
});

it("takes the operator's key at any start, once, and shows it at none", async () => {
	const parts = await openParts();
	const [first, second] = [generateSecretKey(), generateSecretKey()];
	expect((await bootstrap(parts, first)).firstStart).toMatchObject({ secretKey: null });
	for (const adminKey of [first, second, second, first]) await bootstrap(parts, adminKey);
	const digests = (await parts.store.keys()).map(({ digest }) => Buffer.from(digest).toString("hex"));
	expect(digests.toSorted()).toEqual(
		[first, second].map((key) => Buffer.from(keyDigest(key)).toString("hex")).toSorted(),
	);
	await parts.store.close();
});

it("refuses what is no key, and a store that was sealed under another master key", async () => {
	const parts = await openParts();
	await expect(bootstrap(parts, "sk_short")).rejects.toThrow("an admin key is sk_ and 43 base64url characters");
	expect(await parts.store.identity()).toBeNull();
	await bootstrap(parts, null);
	const others = { ...parts, sealer: createSealer(randomBytes(32)) };
	await expect(bootstrap(others, null)).rejects.toThrow(MasterKeyError);
	await parts.store.close();
});
