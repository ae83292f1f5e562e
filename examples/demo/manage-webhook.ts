// The end of the demo: lists a webhook, changes it, replaces its secret, and deletes it. Each step checks its effect.
import {
	NotFoundError,
	utils,
	verifySignature,
	WebhookVerificationError,
	type ProjectHandle,
	type Webhook,
} from "@fanfare/sdk";

import type { Arrival, Receiver } from "./receiver.ts";
import type { Screen } from "./screen.ts";

const ARRIVAL_TIMEOUT_MS = 30_000;

export interface Management {
	readonly project: ProjectHandle;
	readonly webhook: Webhook;
	readonly receiver: Receiver;
	readonly screen: Screen;
	readonly signal: AbortSignal;
}

export async function manageWebhook(management: Management): Promise<void> {
	await list(management);
	await update(management);
	await updateSecret(management);
	await remove(management);
}

async function list({ project, webhook, screen, signal }: Management): Promise<void> {
	const names: string[] = [];
	for await (const { id, name } of project.batch.webhooks.list({}, { signal })) {
		if (id === webhook.id) names.push(name);
	}
	check(names.length === 1, `the list has the webhook ${names.length} times`);
	screen.step("list", `has the webhook, once, as "${names[0]}"`);
}

async function update(management: Management): Promise<void> {
	const { project, webhook, screen, signal } = management;
	const path = "/moved";
	const changes = { name: "demo-moved", spec: { endpoint: new URL(path, webhook.endpoint).href } };
	const { name, endpoint } = await project.batch.webhooks.update(webhook.id, changes, { signal });
	check(name === changes.name && endpoint === changes.spec.endpoint, `update returned ${name} and ${endpoint}`);
	const arrival = await sendOne(management, "webhook.moved");
	check(arrival.path === path, `after the update an event came to ${arrival.path} instead of ${path}`);
	screen.step("update", `new name and endpoint; the next event came to ${path}`);
}

async function updateSecret(management: Management): Promise<void> {
	const { project, webhook, receiver, screen, signal } = management;
	const oldSecret = receiver.secret;
	const newSecret = utils.generateWebhookSecret();
	await project.batch.webhooks.updateSecret(webhook.id, newSecret, { overlapMs: 0, signal });
	receiver.secret = newSecret;
	const { body, headers } = await sendOne(management, "webhook.secret_changed");
	check(!(await verifies(body, headers, oldSecret)), "after updateSecret the old secret still verifies");
	screen.step("update secret", "the next event verifies with the new one, not with the old");
}

async function remove({ project, webhook, screen, signal }: Management): Promise<void> {
	await project.batch.webhooks.delete(webhook.id, { signal });
	const found = await project.batch.webhooks.get(webhook.id, { signal }).catch((error: unknown) => {
		if (error instanceof NotFoundError) return null;
		throw error;
	});
	check(found === null, "the webhook can still be read after its deletion");
	screen.step("delete", "the webhook is gone: 404");
}

/** Sends an event, and returns the request that delivered it. */
async function sendOne({ project, receiver, signal }: Management, type: string): Promise<Arrival> {
	const event = await project.events.send({ type, data: {} }, { signal });
	const timeout = AbortSignal.timeout(ARRIVAL_TIMEOUT_MS);
	try {
		return await receiver.accepted(event.id, AbortSignal.any([signal, timeout]));
	} catch (error) {
		if (!timeout.aborted) throw error;
		throw new Error(`The event ${event.id} (${type}) did not arrive within ${ARRIVAL_TIMEOUT_MS / 1_000} s.`, {
			cause: error,
		});
	}
}

async function verifies(body: Buffer, headers: Arrival["headers"], secret: string): Promise<boolean> {
	try {
		await verifySignature(body, headers, secret);
		return true;
	} catch (error) {
		if (error instanceof WebhookVerificationError && error.code === "no_matching_signature") return false;
		throw error;
	}
}

function check(holds: boolean, otherwise: string): asserts holds {
	if (!holds) throw new Error(`A step did not do what it should: ${otherwise}.`);
}
