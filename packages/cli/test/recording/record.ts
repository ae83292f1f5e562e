// `npm run recording`: runs commands in a pseudo-terminal against a real server with real receivers, and writes what they show to
// docs/images/session.svg.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import * as pty from "@lydell/node-pty";

import { World } from "../support/world.ts";
import { terminalSvg } from "./terminal-svg.ts";

const FILE = fileURLToPath(new URL("../../../../docs/images/session.svg", import.meta.url));
const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const COLUMNS = 118;

/** Runs one command in a terminal of its own. Returns the line that a person types, and everything that it shows. */
async function record(world: World, args: readonly string[]): Promise<string> {
	const { PATH = "" } = process.env;
	const env = { ...world.scriptEnv, PATH, TERM: "xterm-256color", TZ: "UTC", LANG: "en_GB.UTF-8" };
	const command = pty.spawn(process.execPath, ["--conditions=@fanfare/source", MAIN, ...args], {
		cols: COLUMNS,
		rows: 50,
		env,
	});
	let shown = "";
	command.onData((data) => (shown += data));
	await new Promise<void>((resolve) => command.onExit(() => resolve()));
	const words = args.map((word) => (/[^\w:/.@=*-]/.test(word) ? `'${word}'` : word));
	return `\u001B[32m$\u001B[0m \u001B[1mfanfare ${words.join(" ")}\u001B[0m\n${shown.trimEnd()}\n`;
}

await using world = await World.start();
await using shop = await startReceiver();
await using billing = await startReceiver();
let isBroken = true;
billing.script(() => (isBroken ? { status: 401, body: "wrong signature" } : { status: 204 }));
const { project } = world.server;
await project.eventTypes.create({ name: "order.paid", description: "Somebody has paid.", example: { orderId: 4711 } });
const create = (name: string, endpoint: string) =>
	project.batch.webhooks.create({ name, key: name, spec: { endpoint, retries: { maxRetries: 0, maxRetryDelay: 0 } } });
await create("shop", `${shop.url}/hooks`);
const { id: billingId } = await create("billing", `${billing.url}/hooks`);

const parts = [await record(world, ["events", "send", "order.paid", "--data", '{"orderId": 4711}'])];
const failed = await eventually("the delivery to billing to fail", async () => {
	const { data } = await project.deliveries.list({ webhookId: billingId, status: "Failed" });
	return data[0] ?? false;
});
await eventually("the delivery to shop", async () => (await project.stats()).deliveries.Succeeded === 1);
parts.push(await record(world, ["deliveries", "list"]));
parts.push(await record(world, ["why", failed.id]));
isBroken = false;
parts.push(await record(world, ["webhooks", "test", "billing"]));
parts.push(await record(world, ["deliveries", "retry", "--webhook", "billing", "--status", "Failed", "--yes"]));
const title =
	"A session in a terminal: an event is sent, one of its deliveries fails, its cause is told, and it is retried";
writeFileSync(FILE, terminalSvg(parts.join("\n"), { columns: COLUMNS, title }));
process.stdout.write("docs/images/session.svg\n");
