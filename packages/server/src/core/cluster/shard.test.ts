import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { createIdMaker } from "../ids.ts";
import { shardOf, SHARDS } from "./shard.ts";

const PER_SHARD = 200;

/** Pearson's chi-squared of the ids' distribution over the shards: about `SHARDS` if it is even, with deviation 23. */
function chiSquared(ids: readonly string[]): number {
	const counts = new Float64Array(SHARDS);
	for (const id of ids) counts[shardOf(id)]! += 1;
	const expected = ids.length / SHARDS;
	return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("a webhook's shard", () => {
	// Permanent: with another result, two versions of Fanfare would disagree on who delivers a webhook.
	it.each([
		["webhook_01936a2e-7c4b-7d2f-9a51-3e8b6c1d0f24", 187],
		["webhook_01936a2e-7c4b-7d2f-9a51-3e8b6c1d0f25", 235],
		["webhook_01936a2e-7c4b-7d2f-9a51-3e8c6c1d0f24", 170],
		["webhook_00000000-0000-7000-8000-000000000000", 185],
		["", 11],
	])("of %j is %i, for ever", (id, shard) => {
		expect(shardOf(id)).toBe(shard);
	});

	it("is a whole number from 0 to 255, whatever the text", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary" }), (text) => {
				const shard = shardOf(text);
				return Number.isInteger(shard) && shard >= 0 && shard < SHARDS && shard === shardOf(text);
			}),
		);
	});

	it("spreads ids evenly that were made in the same millisecond", () => {
		const ids = createIdMaker(systemChance);
		const same = Array.from({ length: SHARDS * PER_SHARD }, () => ids.make("webhook", 1_800_000_000_000));
		expect(chiSquared(same)).toBeLessThan(400);
	});

	it("spreads ids evenly that differ only in one group of digits", () => {
		const numbers = Array.from({ length: SHARDS * PER_SHARD }, (_, n) => n.toString(16));
		const last = numbers.map((digits) => `webhook_01936a2e-7c4b-7d2f-9a51-${digits.padStart(12, "0")}`);
		const first = numbers.map((digits) => `webhook_${digits.padStart(8, "0")}-7c4b-7d2f-9a51-3e8b6c1d0f24`);
		expect(chiSquared(last)).toBeLessThan(400);
		expect(chiSquared(first)).toBeLessThan(400);
	});
});
