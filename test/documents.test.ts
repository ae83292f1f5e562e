// Checks that apply to every document: links, names of metrics, and commands for all shells.
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { beforeAll, describe, expect, it } from "vitest";

import { Metrics } from "../packages/server/src/adapters/telemetry/metrics.ts";
import { KIND_STATUS } from "../packages/server/src/api/request/problem.ts";
import { configSchema, SETTING_NAMES, variableOf } from "../packages/server/src/config/settings.ts";
import { ERROR_KINDS } from "../packages/server/src/core/errors.ts";
import { DEFAULT_TIMEOUT_MS, TIMEOUT_RANGE_MS } from "../packages/server/src/core/webhook.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const documents = globSync("**/*.md", { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist|try)$/.test(path) });

let metrics = "";
beforeAll(async () => {
	const all = new Metrics("0.0.0-test");
	const sent = { hints: 0, looks: 0, answers: 0, beats: 0 };
	const counts = { handedOff: 0, handedOver: 0, missed: 0, refused: 0 };
	all.watch({
		gauges: () => ({
			readyDeliveries: 0,
			inFlightAttempts: 0,
			waitingSends: 0,
			storedBytes: 0,
			oldestDueMs: 0,
			webhooks: { Enabled: 0, Paused: 0, Disabled: 0 },
		}),
		unreadResponseBytes: () => 0,
		openDeliveries: () => Promise.resolve({ Pending: 0, Held: 0 }),
		room: () => Promise.resolve({ fileBytes: null, walBytes: null, volume: null }),
		cluster: () => ({
			isMember: true,
			ownedShards: 0,
			isStandbySynchronous: false,
			isStandbyExpected: false,
			freeDuties: null,
			connections: null,
			nats: { isUp: true, server: null, sent, received: sent, late: 0, unsent: 0, ...counts },
		}),
	});
	metrics = (await all.render()).text;
});

describe.each(documents)("%s", (document) => {
	const text = readFileSync(join(root, document), "utf8");

	it("links only to files that exist", () => {
		const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link = ""]) => link);
		const missing = links.filter((link) => !/^https?:/.test(link) && !existsSync(join(root, dirname(document), link)));
		expect(missing).toEqual([]);
	});

	it("shows no copy of the retries that the Nexus SDK sends, which give up within seconds", () => {
		if (document !== "README.md" && document !== "packages/sdk/README.md") return;
		expect(text).not.toMatch(/15[_,]?000/);
	});

	it("names only metrics that exist", async () => {
		const named = [...text.matchAll(/\bfanfare_[a-z_]+/g)].map(([name]) => name);
		expect(named.filter((name) => !metrics.includes(`# TYPE ${name} `))).toEqual([]);
	});

	it("gives each error code the status that it has", () => {
		// Such as "a 404 `event_not_found`" and "503 (`overloaded`)".
		const named = [...text.matchAll(/\b([45]\d\d) \(?`([a-z]+(?:_[a-z]+)+)`/g)];
		const statuses = new Map(Object.entries(ERROR_KINDS).map(([code, kind]) => [code, String(KIND_STATUS[kind])]));
		const wrong = named.filter(([, status, code = ""]) => statuses.get(code) !== status);
		expect(wrong.map(([all]) => all)).toEqual([]);
	});

	it("has commands that work in zsh as in other shells", () => {
		// In zsh, `$WEBHOOK:test` is a variable with the modifier `:t`, followed by `est`.
		expect(text.match(/\$[A-Za-z_]+:/g)).toBeNull();
	});
});

describe("docs/failure-modes.md gives the limits of the code", () => {
	const text = readFileSync(join(root, "docs/failure-modes.md"), "utf8");

	it("for the time of an attempt", () => {
		const seconds = (ms: number) => ms / 1_000;
		const { min, max } = TIMEOUT_RANGE_MS;
		const byDefault = `${seconds(DEFAULT_TIMEOUT_MS)} s unless the webhook sets another`;
		expect(text).toContain(`\`timeoutMs\`, ${byDefault} (${seconds(min)}–${seconds(max)} s)`);
	});

	it("for the headers of a response, as the errors of attempts tell them", () => {
		const code = readFileSync(join(root, "packages/server/src/adapters/http/send-failure.ts"), "utf8");
		const [, headers] = /response headers of \$\{place\} are longer than (\d+ KiB)/.exec(code) ?? [];
		expect(text).toContain(`If the headers are longer than ${headers}`);
		const [, count] = /has more than (\d+) headers/.exec(code) ?? [];
		expect(text).toContain(`or more than ${count},`);
	});
});

describe("docs/limits.md", () => {
	const text = readFileSync(join(root, "docs/limits.md"), "utf8");
	const tests = globSync("packages/*/{src,test}/**/*.{test,contract}.{ts,tsx}", { cwd: root });
	/** The tables, without their heads: a limit, and what the last column says. */
	const rows = text
		.split("\n")
		.filter((line) => /^\| (?!-|shared resource )/.test(line))
		.map((row) => ({ row, cells: row.split(/(?<!\\)\|/).map((cell) => cell.trim()) }))
		.map(({ row, cells }) => ({ row, limit: cells[1] ?? "", cells: cells.length - 2, shownBy: cells.at(-2) ?? "" }));

	/** The files that a path in the last column may mean: it is said there how they are found. */
	const filesOf = (path: string) =>
		path.startsWith("packages/")
			? tests.filter((file) => file === path)
			: tests.filter((file) => file.startsWith("packages/server/src/") && file.endsWith(`/${path}`));

	const byDefault = configSchema.parse({});
	const defaults = new Map(
		SETTING_NAMES.map((name) => [variableOf(name), byDefault[name as keyof typeof byDefault] as unknown]),
	);
	/** A number of the document, such as `1,024` or `64 MiB`. */
	const numberIn = (digits: string, unit = "") =>
		Number(digits.replaceAll(",", "")) * (unit === "MiB" ? 1_024 * 1_024 : 1);

	it("names only settings that exist, and their defaults beside them", () => {
		const unknown = [...text.matchAll(/\bFANFARE_[A-Z_]+\b/g)].filter(([name]) => !defaults.has(name));
		expect(unknown.map(([name]) => name)).toEqual([]);
		const before = text.matchAll(/(?<!× )\b([\d,]+)(?: (MiB|a webhook|minutes))?, `(FANFARE_[A-Z_]+)`/g);
		const after = text.matchAll(/`(FANFARE_[A-Z_]+)` \(([\d,]+)\)/g);
		const given = [
			...[...before].map(([, digits = "", unit, name = ""]) => [name, numberIn(digits, unit)] as const),
			...[...after].map(([, name = "", digits = ""]) => [name, numberIn(digits)] as const),
		];
		expect(given.length).toBeGreaterThan(10);
		expect(given.filter(([name, value]) => defaults.get(name) !== value)).toEqual([]);
	});

	it("has each setting of a limit, in a row with its default", () => {
		const limits = [...defaults].filter(([name]) => name.startsWith("FANFARE_MAX_"));
		expect(limits.length).toBeGreaterThan(20);
		const missing = limits.filter(([name, value]) => {
			const numbers = (row: string) =>
				[...row.matchAll(/\b(\d[\d,]*)(?: (MiB))?/g)].map(([, digits = "", unit]) => numberIn(digits, unit));
			// 0 means that there is no quota.
			const says = (row: string) => numbers(row).includes(Number(value)) || (value === 0 && /\bnone\b/.test(row));
			return !rows.some(({ row }) => row.includes(`\`${name}\``) && says(row));
		});
		expect(missing).toEqual([]);
	});

	it("has a test for each limit, whose file and name exist", () => {
		expect(rows.length).toBeGreaterThan(90);
		const wrong = rows.flatMap(({ limit, cells, shownBy }) => {
			const paths = [...shownBy.matchAll(/`([^`]+\.tsx?)`/g)].map(([, path = ""]) => path);
			const files = paths.map((path) => filesOf(path));
			const all = files.flatMap((found) => found.map((file) => readFileSync(join(root, file), "utf8"))).join("\n");
			const names = [...shownBy.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name.replace(/ …$/, ""));
			return [
				...(cells === 6 ? [] : [`${limit}: ${cells} columns`]),
				...(paths.length > 0 || /^the (same|contract suite)\b/.test(shownBy) ? [] : [`${limit}: no test`]),
				...paths.filter((_, index) => files[index]?.length !== 1).map((path) => `${limit}: ${path}`),
				...names.filter((name) => !all.includes(name)).map((name) => `${limit}: "${name}"`),
			];
		});
		expect(wrong).toEqual([]);
	});
});
