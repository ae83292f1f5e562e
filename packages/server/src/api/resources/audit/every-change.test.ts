// Every route that changes something leaves exactly one audit entry for each change, which names its object.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { beforeAll, expect, it } from "vitest";

import { systemChance } from "../../../adapters/system/system-chance.ts";
import { createIdMaker } from "../../../core/ids.ts";
import { countsAsChange } from "../../../core/policies/change-quota.ts";
import { ANY_ENTRY } from "../../../ports/contract/store/records/records.ts";
import { callerAlone, type Answer, type Caller } from "../../test/caller.ts";
import { apiRoutes } from "../table.ts";

interface Prepared extends Caller {
	readonly webhookId: string;
	readonly eventId: string;
	/** A delivery that has failed. */
	readonly deliveryId: string;
	readonly replay: Readonly<Record<string, unknown>>;
}

/** A call for each action, and the object that its entry must name. */
const CALLS: Readonly<Record<string, (api: Prepared) => Promise<{ answer: Answer; objectId: unknown }>>> = {
	"project.create": (api) => created(api.call("POST", "/workspace/projects", { name: "b" })),
	"project.update": ({ call, project }) => done(project.id, call("PATCH", `/projects/${project.id}`, { name: "b" })),
	"project.delete": ({ call, project }) => done(project.id, call("DELETE", `/projects/${project.id}`)),
	"key.create": (api) => created(api.call("POST", "/workspace/keys", { name: "k", scope: "read" })),
	"key.delete": async (api) => {
		const id = await makeKey(api);
		return done(id, api.call("DELETE", `/workspace/keys/${id}`));
	},
	"key.update": async (api) => {
		const id = await makeKey(api);
		return done(id, api.call("PATCH", `/workspace/keys/${id}`, { name: "b" }));
	},
	"key.roll": async (api) => {
		const id = await makeKey(api);
		return done(id, api.call("POST", `/workspace/keys/${id}:roll`));
	},
	"session.create": async ({ call, keys }) => {
		const answer = await call("POST", "/sessions", { key: keys.project }, { "secret-key": "", "fanfare-page": "1" });
		return { answer, objectId: answer.json["id"] };
	},
	"session.delete": async ({ call, keys }) => {
		const headers = { "secret-key": keys.project, "fanfare-page": "1" };
		const signedIn = await call("POST", "/sessions", { key: keys.project }, headers);
		return done(signedIn.json["keyId"], call("DELETE", "/sessions?everywhere=true", undefined, headers));
	},
	"sign_in_link.create": ({ call, keys }) =>
		created(call("POST", "/sign-in-links", undefined, { "secret-key": keys.project })),
	"webhook.create": ({ call }) =>
		created(call("POST", "./batch/webhooks", { name: "n", spec: { endpoint: "https://example.com/" } })),
	"webhook.update": ({ call, webhookId: id }) => done(id, call("PATCH", `./batch/webhooks/${id}`, { name: "b" })),
	"webhook.update_secret": ({ call, webhookId: id }) =>
		done(id, call("PUT", `./batch/webhooks/${id}/secret`, { contents: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" })),
	"webhook.delete": ({ call, webhookId: id }) => done(id, call("DELETE", `./batch/webhooks/${id}`)),
	"webhook.test": ({ call, webhookId: id }) => done(id, call("POST", `./batch/webhooks/${id}:test`)),
	"webhook.conform": ({ call, webhookId: id }) => done(id, call("POST", `./batch/webhooks/${id}:conform`)),
	"webhook.pause": ({ call, webhookId: id }) => done(id, call("POST", `./batch/webhooks/${id}:pause`)),
	"webhook.resume": async ({ call, webhookId: id }) => {
		await call("POST", `./batch/webhooks/${id}:pause`);
		return done(id, call("POST", `./batch/webhooks/${id}:resume`));
	},
	"webhook.release": async (api) => {
		await hold(api);
		return done(api.webhookId, api.call("POST", `./batch/webhooks/${api.webhookId}:release`));
	},
	"webhook.release_many": async (api) => {
		await hold(api);
		return done(api.webhookId, api.call("POST", "./batch/webhooks:release"));
	},
	"webhook.release_all": async (api) => {
		await hold(api);
		return done(api.webhookId, api.call("POST", "/workspace/webhooks:release"));
	},
	"relay.put": async (api) => {
		const answer = await putRelay(api);
		return { answer, objectId: answer.json["webhookId"] };
	},
	"relay.update": async (api) => {
		const { id, webhookId } = (await putRelay(api)).json;
		return done(webhookId, api.call("PATCH", `./relays/${String(id)}`, { name: "b" }));
	},
	"relay.delete": async (api) => {
		const { id, webhookId } = (await putRelay(api)).json;
		return done(webhookId, api.call("DELETE", `./relays/${String(id)}`));
	},
	"customer.update": ({ call }) => done("acme", call("PATCH", "./customers/acme", { name: "Acme" })),
	"customer.delete": async ({ call }) => {
		await call("PATCH", "./customers/acme", { name: "Acme" });
		return done("acme", call("DELETE", "./customers/acme"));
	},
	"customer.pause": async ({ call, makeWebhook }) => {
		const id = await makeWebhook(undefined, { customerId: "acme" });
		return done(id, call("POST", "./customers/acme:pause"));
	},
	"customer.resume": async ({ call, makeWebhook }) => {
		const id = await makeWebhook(undefined, { customerId: "acme" });
		await call("POST", "./customers/acme:pause");
		return done(id, call("POST", "./customers/acme:resume"));
	},
	"portal_session.create": ({ call }) => created(call("POST", "./portal-sessions", { customerId: "acme" })),
	"portal_session.revoke": async ({ call }) => {
		const { json } = await call("POST", "./portal-sessions", { customerId: "acme" });
		return done(json["id"], call("DELETE", `./portal-sessions/${String(json["id"])}`));
	},
	"portal_session.revoke_many": async ({ call }) => {
		for (let n = 0; n < 3; n++) await call("POST", "./portal-sessions", { customerId: "acme" });
		return done("acme", call("DELETE", "./portal-sessions?customerId=acme"));
	},
	"event_type.create": ({ call }) => done("a", call("POST", "./event-types", { name: "a" })),
	"event_type.put": ({ call }) => done("a", call("PUT", "./event-types/a", {})),
	"event_type.update": async ({ call }) => {
		await call("PUT", "./event-types/a", {});
		return done("a", call("PATCH", "./event-types/a", { archived: true }));
	},
	"event_type.delete": async ({ call }) => {
		await call("PUT", "./event-types/a", {});
		return done("a", call("DELETE", "./event-types/a"));
	},
	"event.erase": ({ call, eventId: id }) => done(id, call("DELETE", `./events/${id}/data`)),
	"delivery.retry": ({ call, deliveryId: id }) => done(id, call("POST", `./deliveries/${id}:retry`)),
	"delivery.cancel": async ({ call, webhookId, test }) => {
		await call("POST", `./batch/webhooks/${webhookId}:pause`);
		await call("POST", "./events", { type: "a", data: 1 });
		const [held] = await test.deliveries({ statuses: ["Held"] });
		return done(held?.id, call("POST", `./deliveries/${String(held?.id)}:cancel`));
	},
	"delivery.retry_many": ({ call, project }) =>
		done(project.id, call("POST", "./deliveries:retry", { status: "Failed" })),
	"delivery.cancel_many": async ({ call, project, sendEvent, webhookId }) => {
		await call("POST", `./batch/webhooks/${webhookId}:pause`);
		for (let n = 0; n < 2; n++) await sendEvent();
		return done(project.id, call("POST", "./deliveries:cancel", { status: "Held" }));
	},
	"replay.create": ({ call, webhookId, replay }) =>
		created(call("POST", `./batch/webhooks/${webhookId}:replay`, replay)),
	"replay.create_many": async ({ call, webhookId, replay }) => {
		const answer = await call("POST", "./replays", { webhookIds: [webhookId], ...replay });
		const [started] = answer.json["data"] as { readonly id: string }[];
		return { answer, objectId: started?.id };
	},
	"replay.cancel": async ({ call, webhookId, replay }) => {
		await call("POST", `./batch/webhooks/${webhookId}:pause`);
		const { json } = await call("POST", `./batch/webhooks/${webhookId}:replay`, replay);
		return done(json["id"], call("POST", `./replays/${String(json["id"])}:cancel`));
	},
};

/** Pauses the webhooks as a restore does, and has the engine read that. */
async function hold({ call, test }: Prepared): Promise<void> {
	const at = test.clock.now();
	const nobody = {
		keyId: null,
		customerId: null,
		sessionId: null,
		portalSessionId: null,
		actor: null,
		requestId: null,
	};
	const object = { projectId: null, action: "workspace.restore", objectId: "test", fields: [] };
	await test.store.holdWebhooks(at, { id: createIdMaker(systemChance).make("aud", at), at, ...nobody, ...object });
	await call("POST", "./events", { type: "a", data: 1 });
}

async function done(objectId: unknown, answer: Promise<Answer>) {
	return { answer: await answer, objectId };
}

async function created(creating: Promise<Answer>) {
	const answer = await creating;
	return { answer, objectId: answer.json["id"] };
}

/** A project with a webhook and a delivery that has failed. */
async function prepare(receiver: Receiver): Promise<Prepared> {
	const api = await callerAlone();
	const webhookId = await api.makeWebhook(receiver.url, { spec: { retries: { maxRetries: 0 } } });
	const eventId = await api.sendEvent();
	const { id: deliveryId } = await api.test.delivery(eventId, { status: "Failed" });
	return { ...api, webhookId, eventId, deliveryId, replay: { since: 1, status: ["Failed"] } };
}

it("has a call for the action of each route", () => {
	const actions = apiRoutes().flatMap(({ audit }) => audit ?? []);
	expect(Object.keys(CALLS).toSorted()).toEqual(actions.toSorted());
});

let receiver: Receiver;
beforeAll(async () => {
	receiver = await startReceiver();
	receiver.script(() => ({ status: 500 }));
	return () => receiver.close();
});

it.each(Object.keys(CALLS))("leaves one entry for %s", async (action) => {
	const api = await prepare(receiver);
	let last: Parameters<Caller["call"]> | null = null;
	const call: Caller["call"] = (...request) => api.call(...(last = request));
	const { answer, objectId } = await CALLS[action]!({ ...api, call });
	expect(answer.status).toBeLessThan(300);
	const entries = async (filter: object) =>
		(await api.test.store.auditEntries({ ...ANY_ENTRY, action, ...filter }, { limit: 10, cursor: null })).rows;
	const rows = await entries({ objectId: String(objectId) });
	expect(rows).toMatchObject([{ action, objectId, requestId: answer.headers.get("x-request-id") }]);
	const ofWorkspace = action === "key.create";
	const projectId = action === "project.create" ? objectId : api.project.id;
	expect(rows[0]?.projectId).toBe(ofWorkspace ? null : projectId);
	if (countsAsChange(action)) return;
	// These use up no quota, so nothing else bounds the entries of somebody who repeats them.
	const before = await entries({});
	for (let n = 0; n < 3; n++) await api.call(...last!);
	expect(await entries({}), "leaves no entry for a further one, which ends nothing").toEqual(before);
});

async function makeKey({ call, project }: Caller): Promise<string> {
	const { json } = await call("POST", "/workspace/keys", { name: "k", scope: "read", projectId: project.id });
	return String(json["id"]);
}

function putRelay({ call }: Caller): Promise<Answer> {
	return call("POST", "./relays", { device: "laptop", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });
}
