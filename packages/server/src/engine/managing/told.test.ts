// What a call that cancels deliveries answers if the other processes, which may have them in memory, were perhaps not told.
import { expect, it, onTestFinished } from "vitest";

import { createAloneWire } from "../../adapters/alone/alone-wire.ts";
import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { customerScope } from "../../core/access/principal.ts";
import { SHARDS } from "../../core/cluster/shard.ts";
import { changePosition } from "../../core/page.ts";
import { ANY_DELIVERY } from "../../ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../ports/store/log.ts";
import type { Wire } from "../../ports/wire.ts";
import { codeOf, newPortalSession, NOBODY } from "../test/arrangements.ts";
import { ScriptedCluster } from "../test/scripted-cluster.ts";
import { eventually, membershipOf, openTestEngine, type TestEngine } from "../test/test-engine.ts";

/** An engine that holds no webhook, what the owner of all of them is told, and a call that sends an event which waits for the owner. */
async function openBesideOwner() {
	const store = await openSqliteStore({ path: ":memory:" });
	onTestFinished(() => store.close());
	const cluster = new ScriptedCluster();
	const { tenure, wire } = cluster.join("self", []);
	const allShards = Array.from({ length: SHARDS }, (_, shard) => shard);
	const noted: string[] = [];
	cluster.join("owner", allShards).listener = {
		handedOver() {},
		handOffsMissed() {},
		noted(note) {
			if (note.kind !== "discard many") return;
			noted.push(...note.deliveryIds, ...(note.eventId === null ? [] : [note.eventId]));
		},
		sessionsChanged() {},
	};
	const member = { isMember: true };
	const test = await openTestEngine({ store, tenure, wire, membership: membershipOf(member) });
	onTestFinished(() => test[Symbol.asyncDispose]());
	await test.createWebhook(NOBODY);
	const { deliveries, events } = test.engine;
	return {
		cluster,
		member,
		noted,
		test,
		/** The id of a new delivery that waits. */
		pending: async () => (await test.delivery(await test.send(), { status: "Pending" })).id,
		cancel: (id: string) => deliveries.cancel(test.change, id),
		cancelMany: (filter: Partial<DeliveryFilter> = {}, place?: string) =>
			deliveries.cancelMany(test.change, { ...ANY_DELIVERY, ...filter }, place),
		erase: (eventId: string) => events.erasePayload(test.change, eventId),
	};
}

/** Cancels a delivery as another process does, which tells nobody. */
async function cancelElsewhere({ store, clock }: TestEngine, deliveryId: string): Promise<void> {
	const change = { type: "cancel", reason: "cancelled by hand" } as const;
	await store.commit({ events: [], updates: [{ deliveryId, change, attempt: null, at: clock.now(), entry: null }] });
}

const UNKNOWN = "outcome_unknown";
const NOT_CHANGEABLE = "delivery_not_changeable";

it("says of what was cancelled or erased that others may not know if they could not be told, and tells them when it is repeated", async () => {
	const { cluster, noted, test, cancel, cancelMany, erase } = await openBesideOwner();
	const [first, second, third] = [await test.send(), await test.send(), await test.send()];
	const { id } = await test.delivery(first, { status: "Pending" });
	const other = await test.delivery(third, { status: "Pending" });
	const updatedBefore = test.clock.now() + 1;
	cluster.notesToAll = "are lost";
	test.clock.advance(1_000);
	const calls = [() => cancel(id), () => erase(second), () => cancelMany({ updatedBefore })];
	for (const call of [...calls, ...calls]) expect(await codeOf(call)).toBe(UNKNOWN);
	for (const event of [first, second, third]) await test.delivery(event, { status: "Cancelled" });
	expect(noted).toEqual([]);
	cluster.notesToAll = "arrive";
	expect(await codeOf(cancel(id))).toBe(NOT_CHANGEABLE);
	expect(noted.splice(0)).toEqual([id]);
	expect(await erase(second)).toEqual({ cancelledCount: 0 });
	expect(noted.splice(0)).toContain(second);
	expect(await cancelMany({ updatedBefore })).toEqual({ matched: 0, changed: 0, complete: true, goesOnAt: null });
	// Of the first one, they were told by its own call.
	expect(noted).toEqual([other.id]);
});

it("tells the others nothing again, however often a call is repeated, unless they could not be told", async () => {
	const { cluster, noted, test, pending, cancel, cancelMany, erase } = await openBesideOwner();
	const [id, second, other] = [await pending(), await test.send(), await pending()];
	await erase(second);
	cluster.notesToAll = "are lost";
	expect(await codeOf(cancel(id))).toBe(UNKNOWN);
	cluster.notesToAll = "arrive";
	noted.length = 0;
	const again = async () => expect(await codeOf(cancel(id))).toBe(NOT_CHANGEABLE);
	const repeat = () => Promise.all([again(), erase(second), cancelMany()]);
	await Promise.all(Array.from({ length: 5 }, again));
	expect(noted.splice(0)).toEqual([id]);
	await repeat();
	expect(noted.splice(0)).toEqual([other]);
	await Promise.all(Array.from({ length: 5 }, repeat));
	expect(noted).toEqual([]);
});

// The clock of the other process can be behind: then its cancellation has the date of the first one.
it.each([1, 0])(
	"tells the others of a delivery that another process has cancelled again %i ms after a retry",
	async (ms) => {
		const { noted, test, pending, cancel } = await openBesideOwner();
		const id = await pending();
		await cancel(id);
		test.clock.advance(ms);
		await test.engine.deliveries.retry(test.change, id);
		test.clock.advance(ms);
		await cancelElsewhere(test, id);
		noted.length = 0;
		expect(await codeOf(cancel(id))).toBe(NOT_CHANGEABLE);
		expect(noted).toEqual([id]);
	},
);

it("tells the others nothing of what earlier calls with the same filter have cancelled", async () => {
	const { noted, test, pending, cancelMany } = await openBesideOwner();
	const [oldest, middle, newest] = [await pending(), await pending(), await pending()];
	for (const id of [oldest, middle, newest]) await cancelElsewhere(test, id);
	const change = await test.store.changeBound(test.scope, test.clock.now());
	await cancelMany({}, changePosition({ change, deliveryId: middle }));
	expect(noted.splice(0)).toEqual([oldest]);
	// What changed before that time is nothing, so this can't cancel anything.
	await cancelMany({ updatedBefore: 0 });
	expect(noted.toSorted()).toEqual([middle, newest].toSorted());
});

it("tells nobody again of what was cancelled long ago, or for another reason", async () => {
	const { noted, test, pending, cancel, cancelMany, erase } = await openBesideOwner();
	const [id, second] = [await pending(), await test.send()];
	await cancel(id);
	test.clock.advance(3_600_001);
	await erase(second);
	noted.length = 0;
	await cancelMany();
	expect(noted).toEqual([]);
});

it("says truly that all others know of what was cancelled or erased although the process has left them meanwhile", async () => {
	const { member, noted, test, pending, cancel, erase } = await openBesideOwner();
	const [id, second] = [await pending(), await test.send()];
	member.isMember = false;
	expect((await cancel(id)).status).toBe("Cancelled");
	expect(await erase(second)).toEqual({ cancelledCount: 1 });
	expect(noted).toContain(id);
});

it("goes on with other erasures while others have not answered for one, which is over when they have answered for all its steps", async () => {
	const held = Promise.withResolvers<"done" | "unreachable">();
	const slow = new Set<string>();
	let tellings = 0;
	const tellAll: Wire["tellAll"] = ({ deliveryIds }) => {
		if (!deliveryIds.some((id) => slow.has(id))) return Promise.resolve("done");
		tellings++;
		// The first one is about what was cancelled with the payload.
		return tellings === 1 ? Promise.resolve("done") : held.promise;
	};
	await using test = await openTestEngine({ wire: { ...createAloneWire(), tellAll }, limits: { eraseStep: 1 } });
	for (let n = 0; n < 4; n++) {
		const { id } = await test.createWebhook(NOBODY);
		await test.engine.webhooks.pause(test.change, id);
	}
	const [first, second] = [await test.send(), await test.send()];
	for (const { id } of await test.deliveries({ eventId: first })) slow.add(id);
	const { events } = test.engine;
	const erasing = events.erasePayload(test.change, first);
	await eventually("others are told of a step", () => tellings === 2);
	expect(await events.erasePayload(test.change, second)).toEqual({ cancelledCount: 4 });
	expect(tellings).toBe(2);
	held.resolve("unreachable");
	expect(await codeOf(erasing)).toBe(UNKNOWN);
	expect(tellings).toBeGreaterThan(2);
	for (const { status } of await test.deliveries({ eventId: first })) expect(status).toBe("Cancelled");
});

it("goes on with erasures of other projects while others do not know yet what a deletion of a customer has changed", async () => {
	const waits: (() => void)[] = [];
	const held = (): Promise<void> => new Promise((resolve) => void waits.push(resolve));
	// The call of the deletion is answered when others know that it has begun.
	let changes = -Infinity;
	const wire: Wire = {
		...createAloneWire(),
		sessionsEnded: held,
		changed: () => (++changes > 1 ? held() : Promise.resolve()),
	};
	await using test = await openTestEngine({ wire, limits: { eraseStep: 1 } });
	const { customers, events, portalSessions, projects, webhooks } = test.engine;
	const other = test.in((await projects.create("Other", null)).id);
	for (let n = 0; n < 2; n++) await test.createWebhook(NOBODY, { customerId: "acme" });
	for (let n = 0; n < 3; n++) {
		const { id } = await other.createWebhook(NOBODY);
		await webhooks.pause(other.change, id);
	}
	await portalSessions.create(test.change, newPortalSession());
	changes = 0;
	const acme = customerScope(test.projectId, "acme");
	await customers.delete({ scope: acme, audit: null });
	// Its portal session, and its webhooks.
	for (let step = 1; step <= 3; step++) {
		await eventually(`step ${step} waits`, () => waits.length === step);
		expect(await events.erasePayload(other.change, await other.send())).toEqual({ cancelledCount: 3 });
		expect(waits).toHaveLength(step);
		waits.at(-1)?.();
	}
	await eventually("the customer is deleted", async () => {
		test.clock.advance(10);
		return (await test.store.customer(acme)) === null;
	});
});
