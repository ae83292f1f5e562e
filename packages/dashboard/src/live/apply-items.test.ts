// What items change in the query cache, and what they leave as it is.
import type { Delivery, Replay, StreamItem } from "@fanfare/sdk";
import { QueryClient } from "@tanstack/react-query";
import { expect, it, vi } from "vitest";

import { applyItems } from "./apply-items.ts";

const PROJECT = "proj_1";
const LIST = ["project", PROJECT, "deliveries", {}, 100];
const delivery = { id: "dlv_1", status: "Pending", lastAttempt: null } as Delivery;
const succeeded = {
	kind: "attempt.finished",
	deliveryId: "dlv_1",
	number: 1,
	result: "success",
	responseCode: 204,
	error: null,
	durationMs: 5,
	trigger: "auto",
	date: 1_000,
} as StreamItem;

function pagesOf<Row>(...data: Row[]) {
	return { pages: [{ data, nextPage: null }], pageParams: [null] };
}

it("a row that changes in a list that is to be fetched again leaves that so", async () => {
	const client = new QueryClient();
	client.setQueryData(LIST, pagesOf(delivery), { updatedAt: 7 });
	await client.invalidateQueries({ queryKey: LIST });
	applyItems(client, PROJECT, [succeeded]);
	expect(client.getQueryData(LIST)).toMatchObject({ pages: [{ data: [{ status: "Succeeded", responseCode: 204 }] }] });
	expect(client.getQueryState(LIST)).toMatchObject({ isInvalidated: true, dataUpdatedAt: 7 });
});

it("the progress of a replay leaves a list that is to be fetched again so", async () => {
	const client = new QueryClient();
	const replay = { id: "replay_1", status: "Running", deliveryCount: 0 } as Replay;
	const [one, list] = [
		["project", PROJECT, "replay", replay.id],
		["project", PROJECT, "replays", {}],
	];
	client.setQueryData(one, replay);
	client.setQueryData(list, pagesOf(replay));
	await client.invalidateQueries();
	const item = { kind: "replay.updated", replayId: replay.id, status: "Running", deliveryCount: 3 } as StreamItem;
	applyItems(client, PROJECT, [item]);
	expect(client.getQueryData(one)).toMatchObject({ deliveryCount: 3 });
	expect(client.getQueryData(list)).toMatchObject({ pages: [{ data: [{ deliveryCount: 3 }] }] });
	for (const key of [one, list]) expect(client.getQueryState(key)?.isInvalidated).toBe(true);
});

it("a replay says that it waits until an item says that it does no more", () => {
	const client = new QueryClient();
	const replay = { id: "replay_1", status: "Running", deliveryCount: 0 } as Replay;
	const one = ["project", PROJECT, "replay", replay.id];
	client.setQueryData(one, replay);
	const item = { kind: "replay.updated", replayId: replay.id, status: "Running", deliveryCount: 0 } as const;
	applyItems(client, PROJECT, [{ ...item, waitingFor: "storedBytes" } as StreamItem]);
	expect(client.getQueryData(one)).toMatchObject({ waitingFor: "storedBytes" });
	applyItems(client, PROJECT, [item as StreamItem]);
	expect(client.getQueryData(one)).not.toHaveProperty("waitingFor");
});

it("the deliveries that a replay makes are asked for some seconds later, once for all items until then", async () => {
	vi.useFakeTimers();
	try {
		const client = new QueryClient();
		client.setQueryData(LIST, pagesOf(delivery));
		const progress = (deliveryCount: number) =>
			({ kind: "replay.updated", replayId: "replay_1", status: "Running", deliveryCount }) as StreamItem;
		applyItems(client, PROJECT, [progress(0)]);
		await vi.advanceTimersByTimeAsync(60_000);
		expect(client.getQueryState(LIST)?.isInvalidated).toBe(false);
		applyItems(client, PROJECT, [progress(0)]);
		applyItems(client, PROJECT, [progress(2)]);
		expect(client.getQueryState(LIST)?.isInvalidated).toBe(false);
		await vi.advanceTimersByTimeAsync(60_000);
		expect(client.getQueryState(LIST)?.isInvalidated).toBe(true);
	} finally {
		vi.useRealTimers();
	}
});
