// The attempts of a delivery: the newest ones with the delivery, all of them in a list; and the limit of retries by hand.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { systemChance } from "../../../adapters/system/system-chance.ts";
import { generateSecret } from "../../../core/crypto/signing.ts";
import { MAX_RETRIES_BY_HAND } from "../../../core/delivery.ts";
import { encodeCursor } from "../../../core/page.ts";
import { Records } from "../../../ports/contract/store/records/records.ts";
import { comparable, expectRefusals, NO_UUID, problem } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

/** A delivery with `count` attempts, of which the first is on schedule and the others are retries by hand. */
async function withAttempts(count: number) {
	const api = await caller();
	await api.makeWebhook();
	const { id } = await api.test.delivery(await api.sendEvent(), { status: "Pending", attemptCount: 1 });
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

describe("the headers of an attempt", () => {
	it("show a key that only reads neither whole signatures nor cookies", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ headers: { "set-cookie": "session=s3cret", "x-region": "eu" } }));
		const { call, get, keys, makeWebhook, sendEvent, test } = await caller();
		const id = await makeWebhook(receiver.url);
		await call("PUT", `./batch/webhooks/${id}/secret`, { contents: generateSecret(systemChance) });
		const eventId = await sendEvent();
		const delivery = await test.delivery(eventId, { status: "Succeeded" });
		const signature = String(receiver.requests[0]?.headers["webhook-signature"]);
		expect(signature).toMatch(/^v1,\S{44} v1,\S{44}$/);

		const shownTo = async (key: string) => {
			const detailed = await get(`./deliveries/${delivery.id}`, key);
			const listed = await get(`./deliveries/${delivery.id}/attempts`, key);
			expect(listed.json["data"]).toEqual(detailed.json["attempts"]);
			return detailed.json["attempts"];
		};
		const seen = (signature: string, cookie: string) => [
			{
				request: { headers: { "webhook-id": eventId, "webhook-signature": signature } },
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
	it("shows the newest 100 attempts, in the order of their numbers, and says whether there are more; their list has all", async () => {
		for (const count of [100, 101]) {
			const { get, path } = await withAttempts(count);
			const { json } = await get(path);
			expect(json).toMatchObject({ attemptCount: count, hasMoreAttempts: count > 100 });
			expect(numbersOf(json["attempts"])).toEqual(countDown(count, count - 99).toReversed());
			const { json: list } = await get(`${path}/attempts`);
			expect(list).toMatchObject({ nextPage: null, prevPage: null });
			expect(numbersOf(list["data"])).toEqual(countDown(count, 1));
			expect((list["data"] as unknown[]).slice(0, 100)).toEqual((json["attempts"] as unknown[]).toReversed());
		}
	});

	it("can be retried by hand 100 times, and the response says what to do then", async () => {
		const { call, path } = await withAttempts(MAX_RETRIES_BY_HAND + 1);
		const refused = await call("POST", `${path}:retry`);
		expect(refused).toMatchObject(problem(409, "too_many_retries"));
		expect(refused.json["message"]).toMatch(/retried by hand 100 times.*replay it/);
		const many = await call("POST", "./deliveries:retry", { status: "Pending" });
		expect(many.json).toEqual({ object: "deliveriesChanged", matched: 1, changed: 0, complete: true, nextPage: null });
	});
});

describe("the list of attempts", () => {
	it("goes from page to page and back", async () => {
		const { get, path } = await withAttempts(5);
		const read = async (query: string) => {
			const { json } = await get(`${path}/attempts?limit=2${query}`);
			return { numbers: numbersOf(json["data"]), next: json["nextPage"], prev: json["prevPage"] };
		};
		const first = await read("");
		expect(first).toEqual({ numbers: [5, 4], next: expect.stringMatching(/^[A-Za-z0-9_-]+$/), prev: null });
		const second = await read(`&page=${String(first.next)}&`);
		expect(second).toMatchObject({ numbers: [3, 2], prev: expect.any(String) });
		expect(await read(`&page=${String(second.next)}`)).toMatchObject({ numbers: [1], next: null });
		expect(await read(`&page=${String(second.prev)}`)).toMatchObject({ numbers: [5, 4], prev: null });
	});

	it("refuses cursors of other lists, a limit above 1,000 and unknown fields", async () => {
		const { get, path, ...api } = await withAttempts(1);
		for (const id of [`dlv_${NO_UUID}`, "0", "01", "-1", "1.5", "9".repeat(16)]) {
			const page = encodeCursor({ direction: "older", id });
			expect(await get(`${path}/attempts?page=${page}`)).toMatchObject(problem(400, "invalid_cursor"));
		}
		const list = `GET ${path}/attempts`;
		await expectRefusals(api, [
			[`${list}?limit=0`, "limit"],
			[`${list}?limit=1001`, "limit"],
			[`${list}?status=Failed`, "status"],
		]);
	});

	it("is a 404 for a delivery of another project, in the words for one that does not exist", async () => {
		const { id } = await withAttempts(1);
		const { get } = await caller();
		for (const deliveryId of ["dlv_1", `dlv_${NO_UUID}`, id]) {
			const [delivery, attempts] = [
				await get(`./deliveries/${deliveryId}`),
				await get(`./deliveries/${deliveryId}/attempts`),
			];
			expect(attempts).toMatchObject(problem(404, "delivery_not_found"));
			expect(comparable(attempts)).toEqual(comparable(delivery));
		}
	});
});
