// What the first start of a store creates, and what later starts check.
import { randomBytes } from "node:crypto";

import { expect, it, onTestFinished } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { generateSecretKey, keyDigest, makeKey, sameDigest } from "../../core/access/key.ts";
import { createSealer } from "../../core/crypto/sealing.ts";
import { createIdMaker } from "../../core/ids.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { bootstrap, MasterKeyError } from "./bootstrap.ts";

async function openParts() {
	const store = await openSqliteStore({ path: ":memory:" });
	onTestFinished(() => store.close());
	const [ids, sealer] = [createIdMaker(systemChance), createSealer(randomBytes(32), systemChance)];
	return { store, clock: new ManualClock(), chance: systemChance, ids, sealer };
}

it("creates an admin key at the first start and shows it only then", async () => {
	const parts = await openParts();
	const { firstStart, workspace } = await bootstrap(parts, null);
	const [key, ...others] = await parts.store.keys();
	expect(others).toEqual([]);
	expect(sameDigest(key!.digest, keyDigest(firstStart!.secretKey!))).toBe(true);
	expect(key).toMatchObject({ scope: "admin", projectId: null });
	expect(await bootstrap(parts, null)).toEqual({ workspace, firstStart: null });
	expect(await parts.store.keys()).toHaveLength(1);
});

it("adds the operator's admin key at any start, only once, and never shows it", async () => {
	const parts = await openParts();
	const [first, second] = [generateSecretKey(systemChance), generateSecretKey(systemChance)];
	expect((await bootstrap(parts, first)).firstStart).toMatchObject({ secretKey: null });
	for (const adminKey of [first, second, second, first]) await bootstrap(parts, adminKey);
	const digests = (await parts.store.keys()).map(({ digest }) => Buffer.from(digest).toString("hex"));
	expect(digests.toSorted()).toEqual(
		[first, second].map((key) => Buffer.from(keyDigest(key)).toString("hex")).toSorted(),
	);
});

it("adds the operator's admin key without an end, also if a key with an end has had it", async () => {
	const parts = await openParts();
	await bootstrap(parts, null);
	const adminKey = generateSecretKey(systemChance);
	const input = { name: "k", scope: "admin", projectId: null, expireDate: parts.clock.now() + 10 } as const;
	const expiring = makeKey(parts.ids.make("key", parts.clock.now()), adminKey, input, parts.clock.now());
	await parts.store.insertKey(expiring, null);
	const ofOperator = async () => {
		await bootstrap(parts, adminKey);
		return (await parts.store.keys()).filter(({ digest }) => sameDigest(digest, keyDigest(adminKey)));
	};
	expect(await ofOperator()).toMatchObject([{ id: expiring.id }]);
	parts.clock.advance(10);
	const [key, ...others] = await ofOperator();
	expect([key, others]).toMatchObject([{ scope: "admin", projectId: null, expireDate: null }, []]);
	expect(await ofOperator()).toEqual([key]);
});

it("refuses an admin key of the wrong form, and a store that is encrypted with another master key", async () => {
	const parts = await openParts();
	await expect(bootstrap(parts, "sk_short")).rejects.toThrow(
		"an admin key must be sk_ followed by 43 base64url characters",
	);
	expect(await parts.store.identity()).toBeNull();
	await bootstrap(parts, null);
	const others = { ...parts, sealer: createSealer(randomBytes(32), systemChance) };
	await expect(bootstrap(others, null)).rejects.toThrow(MasterKeyError);
});
