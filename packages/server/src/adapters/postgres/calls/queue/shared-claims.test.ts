// Claims of a project that share transactions: which come together, and how long they wait.
import { expect, it } from "vitest";

import { Turns } from "../../../../core/concurrency/turns.ts";
import { ManualClock } from "../../../../core/manual-clock.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import { LEAST_SHARE } from "../../../../ports/store/queue.ts";
import { SharedClaims, type Wanted } from "./shared-claims.ts";

function open() {
	const clock = new ManualClock();
	const refusal = (message: string) => new StoreError("store_overloaded", message);
	const turns = new Turns({ most: 3, mostOfOne: 2, maxWaitMs: 5_000, clock, refusal });
	/** The transactions that were begun. */
	const begun: { readonly wanted: readonly Wanted[]; readonly end: () => void }[] = [];
	const shared = new SharedClaims(async (wanted) => {
		await new Promise<void>((resolve) => begun.push({ wanted, end: resolve }));
		return new Map(wanted.map(({ webhook }) => [webhook, { deliveries: [], nextDueAt: wanted.length }]));
	}, turns);
	const claim = (projectId: string, webhook: string) => {
		const request = { webhookId: webhook, now: 0, limit: 500, maxBytes: 2 ** 30, leaseUntil: 1 };
		return shared.claim({ ...request, projectId, webhook }).then(
			(claim) => claim?.nextDueAt,
			(error: unknown) => (error instanceof StoreError ? error.code : error),
		);
	};
	const many = (projectId: string, from: number, count: number) =>
		Array.from({ length: count }, (_, n) => claim(projectId, `${projectId}/${from + n}`));
	/** What the transactions are for. */
	const all = () => begun.map(({ wanted }) => wanted.map(({ webhook }) => webhook));
	return { clock, begun, claim, many, all };
}

async function passTurn(): Promise<void> {
	await new Promise((resolve) => setImmediate(resolve));
}

it("takes ten at a time, each for a part of what it asks for, and one alone for all of it", async () => {
	const { begun, many, all } = open();
	const claims = many("p", 0, 11);
	await passTurn();
	expect(all().map(({ length }) => length)).toEqual([10, 1]);
	const limits = begun.map(({ wanted }) => new Set(wanted.map(({ limit }) => limit)));
	expect(limits).toEqual([new Set([LEAST_SHARE]), new Set([500])]);
	for (const { end } of begun) end();
	expect(await Promise.all(claims)).toEqual([...Array.from({ length: 10 }, () => 10), 1]);
});

it("has two transactions of a project under way, and gathers the next claims meanwhile", async () => {
	const { begun, many, all } = open();
	const claims = many("p", 0, 1);
	await passTurn();
	claims.push(...many("p", 1, 1));
	await passTurn();
	claims.push(...many("p", 2, 1), ...many("p", 3, 2));
	await passTurn();
	expect(all()).toEqual([["p/0"], ["p/1"]]);
	begun[0]?.end();
	await passTurn();
	expect(all()[2]).toEqual(["p/2", "p/3", "p/4"]);
	claims.push(...many("q", 0, 2));
	await passTurn();
	expect(all()[3]).toEqual(["q/0", "q/1"]);
	for (const { end } of begun) end();
	expect(await Promise.all(claims)).toEqual([1, 1, 3, 3, 3, 2, 2]);
});

it("gives up a claim whose turn does not come in time, and none that is under way", async () => {
	const { clock, begun, many } = open();
	const first = [...many("p", 0, 5)];
	await passTurn();
	first.push(...many("p", 5, 1));
	await passTurn();
	const waiting = many("p", 6, 2);
	await passTurn();
	clock.advance(5_000);
	expect(await Promise.all(waiting)).toEqual(["store_overloaded", "store_overloaded"]);
	for (const { end } of begun) end();
	expect(await Promise.all(first)).toEqual([5, 5, 5, 5, 5, 1]);
	const next = many("p", 6, 2);
	await passTurn();
	expect(begun).toHaveLength(3);
	begun[2]?.end();
	expect(await Promise.all(next)).toEqual([2, 2]);
});
