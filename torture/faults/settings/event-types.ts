// A project that accepts only its own event types: they change while events are sent, and just before the server is killed.
import { setTimeout as delay } from "node:timers/promises";

import { between, pick, type Random } from "@fanfare/testkit/seeded-random";
import type { Answer } from "@fanfare/testkit/server-process";

import type { Fault } from "../../fault.ts";
import { ChangingType } from "../../harness/changes/changing-type.ts";
import { eventsPath, rawEvent, sendRaw, sendRawBatch, type RawEvent } from "../../harness/raw-sends.ts";
import type { Round } from "../../round.ts";

const LOAD_TYPES = ["aimed.event", "limited.tick", "order.paid", "order.shipped", "user.created"];
const CHECKED = "checked.event";
const ARCHIVED = "archived.event";
const REFUSED_SENDS = 60;
const CHANGES = 14;
const WATCHERS = 3;
/** The time from the start of a change that is not acknowledged to the kill. */
const KILL_WITHIN_MS = 8;

export const eventTypes: Fault = {
	name: "event-types",
	summary:
		"event types that are enforced: others are refused, changes count for the next send, SIGKILL right after a change",
	weight: 2,
	setUp: async (round) => {
		const { eventTypes } = round.project;
		for (const name of LOAD_TYPES) await eventTypes.put(name, { schema: schemaOf({ pad: { type: "string" } }) });
		await eventTypes.put(CHECKED, { schema: schemaOf({ more: { type: "string" } }) });
		await eventTypes.put(ARCHIVED, { archived: true });
		await round.client.projects.update(round.server.projectId, { eventTypes: "catalogued" });
	},
	strike: async (round) => {
		const type = new ChangingType(round, "changing.event");
		await Promise.all([sendRefused(round), changeWhileSending(round, type)]);
		await killAfterChange(round, type);
		await killAfterOpening(round);
		await repeatAfterArchiving(round);
		type.verify();
		const entries = await Array.fromAsync(round.client.audit.list({ objectId: type.name }));
		const text = `${type.changeCount} changes of ${type.name} left ${entries.length} entries in the audit log`;
		round.expect(entries.length === type.changeCount, text);
	},
};

function schemaOf(more: object) {
	const properties = { n: { type: "integer" }, ...more };
	return { type: "object", required: Object.keys(properties), properties, additionalProperties: false };
}

/** Sends events that must be refused, alone and in batches with good ones. The checks see if any of them is stored. */
async function sendRefused(round: Round): Promise<void> {
	const random = round.random("refused");
	const bad = [
		() => ({ event: rawEvent(round, `unlisted.event-${Math.floor(random() * 1_000)}`), path: "type" }),
		() => ({ event: rawEvent(round, ARCHIVED), path: "type" }),
		() => ({ event: rawEvent(round, CHECKED, "5"), path: "data.more" }),
		() => ({ event: rawEvent(round, "order.paid"), path: "data" }),
	];
	for (let n = 0; n < REFUSED_SENDS; n++) {
		const { event, path } = pick(random, bad)();
		if (random() < 0.5)
			expectRefused(round, await round.server.call("POST", eventsPath(round), event.body), event, path);
		else await sendMixedBatch(round, event, path, random);
	}
}

async function sendMixedBatch(round: Round, bad: RawEvent, path: string, random: Random): Promise<void> {
	const events = Array.from({ length: 1 + Math.floor(random() * 8) }, () => rawEvent(round, CHECKED, '"x"'));
	const at = Math.floor(random() * (events.length + 1));
	const answer = await sendRawBatch(round, events.toSpliced(at, 0, bad));
	const { data = [] } = answer.json as { data?: { status: number; error?: unknown }[] };
	const statuses = data.map(({ status }) => status);
	const wanted = events.map(() => 202).toSpliced(at, 0, 400);
	round.expect(
		answer.status === 202 && statuses.join() === wanted.join(),
		`a batch with one bad event at ${at} got ${answer.status} with ${statuses.join()}`,
	);
	const error = data[at]?.error;
	expectRefused(round, { status: data[at]?.status ?? 0, json: error }, bad, `events.${at}.${path}`);
}

function expectRefused(round: Round, { status, json }: Pick<Answer, "status" | "json">, event: RawEvent, path: string) {
	const { code, issues = [] } = (json ?? {}) as { code?: string; issues?: { path: string }[] };
	const isRight = status === 400 && code === "invalid_request" && issues.some((issue) => issue.path.startsWith(path));
	const text = `${event.body} got ${status} ${code} with ${JSON.stringify(issues)}, wanted 400 with an issue at ${path}`;
	round.expect(isRight, text);
}

/** Changes the type again and again while others send events of it. */
async function changeWhileSending(round: Round, type: ChangingType): Promise<void> {
	const end = new AbortController();
	const watch = async () => {
		while (!end.signal.aborted) await type.send();
	};
	const watchers = Array.from({ length: WATCHERS }, watch);
	try {
		for (let n = 0; n < CHANGES; n++) {
			await type.change();
			await type.sendBoth();
		}
	} finally {
		end.abort();
		await Promise.all(watchers);
	}
}

/** Kills the server as soon as a change is acknowledged, or while it is made. */
async function killAfterChange(round: Round, type: ChangingType): Promise<void> {
	const random = round.random(`kill ${type.changeCount}`);
	const change = type.change().then(
		() => true,
		() => false,
	);
	if (random() < 0.5) await change;
	else await delay(between(random, 0, KILL_WITHIN_MS));
	await round.kill();
	await round.restart();
	await type.settle(await change, round.project);
	await type.sendBoth();
}

/** Opens the project to all types just before a kill, and closes it again. */
async function killAfterOpening(round: Round): Promise<void> {
	const { projects } = round.client;
	const { projectId } = round.server;
	const unlisted = async () => (await sendRaw(round, rawEvent(round, "unlisted.event"))).status;
	await projects.update(projectId, { eventTypes: "open" });
	await round.kill();
	await round.restart();
	const whenOpen = await unlisted();
	await projects.update(projectId, { eventTypes: "catalogued" });
	const whenClosed = await unlisted();
	const text = `an unlisted type got ${whenOpen} after the project was opened, and ${whenClosed} after it was closed`;
	round.expect(whenOpen === 202 && whenClosed === 400, text);
}

/** An event that was accepted stays accepted: a repeat of the send is told so, although its type is archived now. */
async function repeatAfterArchiving(round: Round): Promise<void> {
	const event = rawEvent(round, CHECKED, '"x"', "before-archiving");
	const first = await sendRaw(round, event);
	await round.project.eventTypes.update(CHECKED, { archived: true });
	const again = await sendRaw(round, event);
	const { id } = first.json as { id?: string };
	const repeat = again.json as { id?: string; duplicate?: boolean };
	round.expect(
		id !== undefined && repeat.id === id && repeat.duplicate === true,
		`a repeat of an accepted send got ${again.status} after its type was archived: ${again.text}`,
	);
}
