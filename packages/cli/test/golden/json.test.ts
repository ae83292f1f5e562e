// The shape of what every command prints with `--json`, as a stored text: scripts rely on it. `vitest run packages/cli/test/golden -u`
// stores a new one.
import { writeFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, expect, it } from "vitest";

import { loadWholeProgram } from "../../src/program.ts";
import { objectsIn, World } from "../support/world.ts";
import { shapeOf } from "./shape.ts";

/** Commands that are not run here, each with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
	listen: "goes on until it is ended: test/listen.test.ts reads its lines",
	tail: "goes on until it is ended: test/trigger-tail.test.ts reads its lines",
	"replays cancel": "a replay of a few events has ended before: it prints the replay, as `replays get` does",
	migrate: "needs a data directory of an earlier version: test/operate.test.ts",
	"migrate-store": "needs PostgreSQL: test/migrate-store.all.test.ts",
	config: "has a row for each setting: test/operate.test.ts",
};
/** Commands without `--json`: they print one text, or operate a server. */
const WITHOUT = ["generate-secret", "serve", "dev", "backup", "restore", "release", "rotate-master-key"];

const ERROR = ": an error";

let world: World;
let receiver: Receiver;
beforeAll(async () => {
	world = await World.start({ FANFARE_PORTAL_ORIGINS: "https://shop.example", FANFARE_ALLOW_FOR_CUSTOMERS: "true" });
	receiver = await startReceiver();
});
afterAll(async () => {
	await receiver[Symbol.asyncDispose]();
	await world[Symbol.asyncDispose]();
});

/** Null if it is no JSON. */
function parse(text: string): unknown[] | null {
	try {
		return objectsIn(text);
	} catch {
		return null;
	}
}

it("is as it is stored, for every command", async () => {
	const sections = new Map<string, readonly string[]>();
	/** The command is the words before the first argument or option. `as` names a form of it, such as its error. */
	const shape = async (command: string, args: readonly string[] = [], as = ""): Promise<Record<string, unknown>> => {
		const { stdout, stderr } = await world.run([...command.split(" "), ...args, "--json"]);
		const text = stderr + stdout;
		if (as !== ERROR && text.startsWith('{"error":')) throw new Error(`fanfare ${command} ${args.join(" ")}: ${text}`);
		const objects = parse(text);
		sections.set(`${command}${as}`, objects === null ? ["(text)"] : shapeOf(objects));
		return (objects?.[0] ?? {}) as Record<string, unknown>;
	};
	const idOf = async (command: string, ...args: readonly string[]) => String((await shape(command, args))["id"]);
	const file = (name: string, contents: string) => {
		writeFileSync(world.dir.join(name), contents, { mode: 0o600 });
		return world.dir.join(name);
	};

	await shape("login", [world.server.url, "--profile", "golden"]);
	await shape("use", ["golden"]);
	await shape("whoami");
	await shape("doctor");
	await shape("status");
	await shape("completion", ["bash"]);

	const described = ["--description", "Somebody has paid."];
	await shape("event-types create", ["order.paid", "--example", '{"orderId": 1}', ...described]);
	await shape("event-types put", ["order.refunded", "--description", "Money went back."]);
	await shape("event-types update", ["order.refunded", "--description", "Changed."]);
	await shape("event-types get", ["order.paid"]);
	await shape("event-types list");
	await shape("types");

	receiver.script(({ path }) => ({ status: path === "/fails" ? 500 : 200, body: "an answer" }));
	const secret = file("secret", `whsec_${Buffer.alloc(32, 1).toString("base64")}`);
	const named = "--name billing --key billing --customer acme".split(" ");
	const hook = await idOf("webhooks create", receiver.url, ...named);
	await shape("webhooks update", [hook, "--description", "For bills"]);
	await shape("webhooks test", [hook, "--exchange"]);
	await shape("conform", ["billing", "--only", "stale"], " <webhook>");
	await shape("conform", [receiver.url, "--secret-file", secret, "--only", "stale"], " <url>");
	const fails = await world.server.project.batch.webhooks.create({
		name: "fails",
		spec: { endpoint: `${receiver.url}/fails`, retries: { maxRetries: 0, maxRetryDelay: 0 } },
	});
	const data = ["--data", '{"orderId": 1}', "--customer", "acme", "--tag", "order:1"];
	const event = await idOf("events send", "order.paid", ...data);
	await shape("events send", ["order.paid", "--data", '{"orderId": 2}']);
	await shape("events import", [file("events.ndjson", '{"type":"order.paid","data":{"orderId":3}}\n')]);
	const { project } = world.server;
	const settled = async () => {
		const { data } = await project.deliveries.list();
		return data.length === 4 && data.every(({ status }) => status !== "Pending") ? data : false;
	};
	await eventually("all deliveries to be attempted", settled);
	await shape("webhooks get", [hook]);
	await shape("webhooks list");
	await shape("webhooks stats", [hook]);
	await shape("webhooks pause", [hook]);
	await shape("webhooks resume", [hook]);
	await shape("webhooks rotate-secret", [hook, "--secret-file", secret, "--yes"]);
	await shape("webhooks export");
	await shape("events list");
	await shape("events export");
	await shape("events match", ["order.paid", "--customer", "acme"]);
	await shape("events get", [event]);
	await shape("events data", [event]);
	await shape("why", [event]);
	await shape("deliveries list", ["--webhook", fails.id]);
	const [failed] = (await project.deliveries.list({ webhookId: fails.id, status: "Failed" })).data;
	const delivery = String(failed?.id);
	await shape("deliveries export", ["--webhook", fails.id]);
	await shape("deliveries get", [delivery]);
	await shape("deliveries attempts", [delivery]);
	await shape("deliveries retry", [delivery, "--yes"], " <delivery>");
	await shape("deliveries retry", ["--webhook", hook, "--status", "Failed", "--yes"], " --status");
	await shape("webhooks pause", [fails.id]);
	const { id: heldEvent } = await project.events.send({ type: "order.paid", data: 1 });
	const held = await world.server.waitForDelivery(heldEvent, ({ status }) => status === "Held");
	await shape("deliveries cancel", [held.id, "--yes"]);
	await shape("trigger", ["order.paid", "--webhook", hook, "--customer", "acme", "--yes"]);
	await shape("events erase", [event, "--yes"]);

	const replay = await idOf("replays start", hook, "--since", "1h", "--yes");
	await shape("replays wait", [replay]);
	await shape("replays get", [replay]);
	await shape("replays list");

	await shape("customers update", ["acme", "--name", "Acme"]);
	await shape("customers get", ["acme"]);
	await shape("customers list");
	await shape("customers export");
	await shape("customers stats", ["acme"]);
	await shape("customers pause", ["acme", "--yes"]);
	await shape("customers resume", ["acme", "--yes"]);
	const session = await idOf("portal link", "acme");
	await shape("portal get", [session]);
	await shape("portal list");
	await shape("portal revoke", [session, "--yes"]);
	await shape("customers delete", ["acme", "--yes"]);

	await shape("projects list");
	await shape("projects get", [project.id]);
	await shape("projects usage", [project.id]);
	await shape("projects stats", [project.id]);
	const other = await idOf("projects create", "Other");
	await shape("projects update", [other, "--retention-days", "3"]);
	await shape("projects delete", [other, "--yes"]);
	const key = await idOf("keys create", "reader", "--scope", "read");
	await shape("keys update", [key, "--name", "Reader"]);
	await shape("keys list");
	const rolled = await idOf("keys roll", key, "--yes");
	await shape("keys delete", [rolled, "--yes"]);
	await shape("audit list", ["--limit", "1"]);
	await shape("audit export", ["--action", "key.delete"]);

	await shape("export");
	const applied = "id: golden\neventTypes:\n  order.new:\n    description: New.\n";
	await shape("apply", [file("fanfare.yaml", applied), "--yes"]);
	await shape("api", ["GET", "/workspace/key"]);
	await shape("open", ["settings"]);
	const body = file("body.json", '{"type":"a","data":1}');
	await shape("sign", [body, "--secret-file", secret]);
	const headers = file("headers.txt", "webhook-id: evt_1\nwebhook-timestamp: 1\nwebhook-signature: v1,x\n");
	await shape("verify", [headers, "--body", body, "--secret-file", secret]);
	await shape("webhooks delete", [fails.id, "--yes"]);
	await shape("event-types delete", ["order.refunded", "--yes"]);
	await shape("webhooks get", ["webhook_00000000-0000-4000-8000-000000000000"], ERROR);
	await shape("logout", ["golden"]);

	const stored = [...sections].map(([command, lines]) => `$ fanfare ${command} --json\n${lines.join("\n")}\n`);
	await expect(stored.join("\n")).toMatchFileSnapshot("json.txt");
	const program = await loadWholeProgram();
	const leaves = program.commands
		.flatMap((command) => (command.commands.length === 0 ? [command] : command.commands))
		.filter((command) => command.name() !== "help")
		.map((command) => ({
			words: [command.parent === program ? "" : command.parent?.name(), command.name()].join(" ").trim(),
			hasJson: command.options.some(({ long }) => long === "--json"),
		}));
	const shown = [...sections.keys()];
	const missing = leaves.filter(({ words }) => !shown.some((one) => one === words || one.startsWith(`${words} `)));
	expect(missing.map(({ words }) => words).toSorted()).toEqual([...Object.keys(LEFT_OUT), ...WITHOUT].toSorted());
	const withoutJson = leaves.filter(({ hasJson }) => !hasJson).map(({ words }) => words);
	expect(withoutJson.toSorted()).toEqual(WITHOUT.toSorted());
});
