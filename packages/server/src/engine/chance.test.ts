// Everything that the engine makes by chance follows from the source that it is given.
import { expect, it } from "vitest";

import type { LiveSignal } from "../core/live.ts";
import { ManualClock } from "../core/manual-clock.ts";
import { allWebhooks } from "../ports/contract/store/records/webhooks.ts";
import { seededChance } from "./test/seeded-chance.ts";
import { openTestEngine } from "./test/test-engine.ts";

const NOBODY_LISTENS = "http://127.0.0.1:1/";

/** Makes the same calls on a new engine, and returns everything that they have made. */
async function history(seed: number): Promise<Readonly<Record<string, unknown>>> {
	await using test = await openTestEngine({ chance: seededChance(seed), clock: new ManualClock() });
	const { engine, store } = test;
	const project = await engine.projects.create("Shop", null);
	const { key, secretKey } = await engine.keys.create({ name: "test", scope: "write", projectId: project.id }, null);
	const live = engine.live.subscribe({
		kind: "api",
		scope: test.scope,
		principal: null,
		filter: { kinds: null, customerId: null, webhookId: null, eventTypes: null },
		lastEventId: null,
		abandon: () => {},
	});
	const webhook = await test.createWebhook(NOBODY_LISTENS, { headers: { "x-token": "secret" } });
	const eventIds: string[] = [];
	// One after the other, since the order in which several attempts end is not a matter of chance.
	for (let count = 0; count < 3; count++) {
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		eventIds.push(eventId);
	}
	const deliveries = await test.deliveries();
	const attempts = await Promise.all(deliveries.map(({ id }) => test.attempts(id)));
	const signals: readonly LiveSignal[] = (await live.next()) ?? [];
	return {
		workspace: engine.workspace,
		projects: engine.projects.list(),
		key,
		secretKey,
		webhook,
		sealed: (await allWebhooks(store)).map(({ secrets, sealedHeaders }) => ({ secrets, sealedHeaders })),
		eventIds,
		deliveries: deliveries.map(({ id, nextAttemptAt }) => ({ id, nextAttemptAt })),
		attemptIds: attempts.flat().map(({ id }) => id),
		liveId: signals.find((signal) => signal.type === "item")?.item.id,
	};
}

it("the same seed and the same calls make the same ids, keys, secrets, nonces and waits, and another seed does not", async () => {
	const [first, again, other] = [await history(1), await history(1), await history(2)];
	expect(again).toEqual(first);
	for (const [name, made] of Object.entries(first)) expect({ name, made: other[name] }).not.toEqual({ name, made });
});
