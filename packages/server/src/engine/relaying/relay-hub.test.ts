// The hub of relays alone: answers and clients that come while it stores who is away, and what is left of it after a stop.
import { expect, it } from "vitest";

import { createAloneWire } from "../../adapters/alone/alone-wire.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { relayEndpoint } from "../../core/receivers/relay.ts";
import type { RelayedOutcome, RelayWire, RelayWireListener } from "../../ports/relay-wire.ts";
import { attemptOnce } from "../../ports/sender.ts";
import { RecordingObserver } from "../test/test-engine.ts";
import { RelayHub } from "./relay-hub.ts";

const WEBHOOK = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
const NOBODY = { principal: null, abandon: () => {} };
const PLAIN = { error: null, reason: null, detail: null, cause: null } as const;
const OUTCOME: RelayedOutcome = { ...PLAIN, responseCode: 204, firstByteMs: null, connection: null, response: null };
const status = (code: number) => ({ status: code, headers: [], body: new Uint8Array() });

/** A hub whose changes of the webhook wait until the test ends them. */
function openHub(relays: Partial<RelayWire> = {}, clock = new ManualClock(), maxStreams = 10) {
	const observer = new RecordingObserver();
	const changes: { readonly isAway: boolean; readonly end: PromiseWithResolvers<void> }[] = [];
	/** What is stored. */
	const stored = { isAway: false };
	let epoch = 0;
	const store = { holdRelay: async () => ++epoch, relaysSeen: async () => [] };
	let asked = 0;
	const alone = createAloneWire();
	const setAway = async (_: string, isAway: boolean) => {
		// As the directory has it: a change that is still being stored is not known there.
		if (stored.isAway === isAway) return false;
		const end = Promise.withResolvers<void>();
		changes.push({ isAway, end });
		await end.promise;
		stored.isAway = isAway;
		return true;
	};
	const hub = new RelayHub(
		{
			clock,
			observer,
			store,
			sealer: { seal: (bytes: Uint8Array) => bytes },
			wire: { ...alone, relays: { ...alone.relays, ...relays } },
		} as never,
		{ maxStreams },
		{ setAway, othersKnow: async () => void asked++ },
	);
	const send = (number = 1, webhookId = WEBHOOK, projectId = "p") =>
		attemptOnce(hub, {
			projectId,
			customerId: null,
			url: relayEndpoint(webhookId),
			headers: { "webhook-id": "event" },
			body: new Uint8Array(2),
			timeoutMs: 30_000,
			attempt: { requestId: `dlv.${number}`, deliveryId: "dlv", number, trigger: "auto" },
		});
	const open = async (webhookId = WEBHOOK, projectId = "p") => {
		const client = await hub.open(webhookId, projectId, NOBODY);
		if (client === null) throw new Error("the relay was not opened");
		return client;
	};
	return { hub, clock, observer, changes, stored, send, open, asked: () => asked };
}

/** Lets everything go on that waits for promises alone. */
function settled(): Promise<void> {
	return new Promise((resolve) => void setImmediate(resolve));
}

it("gives an answer to the request that is open now, also if one with its id was answered before", async () => {
	const { hub, send, open } = openHub();
	await open();
	const first = send();
	await hub.answer(WEBHOOK, "p", "dlv.1", status(500));
	expect(await first).toMatchObject({ responseCode: 500 });
	const again = send();
	await hub.answer(WEBHOOK, "p", "dlv.1", status(204));
	expect(await again).toMatchObject({ responseCode: 204 });
	await hub.answer(WEBHOOK, "p", "dlv.1", status(200));
});

it("resumes a relay whose client comes back while it is stored that it is away, also after a late answer", async () => {
	const { hub, clock, changes, stored, send, open } = openHub();
	const first = await open();
	const request = send();
	first.close();
	clock.advance(10_000);
	await settled();
	expect(changes.map(({ isAway }) => isAway)).toEqual([true]);
	await hub.answer(WEBHOOK, "p", "dlv.1", status(200));
	expect(await request).toMatchObject({ responseCode: 200 });
	await open();
	await settled();
	changes[0]?.end.resolve();
	await settled();
	changes[1]?.end.resolve();
	await settled();
	expect(hub.isHeld(WEBHOOK)).toBe(true);
	expect(stored.isAway).toBe(false);
});

it("resumes a relay whose client comes back before what has failed to be stored is tried again", async () => {
	const { hub, clock, changes, stored, send, open } = openHub();
	const first = await open();
	const request = send();
	first.close();
	clock.advance(10_000);
	changes[0]?.end.reject(new Error("the disk is full"));
	await settled();
	await hub.answer(WEBHOOK, "p", "dlv.1", status(200));
	await request;
	await open();
	clock.advance(1_000);
	for (let turn = 0; turn < 3; turn++) {
		await settled();
		for (const { end } of changes) end.resolve();
	}
	expect(stored.isAway).toBe(false);
});

it("does not count as unanswered what was given to a client that has gone, also if that answers other requests later", async () => {
	const { hub, clock, send, open } = openHub();
	const client = await open();
	const [first, second] = [send(1), send(2)];
	expect((await client.next())?.map(({ type }) => type)).toEqual(["ready", "request", "request"]);
	client.close();
	clock.advance(1_000);
	await hub.answer(WEBHOOK, "p", "dlv.1", status(200));
	expect(await first).toMatchObject({ responseCode: 200 });
	clock.advance(31_000);
	expect(await second).toMatchObject({ error: "away" });
});

it("gives back what a client that has returned has no time left to answer, and does not end its stream for that", async () => {
	const { hub, clock, send, open } = openHub();
	(await open()).close();
	const late = send();
	for (let times = 0; times < 3; times++) {
		clock.advance(9_000);
		(await open()).close();
	}
	// The time of the request is over, but not the wait for an answer that may be on its way.
	clock.advance(3_500);
	const client = await open();
	expect(await client.next()).toEqual([{ type: "ready" }]);
	expect(await late).toMatchObject({ error: "away", durationMs: 30_500 });
	clock.advance(3_000);
	expect(hub.isHeld(WEBHOOK)).toBe(true);
	const next = send(2);
	expect(await client.next()).toMatchObject([{ type: "request", request: { requestId: "dlv.2", timeoutMs: 30_000 } }]);
	await hub.answer(WEBHOOK, "p", "dlv.2", status(204));
	expect(await next).toMatchObject({ responseCode: 204 });
});

it("gives an event that is for many relays to one a millisecond, project by project, and to four in a turn of the event loop if very many wait", async () => {
	const turns: (() => void)[] = [];
	const clock = new ManualClock(undefined, { nextTurn: (fire) => void turns.push(fire) });
	const { hub, send, open } = openHub({}, clock, 1_000);
	const given: string[] = [];
	const relays = Array.from({ length: 106 }, (_, n) => ({
		projectId: n % 50 === 49 ? "q" : "p",
		webhookId: `${WEBHOOK.slice(0, -3)}${String(n).padStart(3, "0")}`,
	}));
	for (const { projectId, webhookId } of relays) {
		const client = await open(webhookId, projectId);
		await client.next();
		void client.next().then(() => given.push(projectId));
	}
	const sent = relays.map(({ projectId, webhookId }, n) => send(n, webhookId, projectId));
	await settled();
	// The first one finds nobody else. Then 105 wait, and 101 when the turn is over.
	for (const expected of ["p", "pqpq"]) {
		await settled();
		expect(given.splice(0).join("")).toBe(expected);
		expect(turns).toHaveLength(1);
		for (const fire of turns.splice(0)) fire();
	}
	await settled();
	expect(given.splice(0)).toEqual(["p"]);
	for (let waiting = 100; waiting > 0; waiting--) {
		expect(turns).toEqual([]);
		clock.advance(0);
		await settled();
		expect(given.splice(0)).toEqual([]);
		clock.advance(1);
		await settled();
		expect(given.splice(0)).toEqual(["p"]);
	}
	for (const [n, { projectId, webhookId }] of relays.entries()) {
		await hub.answer(webhookId, projectId, `dlv.${n}`, status(200));
	}
	expect(await Promise.all(sent)).toHaveLength(relays.length);
});

it("takes no time for a client that has gone before its turn", async () => {
	const turns: (() => void)[] = [];
	const { hub, send, open } = openHub({}, new ManualClock(undefined, { nextTurn: (fire) => void turns.push(fire) }));
	const given: number[] = [];
	const ids = [0, 1, 2].map((n) => `${WEBHOOK.slice(0, -1)}${n}`);
	const clients = await Promise.all(ids.map((id) => open(id)));
	for (const [n, client] of clients.entries()) {
		await client.next();
		void client.next().then((signals) => signals !== null && given.push(n));
	}
	const sent = ids.map((id, n) => send(n, id));
	await settled();
	clients[1]?.close();
	for (const fire of turns.splice(0)) fire();
	await settled();
	expect(given).toEqual([0, 2]);
	hub.abort();
	expect(await Promise.all(sent)).toHaveLength(ids.length);
});

it("stores nothing after a stop, which ends its clients", async () => {
	const { hub, clock, observer, changes, open } = openHub();
	const client = await open();
	hub.close();
	const stopped = hub.stop();
	expect(await client.next()).toMatchObject([{ type: "end", code: "stopped" }]);
	await stopped;
	clock.advance(60_000);
	await settled();
	expect([changes, observer.problems]).toEqual([[], []]);
});

it("lets nobody in who has gone while waiting for a turn, and keeps the client that came since", async () => {
	const { hub, open } = openHub();
	const client = await open();
	const gone = hub.open(WEBHOOK, "p", { ...NOBODY, isGone: () => true });
	await expect(gone).rejects.toMatchObject({ code: "too_many_streams" });
	expect((await client.next())?.map(({ type }) => type)).toEqual(["ready"]);
	expect(hub.isHeld(WEBHOOK)).toBe(true);
});

it("lets a project hold half of the streams that the others leave free, and a client that comes back take its place", async () => {
	const { open } = openHub();
	const openMost = async (projectId: string) => {
		for (let count = 0; count < 100; count++) {
			const refused = await open(`webhook_${projectId}_${count}`, projectId).catch((error: unknown) => error);
			if (!(refused instanceof Error)) continue;
			expect(refused).toMatchObject({ code: "too_many_streams", message: expect.stringMatching(/share/) });
			return count;
		}
		return 100;
	};
	// There are two for each live stream: 20.
	expect([await openMost("p"), await openMost("q"), await openMost("r")]).toEqual([10, 5, 2]);
	await open("webhook_p_0", "p");
	await expect(open("webhook_p_10", "p")).rejects.toMatchObject({ code: "too_many_streams" });
});

it("waits for other processes only when it has changed what they know", async () => {
	const { clock, changes, open, asked } = openHub({ isShared: true });
	const client = await open();
	await settled();
	expect(asked()).toBe(0);
	client.close();
	clock.advance(10_000);
	await settled();
	changes[0]?.end.resolve();
	await settled();
	expect([changes.length, asked()]).toEqual([1, 1]);
});

it("ends a client when a newer one has the relay in the store that was not let in", async () => {
	let isFailing = false;
	const hold = () => (isFailing ? Promise.reject(new Error("on purpose")) : Promise.resolve());
	const { open } = openHub({ isShared: true, hold });
	const older = await open();
	await older.next();
	const last = older.next();
	isFailing = true;
	await expect(open()).rejects.toThrow("on purpose");
	expect(await last).toMatchObject([{ type: "end", code: "replaced" }]);
});

it("takes an answer again that another process has taken, also if it is of a test, which no log has", async () => {
	let listener: RelayWireListener | undefined;
	const { hub, send, open } = openHub({
		isShared: true,
		listen: (one) => void (listener = one),
		announce: async () => null,
		withdraw: async () => null,
		answer: async () => false,
	});
	await open();
	const sent = send();
	await settled();
	await expect(hub.answer(WEBHOOK, "q", "dlv.2", status(204))).rejects.toMatchObject({ code: "request_not_open" });
	listener?.ended({ webhookId: WEBHOOK, requestId: "dlv.1" }, "answer", OUTCOME);
	expect(await sent).toMatchObject({ responseCode: 204 });
	await hub.answer(WEBHOOK, "p", "dlv.1", status(204));
	await expect(hub.answer(WEBHOOK, "q", "dlv.1", status(204))).rejects.toMatchObject({ code: "request_not_open" });
});
