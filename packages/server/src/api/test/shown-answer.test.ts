// What a failing test of the API prints.
import { expect, it } from "vitest";

import { StoreError } from "../../ports/store/errors.ts";
import { caller } from "./caller.ts";
import { shownAnswer } from "./shown-answer.ts";

it("shows the status and the body of an answer, how long it took, and the cause that only the log has", async () => {
	const api = await caller();
	const cause = new Error("Query read timeout");
	api.store.webhooks = () => Promise.reject(new StoreError("store_unavailable", "the database is away", { cause }));
	const answer = await api.call("GET", "./batch/webhooks");
	const shown = shownAnswer(api, answer);
	expect(shown).toMatch(/^answered 503 after \d+ ms: \{/);
	expect(shown).toContain(answer.text);
	expect(shown).toMatch(/caused by StoreError.*the database is away/);
	expect(shown).toContain("Query read timeout");
});

it("shows the beginning of a long body, and no cause where there is none", async () => {
	const api = await caller();
	const answer = await api.call("GET", "./no-such-call");
	expect(shownAnswer(api, answer)).toMatch(/^answered 404 after \d+ ms: \{.*\}$/);
	const long = shownAnswer(api, { ...answer, text: "x".repeat(1_000_000) });
	expect(long.length).toBeLessThan(2_200);
	expect(long).toContain("… (1000000 characters)");
});
