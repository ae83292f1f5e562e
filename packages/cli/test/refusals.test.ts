// Refusals of the server, told with the options and units of the command that was typed.
import { afterAll, beforeAll, expect, it } from "vitest";

import { World } from "./support/world.ts";

const HOOK = ["webhooks", "create", "http://127.0.0.1:9/"];
const WEBHOOK_ID = "webhook_00000000-0000-4000-8000-000000000000";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

it.each([
	[[...HOOK, "--timeout", "99s"], "--timeout: must be at most 30s, got 99s"],
	[[...HOOK, "--schedule", "1s,9999d"], "--schedule: entry 2 must be at most 30d, got 9999d"],
	[[...HOOK, "--schedule", "1s,".repeat(25).slice(0, -1)], "--schedule: must have at most 20 entries, got 25"],
	[[...HOOK, "--max-retry-delay", "2d"], "--max-retry-delay: must be at most 1d, got 2d"],
	[[...HOOK, "--rate-limit", "100000"], "--rate-limit: must be at most 10000, got 100000"],
	[[...HOOK, "--header", "a b=x"], '--header: "a b" is not a valid header name; use letters, digits and -'],
	[["events", "send", "a..b"], /^<type>: must be groups of letters/],
	[["events", "send", "a", "--customer", "a?,b"], /^--customer: entry 1 must have 1–128 of the characters/],
	[["events", "list", "--type", "a..b"], /^--type: .*, got "a..b"$/],
	[["deliveries", "list", "--event", "x"], /^--event: must be an id such as evt_/],
	[["deliveries", "list", "--after", "1960-01-01"], "--after: must be a time from 1970-01-01 to 9999-12-31"],
	[["replays", "start", WEBHOOK_ID, "--since", "1h", "--until", "2h"], "--until: must be later than since"],
	[["portal", "link", "acme", "--expires", "99d"], "--expires: must be at most 7d, got 99d"],
	[["projects", "create", ""], "<name>: must have 1–128 characters, got 0"],
	[["projects", "stats", "--from", "30d", "--width", "minute"], /^--from: .*43,?20\d buckets of one minute/],
	[
		["projects", "stats", "--from", "30d", "--to", "29d", "--width", "minute"],
		/^--from: must not be earlier than \d{4}-\d\d-\d\dT[^ ]+Z, since buckets of one minute are kept for \d+ hours:/,
	],
	[["events", "send", "a", "--tag", "b,a,a"], "--tag: entry 3 is the same as entry 2; list it once"],
	[
		["replays", "start", WEBHOOK_ID, "--since", "1h", "--also-to", WEBHOOK_ID],
		"--also-to: entry 1 is the same as <webhook>; list it once",
	],
	[
		["audit", "list", "--action", "webhook.updat"],
		/^--action: .*, got "webhook.updat" \(did you mean "webhook.update"\?\)$/,
	],
])("%j is refused in its own words", async (args, message) => {
	const { code, stdout, stderr } = await world.run(args);
	const [first = ""] = stderr.split("\n");
	expect([code, stdout]).toEqual([2, ""]);
	if (typeof message === "string") expect(first).toBe(`fanfare: ${message}`);
	else expect(first.replace(/^fanfare: /, "")).toMatch(message);
});

it.each([
	[
		["deliveries", "list", "--after", "1h", "--before", "2h"],
		"fanfare: --after must be earlier than --before: there is nothing in between.",
	],
	[
		["deliveries", "retry", "--status", "Failed", "--updated-after", "1h", "--updated-before", "3h"],
		"fanfare: --updated-after must be earlier than --updated-before: there is nothing in between.",
	],
	[[...HOOK, "--name", "a", "--name", "b"], "error: option '--name <name>' is given twice"],
	[
		["deliveries", "list", "--status", "Held", "--status", "Failed"],
		"error: option '--status <list>' is given twice: give all its values at once, with commas between them",
	],
	[
		["projects", "list", "--url", "http://a.example", "--url", "http://b.example"],
		"error: option '--url <url>' is given twice",
	],
])("%j is refused before anything is asked", async (args, message) => {
	const { code, stdout, stderr } = await world.run(args);
	expect([code, stdout, stderr.split("\n")[0]]).toEqual([2, "", message]);
});

it("takes each value of an option that collects them", async () => {
	const { code, stderr } = await world.run([...HOOK, "--header", "x-a=1", "--header", "x-b=2", "--json"]);
	expect([code, stderr]).toEqual([0, ""]);
});

it("lists several, each once, and with --json also the fields of the API", async () => {
	const args = [...HOOK, "--name", "", "--timeout", "99s"];
	const { code, stderr } = await world.run(args);
	expect([code, stderr]).toEqual([
		2,
		expect.stringMatching(
			/^fanfare: 2 things are not valid:\n {2}--name: must have 1–128 characters, got 0\n {2}--timeout: must be at most 30s, got 99s\n {2}request {2}req_/,
		),
	]);
	const { error } = JSON.parse((await world.run([...args, "--json"])).stderr) as { readonly error: object };
	expect(error).toMatchObject({
		message: "--name: must have 1–128 characters, got 0 (and 1 more, see issues)",
		code: "invalid_request",
		issues: [
			{ path: "name", option: "--name", message: "must have 1–128 characters, got 0" },
			{ path: "spec.timeoutMs", option: "--timeout", message: "must be at most 30s, got 99s" },
		],
	});
});

it("an entry that is given twice is refused, instead of one of both being lost", async () => {
	for (const option of ["--header", "--metadata"]) {
		const { code, stdout, stderr } = await world.run([...HOOK, option, "a=1", option, "a=2"]);
		expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining('It gives "a" twice.')]);
	}
});

it.each([
	[[...HOOK, "--header", "a=1", "--header", "a=s3cr3t' is invalid. \ns3cr3t"], `--header <name=value>' is invalid. It`],
	[[...HOOK, "--header", "s3cr3t"], "option '--header <name=value>' is invalid. It must be name=value."],
	[[...HOOK, "--headr=a=s3cr3t"], "unknown option '--headr'"],
	[[...HOOK, "--timeout", "s3cr3t"], "option '--timeout <duration>' is invalid."],
])("the values of %j are not repeated, since they may be secret", async (args, message) => {
	for (const more of [[], ["--json"]]) {
		const { code, stdout, stderr } = await world.run([...args, ...more]);
		expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(message)]);
		expect(stderr).not.toContain("s3cr3t");
	}
});

it("the first webhook of a replay is an argument, and the others are the entries of an option", async () => {
	const { id = "" } = (await world.one`${HOOK}`) as { readonly id?: string };
	const optionsOf = async (webhook: string, others: string) => {
		const args = ["replays", "start", webhook, "--since", "1h", "--also-to", others, "--json"];
		const { error } = JSON.parse((await world.run(args)).stderr) as { readonly error: { readonly issues: object[] } };
		return error.issues;
	};
	const unknown = WEBHOOK_ID.replace(/0$/, "1");
	expect(await optionsOf(WEBHOOK_ID, id)).toMatchObject([{ path: "webhookIds.0", option: "<webhook>" }]);
	expect(await optionsOf(id, `${WEBHOOK_ID},${unknown}`)).toMatchObject([
		{ path: "webhookIds.1", option: "--also-to", message: expect.stringMatching(/^entry 1 /) },
		{ path: "webhookIds.2", option: "--also-to", message: expect.stringMatching(/^entry 2 /) },
	]);
});
