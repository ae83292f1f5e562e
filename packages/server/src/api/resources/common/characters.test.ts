// Characters that names and descriptions may not have, because of what they do where they are printed.
import { describe, expect, it } from "vitest";

import { customerScope } from "../../../core/access/principal.ts";
import { refused } from "../../test/answers.ts";
import { caller, type Caller } from "../../test/caller.ts";

const SECRET = Buffer.alloc(24, 1).toString("base64");
const spec = { endpoint: "http://127.0.0.1:1/" };
/** Each place for a name or a description, with the call that sets it. */
const PLACES: readonly (readonly [path: string, method: string, url: string, body: (text: string) => object])[] = [
	["name", "POST", "/workspace/projects", (name) => ({ name })],
	["name", "PATCH", "./", (name) => ({ name })],
	["name", "POST", "/workspace/keys", (name) => ({ name, scope: "read" })],
	["name", "POST", "./batch/webhooks", (name) => ({ name, spec })],
	["spec.description", "POST", "./batch/webhooks", (description) => ({ name: "a", spec: { ...spec, description } })],
	["name", "PATCH", "./customers/acme", (name) => ({ name })],
	["description", "PUT", "./event-types/order.paid", (description) => ({ description })],
	["name", "POST", "./relays", (name) => ({ name, device: "a", secret: SECRET })],
	["device", "POST", "./relays", (device) => ({ device, secret: SECRET })],
];
const TURNING = ["\u202A", "\u202B", "\u202C", "\u202D", "\u202E", "\u2066", "\u2067", "\u2068", "\u2069"];
const RLO = "\u202E";

function refusal(path: string, character: string) {
	const code = character.charCodeAt(0).toString(16).toUpperCase();
	const message = `must not contain characters that change the direction of text (U+202A–U+202E, U+2066–U+2069), has U+${code}`;
	return { code: "invalid_request", issues: [{ path, message }] };
}

function urlIn({ project }: Caller, url: string): string {
	return url === "./" ? `/projects/${project.id}` : url;
}

it.each(PLACES)(
	"%s of %s %s may be in any script, without characters that control or turn text",
	async (path, method, url, body) => {
		const api = await caller();
		const set = (text: string) => api.call(method, urlIn(api, url), body(text));
		for (const character of TURNING)
			expect(await set(`invoice ${character}gnp.exe`)).toMatchObject({ status: 400, json: refusal(path, character) });
		for (const character of ["\u0000", "\u001B", "\u007F", "\u009B"])
			expect(await set(`a${character}b`)).toMatchObject(refused(path, "must not contain control characters"));
		// Right to left, with a mark that says only of itself where it belongs.
		expect((await set("\u05D7\u05E9\u05D1\u05D5\u05DF\u200F 7")).status).toBe(200);
	},
);

describe("characters that change the direction of text", () => {
	it("are refused in the names of metadata, and not in their values", async () => {
		const { call } = await caller();
		const create = (metadata: object) => call("POST", "./batch/webhooks", { name: "a", spec: { ...spec, metadata } });
		expect(await create({ [`team${RLO}`]: "a" })).toMatchObject({ status: 400, json: { code: "invalid_request" } });
		// Programs that put names into sentences set them off by isolates.
		expect((await create({ owner: "\u2068Ada\u2069" })).status).toBe(200);
	});

	it("stay in names that were stored before: these are read and found, and everything else is changed", async () => {
		const { call, test } = await caller();
		const name = `invoice ${RLO}gnp.exe`;
		const { id } = await test.createWebhook("http://127.0.0.1:1/", { name, description: name });
		const changed = await call("PATCH", `./batch/webhooks/${id}`, { spec: { timeoutMs: 1_000 } });
		expect(changed).toMatchObject({ status: 200, json: { name, description: name, timeoutMs: 1_000 } });
		const found = await call("GET", `./batch/webhooks?q=${encodeURIComponent(RLO)}`);
		expect(found).toMatchObject({ status: 200, json: { data: [{ id, name }] } });
		for (const query of ["q=%E2%80%A8", `metadata.${encodeURIComponent(`team${RLO}`)}=a`]) {
			expect(await call("GET", `./batch/webhooks?${query}`)).toMatchObject({ status: 200, json: { data: [] } });
		}
	});
});

describe("what was stored when the rules allowed more", () => {
	const text = `invoice ${RLO}gnp.exe`;
	const texts = { description: text, eventTypes: ["a", "fanfare.foo"], metadata: { [`team${RLO}`]: "a" } };

	it("stays in a webhook that is sent back with one field changed, and can be taken away", async () => {
		const { call, test } = await caller();
		const { id } = await test.createWebhook("http://127.0.0.1:1/", { name: text, ...texts });
		const patch = (body: object) => call("PATCH", `./batch/webhooks/${id}`, body);
		const back = { name: text, spec: { ...spec, ...texts, timeoutMs: 1_000 } };
		expect(await patch(back)).toMatchObject({ status: 200, json: { name: text, ...texts, timeoutMs: 1_000 } });
		const more = { eventTypes: ["fanfare.foo", "b"], metadata: { ...texts.metadata, b: "c" } };
		expect(await patch({ spec: more })).toMatchObject({ status: 200, json: more });
		const less = { description: null, eventTypes: ["b"], metadata: {} };
		expect((await patch({ name: "a", spec: less })).status).toBe(200);
		const again = await patch(back);
		expect(again.status).toBe(400);
		const paths = (again.json["issues"] as { path: string }[]).map(({ path }) => path);
		const ofSpec = ["spec.description", "spec.eventTypes.1", `spec.metadata.team${RLO}`];
		expect(paths).toEqual(["name", ...ofSpec]);
	});

	it("is refused where it is another one, or the webhook is unknown", async () => {
		const { call, test } = await caller();
		const { id } = await test.createWebhook("http://127.0.0.1:1/", { name: text, ...texts });
		const patch = (one: string, body: object) => call("PATCH", `./batch/webhooks/${one}`, body);
		const { issues } = refusal("name", RLO);
		expect(await patch(id, { name: `${text} 2`, spec: texts })).toMatchObject({ status: 400, json: { issues } });
		const unknown = id.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
		expect(await patch(unknown, { name: text })).toMatchObject({ status: 400, json: { issues } });
		const filter = { spec: { eventTypes: ["fanfare.foo", "fanfare.bar"] } };
		expect(await patch(id, filter)).toMatchObject(refused("spec.eventTypes.1"));
	});

	it("is told apart from what is new also by long names of metadata, which an issue cuts", async () => {
		const { call, test } = await caller();
		const long = "\u{1F600}".repeat(32);
		const [harmless, turning] = [`${long}…`, `${long}${RLO}x`];
		const patch = async (metadata: Readonly<Record<string, string>>, sent: object) => {
			const { id } = await test.createWebhook("http://127.0.0.1:1/", { metadata });
			return (await call("PATCH", `./batch/webhooks/${id}`, { spec: { metadata: sent } })).status;
		};
		expect(await patch({ [harmless]: "a" }, { [harmless]: "a", [turning]: "b" })).toBe(400);
		expect(await patch({ [turning]: "a" }, { [turning]: "b", c: "d" })).toBe(200);
	});

	it("stays in projects, customers and event types", async () => {
		const { call, test, project } = await caller();
		const { projects, customers, eventTypes } = test.engine;
		await projects.update(test.change, { name: text });
		const acme = { ...test.change, scope: customerScope(project.id, "acme") };
		await customers.update(acme, { name: text, metadata: texts.metadata });
		const settings = { description: text, schemaJson: null, exampleJson: null, archived: false };
		await eventTypes.create(test.change, "a.b", settings);
		const kept: readonly (readonly [method: string, url: string, body: object])[] = [
			["PATCH", `/projects/${project.id}`, { name: text }],
			["PATCH", "./customers/acme", { name: text, metadata: texts.metadata }],
			["PUT", "./event-types/a.b", { description: text, archived: true }],
			["PATCH", "./event-types/a.b", { description: text }],
		];
		for (const [method, url, body] of kept) {
			expect(await call(method, url, body)).toMatchObject({ status: 200, json: body });
			const other = JSON.parse(JSON.stringify(body).replaceAll(RLO, `${RLO}.`)) as object;
			expect(await call(method, url, other)).toMatchObject({ status: 400, json: { code: "invalid_request" } });
		}
	});

	it("stays in relays, whose clients connect anew, and in keys", async () => {
		const { call, test } = await caller();
		const { keys, relays } = test.engine;
		const shown = { name: text, eventTypes: texts.eventTypes };
		const given = { ...shown, device: text, timeoutMs: 1_000, customerId: null, mirrorOf: null };
		await relays.put(test.change, given, Buffer.alloc(24, 1));
		const again = await call("POST", "./relays", { ...shown, device: text, secret: SECRET, timeoutMs: 2_000 });
		expect(again).toMatchObject({ status: 200, json: { ...shown, device: text, timeoutMs: 2_000 } });
		// Without a name, it gets that of its device.
		expect(await call("POST", "./relays", { device: text, secret: SECRET })).toMatchObject({ json: { name: text } });
		const relay = `./relays/${String(again.json["id"])}`;
		expect(await call("PATCH", relay, { eventTypes: texts.eventTypes })).toMatchObject({ status: 400 });
		await relays.put(test.change, given, Buffer.alloc(24, 1));
		expect(await call("PATCH", relay, shown)).toMatchObject({ status: 200, json: shown });

		const { key } = await keys.create({ name: text, scope: "read", projectId: null }, null);
		expect(await call("PATCH", `/workspace/keys/${key.id}`, { name: text })).toMatchObject({ status: 200 });

		const other = `${text} 2`;
		const refusals: readonly (readonly [method: string, url: string, body: object, path: string])[] = [
			["PATCH", relay, { name: other }, "name"],
			["PATCH", relay, { eventTypes: ["fanfare.foo", "fanfare.bar"] }, "eventTypes.1"],
			["POST", "./relays", { device: text, name: other, secret: SECRET }, "name"],
			["POST", "./relays", { device: other, secret: SECRET }, "device"],
			["POST", "./relays", { device: text, customerId: "acme", secret: SECRET }, "device"],
			["PATCH", `/workspace/keys/${key.id}`, { name: other }, "name"],
			["PATCH", `/workspace/keys/${key.id.replace(/.$/, "x")}`, { name: text }, "name"],
		];
		for (const [method, url, body, path] of refusals) {
			expect(await call(method, url, body)).toMatchObject(refused(path));
		}
	});
});

it("line ends that are no control characters are refused in names, and not in descriptions", async () => {
	const { call } = await caller();
	const create = (name: string, description: string) =>
		call("POST", "./batch/webhooks", { name, spec: { ...spec, description } });
	for (const name of ["a\u2028b", "a\u2029b"])
		expect(await create(name, "")).toMatchObject(refused("name", "must not contain line ends"));
	expect((await create("a", "a\u2028b\nc")).status).toBe(200);
});
