// Several whole engines on one database, of which one is killed, stands still, joins or leaves: no delivery is lost.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { afterEach, beforeEach, expect, it } from "vitest";

import type { Change } from "../../../engine/calls.ts";
import { changeIn } from "../../../engine/test/test-engine.ts";
import { ANY_DELIVERY } from "../../../ports/contract/store/records/records.ts";
import type { LoggedDelivery } from "../../../ports/store/log.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { startOwner, TestProcesses, type TestProcess } from "../test/test-process.ts";

const WAIT = { interval: 20 };
const WEBHOOKS = 12;
/** How many deliveries wait at most before the next event is sent, so that a slow machine is not given more than it can do. */
const MOST_WAITING = 3_000;

describeOnPostgres("engines on PostgreSQL", (database) => {
	const processes = new TestProcesses(() => database.url);
	let receiver: Receiver;
	beforeEach(async () => {
		await database.openEmpty();
		receiver = await startReceiver();
	});
	afterEach(async () => {
		await processes.stop();
		await receiver[Symbol.asyncDispose]();
	});

	const createWebhooks = async (by: TestProcess): Promise<void> => {
		for (let n = 0; n < WEBHOOKS; n++) await by.createWebhook(receiver.url);
	};
	/** Events that processes send, one after the other, while `sending.isOn`. */
	const load = () => {
		const accepted = new Set<string>();
		const sending = { isOn: true };
		const hasRoom = () => accepted.size * WEBHOOKS - receiver.requests.length < MOST_WAITING;
		const send = async (by: TestProcess) => {
			while (sending.isOn) {
				accepted.add(await by.send());
				if (!hasRoom()) await expect.poll(() => hasRoom() || !sending.isOn, WAIT).toBe(true);
			}
		};
		return { accepted, sending, send };
	};
	/** Of these events: how often the one was received that was received the least; and of all, how many requests were repeated. */
	const counted = (accepted: ReadonlySet<string>) => {
		const counts = new Map<string, number>();
		for (const { headers } of receiver.requests) {
			const id = String(headers["webhook-id"]);
			counts.set(id, (counts.get(id) ?? 0) + 1);
		}
		const least = Math.min(...[...accepted].map((id) => counts.get(id) ?? 0));
		const twice = [...counts.values()].reduce((sum, count) => sum + Math.max(0, count - WEBHOOKS), 0);
		return { least, twice };
	};
	const calls = {
		cancels: async ({ engine }: TestProcess, change: Change, delivery: LoggedDelivery) => {
			await engine.deliveries.cancel(change, delivery.id);
		},
		"cancels many": async ({ engine }: TestProcess, change: Change, { eventId }: LoggedDelivery) => {
			await engine.deliveries.cancelMany(change, { ...ANY_DELIVERY, eventId, statuses: ["Pending"] });
		},
		erases: async ({ engine }: TestProcess, change: Change, { eventId }: LoggedDelivery) => {
			await engine.events.erasePayload(change, eventId);
		},
	};
	it.each([
		["cancels", "goes on in time"],
		["cancels", "has lost its tenure"],
		["cancels many", "has lost its tenure"],
		["erases", "goes on in time"],
		["erases", "has lost its tenure"],
	] as const)("answer a call that %s when an owner that stood still %s", async (call, end) => {
		const { owner, other, answerFirst } = await startOwner(processes, receiver);
		await owner.send();
		await receiver.waitFor(1);
		const [ended, last] = [await owner.send(), await owner.send()];
		const change = changeIn(owner.projectId);
		const filter = { ...ANY_DELIVERY, eventId: ended };
		const { rows } = await other.store.deliveries(change.scope, filter, { limit: 1, cursor: null });
		owner.freeze();
		const answered = calls[call](other, change, rows[0]!);
		if (end === "goes on in time") {
			await expect.poll(() => database.count("owner_notes WHERE NOT is_done"), WAIT).toBeGreaterThan(0);
			owner.resume();
			await answered;
		} else {
			await answered;
			const member = owner.member.memberId();
			owner.resume();
			expect(member).toBeNull();
		}
		answerFirst({});
		await other.drained();
		const attempted = receiver.requests.map(({ headers }) => headers["webhook-id"]);
		expect(attempted).toContain(last);
		expect(attempted).not.toContain(ended);
	});

	it.each(["is killed", "stands still for longer than its tenure, and goes on"])(
		"lose nothing when a process %s, and repeat only what it had under way",
		async (what) => {
			const [a, b, c] = (await processes.start(3)) as [TestProcess, TestProcess, TestProcess];
			await createWebhooks(a);
			const { accepted, sending, send } = load();
			const senders = [send(a), send(b)];
			// The last send of one that is killed has no answer.
			const last = send(c).catch(() => {});
			await expect.poll(() => c.observer.attempts.length, WAIT).toBeGreaterThan(50);
			if (what === "is killed") c.kill();
			else c.freeze();
			const underWay = c.engine.gauges().inFlightAttempts;
			await processes.share([a, b]);
			const goesOn = what === "is killed" ? a : c;
			const before = goesOn.observer.attempts.length;
			if (goesOn === c) {
				c.resume();
				await processes.share();
			}
			await expect.poll(() => goesOn.observer.attempts.length, WAIT).toBeGreaterThan(before + 50);
			sending.isOn = false;
			await Promise.all(goesOn === c ? [...senders, last] : senders);
			await a.drained();
			const { least, twice } = counted(accepted);
			expect(least).toBeGreaterThanOrEqual(WEBHOOKS);
			// On a machine that is too busy, others have lost their tenure, too, and what they had under way is repeated.
			if ([a, b].every(({ member }) => member.notes.length === 0)) expect(twice).toBeLessThanOrEqual(underWay);
			if (goesOn === c) expect(c.member.notes).toEqual(["this process has lost its tenure"]);
		},
	);

	it("lose and repeat nothing while processes join and leave", async () => {
		const [a, b] = (await processes.start(2)) as [TestProcess, TestProcess];
		await createWebhooks(a);
		const sending = { isOn: true };
		let accepted = 0;
		const sender = (async () => {
			for (; sending.isOn; accepted++) await a.send();
		})();
		await processes.start(1);
		await processes.leave(b);
		sending.isOn = false;
		await sender;
		await a.drained();
		expect(receiver.requests).toHaveLength(accepted * WEBHOOKS);
	});
});
