// Finds what an argument names: a webhook by its id, its key or its name, a key by its id or its name.
import type { Client, Key, ProjectHandle, Webhook } from "@fanfare/sdk";

import { printable } from "../text/printable.ts";
import type { Call } from "./call.ts";
import { CommandError, EXIT, usageError } from "./failure.ts";

/** The text of an argument that names a webhook. */
export const WEBHOOK = "The webhook: its id, its key, or its name. Asked for on a terminal.";

/** The id of the webhook that the argument names, or that the user picks. */
export async function webhookIdOf(call: Call, project: ProjectHandle, given: string | undefined): Promise<string> {
	if (given === undefined) return call.pick("webhook", "webhook", webhookChoices(project), "fanfare webhooks list");
	if (/^webhook_[0-9a-f-]{36}$/.test(given)) return given;
	return (await webhookNamed(project, given)).id;
}

/** The webhook with this key or this name. */
async function webhookNamed(project: ProjectHandle, given: string): Promise<Webhook> {
	if (/^[A-Za-z0-9._:-]{1,128}$/.test(given)) {
		for await (const webhook of project.batch.webhooks.list({ key: given })) return webhook;
	}
	const found: Webhook[] = [];
	for await (const webhook of project.batch.webhooks.list({ q: given }))
		if (webhook.name === given) found.push(webhook);
	const [webhook, other] = found;
	if (webhook === undefined) {
		throw new CommandError(
			`There is no webhook with the id, key or name ${JSON.stringify(given)}.`,
			EXIT.notFound,
			"fanfare webhooks list",
		);
	}
	if (other !== undefined) {
		const ids = found.map(({ id }) => id).join(", ");
		throw usageError(`Several webhooks have the name ${JSON.stringify(given)}. Name one by its id: ${ids}.`);
	}
	return webhook;
}

/** The key that the argument names, or that the user picks. */
export async function keyOf(call: Call, client: Client, given: string | undefined): Promise<string> {
	if (given === undefined) return call.pick("key", "key", keyChoices(client), "fanfare keys list");
	if (/^key_[0-9a-f-]{36}$/.test(given)) return given;
	const found: Key[] = [];
	for await (const key of client.keys.list()) if (key.name === given) found.push(key);
	const [key, other] = found;
	if (key === undefined) {
		throw new CommandError(
			`There is no key with the id or name ${JSON.stringify(given)}.`,
			EXIT.notFound,
			"fanfare keys list",
		);
	}
	if (other !== undefined) {
		throw usageError(`Several keys have the name ${JSON.stringify(given)}. Name one by its id.`, "fanfare keys list");
	}
	return key.id;
}

async function* webhookChoices(project: ProjectHandle) {
	for await (const { id, name, endpoint } of project.batch.webhooks.list()) {
		yield { value: id, label: printable(name), hint: printable(endpoint) };
	}
}

async function* keyChoices(client: Client) {
	for await (const { id, name, scope } of client.keys.list()) {
		yield { value: id, label: printable(name), hint: scope };
	}
}
