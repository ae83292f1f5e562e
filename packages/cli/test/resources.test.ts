// The commands of each resource, noun by noun, against a real server. On a terminal: terminal.all.test.ts.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startProxy } from "./support/proxy.ts";
import { linesIn, objectsIn, World } from "./support/world.ts";

let world: World;
let receiver: Receiver;
beforeAll(async () => {
	[world, receiver] = await Promise.all([World.start(), startReceiver()]);
	receiver.script(({ path }) => ({ status: path === "/fails" ? 500 : 200 }));
});
afterAll(() => Promise.all([world[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]));

const json: World["json"] = (...line) => world.json(...line);
const one: World["one"] = (...line) => world.one(...line);
const sh: World["sh"] = (...line) => world.sh(...line);
const id: World["id"] = (...line) => world.id(...line);
/** A webhook that takes no event by itself. Its id. */
const hookTo = (name: string, url = "http://127.0.0.1:9/", eventTypes = "none") =>
	world.server.createWebhook(url, { eventTypes: [eventTypes], retries: { maxRetries: 0 } }).then(async (webhook) => {
		await world.server.project.batch.webhooks.update(webhook.id, { name });
		return webhook.id;
	});
const save = (file: string, lines: readonly unknown[]) =>
	writeFileSync(
		world.dir.join(file),
		lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
	);
const read = (file: string) => readFileSync(world.dir.join(file), "utf8");
/** The commands that need a confirmation where nobody can be asked, and what they would ask. */
const needsYes = async (run: ReturnType<World["sh"]>, question: string) =>
	expect(await run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(question) as string });

describe("projects and keys", () => {
	it("are created, changed, listed and deleted", async () => {
		const project = await one`projects create Shop`;
		expect(project).toMatchObject({ object: "project", name: "Shop" });
		expect(
			await json`projects update Shop --name ${"Shop 2"} --retention-days 7 --event-types catalogued`,
		).toMatchObject([{ name: "Shop 2", retentionDays: 7 }]);
		expect((await sh`projects list`).stdout).toMatch(/ event types [^]* Shop 2 +catalogued [^]* open /);
		expect((await sh`projects get`).stdout).toMatch(/^Event types +open$/m);
		expect(await one`projects update 'Shop 2' --retention-days default`).not.toHaveProperty("retentionDays");
		const key = await one`keys create ci --scope write --project 'Shop 2' --expires 1d`;
		expect(key).toMatchObject({ scope: "write", projectId: project["id"], secretKey: expect.stringMatching(/^sk_/) });
		const rolled = await one`keys roll ci --overlap 0s`;
		const as = (secretKey: unknown) => ({ FANFARE_PROJECT: "", FANFARE_KEY: String(secretKey) });
		expect((await world.run(["webhooks", "list"], as(rolled["secretKey"]))).code).toBe(0);
		expect((await world.run(["webhooks", "list"], as(key["secretKey"]))).code).toBe(4);
		expect((await world.run(["projects", "create", "No"], as(rolled["secretKey"]))).code).toBe(4);
		expect((await sh`keys update ci --name ci2`).code).toBe(0);
		await needsYes(sh`keys delete ci2`, "ci2");
		expect((await sh`keys delete ci2 --yes`).code).toBe(0);
		expect((await sh`projects delete 'Shop 2' --yes`).code).toBe(0);
		expect(await json`projects list`).toHaveLength(1);
	});
});

describe("webhooks", () => {
	it("are created with every setting, found by name and key, changed, paused, tested and deleted", async () => {
		save("headers.json", ['{"authorization":"Bearer x"}']);
		const settings = [
			["--name", "every setting", "--key", "k1", "--event-types", "order.*,user.made"],
			["--description", "a note", "--headers-file", "headers.json", "--metadata", "team=a", "--metadata", "tier=b=c"],
			["--timeout", "10s", "--rate-limit", "5", "--disable-after", "2d", "--max-retries", "2", "--schedule", "1s,2s"],
		].flat();
		const created = await one`webhooks create ${receiver.url} ${settings}`;
		expect(created).toMatchObject({
			key: "k1",
			eventTypes: ["order.*", "user.made"],
			description: "a note",
			headers: { authorization: "***" },
			metadata: { team: "a", tier: "b=c" },
			timeoutMs: 10_000,
			rateLimit: { perSecond: 5 },
			disableAfterMs: 172_800_000,
			retries: { maxRetries: 2, scheduleMs: [1_000, 2_000] },
			secret: expect.stringMatching(/^whsec_/),
		});
		const cleared = "--event-types all --description none --rate-limit none --schedule none --remove-metadata".split(
			" ",
		);
		expect(await one`webhooks update 'every setting' ${cleared}`).toMatchObject({
			eventTypes: null,
			description: null,
			rateLimit: null,
			metadata: {},
			timeoutMs: 10_000,
		});
		expect(await json`webhooks pause k1`).toMatchObject([{ status: "Paused" }]);
		expect(await json`webhooks list --status Paused --health Healthy`).toHaveLength(1);
		await json`webhooks create https://example.com/hooks --customer acme`;
		expect(await json`webhooks list --customer acme`).toMatchObject([{ name: "example.com" }]);
		expect(await json`webhooks delete example.com --yes`).toMatchObject([{ deleted: true }]);
		expect(await json`webhooks list --status Enabled --q every`).toEqual([]);
		expect(await json`webhooks resume k1`).toMatchObject([{ status: "Enabled" }]);
		expect(await json`webhooks test k1`).toMatchObject([{ status: "Ok" }]);
		const data = '{"n":12345678901234567890}';
		expect((await one`webhooks test k1 --event-type a.b --data ${data} --exchange`)["exchange"]).toMatchObject({
			request: { url: receiver.url, body: expect.stringMatching(`"type":"a.b".*"data":${data}}`) as string },
			response: { responseCode: 200 },
		});
		const shown = /webhook-signature: v1,\S+\n[^]*\n\s*{"type"/;
		expect(await sh`webhooks test k1 --exchange`).toMatchObject({
			code: 0,
			stdout: expect.stringMatching(shown) as string,
		});
		expect(await json`webhooks stats k1 --width minute`).toMatchObject([{ object: "stats", width: "minute" }]);
		expect(await json`webhooks delete k1 --yes`).toEqual([{ id: created["id"], deleted: true }]);
		expect((await sh`webhooks get k1`).code).toBe(3);
	});

	it("have stats that say why attempts fail and since when deliveries wait", async () => {
		await json`webhooks create http://127.0.0.1:9/ --name down --event-types cause.shown`;
		await json`events send cause.shown --data 1`;
		const stderr = () => sh`webhooks stats down`.then((result) => result.stderr);
		await expect.poll(stderr).toContain("Failed attempts by cause: refused ");
		expect(await stderr()).toMatch(/\nOldest Pending: created \d{4}-/);
	});

	it("keep their secret in a file if asked, which is never replaced, and lose none with --quiet", async () => {
		const create = ["webhooks", "create", "http://127.0.0.1:9/", "--name", "kept", "--event-types", "none", "--quiet"];
		expect((await sh`${create}`).code).toBe(2);
		const { code, stdout, stderr } = await sh`${create} --save-secret secret`;
		expect([code, stderr, stdout]).toEqual([0, "", expect.stringMatching(/^webhook_\S+\n$/)]);
		const secret = read("secret");
		expect([secret, statSync(world.dir.join("secret")).mode & 0o777]).toEqual([
			expect.stringMatching(/^whsec_\S+\n$/),
			0o600,
		]);
		const again = await sh`webhooks rotate-secret kept --save-secret secret`;
		expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("secret exists: name another one")]);
		for (const file of ["secret", "none/secret", "secret/below", ""]) {
			const refused = await sh`${create} --save-secret ${file}`;
			expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("Nothing was changed, since --save")]);
			expect(refused.stderr).not.toContain("whsec_");
		}
		expect(read("secret")).toBe(secret);
		expect(await json`webhooks list --q kept`).toHaveLength(1);
	});

	it("with the same name are not confused", async () => {
		for (const path of ["a", "b"]) await hookTo("twin", `http://127.0.0.1:9/${path}`);
		const { code, stderr } = await sh`webhooks pause twin`;
		expect([code, stderr]).toEqual([2, expect.stringContaining("Several webhooks")]);
	});
});

describe("events", () => {
	it("cannot move the cursor by what they contain", async () => {
		const { stdout } = await sh`events get ${await id`events send evil --data ${'"\\u009b2J\\u202e"'}`}`;
		expect(stdout).toContain(String.raw`\x9b2J\u202e`);
	});

	it("keep every digit of a number", async () => {
		const data = '{"amount":12345678901234567890.10,"nested":[1e400]}';
		save("data.json", [data]);
		const sent = await id`events send order.paid --data @data.json --tag order:1`;
		expect((await sh`events data ${sent}`).stdout).toBe(`${data}\n`);
		expect((await sh`events get ${sent} --json`).stdout).toContain(`"data":${data}`);
		expect(await json`events list --tag order:1`).toMatchObject([{ id: sent }]);
		expect(await json`events list --type other`).toEqual([]);
		await needsYes(sh`events erase ${sent}`, "--yes");
		expect(await json`events erase ${sent} --yes`).toMatchObject([{ dataErased: true }]);
	});

	it("are matched with webhooks, and not sent: who would get an event and who would not", async () => {
		await hookTo("orders", undefined, "match.order.*");
		await hookTo("users", undefined, "match.user.*");
		const events = await json`events list --all`;
		const { stdout, stderr } = await sh`events match match.order.paid`;
		expect(stdout).toMatch(/^yes +\w+ +orders .*Enabled/m);
		expect(stdout).toMatch(/^no +type_filter +users /m);
		expect(stderr).toContain(`${stdout.match(/^yes /gm)?.length} webhook`);
		expect(await json`events match match.user.created --limit 1`).toMatchObject([
			{ object: "routing", webhookName: "users", gets: true },
		]);
		expect(await json`events list --all`).toEqual(events);
		const both = await sh`events match a --customer acme --every-customer`;
		expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("not both")]);
	});
});

describe("an import", () => {
	/** The lines that an import refuses. */
	const refusals = (stderr: string) =>
		objectsIn(stderr) as unknown as { readonly line: number; readonly message: string }[];
	const numbers = (stderr: string) => refusals(stderr).map(({ line }) => line);

	it("names a bad line, which does not affect others, and a second import sends nothing twice", async () => {
		const bad = ["{", "", '{"type":"b","wrong":1}', "[]", '{"data":1}'];
		save("events.ndjson", ['{"type":"line.a","data":12345678901234567890}', ...bad, '{"type":"line.b","data":2}']);
		const args = "events import events.ndjson --key-prefix first --json".split(" ");
		const checked = await sh`${args} --dry-run`;
		expect([checked.code, objectsIn(checked.stdout)]).toMatchObject([1, [{ sent: 2, refused: 4 }]]);
		expect(await json`events list --type line.a`).toEqual([]);
		const { code, stdout, stderr } = await sh`${args}`;
		const totals = { object: "import", sent: 2, duplicates: 0, refused: 4, dryRun: false };
		expect([code, objectsIn(stdout), numbers(stderr)]).toEqual([1, [totals], [2, 4, 5, 6]]);
		expect(objectsIn((await sh`${args}`).stdout)).toMatchObject([{ sent: 0, duplicates: 2 }]);
		const sent = await id`events list --idempotency-key first:1`;
		expect((await sh`events data ${sent}`).stdout).toBe("12345678901234567890\n");
		expect(await json`events list --type line.a,line.b --unmatched`).toHaveLength(2);
		expect((await sh`events import missing`).code).toBe(2);
	});

	it("takes times in every notation and without one, and refuses seconds by line, in a dry run and without", async () => {
		const times = [
			"1723633671",
			"null",
			"1723633671620.0",
			"1.72363367162e12",
			"1723633671620.5",
			"1e999",
			"1723633671621",
		];
		save(
			"times.ndjson",
			times.map((time) => `{"type":"timed","data":1,"timestamp":${time}}`),
		);
		for (const more of [["--dry-run"], []]) {
			const { code, stdout, stderr } = await sh`events import times.ndjson --json ${more}`;
			expect([code, objectsIn(stdout)]).toMatchObject([1, [{ sent: 4, refused: 3 }]]);
			expect(linesIn(stderr)).toEqual([
				expect.stringMatching(/^\{"line":1,.*got 1723633671, which looks like seconds/),
				expect.stringMatching(/^\{"line":5,.*got 1723633671620.5"/),
				expect.stringMatching(/^\{"line":6,.*milliseconds since the epoch/),
			]);
		}
		const sent = (await json`events list --type timed`).map(({ timestamp }) => timestamp).toReversed();
		expect(sent).toEqual([expect.any(Number), 1723633671620, 1723633671620, 1723633671621]);
	});

	it("that is a dry run fails with a wrong key, or in a project that does not exist", async () => {
		save("one.ndjson", ['{"type":"a","data":1}']);
		const args = "events import one.ndjson --dry-run".split(" ");
		expect(await world.run(args, { FANFARE_KEY: "sk_wrong" })).toMatchObject({ code: 4, stdout: "" });
		expect(await sh`${args} --project nowhere`).toMatchObject({ code: 3, stdout: "" });
	});

	it("that is a dry run refuses what the import refuses: forms, names of types, and types that the project does not take", async () => {
		const known = { type: "known.type", data: 1 };
		const good = {
			...known,
			tags: ["a:1"],
			customerIds: ["a", "b"],
			timestamp: 1,
			idempotencyKey: "k",
			webhookIds: null,
		};
		const lines = [
			good,
			...["known..type", "fanfare.own", "x".repeat(257)].map((type) => ({ ...known, type })),
			{ type: "known.type" },
			...["now", -1].map((timestamp) => ({ ...known, timestamp })),
			{ ...known, customerId: "a b" },
			{ ...known, customerId: "a", customerIds: ["b"] },
			...[[], "all", "*"].map((customerIds) => ({ ...known, customerIds })),
			...[["a", "a"], ["a", "b", "c", "d", "e", "f"], "a"].map((tags) => ({ ...known, tags })),
			{ ...known, webhookIds: ["x"] },
			{ ...known, idempotencyKey: "" },
			...["unknown.type", "archived.type"].map((type) => ({ ...known, type })),
		];
		save("check.ndjson", lines);
		const refusedBy = async (...args: string[]) => {
			const { code, stdout, stderr } = await sh`events import check.ndjson --json ${args}`;
			const [{ sent } = {}] = objectsIn(stdout);
			expect([code, Number(sent) + refusals(stderr).length]).toEqual([1, lines.length]);
			return stderr;
		};
		expect(numbers(await refusedBy("--dry-run"))).not.toContain(lines.length - 1);
		await json`event-types create known.type`;
		await json`event-types create archived.type --archived true`;
		await json`projects update ${world.server.project.id} --event-types catalogued`;
		const checked = await refusedBy("--dry-run");
		expect(refusals(checked).at(-2)?.message).toBe('type "unknown.type" is none that the project takes');
		expect(numbers(await refusedBy())).toEqual(numbers(checked));
		await json`projects update ${world.server.project.id} --event-types open`;
		await using proxy = await startProxy(world.server.url, () => 403);
		const offline = await world.run(["events", "import", "check.ndjson", "--dry-run"], { FANFARE_URL: proxy.url });
		expect([offline.code, offline.stderr]).toEqual([
			1,
			expect.stringMatching(/^! Whether the project takes .* not checked: /),
		]);
	});
});

describe("deliveries", () => {
	it("are shown, retried and cancelled, one or many, with the count first", async () => {
		await hookTo("failing", `${receiver.url}/fails`);
		for (let count = 0; count < 3; count++) await json`events send job.done --webhook failing`;
		const filter = "--webhook failing --status Failed".split(" ");
		const failed = () => json`deliveries list ${filter}`;
		await expect.poll(failed).toHaveLength(3);
		await needsYes(sh`deliveries retry ${filter}`, "Retry 3 deliveries?");
		expect(await json`deliveries retry ${filter} --dry-run`).toMatchObject([{ count: 3, complete: true }]);
		expect(await json`deliveries list ${filter} --response-code 5xx --order updated`).toHaveLength(3);
		expect(await json`deliveries list ${filter} --response-code 4xx,0`).toEqual([]);
		expect(await json`deliveries list ${filter} --after 1h --updated-after 1h`).toHaveLength(3);
		expect(await json`deliveries list ${filter} --updated-before 1h`).toEqual([]);
		expect(await json`deliveries list ${filter} --before 1h`).toEqual([]);
		const before = receiver.requests.length;
		expect(await json`deliveries retry ${filter} --yes`).toEqual([{ matched: 3, changed: 3 }]);
		await receiver.waitFor(before + 3);
		await expect.poll(failed).toHaveLength(3);
		const delivery = String((await failed())[0]?.["id"]);
		expect((await sh`deliveries get ${delivery}`).stdout).toMatch(/State +✗ Failed\n[^]*Webhook +failing \(webhook_/);
		expect((await json`deliveries attempts ${delivery}`).length).toBeGreaterThan(1);
		await json`webhooks pause failing`;
		const notRetried = await sh`deliveries retry ${filter} --yes`;
		expect(notRetried).toEqual({
			code: 0,
			stdout: "Retry  0 deliveries retried\n",
			stderr: "Not retried: 3 deliveries that match. For the reason: fanfare deliveries retry <delivery>\n",
		});
		await json`events send job.done --webhook failing`;
		const cancelled = await json`deliveries cancel --webhook failing --status Held --yes`;
		expect(cancelled).toEqual([{ matched: 1, changed: 1 }]);
		expect((await sh`deliveries cancel`).code).toBe(2);
		// The server may still have to tell its other processes.
		await using proxy = await startProxy(world.server.url, (url) => (url.endsWith("deliveries:cancel") ? 503 : null));
		const again = "deliveries cancel --webhook failing --updated-after 1h".split(" ");
		expect((await world.run(again, { FANFARE_URL: proxy.url })).code).toBe(5);
		expect(await json`${again}`).toEqual([{ matched: 0, changed: 0 }]);
	});

	it("that got no answer are listed with the error, and not the code 0", async () => {
		await hookTo("nobody");
		await json`events send to.nobody --webhook nobody`;
		const args = "deliveries list --webhook nobody --status Failed".split(" ");
		await expect.poll(() => json`${args}`).toHaveLength(1);
		expect((await sh`${args}`).stdout).toMatch(/Failed +to\.nobody +nobody +refused +1 /);
	});
});

describe("replays", () => {
	it("have the count first, and are waited for, listed and shown", async () => {
		for (let n = 0; n < 2; n++) await json`events send was.missed`;
		const since = "--since 1h --event-types was.missed --status Missed".split(" ");
		await hookTo("late", receiver.url);
		const args = ["replays", "start", "late", ...since];
		expect(await json`${args} --dry-run`).toMatchObject([{ object: "replayEstimate", count: 2 }]);
		await needsYes(sh`${args}`, "Send 2 events to late again?");
		const before = receiver.requests.length;
		const replay = await one`${args} --yes --wait`;
		expect(replay).toMatchObject({ status: "Finished", deliveryCount: 2 });
		await receiver.waitFor(before + 2);
		expect(await json`replays list --webhook late`).toMatchObject([{ id: replay["id"] }]);
		expect(await json`replays get ${String(replay["id"])}`).toMatchObject([{ id: replay["id"] }]);
		expect((await sh`replays cancel ${String(replay["id"])}`).code).toBe(1);
		expect((await sh`replays start late`).code).toBe(2);
		// Also if the range begins later than now.
		const later = new Date(Date.now() + 3_600_000).toISOString();
		expect(await json`replays start late --since ${later} --yes --wait`).toMatchObject([
			{ status: "Finished", deliveryCount: 0 },
		]);
	});

	it("of chosen events go to several webhooks, once to each", async () => {
		const event = await id`events send chosen.event --data 1`;
		for (const name of ["first", "second"]) await hookTo(name, receiver.url, "chosen.event");
		const args = ["replays", "start", "first", "--events", event, "--also-to", "second"];
		expect(await json`${args} --dry-run`).toMatchObject([{ object: "replayEstimate", count: 2 }]);
		const each = { status: "Finished", chosenCount: 1, deliveryCount: 1 };
		expect(await json`${args} --yes --wait`).toMatchObject([each, each]);
		expect((await sh`${args} --since 1h --yes`).stderr).toContain("--since: must not be there beside --events");
	});

	it("wait for the project's quota of stored bytes, and say so", async () => {
		await json`events send full.event --data 1`;
		await hookTo("full", receiver.url);
		const { projects } = world.server.client;
		await projects.update(world.server.project.id, { maxStoredBytes: 1 });
		const started = await sh`replays start full --since 1h --event-types full.event --yes --quiet`;
		const reason = /The project has used up its quota of stored bytes, so the replay waits, and goes on by itself/;
		expect([started.code, started.stderr]).toEqual([0, expect.stringMatching(reason)]);
		const replay = started.stdout.trim();
		expect((await sh`replays get ${replay}`).stderr).toMatch(reason);
		expect(await json`replays get ${replay}`).toMatchObject([{ status: "Running", waitingFor: "storedBytes" }]);
		await projects.update(world.server.project.id, { maxStoredBytes: null });
		expect(await sh`replays wait ${replay}`).toMatchObject({ code: 0, stderr: "" });
	});

	it("say that they wait until their webhook is resumed", async () => {
		await json`events send held.event --data 1`;
		const webhook = await hookTo("held", receiver.url);
		await json`webhooks pause held`;
		const started = await sh`replays start held --since 1h --event-types held.event --yes --quiet`;
		const reason = `The webhook held is Paused, so its replay waits until it is resumed: fanfare webhooks resume ${webhook}`;
		expect([started.code, started.stderr]).toEqual([0, `! ${reason}\n`]);
		expect((await sh`replays get ${started.stdout.trim()}`).stderr).toContain(reason);
		await json`webhooks resume held`;
		expect(await sh`replays wait ${started.stdout.trim()}`).toMatchObject({ code: 0, stderr: "" });
	});
});

describe("event types", () => {
	it("are created, replaced, changed, listed and deleted", async () => {
		save("schema.json", ['{"type":"object"}']);
		const settings = ["--schema", "@schema.json", "--example", '{"n":1}', "--visibility", "internal"];
		expect(await json`event-types create order.paid ${settings}`).toMatchObject([
			{ schema: { type: "object" }, example: { n: 1 }, visibility: "internal" },
		]);
		expect(await json`event-types update order.paid --archived true`).toMatchObject([
			{ archived: true, example: { n: 1 } },
		]);
		expect(await json`event-types list --archived false`).not.toContainEqual(
			expect.objectContaining({ name: "order.paid" }),
		);
		expect(await json`event-types put order.paid`).toMatchObject([{ example: null, archived: false }]);
		expect((await sh`event-types update order.paid --schema {`).code).toBe(2);
		expect((await sh`event-types delete order.paid --yes`).code).toBe(0);
	});

	it("are printed with all digits of the numbers in their schemas and examples", async () => {
		const schema = '{"properties":{"id":{"maximum":12345678901234567890}}}';
		const example = '{"id":12345678901234567890,"price":1.10}';
		const settings = ["--schema", schema, "--example", example];
		for (const args of [
			["create", "exact.one", ...settings],
			["update", "exact.one", "--description", "Exact"],
			["put", "exact.one", ...settings],
			["get", "exact.one"],
			["list"],
		]) {
			const { code, stdout } = await sh`event-types ${args} --json`;
			expect([args[0], code, stdout.includes(`"schema":${schema},"example":${example}`)]).toEqual([args[0], 0, true]);
		}
		expect((await sh`event-types update exact.one --description ${"For people"}`).stdout).toContain('"price": 1.10');
	});
});

describe("customers and the portal", () => {
	it("keeps a name of a customer, pauses and resumes all webhooks of it, and deletes it", async () => {
		expect(await json`customers update acme --name Acme`).toMatchObject([{ id: "acme", name: "Acme" }]);
		await json`webhooks create https://example.com/hooks --customer acme`;
		await needsYes(sh`customers pause acme`, "Pause 1 webhook");
		expect(await json`customers pause acme --yes`).toMatchObject([{ matched: 1, changed: 1 }]);
		expect(await json`webhooks list --customer acme`).toMatchObject([{ status: "Paused" }]);
		expect(await json`customers resume acme --yes`).toMatchObject([{ changed: 1 }]);
		expect(await json`customers list --q acm`).toMatchObject([{ webhooks: { total: 1 } }]);
		await needsYes(sh`customers delete acme`, "acme");
		expect(await json`customers delete acme --yes`).toMatchObject([{ id: "acme" }]);
	});

	it("makes a link to the portal, lists and revokes sessions", async () => {
		const session = await one`portal link other --capabilities replay --expires 2h`;
		expect(session).toMatchObject({ customerId: "other", capabilities: ["replay"], url: expect.stringContaining("#") });
		const { stdout } = await sh`portal list --customer other --json`;
		expect(objectsIn(stdout)).toMatchObject([{ id: session["id"] }]);
		expect(stdout).not.toContain(session["token"]);
		await needsYes(sh`portal revoke --customer other`, "End 1 portal session?");
		expect(await json`portal revoke --customer other --yes`).toMatchObject([{ count: 1 }]);
		expect((await sh`portal revoke`).code).toBe(2);
		expect((await sh`portal link other --capabilities fly`).code).toBe(2);
	});
});

describe("the audit log", () => {
	it("is listed by action, object and project", async () => {
		await hookTo("audited");
		const entry = await one`audit list --action webhook.create --limit 1`;
		expect(entry).toMatchObject({ object: "auditEntry", action: "webhook.create" });
		const object = String(entry["objectId"]);
		expect(await json`audit list --object ${object} --project ${world.server.project.id}`).not.toEqual([]);
		expect(await json`audit list --after now`).toEqual([]);
		const { stdout } = await sh`audit list --object ${object} --action webhook.create`;
		expect(stdout).toMatch(new RegExp(`webhook\\.create +\\S+ +${String(entry["keyName"])}`));
	});

	it("is exported of the workspace and of a project", async () => {
		for (const name of ["audit-one", "audit-two"]) await json`event-types put ${name}`;
		const filter = "--action event_type.put --after 1h --object audit-one".split(" ");
		const list = await json`audit list ${filter} --all`;
		expect(list).toMatchObject([{ objectId: "audit-one" }]);
		expect(await json`audit export ${filter} --project ${world.server.project.id}`).toEqual(list);
		const other = await id`projects create Audited`;
		expect(await json`audit export --project ${other}`).toMatchObject([{ action: "project.create" }]);
		await json`projects delete Audited --yes`;
		const actions = (await json`audit export --project ${other}`).map(({ action }) => action);
		expect(actions).toEqual(["project.delete", "project.create"]);
	});

	it("shows a project's admin key what was changed in the project, and nothing else", async () => {
		await json`event-types put audit-of-project`;
		const key = await one`keys create project-admin --scope admin --project ${world.server.project.id}`;
		const as = { FANFARE_KEY: String(key["secretKey"]) };
		const rows = async (...args: readonly string[]) => {
			const { stdout, stderr } = await world.run([...args, "--json"], as);
			expect(stderr).toBe("");
			return objectsIn(stdout);
		};
		const list = await rows("audit", "list", "--all");
		expect(list).toContainEqual(expect.objectContaining({ objectId: "audit-of-project" }));
		expect(new Set(list.map(({ projectId }) => projectId))).toEqual(new Set([world.server.project.id]));
		expect(await rows("audit", "export")).toEqual(list);
		const other = await id`projects create ${"Not theirs"}`;
		const refused = await world.run(["audit", "export", "--project", other], as);
		expect([refused.code, refused.stdout]).toEqual([3, ""]);
		await json`projects delete ${other} --yes`;
	});
});

describe("an export", () => {
	beforeAll(async () => {
		for (const n of [1, 2]) {
			await json`webhooks create http://127.0.0.1:1/ --name ${`export-${n}`} --key ${`export-${n}`} --metadata of=export --event-types none --max-retries 0`;
			await json`customers update ${`export:${n}`} --name ${`Of export:${n}`}`;
			await json`event-types put ${`export-${n}`}`;
			await json`events send of.export --tag export:1 --idempotency-key ${`export-${n}`} --webhook export-1`;
		}
		const failed = () => json`deliveries list --webhook export-1 --status Failed`;
		await eventually("the attempts to fail", async () => (await failed()).length === 2);
	});

	it.each([
		["webhooks", "--q export-", "--metadata of=export --status Enabled", /(webhook_[0-9a-f-]+,export-[12],.*\r\n){2}/],
		["customers", "--q EXPORT:", "--q export:", /export:1,Of export:1,0,.*\r\nexport:2,Of export:2,0,.*\r\n/],
		[
			"events",
			"--type of.export",
			"--type of.*,x --tag export:1 --after 1h",
			/(evt_.*,of\.export,,,export:1,export-[12],.*\r\n){2}/,
		],
		["deliveries", "--webhook export-1 --status Failed", "--webhook export-1 --status Failed", /(dlv_.*\r\n){2}/],
		[
			"audit",
			"--action event_type.put --limit 2",
			"--action event_type.put --after 1h",
			/(aud_.*,event_type\.put,export-[12],.*\r\n){2}[^]*/,
		],
	])("of %s has what a list has, as JSON lines, ids and CSV", async (noun, ofList, ofExport, csv) => {
		const list = await json`${noun} list ${ofList.split(" ")}`;
		expect(list).toHaveLength(2);
		const filter = ofExport.split(" ");
		expect((await json`${noun} export ${filter}`).slice(0, 2)).toEqual(list);
		const ids = linesIn((await sh`${noun} export ${filter} --quiet`).stdout);
		expect(ids.slice(0, 2)).toEqual(list.map((row) => row["id"]));
		expect((await sh`${noun} export ${filter} --format csv --output ${`${noun}.csv`}`).code).toBe(0);
		expect(read(`${noun}.csv`)).toMatch(new RegExp(`^id,.*\\r\\n${csv.source}$`));
		expect((await sh`${noun} export ${filter} --format csv`).stdout).toBe(read(`${noun}.csv`));
	});

	it("of one row takes its key", async () => {
		expect(await json`webhooks export --key export-1 --health Healthy`).toMatchObject([{ key: "export-1" }]);
		expect(await json`events export --idempotency-key export-2`).toMatchObject([{ object: "event" }]);
	});

	it.each([
		["events export --type of..export", 2, "must be a list of names of event types"],
		["webhooks export --key 'a b'", 2, "must have 1–"],
		["deliveries export --format xml", 2, "It must be ndjson or csv."],
		["deliveries export --format csv --json", 2, ""],
		["deliveries export --output headers.json", 1, "could not be written: EEXIST"],
	])("%s is refused", async (line, code, message) => {
		const args = line.match(/'[^']+'|\S+/g)?.map((word) => word.replaceAll("'", "")) ?? [];
		expect(await sh`${args}`).toMatchObject({ code, stderr: expect.stringContaining(message) as string });
	});

	it("keeps no file that is not complete, and has another name for its form", async () => {
		const args = "deliveries export --webhook export-1".split(" ");
		const wrongKey = await world.run([...args, "--output", "partial.jsonl"], { FANFARE_KEY: "sk_wrong" });
		expect([wrongKey.code, existsSync(world.dir.join("partial.jsonl"))]).toEqual([4, false]);
		expect(await sh`${args} --format ndjson`).toEqual(await sh`${args} --format jsonl`);
	});
});

describe("failures", () => {
	it.each([
		["webhooks get", 2, /argument <webhook> is missing[^]*next {5}fanfare webhooks list/],
		["webhooks update x", 2, /Nothing to change/],
		[
			"webhooks get webhook_00000000-0000-4000-8000-000000000000",
			3,
			/request {2}req_[^]*next {5}fanfare webhooks list/,
		],
		["webhooks list --limit 0", 2, /--limit/],
		["webhooks list --project nope", 3, /There is no project "nope"/],
		["events list --after yesterday", 2, /a duration before now/],
		["events send x --data @missing.json", 2, /could not be read/],
		["webhooks create ftp://x --name x", 2, /endpoint must be an absolute https URL[^]*request {2}req_/],
		["whoami --url http://127.0.0.1:1", 5, /no response/],
		["whoami --url http://user:secret@127.0.0.1", 2, /without user name/],
	])("%s exits with %i", async (line, code, message) => {
		const result = await sh`${line.split(" ")}`;
		expect([result.code, result.stdout]).toEqual([code, ""]);
		expect(result.stderr).toMatch(message);
		expect(result.stderr).not.toMatch(/^ {4}at |secret/m);
	});

	it("are one JSON object on standard error with --json", async () => {
		const { stdout, stderr } = await sh`events get evt_00000000-0000-4000-8000-000000000000 --json`;
		expect([stdout, JSON.parse(stderr)]).toEqual([
			"",
			{
				error: {
					message: expect.any(String),
					code: "event_not_found",
					status: 404,
					requestId: expect.stringMatching(/^req_/),
					issues: [],
					exitCode: 3,
					next: "fanfare events list",
				},
			},
		]);
		const usage = await sh`events list --unknown --json`;
		expect(JSON.parse(usage.stderr)).toMatchObject({ error: { exitCode: 2, message: "unknown option '--unknown'" } });
	});
});

describe("lists", () => {
	it.each([
		["webhooks", "--customer nobody"],
		["events", "--type no.such"],
		["deliveries", "--tag no-such"],
		["customers", "--q nobody"],
	])("of %s without a row say that the filter matches none, and nothing of how to begin", async (nouns, filter) => {
		const { code, stdout, stderr } = await sh`${nouns} list ${filter.split(" ")}`;
		// On a slow machine, the command may have said before that it waits.
		expect([code, stdout, stderr.split("\n").slice(-2)]).toEqual([0, "", [`No ${nouns} match.`, ""]]);
	});

	it("show as many rows as asked, and say that there are more", async () => {
		for (let count = 0; count < 3; count++) await json`events send many --tag many`;
		const few = await sh`events list --tag many --limit 2`;
		expect([linesIn(few.stdout).length, few.stderr]).toEqual([3, expect.stringMatching(/first 2; there are more/)]);
		const all = await sh`events list --tag many --all --quiet`;
		expect([linesIn(all.stdout).length, all.stderr]).toEqual([3, ""]);
	});
});

it("replays up to now by the clock of the server, which may be ahead of this machine's", async () => {
	await using ahead = await World.startAhead(120_000);
	for (const data of [1, 2]) await ahead.server.project.events.send({ type: "just.now", data });
	await ahead.json`webhooks create ${receiver.url} --name late`;
	const args = "replays start late --since 1h --event-types just.now".split(" ");
	expect(await ahead.json`${args} --dry-run`).toMatchObject([{ count: 2 }]);
	expect(await ahead.json`${args} --yes --wait`).toMatchObject([{ deliveryCount: 2 }]);
});
