// A server on a small disk that a test fills, and what is expected of it then: no acknowledged event is lost, and new ones are refused.
import { eventually } from "@fanfare/testkit/eventually";
import type { Receiver } from "@fanfare/testkit/receiver";
import type { Answer, ServerProcess } from "@fanfare/testkit/server-process";
import type { SmallDisk } from "@fanfare/testkit/small-disk";
import { expect } from "vitest";

export const DISK_MIB = 32;
export const PAYLOAD = "x".repeat(16 * 1_024);
/** The number of attempts whose responses come only after the disk is full. */
const IN_FLIGHT = 5;
/** Without a quota of bytes, the only project would be refused before the disk is full. */
export const QUOTA = { FANFARE_MAX_STORED_BYTES: "1000000000" };
/** The attempts without a response must not time out while the disk is filled, also on a slow machine. */
export const PATIENT = { timeoutMs: 30_000 };

export function send(server: ServerProcess, data: unknown): Promise<Answer> {
	return server.call("POST", `/projects/${server.projectId}/events`, { type: "a.b", data });
}

/**
 * Fills the disk with events, while attempts are in flight that get a response with this status when `answer` is called. Returns the ids
 * of the acknowledged events, first those of these attempts.
 */
export async function fillWithEvents(disk: SmallDisk, server: ServerProcess, receiver: Receiver, status = 200) {
	const { promise, resolve } = Promise.withResolvers<void>();
	receiver.script(async (_request, index) => {
		await promise;
		return index < IN_FLIGHT ? { status } : {};
	});
	const answers = await Promise.all(Array.from({ length: IN_FLIGHT }, (_, n) => send(server, n)));
	await receiver.waitFor(IN_FLIGHT);
	const inFlight = answers.map(({ json }) => idOf(json));
	disk.fill(512 * 1_024);
	const acknowledged = [...inFlight, ...(await sendUntilFull(server))];
	disk.fill();
	return { inFlight, acknowledged, answer: resolve };
}

/** Sends large events and then small ones until none is accepted. Returns the ids of the acknowledged ones. */
async function sendUntilFull(server: ServerProcess): Promise<string[]> {
	const ids: string[] = [];
	for (const data of [PAYLOAD, "small"]) {
		let answer = await send(server, data);
		for (; answer.status === 202; answer = await send(server, data)) ids.push(idOf(answer.json));
		expectStoreFull(answer);
	}
	return ids;
}

export async function expectFull(server: ServerProcess): Promise<void> {
	expectStoreFull(await send(server, PAYLOAD));
	const batch = {
		events: [
			{ type: "a.b", data: PAYLOAD },
			{ type: "a.b", data: 2 },
		],
	};
	expectStoreFull(await server.call("POST", `/projects/${server.projectId}/events:batch`, batch));
	// At once, also while the small write of the check itself succeeds.
	const ready = await server.call("GET", "/readyz");
	expect([ready.status, ready.json]).toMatchObject([
		503,
		{ ready: false, checks: { store: { ok: false, message: expect.stringContaining("full") } } },
	]);
	// Small writes succeed until they have used up the last pages of the write-ahead log.
	const webhook = { name: "no room", spec: { endpoint: "http://127.0.0.1:9/", eventTypes: ["never.sent"] } };
	const create = () => server.call("POST", `/projects/${server.projectId}/batch/webhooks`, webhook);
	let created = await create();
	while (created.status === 200) created = await create();
	expectStoreFull(created);
}

function expectStoreFull({ status, json, headers }: Answer): void {
	expect([status, json]).toMatchObject([503, { code: "store_full" }]);
	expect(headers.get("retry-after")).toMatch(/^\d+$/);
}

export async function expectDelivered(server: ServerProcess, eventIds: readonly string[]): Promise<void> {
	const { deliveries } = server.project;
	const isIdle = async () => (await deliveries.list({ status: "Pending", limit: 1 })).data.length === 0;
	await eventually("all deliveries to end", isIdle);
	const succeeded = await Array.fromAsync(deliveries.list({ status: "Succeeded" }));
	expect(new Set(succeeded.map(({ eventId }) => eventId))).toEqual(new Set(eventIds));
	expect(await Array.fromAsync(server.project.events.list())).toHaveLength(eventIds.length);
}

/** Also expects one attempt per delivery, which the receiver has seen. */
export async function expectDeliveredOnce(
	server: ServerProcess,
	receiver: Receiver,
	eventIds: readonly string[],
): Promise<void> {
	await expectDelivered(server, eventIds);
	const attempted = receiver.requests.map(({ headers }) => String(headers["webhook-id"]));
	expect(attempted.sort()).toEqual([...eventIds].sort());
	for (const delivery of (await server.project.deliveries.list()).data) {
		expect(delivery).toMatchObject({ attemptCount: 1, responseCode: 200 });
	}
}

export function idOf(json: unknown): string {
	return (json as { id: string }).id;
}
