// The key of a webhook over HTTP: set, found, changed, removed, refused, and hidden from those who could probe for it.
import { describe, expect, it } from "vitest";

import { comparable, expectRefusals, idsOf, type Refusal } from "../../test/answers.ts";
import { caller, type Answer, type Caller } from "../../test/caller.ts";

const spec = { endpoint: "https://example.com/hook" };

/** Creates a webhook with a key. */
async function create({ call }: Caller, key: string | null, more: object = {}): Promise<Answer> {
	return call("POST", "./batch/webhooks", { name: "a", key, spec, ...more });
}

describe("the key of a webhook", () => {
	it("is shown only if set, finds the webhook, and can be changed and removed", async () => {
		const api = await caller();
		const { call } = api;
		const plain = await create(api, null);
		expect(plain.json).not.toHaveProperty("key");
		const { json: created, status } = await create(api, "Orders:eu.1_-");
		expect([status, created["key"]]).toEqual([200, "Orders:eu.1_-"]);
		const id = String(created["id"]);
		const path = `./batch/webhooks/${id}`;
		const find = async (key: string) => idsOf(await call("GET", `./batch/webhooks?key=${key}`));
		expect(await find("Orders:eu.1_-")).toEqual([id]);
		expect(await find("orders:eu.1_-")).toEqual([]);
		expect(idsOf(await call("GET", "./batch/webhooks?q=ORDERS:"))).toEqual([id]);
		expect((await call("PATCH", path, { name: "b" })).json).toMatchObject({ name: "b", key: "Orders:eu.1_-" });
		expect((await call("PATCH", path, { key: "other" })).json["key"]).toBe("other");
		expect([await find("Orders:eu.1_-"), await find("other")]).toEqual([[], [id]]);
		expect((await call("PATCH", path, { key: null })).json).not.toHaveProperty("key");
		expect(await find("other")).toEqual([]);
		const entries = (await call("GET", `/workspace/audit?objectId=${id}&action=webhook.update`)).json["data"];
		expect((entries as { fields: string[] }[]).map(({ fields }) => fields)).toEqual([["key"], ["key"], ["name"]]);
	});

	it("is refused with a 409 that names the webhook that has it, and is free after that one is deleted", async () => {
		const api = await caller();
		const { call } = api;
		const holder = String((await create(api, "k")).json["id"]);
		const other = String((await create(api, "k2")).json["id"]);
		const refusal = {
			status: 409,
			json: {
				code: "webhook_key_exists",
				message: expect.stringContaining(holder),
				issues: [{ path: "key", message: `is the key of ${holder}` }],
			},
		};
		expect(await create(api, "k")).toMatchObject(refusal);
		expect(await create(api, "k", { customerId: "acme" })).toMatchObject(refusal);
		expect(await call("PATCH", `./batch/webhooks/${other}`, { key: "k", name: "c" })).toMatchObject(refusal);
		expect((await call("GET", `./batch/webhooks/${other}`)).json).toMatchObject({ name: "a", key: "k2" });
		expect((await call("PATCH", `./batch/webhooks/${holder}`, { key: "k" })).status).toBe(200);
		await call("DELETE", `./batch/webhooks/${holder}`);
		expect((await call("PATCH", `./batch/webhooks/${other}`, { key: "k" })).json["key"]).toBe("k");
	});

	it("is refused with other characters, empty, too long, or as no text", async () => {
		const api = await caller();
		const path = `./batch/webhooks/${await api.makeWebhook()}`;
		const keys = ["", "a b", "ä", "a/b", "x".repeat(129), 7, {}];
		await expectRefusals(api, [
			...keys.map((key): Refusal => ["POST ./batch/webhooks", "key", undefined, { name: "a", key, spec }]),
			...keys.map((key): Refusal => [`PATCH ${path}`, "key", undefined, { key }]),
		]);
	});

	it("can't be set by a customer, whether or not somebody has it, and finds a customer's own webhooks only", async () => {
		const api = await caller();
		const { call, tokenOf } = api;
		const mine = String((await create(api, "mine", { customerId: "acme" })).json["id"]);
		await create(api, "theirs", { customerId: "globex" });
		await create(api, "own");
		const headers = { "secret-key": await tokenOf("acme") };
		const answers: unknown[] = [];
		for (const key of ["theirs", "own", "mine", "nobodys"]) {
			const made = await call("POST", "./batch/webhooks", { name: "a", key, spec }, headers);
			const changed = await call("PATCH", `./batch/webhooks/${mine}`, { key }, headers);
			answers.push(comparable(made), comparable(changed));
		}
		const issues = [{ path: "key", message: expect.stringMatching(/only with an API key/) }];
		expect(answers[0]).toMatchObject({ status: 400, json: { code: "invalid_request", issues } });
		for (const answer of answers) expect(answer).toEqual(answers[0]);
		expect((await call("PATCH", `./batch/webhooks/${mine}`, { key: null }, headers)).status).toBe(400);
		expect((await call("PATCH", `./batch/webhooks/${mine}`, { name: "b" }, headers)).json["key"]).toBe("mine");
		expect((await call("POST", "./batch/webhooks", { name: "a", key: null, spec }, headers)).status).toBe(200);
		const find = async (key: string) => (await call("GET", `./batch/webhooks?key=${key}`, undefined, headers)).text;
		expect(await find("theirs")).toBe(await find("nobodys"));
		expect(await find("own")).toBe(await find("nobodys"));
		expect(idsOf(await call("GET", "./batch/webhooks?key=mine", undefined, headers))).toEqual([mine]);
	});
});

/** Creates the webhook with this key, or else changes the one that has it: what a client does to be sure of its webhook. */
async function upsert(api: Caller, key: string, name: string): Promise<string> {
	for (;;) {
		const made = await create(api, key, { name });
		if (made.status === 200) return String(made.json["id"]);
		expect(made.json["code"]).toBe("webhook_key_exists");
		const [id] = idsOf(await api.call("GET", `./batch/webhooks?key=${key}`));
		if (id === undefined) continue;
		const changed = await api.call("PATCH", `./batch/webhooks/${id}`, { name });
		if (changed.status === 200) return id;
		// Somebody has deleted it meanwhile.
		expect(changed.status).toBe(404);
	}
}

describe("upserts by key", () => {
	it("at the same time make one webhook, which has one of their settings", async () => {
		const api = await caller();
		const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => upsert(api, "k", `name ${n}`)));
		expect(new Set(ids).size).toBe(1);
		const { json } = await api.call("GET", "./batch/webhooks");
		expect(json["data"]).toMatchObject([{ id: ids[0], key: "k", name: expect.stringMatching(/^name \d+$/) }]);
	});

	it("end while the webhook is deleted and its key is given to others again and again", async () => {
		const api = await caller();
		const { call } = api;
		const state = { isOver: false };
		const disturb = async () => {
			while (!state.isOver) {
				const { json } = await call("GET", "./batch/webhooks?key=k");
				for (const { id } of json["data"] as { id: string }[]) {
					await call("PATCH", `./batch/webhooks/${id}`, { key: null });
					await call("DELETE", `./batch/webhooks/${id}`);
				}
			}
		};
		const disturbed = disturb();
		const upserts = Array.from({ length: 10 }, (_, n) => upsert(api, "k", `name ${n}`));
		const results = await Promise.allSettled(upserts);
		state.isOver = true;
		await disturbed;
		expect(results.filter(({ status }) => status === "rejected")).toEqual([]);
		const { json } = await call("GET", "./batch/webhooks?key=k");
		expect((json["data"] as unknown[]).length).toBeLessThanOrEqual(1);
	});
});
