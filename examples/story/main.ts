// `npm run story`: a customer's endpoint is down for a day, is disabled, is mended, is replayed. The day is one of the server's
// clock, which the story moves, so that it takes seconds. It ends well only if every event was taken exactly once and the
// statistics add up to the delivery log.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client, utils, type Project, type Webhook } from "@fanfare/sdk";
import { generateSecretKey, ManualClock, readConfig, startServer } from "@fanfare/server";

import { Customer } from "./customer.ts";
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
const settings = {
	FANFARE_PORT: "0",
	FANFARE_DATA_DIR: home,
	FANFARE_ADMIN_KEY: adminKey,
	FANFARE_ALLOW_HTTP: "true",
	FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
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
	await mendAndResume(project, webhook);
	await replayWhatFailed(project, webhook);
	await addUp(project, webhook);
	say("✓", `Every one of ${sent.length} events was taken exactly once, and the figures add up.`);
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
	await eventually("the first events are taken", () => customer.taken.size === sent.length, clock);
	say(hourOf(), `${customer.taken.size} events, each taken at once.`);
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
		say(hourOf(), `Fanfare disables the webhook: ${disabledReason ?? "no reason given"}. From now on events are held.`);
	}
	check(disabled, "a webhook that failed all day was not disabled");
	const { Failed, Held, Pending } = (await project.batch.webhooks.stats(webhook.id)).deliveries;
	check(Pending === 0, `${Pending} deliveries still wait`);
	say(hourOf(), `A day later: ${Failed} deliveries are Failed, ${Held} are Held, none is lost.`);
}

async function mendAndResume(project: Project, webhook: Webhook): Promise<void> {
	customer.isDown = false;
	const before = customer.taken.size;
	const { Held } = (await project.batch.webhooks.stats(webhook.id)).deliveries;
	await project.batch.webhooks.resume(webhook.id);
	await eventually("what was held is delivered", async () => (await openDeliveries(project, webhook)) === 0, clock);
	check(customer.taken.size === before + Held, "not all that was held was taken");
	say(hourOf(), `The machine is mended and the webhook resumed: ${Held} held events are taken, oldest first.`);
}

async function replayWhatFailed(project: Project, webhook: Webhook): Promise<void> {
	const range = { since: clock.now() - 2 * DAY_MS, status: ["Failed"] } as const;
	const { count } = await project.batch.webhooks.replay(webhook.id, { ...range, dryRun: true });
	const { id } = await project.batch.webhooks.replay(webhook.id, range);
	await eventually("the replay is finished", async () => (await project.replays.get(id)).status === "Finished", clock);
	await eventually("what it made is delivered", async () => (await openDeliveries(project, webhook)) === 0, clock);
	say(hourOf(), `A replay of what had failed: ${count} events, taken now.`);
}

/** The customer's own record, the delivery log and the statistics must tell the same. */
async function addUp(project: Project, webhook: Webhook): Promise<void> {
	check(
		sent.every((id) => customer.taken.get(id) === 1),
		"an event was not taken exactly once",
	);
	check(customer.taken.size === sent.length, "the customer has events that were not sent");
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
	check(totals.succeeded === log.succeeded, "the statistics have another number of successes than the log");
	check(totals.exhausted === log.failed, "the statistics have another number of exhausted deliveries than the log");
	check(attempts === log.attempts, "the statistics have another number of attempts than the log");
}

/** Deliveries to the customer that have not ended. */
async function openDeliveries(project: Project, webhook: Webhook): Promise<number> {
	const { deliveries } = await project.batch.webhooks.stats(webhook.id);
	return deliveries.Pending + deliveries.Held;
}

/** An hour of the clock with its events; each is settled, or held, before the next. */
async function anHourOfEvents(project: Project): Promise<void> {
	for (let count = 0; count < EVENTS_AN_HOUR; count++) {
		const { id } = await project.events.send({ type: "order.paid", data: { order: sent.length + 1 } });
		sent.push(id);
		await eventually(
			"the event is settled",
			async () => {
				const { data } = await project.deliveries.list({ eventId: id });
				return data[0] !== undefined && data[0].status !== "Pending";
			},
			clock,
		);
		clock.advance(HOUR_MS / EVENTS_AN_HOUR);
	}
}

/** Such as `day 2, 01:00`, from the beginning of the story. */
function hourOf(): string {
	const hours = Math.floor((clock.now() - beginning) / HOUR_MS);
	return `day ${Math.floor(hours / 24) + 1}, ${String(hours % 24).padStart(2, "0")}:00`;
}
