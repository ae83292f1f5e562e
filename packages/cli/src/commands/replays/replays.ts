// `fanfare replays`: old events, sent to a webhook again.
import type { Replay, ReplayEstimate, ReplayOutcome, ReplayWebhook } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { emptyText, listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { WEBHOOK, webhookIdOf } from "../../frame/named.ts";
import { listOf, parseList } from "../../frame/values.ts";
import { counted } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { styledStatus } from "../../text/style.ts";
import type { Column } from "../../text/table.ts";
import { fullTime, parseTime, relativeTime } from "../../text/times.ts";

interface Filter extends CommonOptions, ListOptions {
	readonly webhook?: string;
}

interface StartOptions extends CommonOptions {
	readonly since?: number;
	readonly until?: number;
	readonly events?: string[];
	readonly alsoTo?: string[];
	readonly status?: ReplayOutcome[];
	readonly eventTypes?: string[];
	readonly dryRun?: boolean;
	readonly wait?: boolean;
}

const OUTCOMES: readonly ReplayOutcome[] = ["Succeeded", "Failed", "Cancelled", "Missed"];
const REPLAY = "The replay's id, such as replay_…. Asked for on a terminal.";
const COLUMNS: readonly Column<Replay>[] = [
	{ title: "state", value: ({ status }) => `  ${status}`, style: (_, { status }) => styledStatus(status) },
	{ title: "done", value: ({ progress }) => percent(progress), align: "right" },
	{ title: "sent", value: ({ deliveryCount }) => deliveryCount.toLocaleString("en"), align: "right" },
	{ title: "since", value: ({ since }) => relativeTime(since), optional: 1 },
	{ title: "created", value: ({ createDate }) => relativeTime(createDate), optional: 3 },
	{ title: "webhook", value: ({ webhookId }) => webhookId, optional: 2 },
	{ title: "id", value: ({ id }) => id },
];

/** Adds the group to the program. */
export function addReplays(program: Command): void {
	const group = program
		.command("replays")
		.description("A replay sends old events to a webhook again, in the background, each event once.");
	leaf<Filter>(
		group,
		{
			usage: "list",
			summary: "List replays, newest first.",
			options: [option("--webhook <webhook>", "Only those to this webhook: its id, key or name."), ...listOptions()],
		},
		async (call) => {
			const project = await call.project();
			const { webhook } = call.options;
			const webhookId = webhook === undefined ? undefined : await webhookIdOf(call, project, webhook);
			const rows = project.replays.list({ webhookId, limit: pageSize(call.options) });
			const empty = emptyText({ webhookId }, "replays", "No replays. Next: fanfare replays start");
			await call.output.list(rows, { columns: COLUMNS, id: ({ id }) => id, limit: rowLimit(call.options), empty });
		},
	);
	leaf(
		group,
		{ usage: "get [replay]", summary: "Show a replay and its progress.", args: { replay: REPLAY } },
		async (call, given) => {
			const project = await call.project();
			const replay = await project.replays.get(await replayIdOf(call, given));
			await show(call, replay);
			await warnOfWaiting(call, replay);
		},
	);
	addStart(group);
	leaf(
		group,
		{
			usage: "wait [replay]",
			summary: "Wait until a replay has ended, and show its progress meanwhile.",
			args: { replay: REPLAY },
		},
		async (call, given) => show(call, await waitFor(call, await replayIdOf(call, given))),
	);
	leaf(
		group,
		{
			usage: "cancel [replay]",
			summary: "Stop a replay. The deliveries that it has made go on.",
			args: { replay: REPLAY },
			changes: "ask",
		},
		async (call, given) => {
			const project = await call.project();
			await show(call, await project.replays.cancel(await replayIdOf(call, given)));
		},
	);
}

function addStart(group: Command): void {
	leaf<StartOptions>(
		group,
		{
			usage: "start [webhook]",
			summary: "Send old events to a webhook again, or to several. The number of events is shown first.",
			args: { webhook: WEBHOOK },
			changes: "asks",
			options: [
				option("--since <time>", "Events accepted at this time or later, such as 24h before now.", (text) =>
					parseTime(text),
				),
				option("--events <list>", "Only these events, by their ids, at most 1,000, in place of --since.", parseList),
				option("--also-to <list>", "More webhooks that get them, at most 10 in all.", parseList),
				option("--until <time>", "Events accepted before this time. Default: now.", (text) => parseTime(text)),
				option(
					"--status <list>",
					"How the newest delivery to the webhook ended: Succeeded, Failed, Cancelled, Missed. Default: all but Succeeded; with --events all.",
					listOf(OUTCOMES),
				),
				option("--event-types <list>", "Only these types, such as order.paid,user.*.", parseList),
				option("-n, --dry-run", "Only count the events."),
				option("--wait", "Wait until it has ended."),
			],
			examples: [
				"fanfare replays start billing --since 24h --status Failed,Missed --wait",
				"fanfare replays start billing --events evt_…,evt_… --also-to crm",
			],
		},
		start,
	);
}

async function start(call: Call<StartOptions>, given: string | undefined): Promise<void> {
	const project = await call.project();
	const { alsoTo = [], status, eventTypes, dryRun, wait } = call.options;
	const webhookIds = [await webhookIdOf(call, project, given)];
	for (const name of alsoTo) webhookIds.push(await webhookIdOf(call, project, name));
	const chosen = { webhookIds, ...(await eventsOf(call)), status, eventTypes };
	const estimate = await project.replays.create({ ...chosen, dryRun: true });
	const what =
		webhookIds.length === 1 ? counted(estimate.count, "event") : counted(estimate.count, "delivery", "deliveries");
	const text = `${estimate.complete ? "" : "more than "}${what}`;
	if (dryRun === true) return call.output.object(estimate, String(estimate.count), () => [["Would send", text]]);
	const names = [given ?? webhookIds[0], ...alsoTo].join(", ");
	const wasAsked = await call.confirm(`Send ${text} to ${names} again?`);
	const until = wasAsked ? endOf(chosen, estimate) : chosen.until;
	for (const replay of await project.replays.create({ ...chosen, until })) {
		await show(call, wait === true ? await waitFor(call, replay.id) : replay);
		// The replays are made, so a failure of this look-up is none of the command.
		if (wait !== true) await warnOfWaiting(call, replay).catch(() => {});
		if (wait !== true) call.output.note(`Next: fanfare replays wait ${replay.id}`);
	}
}

async function eventsOf(call: Call<StartOptions>): Promise<ReplayWebhook> {
	const { events, since, until } = call.options;
	// Both are refused by the server, which says why.
	if (events !== undefined) return { eventIds: events, since, until };
	// Without an end, it is now by the server's clock. This machine's may be behind.
	return { since: since ?? (await askSince(call)), until };
}

/** The end of what was counted and confirmed, so that nothing is sent that was accepted while the question was open. */
function endOf({ since = 0, until }: ReplayWebhook, estimate: ReplayEstimate): ReplayWebhook["until"] {
	if (until !== undefined) return until;
	// Null for chosen events, and undefined from an older server. A range must not end before it begins, also if that is in the future.
	return typeof estimate.until === "number" ? Math.max(estimate.until, Number(since) + 1) : undefined;
}

async function askSince(call: Call<StartOptions>): Promise<number> {
	const check = (text: string) => void parseTime(text);
	return parseTime(await call.need("--since", undefined, "Since when, such as 1h, 24h or 2026-01-31", check));
}

async function replayIdOf(call: Call, given: string | undefined): Promise<string> {
	if (given !== undefined) return given;
	const project = await call.project();
	async function* choices() {
		for (const { id, status, createDate, deliveryCount } of (await project.replays.list({ limit: 50 })).data) {
			yield { value: id, label: `${status}, ${relativeTime(createDate)}`, hint: counted(deliveryCount, "event") };
		}
	}
	return call.pick("replay", "replay", choices(), "fanfare replays list");
}

/** Waits, says on a terminal how far the replay is, and everywhere once if it can't go on. */
async function waitFor(call: Call, id: string): Promise<Replay> {
	const project = await call.project();
	const onTerminal = process.stderr.isTTY && call.output.mode === "people";
	const seen = new AbortController();
	const waiting = project.replays.wait(id, { everyMs: 500 }).finally(() => seen.abort());
	// Its failure is thrown below, when the others have ended.
	waiting.catch(() => {});
	const get = async () => project.replays.get(id);
	const warned = warnOnceOfWaiting(call, get, seen.signal);
	if (onTerminal) await showProgress(get, seen.signal);
	await warned;
	return waiting;
}

async function warnOnceOfWaiting(call: Call, get: () => Promise<Replay>, ended: AbortSignal): Promise<void> {
	const { setTimeout: sleep } = await import("node:timers/promises");
	// An error may pass; if the server can't be asked for long, the wait itself fails with the reason.
	const isDone = () =>
		get()
			.then((replay) => warnOfWaiting(call, replay))
			.catch(() => false);
	while (!ended.aborted && !(await isDone())) {
		await sleep(5_000, undefined, { signal: ended }).catch(() => {});
	}
}

/** Says why the replay makes no progress; whether it has. */
async function warnOfWaiting(call: Call, { status, webhookId, waitingFor }: Replay): Promise<boolean> {
	if (status !== "Running") return false;
	if (waitingFor === "storedBytes") {
		call.output.warn(
			"The project has used up its quota of stored bytes, so the replay waits, and goes on by itself when there is room: fanfare projects usage",
		);
		return true;
	}
	const { name, status: state } = await (await call.project()).batch.webhooks.get(webhookId);
	if (state === "Enabled") return false;
	const next = `fanfare webhooks resume ${webhookId}`;
	call.output.warn(`The webhook ${printable(name)} is ${state}, so its replay waits until it is resumed: ${next}`);
	return true;
}

async function showProgress(get: () => Promise<Replay>, ended: AbortSignal): Promise<void> {
	const { setTimeout: sleep } = await import("node:timers/promises");
	while (!ended.aborted) {
		// An error may pass, as above.
		const replay = await get().catch(() => null);
		if (replay !== null) {
			const { progress, deliveryCount } = replay;
			process.stderr.write(`\r\u001B[K${percent(progress)} · ${counted(deliveryCount, "event")} sent`);
		}
		await sleep(500, undefined, { signal: ended }).catch(() => {});
	}
	process.stderr.write("\r\u001B[K");
}

async function show({ output }: Call, replay: Replay): Promise<void> {
	await output.object(replay, replay.id, () => [
		["Id", replay.id],
		["State", styledStatus(replay.status)],
		[
			"Progress",
			`${percent(replay.progress)}, ${counted(replay.deliveryCount, "event")} sent, ${counted(replay.scannedCount, "event")} looked at`,
		],
		["Webhook", replay.webhookId],
		["Customer", replay.customerId ?? null],
		["Since", fullTime(replay.since)],
		["Until", fullTime(replay.until)],
		["Outcomes", replay.outcomes.join(", ")],
		["Event types", replay.eventTypes === null ? null : replay.eventTypes.join(", ")],
		["Created", fullTime(replay.createDate)],
		["Ended", replay.endDate === null ? null : fullTime(replay.endDate)],
	]);
}

function percent(fraction: number): string {
	return `${Math.floor(fraction * 100)} %`;
}
