// `npm run story`: a customer's endpoint is down for a day, is disabled, repaired and resumed, and gets its failed events by a
// replay; then another customer calls support. The story moves the server's clock, so that the day takes seconds. It succeeds only if every event was accepted exactly
// once and the stats agree with the delivery log. With FANFARE_DATABASE_URL, which names an empty database, it plays on PostgreSQL.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client, utils, type Project, type Webhook } from "@fanfare/sdk";
import { generateSecretKey, ManualClock, readConfig, startServer } from "@fanfare/server";

import { Customer } from "./customer.ts";
import { supportCall } from "./support-call.ts";
import { check, eventually, say } from "./telling.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const EVENTS_AN_HOUR = 4;
const HOURS_DOWN = 24;
const DISABLED_AFTER_HOURS = 6;

const beginning = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const clock = new ManualClock(beginning);
const home = mkdtempSync(join(tmpdir(), "fanfare-story-"));
const adminKey = generateSecretKey();
const databaseUrl = process.env["FANFARE_DATABASE_URL"];
const settings = {
	FANFARE_PORT: "0",
	...(databaseUrl === undefined
		? { FANFARE_DATA_DIR: home }
		: { FANFARE_DATABASE_URL: databaseUrl, FANFARE_MASTER_KEY: randomBytes(32).toString("base64") }),
	FANFARE_ADMIN_KEY: adminKey,
	FANFARE_ALLOW_HTTP: "true",
	FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
	// The story's customers listen on this machine.
	FANFARE_ALLOW_FOR_CUSTOMERS: "true",
	FANFARE_LOG_LEVEL: "fatal",
};
const secret = utils.generateWebhookSecret();
const customer = new Customer(secret);
const server = await startServer(readConfig(settings), { clock });
const sent: string[] = [];

try {
	const client = new Client(adminKey, { endpoint: server.url });
	const [project] = await client.listProjects();
	if (project === undefined) throw new Error("a new server has a project");
	const webhook = await registerCustomer(project);
	await anHourOfNormalBusiness(project);
	await aDayDown(project, webhook);
	await repairAndResume(project, webhook);
	await replayWhatFailed(project, webhook);
	await addUp(project, webhook);
	await supportCall({ project, url: server.url, clock });
	say("✓", `Each of ${sent.length} events was accepted exactly once, and the stats agree with the log.`);
} finally {
	customer.close();
	await server.stop();
	rmSync(home, { recursive: true, force: true });
}

async function registerCustomer(project: Project): Promise<Webhook> {
	const endpoint = await customer.open();
	const webhook = await project.batch.webhooks.create({
		name: "the customer",
		spec: {
			endpoint,
			secret,
			eventTypes: ["order.*"],
			retries: { maxRetries: 2, maxRetryDelay: 60_000 },
			disableAfterMs: DISABLED_AFTER_HOURS * HOUR_MS,
		},
	});
	say(hourOf(), `A customer registers ${endpoint}: disabled if it fails for ${DISABLED_AFTER_HOURS} hours.`);
	return webhook;
}

async function anHourOfNormalBusiness(project: Project): Promise<void> {
	await anHourOfEvents(project);
	await eventually("the first events to be accepted", () => customer.accepted.size === sent.length, clock);
	say(hourOf(), `${customer.accepted.size} events, each accepted at once.`);
}

async function aDayDown(project: Project, webhook: Webhook): Promise<void> {
	customer.isDown = true;
	say(hourOf(), "The customer's machine goes down.");
	let disabled = false;
	for (let hour = 0; hour < HOURS_DOWN; hour++) {
		await anHourOfEvents(project);
		const { status, disabledReason } = await project.batch.webhooks.get(webhook.id);
		if (status !== "Disabled" || disabled) continue;
		disabled = true;
		say(
			hourOf(),
			`Fanfare disables the webhook: ${disabledReason ?? "no reason given"}. From now on its deliveries are Held.`,
		);
	}
	check(disabled, "a webhook that failed all day was not disabled");
	const { Failed, Held, Pending } = (await project.batch.webhooks.stats(webhook.id)).deliveries;
	check(Pending === 0, `${Pending} deliveries still wait`);
	say(hourOf(), `A day later: ${Failed} deliveries are Failed, ${Held} are Held, none is lost.`);
}

async function repairAndResume(project: Project, webhook: Webhook): Promise<void> {
	customer.isDown = false;
	const before = customer.accepted.size;
	const { Held } = (await project.batch.webhooks.stats(webhook.id)).deliveries;
	await project.batch.webhooks.resume(webhook.id);
	await eventually("the Held deliveries to end", async () => (await openDeliveries(project, webhook)) === 0, clock);
	check(customer.accepted.size === before + Held, "not all Held deliveries were accepted");
	say(hourOf(), `The machine is repaired and the webhook resumed: ${Held} Held deliveries are accepted, oldest first.`);
}

async function replayWhatFailed(project: Project, webhook: Webhook): Promise<void> {
	const range = { since: clock.now() - 2 * DAY_MS, status: ["Failed"] } as const;
	const { count } = await project.batch.webhooks.replay(webhook.id, { ...range, dryRun: true });
	const { id } = await project.batch.webhooks.replay(webhook.id, range);
	await eventually("the replay to finish", async () => (await project.replays.get(id)).status === "Finished", clock);
	await eventually(
		"the deliveries of the replay to end",
		async () => (await openDeliveries(project, webhook)) === 0,
		clock,
	);
	say(hourOf(), `A replay of the failed deliveries: ${count} events, which are accepted now.`);
}

/** The customer's own counts, the delivery log and the stats must agree. */
async function addUp(project: Project, webhook: Webhook): Promise<void> {
	check(
		sent.every((id) => customer.accepted.get(id) === 1),
		"an event was not accepted exactly once",
	);
	check(customer.accepted.size === sent.length, "the customer has events that were not sent");
	const log = { succeeded: 0, failed: 0, attempts: 0 };
	for await (const delivery of project.deliveries.list({ webhookId: webhook.id })) {
		if (delivery.status === "Succeeded") log.succeeded++;
		if (delivery.status === "Failed") log.failed++;
		log.attempts += delivery.attemptCount;
	}
	const { totals } = await project.batch.webhooks.stats(webhook.id, {
		width: "hour",
		from: clock.now() - 2 * DAY_MS,
		to: clock.now() + HOUR_MS,
	});
	const attempts = totals.attempts.succeeded + totals.attempts.failed;
	say("log", `${log.succeeded} Succeeded, ${log.failed} Failed, ${log.attempts} attempts`);
	say("stats", `${totals.succeeded} succeeded, ${totals.exhausted} exhausted, ${attempts} attempts`);
	check(totals.succeeded === log.succeeded, "the stats and the log differ in the number of successes");
	check(totals.exhausted === log.failed, "the stats and the log differ in the number of exhausted deliveries");
	check(attempts === log.attempts, "the stats and the log differ in the number of attempts");
}

/** The number of deliveries to the customer that have not ended. */
async function openDeliveries(project: Project, webhook: Webhook): Promise<number> {
	const { deliveries } = await project.batch.webhooks.stats(webhook.id);
	return deliveries.Pending + deliveries.Held;
}

/** Sends an hour's events and moves the clock. Each delivery ends, or is Held, before the next event is sent. */
async function anHourOfEvents(project: Project): Promise<void> {
	for (let count = 0; count < EVENTS_AN_HOUR; count++) {
		const { id } = await project.events.send({ type: "order.paid", data: { order: sent.length + 1 } });
		sent.push(id);
		await eventually(
			"the delivery to end or be Held",
			async () => {
				const { data } = await project.deliveries.list({ eventId: id });
				return data[0] !== undefined && data[0].status !== "Pending";
			},
			clock,
		);
		clock.advance(HOUR_MS / EVENTS_AN_HOUR);
	}
}

/** The time since the beginning of the story, for example `day 2, 01:00`. */
function hourOf(): string {
	const hours = Math.floor((clock.now() - beginning) / HOUR_MS);
	return `day ${Math.floor(hours / 24) + 1}, ${String(hours % 24).padStart(2, "0")}:00`;
}
