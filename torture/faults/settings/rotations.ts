// API keys and a webhook's secret are replaced while senders and receivers use them, also just before the server is killed.
import { eventually } from "@fanfare/testkit/eventually";

import type { Fault } from "../../fault.ts";
import { RotatingKeys } from "../../harness/changes/rotating-keys.ts";
import { RotatingSecret } from "../../harness/changes/rotating-secret.ts";
import { PROFILES } from "../../harness/stores/round-data.ts";
import type { Round } from "../../round.ts";

const KEY_ROTATIONS = 6;
const SENDERS = 3;
/** The share of the sends that use the key that is about to be deleted, or was. */
const OLDER_SHARE = 0.4;
const SHORT_OVERLAP_MS = 500;
const LONG_OVERLAP_MS = 86_400_000;
/** Two more than may sign at the same time. */
const LONG_OVERLAPS = 6;

export const rotateKeys: Fault = {
	name: "rotate-keys",
	summary:
		"API keys are replaced while senders use them: a deleted key is refused at once, and after a SIGKILL right after that",
	weight: 1,
	strike: async (round) => {
		const keys = new RotatingKeys(round);
		await keys.create();
		const stream = await openStream(round, keys.newest.secretKey);
		const end = new AbortController();
		const random = round.random("keys");
		const senders = Array.from({ length: SENDERS }, async () => {
			while (!end.signal.aborted) await keys.send(random() < OLDER_SHARE);
		});
		try {
			for (let n = 0; n < KEY_ROTATIONS; n++) await rotate(keys);
		} finally {
			end.abort();
			await Promise.all(senders);
		}
		const text = await eventually("the stream of a deleted key to end", () => stream.ended());
		round.expect(
			text.includes("event: end\n"),
			`the stream of a deleted key ended without an item that says so: ${text.slice(-200)}`,
		);
		await keys.create();
		await keys.deleteOlder();
		await round.kill();
		await round.restart();
		await keys.verify();
		await keys.verifyAudit();
	},
};

export const rotateSecret: Fault = {
	name: "rotate-secret",
	summary: "a webhook's secret is replaced again and again under load: exactly the secrets of each moment sign",
	weight: 1,
	profiles: PROFILES,
	strike: async (round) => {
		const secret = await RotatingSecret.create(round);
		const end = new AbortController();
		const sender = secret.sendUntil(end.signal);
		try {
			await secret.rotate(0, false);
			await secret.rotate(SHORT_OVERLAP_MS, true);
			for (let n = 0; n < LONG_OVERLAPS; n++) await secret.rotate(LONG_OVERLAP_MS, false);
			await round.load(20);
			await secret.rotate(SHORT_OVERLAP_MS, true);
			await round.load(20);
		} finally {
			end.abort();
			await sender;
		}
		await secret.verify();
	},
};

/** Replaces the newest key: creates the next one, and deletes this one. */
async function rotate(keys: RotatingKeys): Promise<void> {
	await keys.create();
	await keys.send(false);
	await keys.deleteOlder();
	await keys.send(true);
}

/** Opens a live stream with a key, and reads it until it ends. */
async function openStream(round: Round, key: string): Promise<{ ended: () => string | null }> {
	const url = `${round.server.url}/projects/${round.server.projectId}/stream`;
	const response = await fetch(url, { headers: { "secret-key": key } });
	let text: string | null = null;
	response.text().then(
		(all) => (text = all),
		() => (text = "the connection was cut off"),
	);
	return { ended: () => text };
}
