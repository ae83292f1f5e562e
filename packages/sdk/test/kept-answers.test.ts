// The memory of a relay's client: it is bounded, and what is awaited is never forgotten, since it would be handled twice.
import { expect, it } from "vitest";

import { KeptAnswers } from "../src/resources/relays/kept-answers.ts";

const answerOf = (status: number, size: number) => ({
	status,
	headers: [
		["retry-after", "9"],
		["x-long", "x".repeat(size)],
	] as const,
	bodyBase64: "b".repeat(size),
});

it("keeps bodies and headers up to a length, and statuses for longer", () => {
	const kept = new KeptAnswers(1_000, 10_000);
	kept.give("failure", { error: "reset", reason: "why" });
	for (let i = 0; i < 100; i++) {
		kept.await(`${i}`);
		kept.give(`${i}`, answerOf(200 + i, 1_000));
		expect(kept.length).toBeLessThanOrEqual(10_000);
	}
	expect(kept.get("99")).toEqual(answerOf(299, 1_000));
	expect(kept.get("failure")).toEqual({ error: "reset", reason: "why" });
	expect(kept.get("0")).toEqual({ status: 200, headers: [["retry-after", "9"]] });
});

it("forgets the oldest answers, and no request that is awaited", () => {
	const kept = new KeptAnswers(10);
	kept.await("slow");
	for (let i = 0; i < 100; i++) {
		kept.await(`${i}`);
		kept.give(`${i}`, answerOf(200, 10));
	}
	expect([kept.get("0"), kept.get("slow"), kept.get("other")]).toEqual([undefined, null, undefined]);
	expect(kept.get("90")).toEqual(answerOf(200, 10));
	expect(kept.length).toBe(10 * (2 * 10 + "retry-after9x-long".length));
});

it("keeps the first answer", () => {
	const kept = new KeptAnswers();
	kept.await("a");
	expect(kept.give("a", { error: "timeout" })).toEqual({ error: "timeout" });
	expect(kept.give("a", { status: 200 })).toEqual({ error: "timeout" });
	expect(kept.get("a")).toEqual({ error: "timeout" });
});
