// Changes that people make on the embedded store, beside commits. The thread and the file are real; what the thread is sent is counted.
import type { Worker } from "node:worker_threads";

import { describe, expect, it } from "vitest";

import { customerScope } from "../../../core/access/principal.ts";
import { ManualClock } from "../../../core/manual-clock.ts";
import { fillStore } from "../../../ports/contract/store/records/records.ts";
import type { Store } from "../../../ports/store/store.ts";
import { openThreads } from "../test/open-threads.ts";
import type { CallMessage } from "./thread-messages.ts";
import { Writes } from "./writes.ts";

const AT = 1;

/** A store in its threads, with several projects. */
async function open() {
	const opened = await openThreads({ clock: new ManualClock() });
	const { store } = opened;
	const world = await fillStore(store);
	const { records, projectId } = world;
	const others = Array.from({ length: 4 }, () => records.project());
	for (const other of others) await store.insertProject(other, null);
	/** Changes what is kept of a customer, for somebody. */
	const change = (customerId: string, name = "n", project = projectId) => {
		const entry = records.entry({ keyId: "key_1", projectId: project });
		return store.updateCustomer(customerScope(project, customerId), { name }, { at: AT, entry });
	};
	return { ...opened, ...world, change, otherIds: others.map(({ id }) => id) };
}

/** The calls that the thread is sent from now on. */
function watch(worker: Worker): readonly CallMessage[] {
	const sent: CallMessage[] = [];
	const post = worker.postMessage.bind(worker);
	worker.postMessage = (message: CallMessage, transferred) => {
		sent.push(message);
		post(message, transferred);
	};
	return sent;
}

function namesOf(calls: readonly CallMessage[]): string[] {
	return calls.map(({ name }) => name);
}

/** Some changes that are asked for at once. */
function changes<T>(count: number, change: (n: number) => Promise<T>): Promise<T[]> {
	return Promise.all(Array.from({ length: count }, (_, n) => change(n)));
}

const COMMIT: Parameters<Store["commit"]>[0] = { events: [], updates: [] };

describe("changes on the embedded store", () => {
	it("stand before a commit one by one, however many a project asks for, and two at most of all projects", async () => {
		const { store, worker, change, otherIds } = await open();
		const sent = watch(worker);
		const asked = [changes(200, (n) => change(`c${n}`))];
		const first = store.commit(COMMIT);
		expect(namesOf(sent)).toEqual(["updateCustomer", "commit"]);
		for (const other of otherIds) asked.push(changes(20, (n) => change(`c${n}`, "n", other)));
		const second = store.commit(COMMIT);
		expect(namesOf(sent)).toEqual(["updateCustomer", "commit", "updateCustomer", "commit"]);
		await Promise.all([first, second, ...asked]);
		expect(namesOf(sent).filter((name) => name === "updateCustomer")).toHaveLength(280);
	});

	it("of a project and of a customer come soon, while another project and another customer ask for many", async () => {
		const { worker, change, otherIds } = await open();
		const [other = ""] = otherIds;
		const sent = watch(worker);
		const many = [changes(100, () => change("greedy")), changes(100, () => change("greedy", "n", other))];
		await changes(2, () => change("modest"));
		expect(sent.length).toBeLessThan(15);
		await Promise.all(many);
	});

	it("are made in the order in which their caller has asked for them", async () => {
		const { store, change, projectId } = await open();
		await changes(50, (n) => change("c", `n${n}`));
		expect(await store.customer(customerScope(projectId, "c"))).toMatchObject({ name: "n49" });
	});

	it("that the server makes by itself come before those that people ask for in the same project", async () => {
		const { store, records, worker, change, webhookId } = await open();
		const sent = watch(worker);
		const asked = changes(100, (n) => change(`c${n}`));
		const [record] = await store.webhookRecords([webhookId]);
		const entry = records.entry({ projectId: record!.projectId });
		await store.updateWebhook({ ...record!, status: "Disabled" }, { expected: record!.revision, entry });
		expect(namesOf(sent).indexOf("updateWebhook")).toBeLessThan(5);
		await asked;
	});

	it("that take access away come before all others, however many are asked for", async () => {
		const { store, records, worker, change, projectId } = await open();
		const key = records.key("write", projectId);
		await store.insertKey(key, null);
		const sent = watch(worker);
		const asked = Promise.allSettled(Array.from({ length: 1_100 }, (_, n) => change(`c${n}`)));
		await store.deleteKey(key.id, records.entry({ keyId: "key_1", projectId }));
		expect(namesOf(sent).indexOf("deleteKey")).toBeLessThan(5);
		await asked;
	});

	it("that wait when the store is closed are still made, and new ones are refused", async () => {
		const { store, change } = await open();
		const asked = changes(20, (n) => change(`c${n}`));
		const closed = store.close();
		await expect(change("late")).rejects.toMatchObject({ code: "store_unavailable" });
		expect(await asked).toHaveLength(20);
		await closed;
	});

	it("that wait when the thread ends all reject", async () => {
		const { worker, died, change } = await open();
		const asked = Array.from({ length: 20 }, (_, n) => change(`c${n}`));
		const settled = Promise.allSettled(asked);
		void worker.terminate();
		const reason = await died;
		const refused = (await settled).filter(({ status }) => status === "rejected");
		expect(refused.length).toBeGreaterThan(10);
		for (const one of refused) expect(one).toMatchObject({ reason });
	});
});

describe("too many changes of a project", () => {
	/** Changes whose thread answers none. */
	function hold() {
		const clock = new ManualClock();
		const writes = new Writes(clock);
		const change = (customerId: string, projectId = "p", keyId: string | null = "key_1") =>
			writes.run(
				"updateCustomer",
				[{ projectId, customerId }, {}, { at: AT, entry: { keyId, customerId: null } }],
				() => new Promise(() => {}),
			);
		return { clock, change };
	}

	it("are refused: 768 of one customer, 1,024 of all, and none of another project", async () => {
		const { change } = hold();
		for (let n = 0; n < 769; n++) void change("greedy");
		const refusal = { code: "store_overloaded", message: expect.stringContaining("wait already") };
		await expect(change("greedy")).rejects.toMatchObject(refusal);
		for (let n = 0; n < 256; n++) void change(`c${n}`);
		await expect(change("last")).rejects.toMatchObject(refusal);
		const others = [change("greedy", "q"), change("greedy", "q"), change("greedy", "p", null)];
		expect(await Promise.race([...others, Promise.resolve("they wait")])).toBe("they wait");
	});

	it("are refused after five seconds, except for those that the server makes by itself", async () => {
		const { clock, change } = hold();
		void change("a");
		const late = change("a");
		const own = change("a", "p", null);
		clock.advance(4_999);
		expect(await Promise.race([late, Promise.resolve("it waits")])).toBe("it waits");
		clock.advance(1);
		await expect(late).rejects.toMatchObject({
			code: "store_overloaded",
			message: expect.stringContaining("too long"),
		});
		clock.advance(60_000);
		expect(await Promise.race([own, Promise.resolve("it waits")])).toBe("it waits");
	});
});
