// The list of webhooks over HTTP: its filters, and what they refuse.
import { describe, expect, it } from "vitest";

import { expectRefusals, type Refusal } from "../../test/answers.ts";
import { caller, type Answer, type Caller } from "../../test/caller.ts";

const endpoint = "https://hooks.example.com/in";

function namesOf({ json }: Answer): unknown {
	return (json["data"] as { name: string }[] | undefined)?.map(({ name }) => name);
}

/** A project with webhooks of two customers and of its own, newest first: `c`, `b` and `a`. */
async function withWebhooks(): Promise<Caller & { list: (query: string, key?: string) => Promise<Answer> }> {
	const api = await caller();
	const make = async (name: string, customerId: string | null, settings: object) => {
		const spec = { endpoint, ...settings };
		const { json } = await api.call("POST", "./batch/webhooks", { name, customerId, spec });
		return String(json["id"]);
	};
	await make("a", null, { description: "All Orders", metadata: { team: "x", "a.b&c": "ü =" } });
	const b = await make("b", "acme", { eventTypes: ["order.*"], metadata: { team: "x" } });
	await make("c", "globex", { eventTypes: ["user.created"] });
	await api.call("POST", `./batch/webhooks/${b}:pause`);
	const list = (query: string, key?: string) =>
		api.call("GET", `./batch/webhooks?${query}`, undefined, key === undefined ? {} : { "secret-key": key });
	return { ...api, list };
}

describe("the list of webhooks", () => {
	it("has what matches its filters", async () => {
		const { list } = await withWebhooks();
		for (const [query, names] of [
			["", ["c", "b", "a"]],
			["q=ORDERS", ["a"]],
			["q=hooks.EXAMPLE", ["c", "b", "a"]],
			["q=https", []],
			["status=Paused", ["b"]],
			["status=Paused,Enabled", ["c", "b", "a"]],
			["status=Disabled", []],
			["health=Healthy", ["c", "b", "a"]],
			["health=Failing,Disabling", []],
			["customerId=acme", ["b"]],
			["eventType=order.paid", ["b", "a"]],
			["eventType=order", ["a"]],
			["metadata.team=x", ["b", "a"]],
			["metadata.team=x&metadata.a.b%26c=%C3%BC+%3D", ["a"]],
			["metadata.team=X", []],
			["q=b&status=Paused&health=Healthy&customerId=acme&eventType=order.paid&metadata.team=x&limit=5", ["b"]],
			["q=b&status=Enabled", []],
		] as const) {
			const answer = await list(query);
			expect([query, answer.status, namesOf(answer)]).toEqual([query, 200, names]);
			expect(answer.json).not.toHaveProperty("scannedTo");
		}
	});

	it("finds a webhook by its id", async () => {
		const { list } = await withWebhooks();
		const { json } = await list("q=Orders");
		const [{ id }] = json["data"] as [{ id: string }];
		expect(namesOf(await list(`q=${id}`))).toEqual(["a"]);
	});

	it("pages through what matches", async () => {
		const { list } = await withWebhooks();
		const first = await list("metadata.team=x&limit=1");
		expect([namesOf(first), first.json["prevPage"]]).toEqual([["b"], null]);
		const next = await list(`metadata.team=x&limit=1&page=${String(first.json["nextPage"])}`);
		expect([namesOf(next), next.json["nextPage"]]).toEqual([["a"], null]);
		const back = await list(`metadata.team=x&limit=1&page=${String(next.json["prevPage"])}`);
		expect([namesOf(back), back.json["prevPage"]]).toEqual([["b"], null]);
	});

	it("says how far it has looked if it ends early", async () => {
		const api = await caller();
		const webhooks = api.store.webhooks.bind(api.store);
		const id = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		api.store.webhooks = async (...parameters) => ({
			...(await webhooks(...parameters)),
			hasOlder: true,
			stoppedAt: id,
			scannedTo: 1_732_999_999_999,
		});
		const { json } = await api.call("GET", "./batch/webhooks?q=nothing");
		expect(json).toMatchObject({ nextPage: expect.any(String), data: [], scannedTo: 1_732_999_999_999 });
		await api.call("GET", `./batch/webhooks?q=nothing&page=${String(json["nextPage"])}`);
	});

	it("refuses values that its filters can't have, and takes metadata. for no parameter in other lists", async () => {
		const refusals: readonly [query: string, path: string, message: RegExp][] = [
			["q=", "q", /1–128 characters/],
			[`q=${"x".repeat(129)}`, "q", /1–128 characters/],
			["status=paused", "status", /Enabled, Paused, Disabled/],
			["status=Paused,", "status", /separated by commas/],
			["health=Idle", "health", /Healthy, Failing/],
			["customerId=a%20b", "customerId", /characters/],
			["eventType=order.*", "eventType", /groups of letters/],
			["metadata=x", "metadata", /name the entry, such as metadata\.team=a/],
			["metadata.=x", "metadata.", /1–64 characters/],
			[`metadata.a=${"x".repeat(513)}`, "metadata.a", /512/],
			["metadata.a=1&metadata.a=2", "metadata.a", /more than once/],
			["metadata.__proto__=1", "metadata.__proto__", /reserved/],
			[Array.from({ length: 11 }, (_, n) => `metadata.k${n}=1`).join("&"), "metadata", /at most 10 entries/],
			["name=a", "name", /not a known field/],
			["status=Paused&status=Enabled", "status", /more than once/],
		];
		await expectRefusals(await caller(), [
			...refusals.map(([query, ...said]): Refusal => [`GET ./batch/webhooks?${query}`, ...said]),
			["GET ./events?metadata.team=a", "metadata.team"],
		]);
	});

	it("has for a customer only its own, and tells it nothing of internal types", async () => {
		const { list, call, tokenOf } = await withWebhooks();
		const acme = await tokenOf("acme");
		expect(namesOf(await list("", acme))).toEqual(["b"]);
		expect(namesOf(await list("q=example&customerId=acme", acme))).toEqual(["b"]);
		expect((await list("customerId=globex", acme)).json["code"]).toBe("customer_not_found");
		expect((await list("customerId=nobody", acme)).json["code"]).toBe("customer_not_found");
		await call("POST", "./event-types", { name: "order.secret", visibility: "internal" });
		for (const type of ["order.secret", "order.unknown"]) {
			expect(namesOf(await list(`eventType=${type}`, acme))).toEqual(["b"]);
		}
		expect(namesOf(await list("eventType=order.secret"))).toEqual(["a"]);
		expect(namesOf(await list("eventType=order.secret&customerId=acme"))).toEqual([]);
	});
});
