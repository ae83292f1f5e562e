// Webhooks are created, changed, paused, resumed and deleted, and the server is killed as soon as some of the changes are acknowledged.
import { utils, type DeliveryStatus, type Webhook } from "@fanfare/sdk";
import type { Acknowledged } from "@fanfare/testkit/checks/record";
import { eventually } from "@fanfare/testkit/eventually";
import { shuffle } from "@fanfare/testkit/seeded-random";
import type { Answer } from "@fanfare/testkit/server-process";

import type { Fault } from "../../fault.ts";
import {
	newPath,
	SETTING_CHANGES,
	type Effect,
	type Probe,
	type SettingChange,
} from "../../harness/changes/setting-changes.ts";
import { rawEvent, sendRaw, sendRawBatch } from "../../harness/raw-sends.ts";
import { replies, type WebhookKind } from "../../harness/webhook-kinds.ts";
import type { Round } from "../../round.ts";

const KILLS = 2;
/** Events for all probes that are on their way when the changes are made. */
const IN_FLIGHT = 8;
const IN_FLIGHT_TYPE = "probed.event";
const RETRIES = { maxRetries: 20, maxRetryDelay: 40 };
const ENDS: readonly DeliveryStatus[] = ["Succeeded", "Held", "Cancelled"];
const ARRIVES_WITHIN_MS = 10_000;

/** A probe whose change has been asked for. */
interface Asked {
	readonly probe: Probe;
	/** Null if the server ended before it answered. */
	readonly answer: Answer | null;
}

export const killChanges: Fault = {
	name: "kill-changes",
	summary:
		"SIGKILL as soon as changes of webhooks are acknowledged: these count for the next delivery, others are whole or not made",
	weight: 2,
	strike: async (round) => {
		for (let n = 0; n < KILLS; n++) {
			const probes = await makeProbes(round, n);
			await sendToEach(round, probes, "old");
			const asked = await killWhileChanging(round, probes, n);
			const killedAt = Date.now();
			await round.restart();
			const webhooks = await Array.fromAsync(round.project.batch.webhooks.list());
			await Promise.all(asked.map((each) => verifyChange(round, each, webhooks)));
			for (const { probe } of asked) verifySilence(round, probe, webhooks, killedAt);
		}
	},
};

async function makeProbes(round: Round, kill: number): Promise<Probe[]> {
	const probes: Probe[] = [];
	for (const change of SETTING_CHANGES) probes.push(await makeProbe(round, change, `probe-${kill}-${change.name}`));
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
async function sendToEach(
	round: Round,
	probes: readonly Probe[],
	suffix: Effect["suffix"],
): Promise<Map<string, string>> {
	const ids = new Map<string, string>();
	for (const { name } of probes) {
		const { status, json } = await sendRaw(round, rawEvent(round, `${name}.${suffix}`));
		round.expect(status === 202, `an event for ${name} got ${status}`);
		ids.set(name, (json as { id: string }).id);
	}
	return ids;
}

/** Makes all changes at once, and kills the server when some of them have been answered. */
async function killWhileChanging(round: Round, probes: readonly Probe[], kill: number): Promise<Asked[]> {
	const random = round.random(`changes ${kill}`);
	const wanted = 1 + Math.floor(random() * (probes.length - 1));
	const enough = Promise.withResolvers<void>();
	let answered = 0;
	await sendRawBatch(
		round,
		Array.from({ length: IN_FLIGHT }, () => rawEvent(round, IN_FLIGHT_TYPE)),
	);
	const asked = shuffle(random, probes).map(async (probe): Promise<Asked> => {
		const [method, path, body] = probe.change.call(probe);
		const { secrets } = probe.change;
		if (secrets !== undefined) round.book.expectSecrets(`/${probe.name}`, [probe.oldSecret], secrets(probe));
		const url = `/projects/${round.server.projectId}/batch/webhooks${path}`;
		const answer = await round.server.call(method, url, body).catch(() => null);
		if (++answered === wanted) enough.resolve();
		return { probe, answer };
	});
	await enough.promise;
	await round.kill();
	return Promise.all(asked);
}

/** An acknowledged change is made. Any other is made completely, or not at all. Each that is made has one entry in the audit log. */
async function verifyChange(round: Round, { probe, answer }: Asked, webhooks: readonly Webhook[]): Promise<void> {
	const { name, change, record } = probe;
	const webhook = webhooks.find((each) => (record === null ? each.name === name : each.id === record.id));
	const parts = change.parts(webhook, probe);
	const isMade = parts.every(Boolean);
	round.expect(isMade || !parts.some(Boolean), `the change of ${name} is made in part: ${parts.join()}`);
	round.expect(answer === null || answer.status === 200, `the change of ${name} got ${answer?.status} ${answer?.text}`);
	round.expect(answer === null || isMade, `the change of ${name} was acknowledged and is lost`);
	const id = webhook?.id ?? record?.id;
	if (id === undefined) return;
	if (record === null) round.adopt(id, kindOf(name), { secrets: [probe.newSecret], mayMiss: () => true });
	await verifyEntries(round, id, probe, isMade);
	await verifyNext(round, id, probe, isMade);
}

async function verifyEntries(round: Round, id: string, { name, change }: Probe, isMade: boolean): Promise<void> {
	const entries = await Array.fromAsync(round.client.audit.list({ objectId: id, action: change.action }));
	const wanted = isMade ? 1 : 0;
	round.expect(
		entries.length === wanted,
		`${name}: ${entries.length} entries of ${change.action} in the audit log, wanted ${wanted}`,
	);
}

/** Sends the next events, and follows them to where they must arrive. */
async function verifyNext(round: Round, webhookId: string, probe: Probe, isMade: boolean): Promise<void> {
	const { name, change, oldSecret, newSecret } = probe;
	const secrets = isMade ? (change.secrets?.(probe) ?? [oldSecret]) : [oldSecret];
	round.book.expectSecrets(`/${name}`, secrets);
	for (const effect of isMade ? change.effects.made : change.effects.notMade) {
		const eventId = (await sendToEach(round, [probe], effect.suffix)).get(name) ?? "";
		const text = `${name}: the next event did not end as ${effect.status} (the change ${isMade ? "is" : "is not"} made)`;
		const isRight = await eventually(
			text,
			() => hasEnded(round, eventId, webhookId, effect.status),
			ARRIVES_WITHIN_MS,
		).catch(() => null);
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

/** Nothing arrives at the old endpoint, or at that of a paused or deleted webhook. */
function verifySilence(round: Round, probe: Probe, webhooks: readonly Webhook[], since: number): void {
	const { name, change, record } = probe;
	const webhook = webhooks.find(({ id }) => id === record?.id);
	if (change.silencesPath !== true || !change.parts(webhook, probe).every(Boolean)) return;
	const late = round.receiver.requests.filter(({ path, receivedAt }) => path === `/${name}` && receivedAt > since);
	round.expect(late.length === 0, `${name}: ${late.length} requests arrived at its old endpoint after the change`);
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
