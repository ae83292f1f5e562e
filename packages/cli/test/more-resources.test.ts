// The commands for replays, customers, portal links and the audit log, and the import of events, against a real server.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, expect, it } from "vitest";

import { startProxy } from "./support/proxy.ts";
import { pty, Terminal } from "./support/terminal.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

it("imports events line by line: a bad line is named and does not affect others, and a second import sends nothing twice", async () => {
	const lines = [
		'{"type":"a","data":12345678901234567890}',
		"{",
		"",
		'{"type":"b","wrong":1}',
		"[]",
		'{"data":1}',
		'{"type":"b","data":2}',
	];
	writeFileSync(world.dir.join("events.ndjson"), lines.join("\n"));
	const args = ["events", "import", "events.ndjson", "--key-prefix", "first", "--json"];
	const checked = await world.run([...args, "--dry-run"]);
	expect([checked.code, JSON.parse(checked.stdout)]).toEqual([1, expect.objectContaining({ sent: 2, refused: 4 })]);
	expect(await world.json("events", "list")).toEqual([]);
	const { code, stdout, stderr } = await world.run(args);
	expect([code, JSON.parse(stdout)]).toEqual([
		1,
		{ object: "import", sent: 2, duplicates: 0, refused: 4, dryRun: false },
	]);
	const refused = stderr
		.trim()
		.split("\n")
		.map((line) => (JSON.parse(line) as { line: number }).line);
	expect(refused).toEqual([2, 4, 5, 6]);
	expect(JSON.parse((await world.run(args)).stdout)).toMatchObject({ sent: 0, duplicates: 2 });
	const [first] = await world.json("events", "list", "--idempotency-key", "first:1");
	expect((await world.run(["events", "data", first?.["id"] as string])).stdout).toBe("12345678901234567890\n");
	expect(await world.json("events", "list", "--type", "a,b", "--unmatched")).toHaveLength(2);
	expect((await world.run(["events", "import", "missing"])).code).toBe(2);
});

it.skipIf(typeof pty === "string")(
	"shows on a terminal how far an import is, and removes that at the end",
	async () => {
		const lines = Array.from({ length: 1_500 }, (_, n) => `{"type":"many","data":${n}}\n`);
		writeFileSync(world.dir.join("many.ndjson"), lines.join(""));
		await using terminal = new Terminal(
			["events", "import", world.dir.join("many.ndjson"), "--dry-run"],
			world.scriptEnv,
		);
		expect(await terminal.ended()).toBe(0);
		expect(terminal.text).toMatch(/█+░+ 6\d % 1,?000 events█+ 100 % 1,?500 events\s*Valid +1,?500 events/);
	},
);

it("replays events with the count first, waits, lists and shows the replay", async () => {
	await using receiver = await startReceiver();
	await world.json("webhooks", "create", receiver.url, "--name", "late");
	const args = ["replays", "start", "late", "--since", "1h", "--status", "Missed"];
	expect(await world.json(...args, "--dry-run")).toMatchObject([{ object: "replayEstimate", count: 2 }]);
	const refused = await world.run(args);
	expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("Send 2 events to late again?")]);
	const [replay] = await world.json(...args, "--yes", "--wait");
	expect(replay).toMatchObject({ status: "Finished", deliveryCount: 2 });
	await receiver.waitFor(2);
	const id = replay?.["id"] as string;
	expect(await world.json("replays", "list", "--webhook", "late")).toMatchObject([{ id }]);
	expect(await world.json("replays", "get", id)).toMatchObject([{ id }]);
	expect((await world.run(["replays", "cancel", id])).code).toBe(1);
	expect((await world.run(["replays", "start", "late"])).code).toBe(2);
});

it("imports times in every notation and without one, and refuses seconds by line, in a dry run and without", async () => {
	const times = [
		"1723633671",
		"null",
		"1723633671620.0",
		"1.72363367162e12",
		"1723633671620.5",
		"1e999",
		"1723633671621",
	];
	const lines = times.map((time) => `{"type":"timed","data":1,"timestamp":${time}}`);
	writeFileSync(world.dir.join("times.ndjson"), lines.join("\n"));
	for (const more of [["--dry-run"], []]) {
		const { code, stdout, stderr } = await world.run(["events", "import", "times.ndjson", "--json", ...more]);
		expect([code, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({ sent: 4, refused: 3 })]);
		expect(stderr.trim().split("\n")).toEqual([
			expect.stringMatching(/^\{"line":1,.*got 1723633671, which looks like seconds/),
			expect.stringMatching(/^\{"line":5,.*got 1723633671620.5"/),
			expect.stringMatching(/^\{"line":6,.*milliseconds since the epoch/),
		]);
	}
	const sent = await world.json("events", "list", "--type", "timed");
	expect(sent.map(({ timestamp }) => timestamp).toReversed()).toEqual([
		expect.any(Number),
		1723633671620,
		1723633671620,
		1723633671621,
	]);
});

it("says with --dry-run that the import would fail with a wrong key, or in a project that does not exist", async () => {
	writeFileSync(world.dir.join("one.ndjson"), '{"type":"a","data":1}');
	const args = ["events", "import", "one.ndjson", "--dry-run"];
	expect(await world.run(args, { FANFARE_KEY: "sk_wrong" })).toMatchObject({ code: 4, stdout: "" });
	expect(await world.run([...args, "--project", "nowhere"])).toMatchObject({ code: 3, stdout: "" });
});

it("checks with --dry-run what the import refuses: the form of lines, the names of types, and the types that the project takes", async () => {
	const lines = [
		{
			type: "known.type",
			data: null,
			tags: ["a:1"],
			customerIds: ["a", "b"],
			timestamp: 1,
			idempotencyKey: "k",
			webhookIds: null,
		},
		{ type: "known..type", data: 1 },
		{ type: "fanfare.own", data: 1 },
		{ type: "known.type" },
		{ type: "known.type", data: 1, timestamp: "now" },
		{ type: "known.type", data: 1, timestamp: -1 },
		{ type: "known.type", data: 1, customerId: "a b" },
		{ type: "known.type", data: 1, customerId: "a", customerIds: ["b"] },
		{ type: "known.type", data: 1, customerIds: [] },
		{ type: "known.type", data: 1, customerIds: "all" },
		{ type: "known.type", data: 1, customerIds: "*" },
		{ type: "known.type", data: 1, tags: ["a", "a"] },
		{ type: "known.type", data: 1, tags: ["a", "b", "c", "d", "e", "f"] },
		{ type: "known.type", data: 1, tags: "a" },
		{ type: "known.type", data: 1, webhookIds: ["x"] },
		{ type: "known.type", data: 1, idempotencyKey: "" },
		{ type: "x".repeat(257), data: 1 },
		{ type: "unknown.type", data: 1 },
		{ type: "archived.type", data: 1 },
	];
	writeFileSync(world.dir.join("check.ndjson"), lines.map((line) => JSON.stringify(line)).join("\n"));
	const refusedBy = async (...args: string[]) => {
		const { code, stdout, stderr } = await world.run(["events", "import", "check.ndjson", "--json", ...args]);
		expect(code).toBe(1);
		const refused = stderr
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line) as { line: number; message: string });
		const { sent } = JSON.parse(stdout) as { readonly sent: number };
		expect(sent + refused.length).toBe(lines.length);
		return refused;
	};
	expect((await refusedBy("--dry-run")).map(({ line }) => line)).not.toContain(lines.length - 1);
	await world.json("event-types", "create", "known.type");
	await world.json("event-types", "create", "archived.type", "--archived", "true");
	await world.json("projects", "update", world.server.project.id, "--event-types", "catalogued");
	const checked = await refusedBy("--dry-run");
	expect(checked.at(-2)?.message).toBe('type "unknown.type" is none that the project takes');
	expect((await refusedBy()).map(({ line }) => line)).toEqual(checked.map(({ line }) => line));
	await world.json("projects", "update", world.server.project.id, "--event-types", "open");
	await using proxy = await startProxy(world.server.url, () => 403);
	const offline = await world.run(["events", "import", "check.ndjson", "--dry-run"], { FANFARE_URL: proxy.url });
	expect([offline.code, offline.stderr]).toEqual([
		1,
		expect.stringMatching(/^! Whether the project takes .* not checked: /),
	]);
});

it.skipIf(typeof pty === "string")("says that a replay waits until its webhook is resumed", async () => {
	await using receiver = await startReceiver();
	await world.json("events", "send", "held.event", "--data", "1");
	const [webhook] = await world.json(
		"webhooks",
		"create",
		receiver.url,
		"--name",
		"held",
		"--event-types",
		"held.event",
	);
	await world.json("webhooks", "pause", "held");
	const args = ["replays", "start", "held", "--since", "1h", "--event-types", "held.event", "--yes"];
	const started = await world.run([...args, "--quiet"]);
	const reason = `The webhook held is Paused, so its replay waits until it is resumed: fanfare webhooks resume ${String(webhook?.["id"])}`;
	expect([started.code, started.stderr]).toEqual([0, `! ${reason}\n`]);
	const id = started.stdout.trim();
	expect((await world.run(["replays", "get", id])).stderr).toContain(reason);
	await using terminal = new Terminal(["replays", "wait", id], world.scriptEnv, 300);
	await terminal.shows(/The webhook held is Paused, so its replay waits/);
	await world.json("webhooks", "resume", "held");
	expect(await terminal.ended()).toBe(0);
	await receiver.waitFor(1);
	expect((await world.run(["replays", "get", id])).stderr).toBe("");
	await world.json("webhooks", "delete", "held", "--yes");
});

it("says that a replay waits for the project's quota of stored bytes", async () => {
	await using receiver = await startReceiver();
	await world.json("events", "send", "full.event", "--data", "1");
	await world.json("webhooks", "create", receiver.url, "--name", "full", "--event-types", "full.event");
	const { id: projectId } = world.server.project;
	const { projects } = world.server.client;
	await projects.update(projectId, { maxStoredBytes: 1 });
	const args = ["replays", "start", "full", "--since", "1h", "--event-types", "full.event", "--yes"];
	const started = await world.run([...args, "--quiet"]);
	const reason = /The project has used up its quota of stored bytes, so the replay waits, and goes on by itself/;
	expect([started.code, started.stderr]).toEqual([0, expect.stringMatching(reason)]);
	const id = started.stdout.trim();
	expect((await world.run(["replays", "get", id])).stderr).toMatch(reason);
	expect(await world.json("replays", "get", id)).toMatchObject([{ status: "Running", waitingFor: "storedBytes" }]);
	await projects.update(projectId, { maxStoredBytes: null });
	const ended = await world.run(["replays", "wait", id]);
	expect([ended.code, ended.stderr]).toEqual([0, ""]);
	await receiver.waitFor(1);
	await world.json("webhooks", "delete", "full", "--yes");
});

it("replays up to now by the clock of the server, which may be ahead of this machine's", async () => {
	await using ahead = await World.startAhead(120_000);
	const { project } = ahead.server;
	for (const data of [1, 2]) await project.events.send({ type: "just.now", data });
	await using receiver = await startReceiver();
	await ahead.json("webhooks", "create", receiver.url, "--name", "late");
	const args = ["replays", "start", "late", "--since", "1h", "--event-types", "just.now"];
	expect(await ahead.json(...args, "--dry-run")).toMatchObject([{ count: 2 }]);
	expect(await ahead.json(...args, "--yes", "--wait")).toMatchObject([{ deliveryCount: 2 }]);
});

it("goes on looking whether a replay waits after one look has failed", async () => {
	await world.json("events", "send", "held.again", "--data", "1");
	const hook = ["http://127.0.0.1:9/", "--name", "again", "--event-types", "held.again"];
	const [webhook] = await world.json("webhooks", "create", ...hook);
	await world.json("webhooks", "pause", "again");
	const args = ["replays", "start", "again", "--since", "1h", "--event-types", "held.again", "--yes", "--quiet"];
	const started = await world.run(args);
	const id = started.stdout.trim();
	let looks = 0;
	const isLook = (url: string) => url.endsWith(`/batch/webhooks/${String(webhook?.["id"])}`);
	const { promise: warned, resolve: secondLook } = Promise.withResolvers<void>();
	await using proxy = await startProxy(world.server.url, (url) => {
		if (!isLook(url)) return null;
		looks++;
		if (looks === 2) secondLook();
		return looks === 1 ? 403 : null;
	});
	const waiting = world.run(["replays", "wait", id], { FANFARE_URL: proxy.url });
	await warned;
	// The second look sees the webhook as it still is, and its warning comes before the replay can end.
	await proxy.idle();
	await world.json("webhooks", "resume", "again");
	const { code, stderr } = await waiting;
	expect([code, stderr]).toEqual([0, expect.stringContaining("The webhook again is Paused, so its replay waits")]);
	await world.json("webhooks", "delete", "again", "--yes");
});

it.skipIf(typeof pty === "string")("replays what was counted, and nothing that came while it asked", async () => {
	await using receiver = await startReceiver();
	const send = async () => world.json("events", "send", "asked.event", "--data", "1");
	await send();
	await world.json("webhooks", "create", receiver.url, "--name", "asked", "--event-types", "none");
	const args = ["replays", "start", "asked", "--since", "1h", "--event-types", "asked.event", "--wait"];
	await using terminal = new Terminal(args, world.scriptEnv);
	await terminal.shows(/Send 1 event to asked again\?/);
	await send();
	terminal.type("y");
	expect(await terminal.ended()).toBe(0);
	expect(terminal.text).toMatch(/Progress +100 %, 1 event sent,/);
	// Also if the range begins later than now.
	const later = ["replays", "start", "asked", "--since", new Date(Date.now() + 3_600_000).toISOString(), "--yes"];
	expect(await world.json(...later, "--wait")).toMatchObject([{ status: "Finished", deliveryCount: 0 }]);
});

it("replays chosen events to several webhooks, each once", async () => {
	await using receiver = await startReceiver();
	const sent = await world.json("events", "send", "chosen.event", "--data", "1");
	const id = String(sent[0]?.["id"]);
	for (const name of ["first", "second"])
		await world.json("webhooks", "create", receiver.url, "--name", name, "--event-types", "chosen.event");
	const args = ["replays", "start", "first", "--events", id, "--also-to", "second"];
	expect(await world.json(...args, "--dry-run")).toMatchObject([{ object: "replayEstimate", count: 2 }]);
	const started = await world.json(...args, "--yes", "--wait");
	expect(started).toMatchObject([
		{ status: "Finished", chosenCount: 1, deliveryCount: 1 },
		{ status: "Finished", chosenCount: 1, deliveryCount: 1 },
	]);
	await receiver.waitFor(2);
	const both = await world.run([...args, "--since", "1h", "--yes"]);
	expect([both.code, both.stderr]).toEqual([
		expect.any(Number),
		expect.stringContaining("--since: must not be there beside --events"),
	]);
	for (const name of ["first", "second"]) await world.json("webhooks", "delete", name, "--yes");
});

it("keeps a name of a customer, pauses and resumes all webhooks of it, and deletes it", async () => {
	expect(await world.json("customers", "update", "acme", "--name", "Acme")).toMatchObject([
		{ id: "acme", name: "Acme" },
	]);
	await world.json("webhooks", "create", "https://example.com/hooks", "--customer", "acme");
	const paused = await world.run(["customers", "pause", "acme"]);
	expect([paused.code, paused.stderr]).toEqual([2, expect.stringContaining("Pause 1 webhook")]);
	expect(await world.json("customers", "pause", "acme", "--yes")).toMatchObject([{ matched: 1, changed: 1 }]);
	expect(await world.json("webhooks", "list", "--customer", "acme")).toMatchObject([{ status: "Paused" }]);
	expect(await world.json("customers", "resume", "acme", "--yes")).toMatchObject([{ changed: 1 }]);
	expect(await world.json("customers", "list", "--q", "acm")).toMatchObject([{ webhooks: { total: 1 } }]);
	expect((await world.run(["customers", "delete", "acme"])).code).toBe(2);
	expect(await world.json("customers", "delete", "acme", "--yes")).toMatchObject([{ id: "acme" }]);
});

it("makes a link to the portal, lists and revokes sessions", async () => {
	const [session] = await world.json("portal", "link", "other", "--capabilities", "replay", "--expires", "2h");
	expect(session).toMatchObject({ customerId: "other", capabilities: ["replay"], url: expect.stringContaining("#") });
	const listed = await world.run(["portal", "list", "--customer", "other", "--json"]);
	expect(JSON.parse(listed.stdout)).toMatchObject({ id: session?.["id"] });
	expect(listed.stdout).not.toContain(session?.["token"]);
	const refused = await world.run(["portal", "revoke", "--customer", "other"]);
	expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("End 1 portal session?")]);
	expect(await world.json("portal", "revoke", "--customer", "other", "--yes")).toMatchObject([{ count: 1 }]);
	expect((await world.run(["portal", "revoke"])).code).toBe(2);
	expect((await world.run(["portal", "link", "other", "--capabilities", "fly"])).code).toBe(2);
});

it("lists the audit log by action, object and project", async () => {
	await world.json("webhooks", "create", "http://127.0.0.1:1/", "--name", "audited");
	const [entry] = await world.json("audit", "list", "--action", "webhook.create", "--limit", "1");
	expect(entry).toMatchObject({ object: "auditEntry", action: "webhook.create" });
	const object = entry?.["objectId"] as string;
	expect(await world.json("audit", "list", "--object", object, "--project", world.server.project.id)).not.toEqual([]);
	expect(await world.json("audit", "list", "--after", "now")).toEqual([]);
	const keyName = entry?.["keyName"] as string;
	const table = await world.run(["audit", "list", "--object", object, "--action", "webhook.create"]);
	expect(table.stdout).toMatch(new RegExp(`webhook\\.create +audited +${keyName}`));
});

it("exports the audit log as JSON lines or CSV, of the workspace and of a project", async () => {
	for (const name of ["audit-one", "audit-two"]) await world.json("event-types", "put", name);
	const filter = ["--action", "event_type.put", "--after", "1h"];
	const list = await world.json("audit", "list", ...filter, "--all");
	expect(list).toMatchObject([{ objectId: "audit-two" }, { objectId: "audit-one" }]);
	expect(await world.json("audit", "export", ...filter)).toEqual(list);
	const { project } = world.server;
	expect(await world.json("audit", "export", ...filter, "--project", project.id)).toEqual(list);
	expect(await world.json("audit", "export", "--object", "audit-one")).toEqual([list[1]]);
	expect((await world.run(["audit", "export", ...filter, "--quiet"])).stdout).toBe(
		list.map((entry) => `${String(entry["id"])}\n`).join(""),
	);
	expect((await world.run(["audit", "export", ...filter, "--format", "csv", "--output", "audit.csv"])).code).toBe(0);
	expect(readFileSync(world.dir.join("audit.csv"), "utf8")).toMatch(
		/^id,createDate,action,objectId,.*\r\n(aud_.*,event_type\.put,audit-(one|two),.*\r\n){2}$/,
	);
	const other = await world.json("projects", "create", "Audited");
	const inOther = ["--project", String(other[0]?.["id"])];
	expect(await world.json("audit", "export", ...inOther)).toMatchObject([{ action: "project.create" }]);
	await world.json("projects", "delete", "Audited", "--yes");
	expect(await world.json("audit", "export", ...inOther)).toMatchObject([
		{ action: "project.delete" },
		{ action: "project.create" },
	]);
});

it("lists and exports with a project's admin key what was changed in the project, and nothing else", async () => {
	await world.json("event-types", "put", "audit-of-project");
	const [key] = await world.json(
		"keys",
		"create",
		"project-admin",
		"--scope",
		"admin",
		"--project",
		world.server.project.id,
	);
	const as = { FANFARE_KEY: String(key?.["secretKey"]) };
	const rows = async (...args: readonly string[]) => {
		const { stdout, stderr } = await world.run([...args, "--json"], as);
		expect(stderr).toBe("");
		return stdout
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line) as Record<string, unknown>);
	};
	const list = await rows("audit", "list", "--all");
	expect(list).toContainEqual(expect.objectContaining({ objectId: "audit-of-project" }));
	expect(new Set(list.map(({ projectId }) => projectId))).toEqual(new Set([world.server.project.id]));
	expect(await rows("audit", "export")).toEqual(list);
	const [other] = await world.json("projects", "create", "Not theirs");
	const refused = await world.run(["audit", "export", "--project", String(other?.["id"])], as);
	expect([refused.code, refused.stdout]).toEqual([3, ""]);
	await world.json("projects", "delete", "Not theirs", "--yes");
});

it("exports all customers that match as JSON lines or CSV", async () => {
	for (const id of ["export:b", "export:a"]) await world.json("customers", "update", id, "--name", `Of ${id}`);
	const list = await world.json("customers", "list", "--q", "of EXPORT");
	expect(list).toMatchObject([{ id: "export:a" }, { id: "export:b" }]);
	expect(await world.json("customers", "export", "--q", "of EXPORT")).toEqual(list);
	expect((await world.run(["customers", "export", "--q", "export:", "--quiet"])).stdout).toBe("export:a\nexport:b\n");
	expect((await world.run(["customers", "export", "--q", "export:", "--format", "csv"])).stdout).toMatch(
		/^id,name,webhooksTotal,.*\r\nexport:a,Of export:a,0,.*\r\nexport:b,Of export:b,0,.*\r\n$/,
	);
});

it("lists the error of a delivery that got no answer, and not the code 0", async () => {
	await world.json("webhooks", "create", "http://127.0.0.1:1/", "--name", "nobody", "--max-retries", "0");
	await world.json("events", "send", "to.nobody", "--webhook", "nobody");
	const args = ["deliveries", "list", "--webhook", "nobody", "--status", "Failed"];
	await eventually("the attempt to fail", async () => (await world.json(...args)).length === 1);
	expect((await world.run(args)).stdout).toMatch(/Failed +to\.nobody +nobody +refused +1 /);
	await world.json("webhooks", "delete", "nobody", "--yes");
});

it("says who would get an event and who would not, and sends nothing", async () => {
	await world.json("webhooks", "create", "http://127.0.0.1:1/", "--name", "orders", "--event-types", "order.*");
	await world.json("webhooks", "create", "http://127.0.0.1:1/", "--name", "users", "--event-types", "user.*");
	const events = await world.json("events", "list", "--all");
	const { stdout, stderr } = await world.run(["events", "match", "order.paid"]);
	expect(stdout).toMatch(/^yes +\w+ +orders .*Enabled/m);
	expect(stdout).toMatch(/^no +type_filter +users /m);
	expect(stderr).toContain(`${stdout.match(/^yes /gm)?.length} webhook`);
	expect(await world.json("events", "match", "user.created", "--limit", "1")).toMatchObject([
		{ object: "routing", webhookName: "users", gets: true },
	]);
	expect(await world.json("events", "list", "--all")).toEqual(events);
	const both = await world.run(["events", "match", "a", "--customer", "acme", "--every-customer"]);
	expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("not both")]);
	for (const name of ["orders", "users"]) await world.json("webhooks", "delete", name, "--yes");
});

it("exports all events that match as JSON lines or CSV", async () => {
	for (let n = 0; n < 2; n++)
		await world.json("events", "send", "of.export", "--tag", "export:1", "--idempotency-key", `key-${n}`);
	const list = await world.json("events", "list", "--type", "of.export", "--all");
	expect(list).toHaveLength(2);
	expect(await world.json("events", "export", "--type", "of.*,x", "--tag", "export:1", "--after", "1h")).toEqual(list);
	expect(await world.json("events", "export", "--idempotency-key", "key-0")).toEqual([list[1]]);
	expect((await world.run(["events", "export", "--type", "of.export", "--quiet"])).stdout).toBe(
		list.map((event) => `${String(event["id"])}\n`).join(""),
	);
	expect((await world.run(["events", "export", "--tag", "export:1", "--format", "csv"])).stdout).toMatch(
		/^id,createDate,.*\r\n(evt_.*,of\.export,,,export:1,key-[01],.*\r\n){2}$/,
	);
	const refused = await world.run(["events", "export", "--type", "of..export"]);
	expect([refused.code, refused.stderr]).toEqual([
		2,
		expect.stringContaining("must be a list of names of event types"),
	]);
});

it("exports all webhooks that match as JSON lines or CSV, to a file too", async () => {
	for (const name of ["export-one", "export-two"]) {
		const args = ["http://127.0.0.1:1/", "--name", name, "--key", name, "--metadata", "of=export"];
		await world.json("webhooks", "create", ...args);
	}
	const list = await world.json("webhooks", "list", "--q", "export-");
	expect(list).toHaveLength(2);
	expect(await world.json("webhooks", "export", "--metadata", "of=export", "--status", "Enabled")).toEqual(list);
	expect(await world.json("webhooks", "export", "--key", "export-one", "--health", "Healthy")).toEqual([list[1]]);
	const args = ["webhooks", "export", "--q", "export-", "--format", "csv", "--output", "webhooks.csv"];
	expect((await world.run(args)).code).toBe(0);
	expect(readFileSync(world.dir.join("webhooks.csv"), "utf8")).toMatch(
		/^id,key,name,.*\r\n(webhook_[0-9a-f-]+,export-(one|two),.*\r\n){2}$/,
	);
	const refused = await world.run(["webhooks", "export", "--key", "a b"]);
	expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("must have 1–")]);
	for (const name of ["export-one", "export-two"]) await world.json("webhooks", "delete", name, "--yes");
});

it("exports all deliveries that match as JSON lines or CSV, and keeps no file that is not complete", async () => {
	await world.json("webhooks", "create", "http://127.0.0.1:1/", "--name", "gone", "--max-retries", "0");
	for (let n = 0; n < 3; n++) await world.json("events", "send", "to.gone", "--webhook", "gone");
	const list = () => world.json("deliveries", "list", "--webhook", "gone", "--status", "Failed", "--all");
	await eventually("the attempts to fail", async () => (await list()).length === 3);
	const args = ["deliveries", "export", "--webhook", "gone", "--status", "Failed"];
	expect(await world.json(...args)).toEqual(await list());
	expect((await world.run([...args, "--format", "csv", "--output", "failed.csv"])).code).toBe(0);
	const csv = readFileSync(world.dir.join("failed.csv"), "utf8").trimEnd().split(/\r?\n/);
	expect([csv.length, csv[0]]).toEqual([4, expect.stringMatching(/^id,/)]);
	const again = await world.run([...args, "--output", "failed.csv"]);
	expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("could not be written: EEXIST")]);
	const wrongKey = await world.run([...args, "--output", "partial.jsonl"], { FANFARE_KEY: "sk_wrong" });
	expect([wrongKey.code, existsSync(world.dir.join("partial.jsonl"))]).toEqual([4, false]);
	expect((await world.run([...args, "--format", "csv", "--json"])).code).toBe(2);
	const rows = await world.run([...args, "--format", "ndjson"]);
	expect([rows.code, await world.run([...args, "--format", "jsonl"])]).toEqual([0, rows]);
	const unknown = await world.run([...args, "--format", "xml"]);
	expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("It must be ndjson or csv.")]);
});
