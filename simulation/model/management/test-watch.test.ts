// Tests of one webhook at the same time: which attempts are whose.
import { expect, it } from "vitest";

import type { AuditDraft } from "../../../packages/server/src/core/access/audit.ts";
import type { WebhookTest } from "../../../packages/server/src/engine/webhook-test.ts";
import type { AttemptOutcome } from "../../../packages/server/src/ports/sender.ts";
import type { RunScope } from "../../world/run-scope.ts";
import { World } from "../../world/world.ts";
import { Book } from "../book.ts";
import { TestWatch } from "./test-watch.ts";

const TYPE = "fanfare.test";
const RUN: RunScope = {
	number: 0,
	alive: true,
	now: () => 0,
	later: () => () => {},
	act: (act) => act(),
	outside: () => {},
	isCut: false,
	end: () => {},
};
const AUDIT: AuditDraft = {
	keyId: null,
	customerId: null,
	sessionId: null,
	portalSessionId: null,
	actor: null,
	action: "webhook.test",
	fields: [],
	requestId: null,
};

function outcome(durationMs: number): AttemptOutcome {
	return {
		responseCode: 200,
		error: null,
		reason: null,
		detail: null,
		cause: null,
		durationMs,
		firstByteMs: 1,
		connection: null,
		response: null,
	};
}

function result(latencyMs: number): WebhookTest {
	const exchange = {
		endpoint: "",
		requestHeaders: {},
		requestBody: new Uint8Array(),
		responseCode: 200,
		response: null,
	};
	const nothing = { body: null, reason: null, failedBy: null };
	return { status: "Ok", responseCode: 200, latencyMs, attemptCount: 1, ...nothing, exchange };
}

/** Two tests at once, of which the second one was sent first. Returns the breaches once both are answered. */
async function breachesOf(answersInOrder: boolean, latencies: readonly [number, number]): Promise<readonly string[]> {
	const retention = { retentionDays: 1, payloadRetentionDays: null };
	const world = await World.open({ seed: 1, limits: {}, answersInOrder, retention, sharing: null }, null);
	const book = new Book();
	const webhook = book.addWebhook(book.addProject({ id: "proj_a" }), null, new Uint8Array(32));
	webhook.maxRetries.add(0);
	const tests = new TestWatch(world, { has: () => Promise.resolve(true) });
	const [first, second] = [tests.ask(RUN, webhook, null, AUDIT), tests.ask(RUN, webhook, null, AUDIT)];
	const secondEnds = tests.started(RUN, webhook, TYPE, "evt_2");
	const firstEnds = tests.started(RUN, webhook, TYPE, "evt_1");
	secondEnds(outcome(20));
	tests.answered(second, result(latencies[1]));
	firstEnds(outcome(10));
	tests.answered(first, result(latencies[0]));
	await world.store.close();
	return world.breaches.map(({ text }) => text);
}

it("takes the attempts that a result tells of for those of its test, if answers overtake each other", async () => {
	expect(await breachesOf(false, [10, 20])).toEqual([]);
	expect(await breachesOf(true, [10, 20])).not.toEqual([]);
});

it("reports a result that no receiver has seen", async () => {
	expect(await breachesOf(false, [10, 30])).not.toEqual([]);
	expect(await breachesOf(false, [30, 20])).not.toEqual([]);
});
