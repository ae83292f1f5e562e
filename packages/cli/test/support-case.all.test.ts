// The worked case of docs/support.md, run as it is written: an order that a customer has not got.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { World } from "./support/world.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The commands of the case. */
function commands(): string {
	const document = readFileSync(`${root}docs/support.md`, "utf8");
	const section = document.slice(document.indexOf("## A case: "), document.indexOf("## Finding an event"));
	const [, block = ""] = /^```sh\n(.*?)^```/ms.exec(section) ?? [];
	return block;
}

/** Runs commands in a shell in which `fanfare` is the command of this checkout. Throws if one of them fails. */
async function run(world: World, script: string): Promise<string> {
	const main = `${root}packages/cli/src/main.ts`;
	const fanfare = `fanfare() { "${process.execPath}" --conditions=@fanfare/source "${main}" "$@"; }`;
	const env = { ...process.env, ...world.scriptEnv };
	const shell = spawn("sh", ["-euc", `${fanfare}\n${script}`], { cwd: world.dir.join("."), env });
	const [stdout, stderr, [code]] = await Promise.all([text(shell.stdout), text(shell.stderr), once(shell, "exit")]);
	if (code !== 0) throw new Error(`the commands exited with ${String(code)}: ${stderr}`);
	return stdout;
}

it("finds the order, its cause and its cure, and sends it again", async () => {
	await using receiver = await startReceiver();
	let isRepaired = false;
	receiver.script(() => (isRepaired ? { status: 200, body: "thanks" } : { status: 503 }));
	await using world = await World.start({ FANFARE_ALLOW_FOR_CUSTOMERS: "true" });
	const { batch, deliveries, events } = world.server.project;
	const spec = { endpoint: receiver.url, retries: { maxRetries: 0 } };
	await batch.webhooks.create({ name: "acme-orders", customerId: "acme", spec });
	await events.send({ type: "order.paid", data: { orderId: 1 }, customerId: "acme", tags: ["order:1"] });
	const data = { orderId: 4711 };
	const { id } = await events.send({ type: "order.paid", data, customerId: "acme", tags: ["order:4711"] });
	await eventually("both have failed", async () => (await deliveries.count({ status: "Failed" })).count === 2);

	const [look = "", repair = ""] = commands().split("# Acme says that it is repaired.");
	const story = await run(world, look);
	expect(story).toMatch(/✗ Failed {2}acme-orders[^]*response 503[^]*\(status_5xx\)/);
	expect(story).toContain("Cure");

	isRepaired = true;
	const before = receiver.requests.length;
	const [test = "", rest = ""] = repair.split("# Send it again");
	const shown = await run(world, `EVENT=${id}\n#${test}`);
	expect(shown).toContain("✓ the endpoint works");
	expect(shown).toMatch(/"type":"order\.paid".*"data":{"orderId":4711}/);
	expect(shown).toContain("thanks");
	expect(receiver.requests).toHaveLength(before + 1);

	const [retry = "", list = ""] = `#${rest}`.split("# It has arrived");
	await run(world, retry);
	await eventually("both have arrived", async () => (await deliveries.count({ status: "Succeeded" })).count === 2);
	expect(await run(world, `EVENT=${id}\n#${list}`)).toMatch(/Succeeded/);
});
