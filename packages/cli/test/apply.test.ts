// `fanfare apply` and `fanfare export`: a file that makes a project what it asks for, and changes nothing the second time.
import { writeFileSync } from "node:fs";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { readApplyFile } from "../src/commands/apply/file.ts";
import { digestOf, fits } from "../src/commands/apply/header-digest.ts";
import { startProxy } from "./support/proxy.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAZ";
const save = (text: string, name = "fanfare.yaml") => writeFileSync(world.dir.join(name), text);
const FILE = `
id: shop
project:
  retentionDays: 30
eventTypes:
  order.paid:
    description: An order was paid.
    schema: { type: object, required: [orderId] }
    example: { orderId: 12345678901234567890 }
webhooks:
  billing:
    name: Billing
    endpoint: https://example.com/hooks
    eventTypes: [user.made, "order.*"]
    secret: { env: BILLING_SECRET }
    headers: { authorization: { file: token } }
    metadata: { team: a }
    timeout: 10s
    schedule: [1s, 5m]
    paused: true
  crm:
    endpoint: https://example.com/crm
    secret: { env: BILLING_SECRET }
`;

const webhook = async (key: string) => (await world.server.project.batch.webhooks.list({ key })).data[0];

describe("a file", () => {
	const env = { BILLING_SECRET: SECRET };
	const apply = async (...args: string[]) => {
		const { code, stdout, stderr } = await world.run(["apply", ...args, "--json"], env);
		expect([code, stderr]).toEqual([0, ""]);
		return JSON.parse(stdout) as { readonly changes: readonly Record<string, unknown>[] };
	};

	it("is applied, and changes nothing the second time; what it exports changes nothing either", async () => {
		save(FILE);
		writeFileSync(world.dir.join("token"), "Bearer abc\n");
		expect(await apply("--dry-run")).toMatchObject({ applied: false, unchanged: 0, changes: [{}, {}, {}, {}] });
		expect(await webhook("billing")).toBeUndefined();
		const refused = await world.run(["apply"], env);
		expect([refused.code, refused.stdout]).toEqual([2, expect.stringContaining("+ create webhook billing")]);
		expect(refused.stderr).toContain("--yes");
		expect(await apply("--yes")).toMatchObject({ applied: true, changes: [{}, {}, {}, {}] });
		expect(await webhook("billing")).toMatchObject({
			name: "Billing",
			status: "Paused",
			timeoutMs: 10_000,
			eventTypes: expect.arrayContaining(["order.*", "user.made"]) as unknown,
			retries: { scheduleMs: [1_000, 300_000] },
			metadata: { team: "a", "fanfare.file": "shop" },
			headers: { authorization: "***" },
		});
		const { data } = await world.server.project.events.match({ type: "order.paid" });
		expect(data.find(({ webhookName }) => webhookName === "Billing")?.gets).toBe(true);
		expect(await apply("--yes")).toEqual({
			object: "applied",
			projectId: world.server.project.id,
			applied: false,
			changes: [],
			unchanged: 4,
			stale: 0,
		});

		const exported = await world.run(["export"]);
		expect([exported.code, exported.stderr]).toEqual([0, ""]);
		expect(exported.stdout).toContain("# headers: authorization.");
		expect(exported.stdout).not.toMatch(/Bearer|fanfare\.(file|headers)|whsec_/);
		save(exported.stdout, "exported.yaml");
		expect(await apply("exported.yaml", "--yes")).toMatchObject({ applied: false, changes: [], unchanged: 4 });
	});

	it("keeps all digits of numbers: exported, applied again and compared", async () => {
		const example = "{x: 9007199254740993, y: 0.12345678901234567890, z: 1.10, n: {deep: [-123456789012345678901]}}";
		save(`eventTypes:\n  exact: { example: ${example} }\n`);
		expect(await apply("--yes")).toMatchObject({ applied: true });
		expect(await apply("--yes")).toMatchObject({ applied: false, changes: [] });
		const { stdout } = await world.run(["export"]);
		expect(stdout).toMatch(/x: 9007199254740993\n +y: 0\.12345678901234567890\n[^]*- -123456789012345678901\n/);
		expect((await world.run(["export", "--json"])).stdout).toContain(
			'"x":9007199254740993,"y":0.12345678901234567890,',
		);
		expect((await world.run(["event-types", "get", "exact", "--json"])).stdout).toContain('"x":9007199254740993,');
		// A change of another field sends the example, too: it must be the same.
		save(stdout.replace("    example:\n      x:", "    description: ids\n    example:\n      x:"));
		expect(await apply("--yes")).toMatchObject({ changes: [{ fields: [{ name: "description" }] }] });
		expect((await world.run(["export"])).stdout).toContain("x: 9007199254740993\n");
		// A parser of numbers takes both for the same.
		save(`eventTypes:\n  exact: { example: ${example.replace("0993", "0992")} }\n`);
		expect(await apply("--yes")).toMatchObject({ changes: [{ fields: [{ name: "example" }] }] });
		await world.server.project.eventTypes.delete("exact");
	});

	it("takes numbers of every notation as names, and names the line of a problem below one", () => {
		const text = "eventTypes:\n  a:\n    example: { 1.10: &n 2.50, -0: 1, 12345678901234567890: 1, 1: 1, *n : 1 }\n";
		save(text, "names.yaml");
		const [type] = readApplyFile(world.dir.join("names.yaml")).desired.eventTypes;
		expect(JSON.stringify(type?.example)).toBe('{"1":1,"1.10":2.50,"-0":1,"12345678901234567890":1,"2.50":1}');
		save("eventTypes:\n  a:\n    example:\n      1.10:\n        x: .inf\n", "names.yaml");
		expect(() => readApplyFile(world.dir.join("names.yaml"))).toThrow(/names\.yaml:5: .*1\.10\.x: must be a number/);
	});

	it("keeps the notation of numbers, and takes another one for a change", async () => {
		const text = (example: string) => `eventTypes:\n  price: { example: ${example} }\n`;
		save(text("{a: 1.10, b: 1e3, c: -0, d: 1.0, e: 0.5}"));
		await apply("--yes");
		expect((await world.run(["event-types", "get", "price", "--json"])).stdout).toContain(
			'"example":{"a":1.10,"b":1e3,"c":-0,"d":1.0,"e":0.5}',
		);
		const exported = (await world.run(["export"])).stdout;
		expect(exported).toMatch(/a: 1\.10\n +b: 1e3\n +c: -0\n +d: 1\.0\n +e: 0\.5\n/);
		save(exported);
		expect(await apply("--yes")).toMatchObject({ applied: false, changes: [] });
		save(text("{a: 1.1, b: 1e3, c: -0, d: 1.0, e: 0.5}"));
		expect(await apply("--yes")).toMatchObject({ changes: [{ fields: [{ name: "example" }] }] });
		save("project:\n  retentionDays: 30.0\n");
		expect(await apply("--dry-run")).toMatchObject({ changes: [] });
		await world.server.project.eventTypes.delete("price");
	});

	it("changes what differs, says it in words, and never shows a secret", async () => {
		writeFileSync(world.dir.join("token"), "Bearer xyz\n");
		save(
			FILE.replace("timeout: 10s", "timeout: 20s")
				.replace("paused: true", "paused: false")
				.replace("retentionDays: 30", "retentionDays: null"),
		);
		const { code, stdout, stderr } = await world.run(["apply", "--yes"], { BILLING_SECRET: OTHER });
		expect([code, stderr]).toEqual([0, "✓ 3 changes made.\n"]);
		expect(stdout).toMatch(
			/~ update webhook billing \(Billing\)\n {4}timeout +10 s → 20 s\n {4}paused +true → false\n/,
		);
		expect(stdout).toMatch(/headers +authorization → authorization \(new values\)\n {4}secret +….{4} → another/);
		expect(stdout).toMatch(/retentionDays +30 → the server's setting/);
		expect(stdout).not.toMatch(/xyz|AAAA/);
		const changed = await webhook("billing");
		expect(changed).toMatchObject({ status: "Enabled", timeoutMs: 20_000, metadata: { team: "a" } });
		expect(OTHER.endsWith(changed?.secretHint ?? "?")).toBe(true);
	});

	it("prunes what it has made and names no more, and nothing else", async () => {
		await world.server.project.batch.webhooks.create({
			name: "by hand",
			key: "hand",
			spec: { endpoint: "https://example.com/x", metadata: { "fanfare.file": "other" } },
		});
		save("id: shop\nwebhooks:\n  hand:\n    description: adopted\n");
		expect(await apply("--yes")).toMatchObject({ stale: 2, changes: [{ key: "hand" }] });
		save("id: shop\nwebhooks: {}\n");
		const { changes } = await apply("--prune", "--yes");
		expect(changes.map(({ action, key }) => `${String(action)} ${String(key)}`).toSorted()).toEqual([
			"delete billing",
			"delete crm",
		]);
		expect(await webhook("hand")).toMatchObject({ description: "adopted", metadata: { "fanfare.file": "other" } });
		expect(await apply("--prune", "--yes")).toMatchObject({ changes: [] });
	});

	it("names the line of what the server refuses, and how far it came", async () => {
		save(
			"webhooks:\n  good:\n    endpoint: https://example.com/g\n    secret: { env: BILLING_SECRET }\n  bad:\n    secret: { env: BILLING_SECRET }\n    endpoint: https://example.com/b\n    timeout: 99s\n",
		);
		const { code, stderr } = await world.run(["apply", "--yes"], env);
		expect([code, stderr]).toEqual([
			2,
			expect.stringMatching(
				/fanfare\.yaml:8: webhook bad: timeout: must be at most 30s, got 99s [^]*1 change of 2 had been made/,
			),
		]);
	});
});

describe("a change of what stands already", () => {
	const env = { BILLING_SECRET: SECRET };
	/** Applies a file, and then puts another one into its place. */
	const applyThenSave = async (first: string, second: string) => {
		save(first);
		expect(await world.run(["apply", "--yes"], env)).toMatchObject({ code: 0 });
		save(second);
	};
	const expectNoChanges = async () =>
		expect((await world.run(["apply", "--dry-run", "--json"], env)).stdout).toContain('"changes":[]');
	/** The server behind a proxy that keeps the bodies of changes, and loses the answer to the first one if it should. */
	const openProxy = async (losesFirst: boolean, before?: () => Promise<void>) => {
		const bodies: Record<string, unknown>[] = [];
		const isLost = (body: unknown) => bodies.push(body as Record<string, unknown>) === 1 && losesFirst;
		const proxy = await startProxy(world.server.url, () => null, isLost, before);
		const close = () => proxy[Symbol.asyncDispose]();
		return { bodies, env: { ...env, FANFARE_URL: proxy.url }, [Symbol.asyncDispose]: close };
	};
	const FILES = [
		["project: { retentionDays: 12 }", "project: { retentionDays: 13 }"],
		["eventTypes: { lost.one: { description: A } }", "eventTypes: { lost.one: { description: B } }"],
		[
			"eventTypes: { lost.two: { example: { price: 1.10 } } }",
			"eventTypes: { lost.two: { example: { price: 1.20 } } }",
		],
		["webhooks: { lost: { ENDPOINT, timeout: 5s } }", "webhooks: { lost: { ENDPOINT, timeout: 6s } }"],
	].map((pair) =>
		pair.map(
			(text) =>
				`id: lost\n${text.replace("ENDPOINT", "endpoint: https://example.com/l, secret: { env: BILLING_SECRET }")}\n`,
		),
	);

	it.each(FILES)(
		"is made once and is none's of somebody else if its answer was lost: %j",
		async (first = "", second = "") => {
			await applyThenSave(first, second);
			await using proxy = await openProxy(true);
			expect(await world.run(["apply", "--yes"], proxy.env)).toMatchObject({
				code: 0,
				stderr: expect.stringContaining("1 change made") as string,
			});
			expect(proxy.bodies).toHaveLength(2);
			await expectNoChanges();
		},
	);

	it.each([
		["its secret", "", `secret: { env: OTHER_SECRET }`],
		["what it sends", "paused: true, ", "paused: false, secret: { env: BILLING_SECRET }"],
		["anything, by a pause", "", "paused: true, timeout: 6s, secret: { env: BILLING_SECRET }"],
	])("of a webhook is refused if somebody else was faster, and changes not %s", async (_what, first, second) => {
		const key = `faster-${first.length}-${second.length}`;
		const file = (more: string) => `id: faster\nwebhooks: { ${key}: { endpoint: "https://example.com/f", ${more} } }\n`;
		await applyThenSave(file(`${first}secret: { env: BILLING_SECRET }`), file(second));
		const { webhooks } = world.server.project.batch;
		let theirs = await webhook(key);
		await using proxy = await openProxy(false, async () => {
			theirs = await webhooks.update(theirs?.id ?? "", { spec: { description: "theirs" } });
		});
		const { code, stderr } = await world.run(["apply", "--yes"], { ...proxy.env, OTHER_SECRET: OTHER });
		expect([code === 0, stderr]).toEqual([false, expect.stringContaining("changed by somebody else")]);
		expect(await webhook(key)).toEqual(theirs);
	});

	it("does not send the texts that stay, which the server could refuse today", async () => {
		const file = (timeout: string, days: number, visibility: string) => `
id: texts
project: { name: Shop, retentionDays: ${days} }
eventTypes: { kept.one: { description: Kept, visibility: ${visibility} } }
webhooks:
  kept: { name: Kept, description: Kept, metadata: { a: b }, endpoint: "https://example.com/k", secret: { env: BILLING_SECRET }, timeout: ${timeout} }
`;
		await applyThenSave(file("5s", 21, "public"), file("6s", 22, "internal"));
		await using proxy = await openProxy(false);
		expect(await world.run(["apply", "--yes"], proxy.env)).toMatchObject({ code: 0 });
		expect(proxy.bodies).toHaveLength(3);
		for (const body of proxy.bodies) {
			for (const field of ["name", "description", "metadata"]) {
				expect(body).not.toHaveProperty(field);
				expect(body["spec"] ?? {}).not.toHaveProperty(field);
			}
		}
	});

	it("is not said to be none if no answer to it came", async () => {
		const file = (days: number) => `id: none\nproject: { retentionDays: ${days} }\n`;
		await applyThenSave(file(31), file(32));
		const loses = () => true;
		await using proxy = await startProxy(world.server.url, () => null, loses);
		const { code, stderr } = await world.run(["apply", "--yes"], { ...env, FANFARE_URL: proxy.url });
		expect(code).not.toBe(0);
		expect(stderr).toContain("\nfanfare: It is not known whether it was made: apply the file again to go on.");
		await expectNoChanges();
	});

	it("that takes several calls is not said to be none if one of them fails", async () => {
		const file = (timeout: string, paused: boolean) =>
			`id: steps\nwebhooks: { steps: { endpoint: "https://example.com/s", secret: { env: BILLING_SECRET }, timeout: ${timeout}, paused: ${paused} } }\n`;
		await applyThenSave(file("5s", false), file("99s", true));
		const { code, stderr } = await world.run(["apply", "--yes"], env);
		expect(code).not.toBe(0);
		expect(stderr).toContain("\nfanfare: A part of it may have been made: apply the file again to go on.");
	});
});

describe("errors name the file and the line", () => {
	const problem = (text: string) => {
		save(text, "wrong.yaml");
		try {
			readApplyFile(world.dir.join("wrong.yaml"), { EMPTY: " " });
			return "none";
		} catch (error) {
			return (error as Error).message.replaceAll(world.dir.join("."), "").replaceAll(/^.*wrong\.yaml/gm, "wrong.yaml");
		}
	};

	it.each([
		[
			"webhooks:\n  a:\n    endpoint: 3\n    tiemout: 4s",
			/^wrong\.yaml:3: webhooks\.a\.endpoint: must be a text, got 3\nwrong\.yaml:4: webhooks\.a\.tiemout: there is no field "tiemout"; there are name, endpoint/,
		],
		["webhooks:\n  a: {}\n  a: {}", /^wrong\.yaml:3: .*unique/],
		["webhooks:\n  a:\n    timeout: soon", /^wrong\.yaml:3: .*must be a duration such as .*, got "soon"/],
		["webhooks:\n  a:\n\n    secret: whsec_abc", /^wrong\.yaml:4: webhooks\.a\.secret: must not be in the file itself/],
		["webhooks:\n  a:\n    secret: { env: MISSING }", /^wrong\.yaml:3: .*the variable MISSING is not set/],
		["webhooks:\n  a:\n    secret: { env: EMPTY }", /the variable EMPTY is empty/],
		[
			"webhooks:\n  a:\n    headers:\n      x: { file: nowhere }",
			/^wrong\.yaml:4: webhooks\.a\.headers\.x: the file could not be read/,
		],
		["webhooks: [a]", /^wrong\.yaml:1: webhooks: must be a map of names and values, got a list/],
		["project:\n  eventTypes: some", /^wrong\.yaml:2: project\.eventTypes: must be open or catalogued, got "some"/],
		["id: [\n", /^wrong\.yaml:\d: /],
		["- 1", /^wrong\.yaml:1: must be a map/],
		["a: &a [*a, *a]\nb: *a", /^wrong\.yaml: .*an alias contains itself|^wrong\.yaml: it has too many aliases/],
		[`a: ${"[".repeat(20_000)}`, /^wrong\.yaml:1: its values are nested too deeply/],
		["project: {}\n---\nproject: {}", /^wrong\.yaml:2: it must be one document/],
		[
			"eventTypes:\n  a:\n    example: { x: 1,\n      y: .nan }",
			/^wrong\.yaml:4: eventTypes\.a\.example\.y: .*got NaN/,
		],
		["eventTypes:\n  a:\n    description: !secret abc", /^wrong\.yaml:3: Unresolved tag: !secret/],
		["webhooks:\n  a:\n    rateLimit: 99999999999999999999", /^wrong\.yaml:3: .*got 99999999999999999999$/],
		["webhooks:\n  a:\n    secret: *whsec_abc", /^wrong\.yaml: an alias/],
		["webhooks:\n  a:\n    secret: { env: whsec_abc }", /^wrong\.yaml:3: .*not be the secret itself$/],
		["webhooks:\n  a:\n    secret: { file: whsec_abc }", /^wrong\.yaml:3: .*not be the secret itself$/],
	])("%j", (text, expected) => {
		expect(problem(text)).toMatch(expected);
		expect(problem(text)).not.toContain("whsec_abc");
	});

	it("text that is not UTF-8 is refused, not replaced", () => {
		writeFileSync(world.dir.join("latin.yaml"), Buffer.from("project:\n  name: Caf\u00e9\n", "latin1"));
		expect(() => readApplyFile(world.dir.join("latin.yaml"))).toThrow(/utf-8/);
	});

	it("an empty file asks for nothing", () => expect(problem("")).toBe("none"));
});

it("the digest of headers tells other values, whatever the case and order of names", () => {
	const digest = digestOf({ A: "1", b: "2" });
	expect(fits(digest, { B: "2", a: "1" })).toBe(true);
	const others = [fits(digest, { a: "1", b: "3" }), fits(undefined, {}), fits("x", {}), fits("", {})];
	expect(others).not.toContain(true);
});
