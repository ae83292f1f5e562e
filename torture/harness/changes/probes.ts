// Webhooks that are changed, what is sent to them next, and where that must arrive.
import { utils, type DeliveryStatus, type Webhook } from "@fanfare/sdk";
import type { Acknowledged, WebhookRecord } from "@fanfare/testkit/checks/record";
import type { Answer } from "@fanfare/testkit/server-process";

import type { Round } from "../../round.ts";
import { rawEvent, sendRaw } from "../raw-sends.ts";
import { replies, type WebhookKind } from "../webhook-kinds.ts";
import { newPath, SETTING_CHANGES, type Effect, type Probe, type SettingChange } from "./setting-changes.ts";

/** The type of events for all probes. */
export const IN_FLIGHT_TYPE = "probed.event";
const RETRIES = { maxRetries: 20, maxRetryDelay: 40 };
const ENDS: readonly DeliveryStatus[] = ["Succeeded", "Held", "Cancelled"];
const ARRIVES_WITHIN_MS = 10_000;

/** A probe whose change has been asked for. */
export interface Asked {
	readonly probe: Probe;
	/** Null if the server ended before it answered. */
	readonly answer: Answer | null;
}

/** A probe for each change. `time` tells the probes of one time from those of the others. */
export async function makeProbes(round: Round, time: number): Promise<Probe[]> {
	const probes: Probe[] = [];
	for (const change of SETTING_CHANGES) probes.push(await makeProbe(round, change, `probe-${time}-${change.name}`));
	return probes;
}

async function makeProbe(round: Round, change: SettingChange, name: string): Promise<Probe> {
	const [oldSecret, newSecret] = [utils.generateWebhookSecret(), utils.generateWebhookSecret()];
	round.hiddenValues.set(`the new secret of ${name}`, Buffer.from(newSecret.replace("whsec_", ""), "base64"));
	const probe = { name, change, oldSecret, newSecret, receiverUrl: round.receiver.url };
	if (change.isCreated === true) return { ...probe, record: null };
	const eventTypes = [`${name}.old`, IN_FLIGHT_TYPE];
	const spec = { ...round.specOf(kindOf(name)), retries: RETRIES, secret: oldSecret, eventTypes };
	const { id } = await round.project.batch.webhooks.create({ name, spec });
	const createdAt = Date.now();
	const mayMiss = ({ sentAt }: Acknowledged) => change.mayMiss === true || sentAt < createdAt;
	const record = round.adopt(id, kindOf(name), { secrets: [oldSecret], mayMiss });
	round.book.register(newPath(probe), { id, kind: kindOf(name), secrets: [oldSecret] });
	if (change.isPausedBefore === true) await round.project.batch.webhooks.pause(id);
	return { ...probe, record };
}

/** The kind with every event type that a probe can want. */
function kindOf(name: string): WebhookKind {
	return { name, spec: { eventTypes: [`${name}.*`, IN_FLIGHT_TYPE] }, act: () => replies(200), mayEnd: () => ENDS };
}

/** Sends an event for each probe, and returns the events' ids by the probes' names. */
export async function sendToEach(
	round: Round,
	probes: readonly Probe[],
	suffix: Effect["suffix"],
	server = round.server,
): Promise<Map<string, string>> {
	const ids = new Map<string, string>();
	for (const { name } of probes) {
		const { status, json } = await sendRaw(round, rawEvent(round, `${name}.${suffix}`), server);
		round.expect(status === 202, `an event for ${name} got ${status}`);
		ids.set(name, (json as { id: string }).id);
	}
	return ids;
}

/** Asks a server for the change of a probe. */
export async function askFor(round: Round, probe: Probe, server = round.server): Promise<Asked> {
	const [method, path, body] = probe.change.call(probe);
	const { secrets } = probe.change;
	if (secrets !== undefined) round.book.expectSecrets(`/${probe.name}`, [probe.oldSecret], secrets(probe));
	const url = `/projects/${round.projectId}/batch/webhooks${path}`;
	return { probe, answer: await server.call(method, url, body).catch(() => null) };
}

/** An acknowledged change is made. Any other is made completely, or not at all. Each that is made has one entry in the audit log. */
export async function verifyChange(
	round: Round,
	{ probe, answer }: Asked,
	webhooks: readonly Webhook[],
): Promise<void> {
	const { name, change, record } = probe;
	const webhook = webhooks.find((each) => (record === null ? each.name === name : each.id === record.id));
	const parts = change.parts(webhook, probe);
	const isMade = parts.every(Boolean);
	round.expect(isMade || !parts.some(Boolean), `the change of ${name} is made in part: ${parts.join()}`);
	round.expect(answer === null || answer.status === 200, `the change of ${name} got ${answer?.status} ${answer?.text}`);
	round.expect(answer === null || isMade, `the change of ${name} was acknowledged and is lost`);
	const id = webhook?.id ?? record?.id;
	if (id === undefined) return;
	if (record === null) adoptCreated(round, probe, id);
	await verifyEntries(round, id, probe, isMade);
	await verifyNext(round, id, probe, isMade);
}

/** Makes a webhook that was created by a probe's change part of the round. */
export function adoptCreated(round: Round, { name, newSecret }: Probe, id: string): WebhookRecord {
	return round.adopt(id, kindOf(name), { secrets: [newSecret], mayMiss: () => true });
}

async function verifyEntries(round: Round, id: string, { name, change }: Probe, isMade: boolean): Promise<void> {
	const entries = await Array.fromAsync(round.client.audit.list({ objectId: id, action: change.action }));
	const wanted = isMade ? 1 : 0;
	round.expect(
		entries.length === wanted,
		`${name}: ${entries.length} entries of ${change.action} in the audit log, wanted ${wanted}`,
	);
}

/** Sends the next events to a server, and follows them to where they must arrive. */
export async function verifyNext(
	round: Round,
	webhookId: string,
	probe: Probe,
	isMade: boolean,
	server = round.server,
): Promise<void> {
	const { name, change, oldSecret, newSecret } = probe;
	const secrets = isMade ? (change.secrets?.(probe) ?? [oldSecret]) : [oldSecret];
	round.book.expectSecrets(`/${name}`, secrets);
	for (const effect of isMade ? change.effects.made : change.effects.notMade) {
		const eventId = (await sendToEach(round, [probe], effect.suffix, server)).get(name) ?? "";
		const text = `${name}: the next event did not end as ${effect.status} (the change ${isMade ? "is" : "is not"} made)`;
		const isRight = await round.time.within(ARRIVES_WITHIN_MS, () =>
			hasEnded(round, eventId, webhookId, effect.status),
		);
		round.expect(isRight !== null, text);
		if (effect.status !== "Succeeded") continue;
		const path = effect.isAtNewPath === true ? newPath(probe) : `/${name}`;
		const request = round.receiver.requests.find(
			(each) => each.path === path && each.headers["webhook-id"] === eventId,
		);
		round.expect(request !== undefined, `${name}: the next event did not arrive at ${path}`);
		const header = request?.headers["x-probe"];
		round.expect(
			header === (effect.hasHeader === true ? newSecret : undefined),
			`${name}: x-probe is ${String(header)}`,
		);
	}
}

async function hasEnded(
	round: Round,
	eventId: string,
	webhookId: string,
	wanted: DeliveryStatus | null,
): Promise<boolean> {
	const { data } = await round.project.deliveries.list({ eventId, webhookId });
	return wanted === null ? data.length === 0 : data.length === 1 && data[0]?.status === wanted;
}
