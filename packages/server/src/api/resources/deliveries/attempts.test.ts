// The attempts of a delivery: the newest ones with the delivery, all of them in a list; and the limit of retries by hand.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { systemChance } from "../../../adapters/system/system-chance.ts";
import { generateSecret } from "../../../core/crypto/signing.ts";
import { MAX_RETRIES_BY_HAND } from "../../../core/delivery.ts";
import { encodeCursor } from "../../../core/page.ts";
import { Records } from "../../../ports/contract/store/records/records.ts";
import { caller, type Answer } from "../../test/caller.ts";
import { apiRoutes } from "../table.ts";

const UUID = "01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";

/** A delivery with `count` attempts, of which the first is on schedule and the others are retries by hand. */
async function withAttempts(count: number) {
	const api = await caller();
	await api.makeWebhook();
	const sent = await api.call("POST", "./events", { type: "a", data: 1 });
	const { id } = await api.test.delivery(sent.json["id"] as string, { status: "Pending", attemptCount: 1 });
	const records = new Records();
	const updates = Array.from({ length: count - 1 }, (_, index) => records.failureByHand(id, index + 2));
	await api.test.store.commit({ events: [], updates });
	return { ...api, id, path: `./deliveries/${id}` };
}

function numbersOf(rows: unknown): number[] {
	return (rows as { number: number }[]).map(({ number }) => number);
}

function countDown(from: number, to: number): number[] {
	return Array.from({ length: from - to + 1 }, (_, index) => from - index);
}

function schemaOf(id: string) {
	return apiRoutes().find((route) => route.id === id)?.answers[200]?.schema;
}

function problemOf({ status, json }: Answer) {
	return [status, json["code"]];
}

describe("the headers of an attempt", () => {
	it("show a key that only reads neither whole signatures nor cookies", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ headers: { "set-cookie": "session=s3cret", "x-region": "eu" } }));
		const { call, keys, makeWebhook, test } = await caller();
		const id = await makeWebhook(receiver.url);
		await call("PUT", `./batch/webhooks/${id}/secret`, { contents: generateSecret(systemChance) });
		const sent = await call("POST", "./events", { type: "a", data: 1 });
		const delivery = await test.delivery(sent.json["id"] as string, { status: "Succeeded" });
		const signature = String(receiver.requests[0]?.headers["webhook-signature"]);
		expect(signature).toMatch(/^v1,\S{44} v1,\S{44}$/);

		const shownTo = async (key: string) => {
			const headers = { "secret-key": key };
			const detailed = await call("GET", `./deliveries/${delivery.id}`, undefined, headers);
			const listed = await call("GET", `./deliveries/${delivery.id}/attempts`, undefined, headers);
			expect(listed.json["data"]).toEqual(detailed.json["attempts"]);
			expect(schemaOf("getDelivery")?.parse(detailed.json)).toEqual(detailed.json);
			return detailed.json["attempts"];
		};
		const seen = (signature: string, cookie: string) => [
			{
				request: { headers: { "webhook-id": sent.json["id"], "webhook-signature": signature } },
				response: { headers: { "set-cookie": cookie, "x-region": "eu" } },
			},
		];
		for (const key of [keys.write, keys.project]) {
			expect(await shownTo(key)).toMatchObject(seen(signature, "session=s3cret"));
		}
		const beginnings = signature.split(" ").map((one) => `${one.slice(0, 11)}…`);
		for (const key of [keys.read, keys.projectRead]) {
			expect(await shownTo(key)).toMatchObject(seen(beginnings.join(" "), "***"));
		}
	});
});

describe("a delivery", () => {
	it("shows up to 100 attempts, and says that these are all", async () => {
		const { call, path } = await withAttempts(100);
		const { json } = await call("GET", path);
		expect(numbersOf(json["attempts"])).toEqual(countDown(100, 1).toReversed());
		expect(json).toMatchObject({ attemptCount: 100, hasMoreAttempts: false });
	});

	it("shows the newest 100 of more attempts, in the order of their numbers, and says that there are more", async () => {
		const { call, path } = await withAttempts(101);
		const { json } = await call("GET", path);
		expect(numbersOf(json["attempts"])).toEqual(countDown(101, 2).toReversed());
		expect(json).toMatchObject({ attemptCount: 101, hasMoreAttempts: true });
		expect(schemaOf("getDelivery")?.parse(json)).toEqual(json);
	});

	it("can be retried by hand 100 times, and the response says what to do then", async () => {
		const { call, path } = await withAttempts(MAX_RETRIES_BY_HAND + 1);
		const refused = await call("POST", `${path}:retry`);
		expect(problemOf(refused)).toEqual([409, "too_many_retries"]);
		expect(refused.json["message"]).toMatch(/retried by hand 100 times.*replay it/);
		const many = await call("POST", "./deliveries:retry", { status: "Pending" });
		expect(many.json).toEqual({ object: "deliveriesChanged", matched: 1, changed: 0, complete: true, nextPage: null });
	});
});

describe("the list of attempts", () => {
	it("has all attempts, newest first, as the delivery shows them", async () => {
		const { call, path } = await withAttempts(101);
		const { status, json } = await call("GET", `${path}/attempts`);
		expect(status).toBe(200);
		expect(json).toMatchObject({ nextPage: null, prevPage: null });
		expect(numbersOf(json["data"])).toEqual(countDown(101, 1));
		expect(schemaOf("listAttempts")?.parse(json)).toEqual(json);
		const { json: delivery } = await call("GET", path);
		expect((json["data"] as unknown[]).slice(0, 100)).toEqual((delivery["attempts"] as unknown[]).toReversed());
	});

	it("goes from page to page and back", async () => {
		const { call, path } = await withAttempts(5);
		const read = async (query: string) => {
			const { json } = await call("GET", `${path}/attempts?limit=2${query}`);
			return { numbers: numbersOf(json["data"]), next: json["nextPage"], prev: json["prevPage"] };
		};
		const first = await read("");
		expect(first).toEqual({ numbers: [5, 4], next: expect.stringMatching(/^[A-Za-z0-9_-]+$/), prev: null });
		const second = await read(`&page=${String(first.next)}&`);
		expect(second).toMatchObject({ numbers: [3, 2], prev: expect.any(String) });
		expect(await read(`&page=${String(second.next)}`)).toMatchObject({ numbers: [1], next: null });
		expect(await read(`&page=${String(second.prev)}`)).toMatchObject({ numbers: [5, 4], prev: null });
	});

	it.each([`dlv_${UUID}`, "0", "01", "-1", "1.5", "9".repeat(16)])("refuses a cursor to %s", async (id) => {
		const { call, path } = await withAttempts(1);
		const page = encodeCursor({ direction: "older", id });
		expect(problemOf(await call("GET", `${path}/attempts?page=${page}`))).toEqual([400, "invalid_cursor"]);
	});

	it("refuses a limit above 1,000 and unknown fields", async () => {
		const { call, path } = await withAttempts(1);
		for (const query of ["limit=0", "limit=1001", "status=Failed"]) {
			expect((await call("GET", `${path}/attempts?${query}`)).status).toBe(400);
		}
	});

	it("is a 404 for a delivery that does not exist, and for one of another project", async () => {
		const { id } = await withAttempts(1);
		const other = await caller();
		for (const deliveryId of ["dlv_1", `dlv_${UUID}`, id]) {
			const delivery = await other.call("GET", `./deliveries/${deliveryId}`);
			const attempts = await other.call("GET", `./deliveries/${deliveryId}/attempts`);
			expect(problemOf(attempts)).toEqual([404, "delivery_not_found"]);
			expect(attempts.json["message"]).toBe(delivery.json["message"]);
		}
	});
});
