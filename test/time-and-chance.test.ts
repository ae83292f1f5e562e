// Only the system clock reads the time and sets timers, and only the system chance makes random bytes and numbers: lint rules,
// which must reject these calls elsewhere in the server.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = new TemporaryDir();
afterAll(() => folder[Symbol.dispose]());

const SERVER = "packages/server/src";
/** Each is one line of code. */
const CALLS = [
	"setTimeout(() => {}, 1);",
	"setInterval(() => {}, 1);",
	"setImmediate(() => {});",
	"performance.now();",
	"globalThis.setTimeout(() => {}, 1);",
	"Date.now();",
	"new Date();",
	"Date();",
	"globalThis.Date.now();",
	"globalThis.process.uptime();",
	"global.process.uptime();",
	"const { Date: Time } = globalThis;",
	"const everything = globalThis;",
	"Intl.DateTimeFormat().format();",
	"new Intl.DateTimeFormat().format();",
	"Temporal.Now.instant();",
	"AbortSignal.timeout(1);",
	"process.hrtime.bigint();",
	"process.uptime();",
	'process.getBuiltinModule("node:timers");',
	'import { setTimeout as later } from "node:timers";',
	'import { setImmediate as turn } from "node:timers/promises";',
	'import { setTimeout as soon } from "timers";',
	'import { scheduler } from "timers/promises";',
	'import { performance as time } from "node:perf_hooks";',
	'import { performance as sameTime } from "perf_hooks";',
	'import hooks from "node:perf_hooks";',
	'import * as allHooks from "node:perf_hooks";',
	'import { hrtime } from "node:process";',
	'import { uptime } from "process";',
	"Math.random();",
	"globalThis.Math.random();",
	"crypto.randomUUID();",
	'import { randomBytes } from "node:crypto";',
	'import { randomFillSync, randomUUID } from "node:crypto";',
	'import { randomInt } from "crypto";',
	'import { generateKeyPair, generateKeyPairSync } from "node:crypto";',
	'import { generatePrimeSync } from "node:crypto";',
	'import { createECDH, subtle } from "node:crypto";',
	'import cryptography from "node:crypto";',
	'import * as allCryptography from "node:crypto";',
];
const REJECTING = [
	`${SERVER}/core/bad.ts`,
	`${SERVER}/ports/bad.ts`,
	`${SERVER}/engine/committing/bad.ts`,
	`${SERVER}/engine/delivering/bad.ts`,
	`${SERVER}/api/request/bad.ts`,
	`${SERVER}/adapters/ajv/bad.ts`,
	`${SERVER}/adapters/alone/bad.ts`,
	`${SERVER}/adapters/files/bad.ts`,
	`${SERVER}/adapters/http/bad.ts`,
	`${SERVER}/adapters/nats/bad.ts`,
	`${SERVER}/adapters/postgres/calls/bad.ts`,
	`${SERVER}/adapters/sqlite/calls/bad.ts`,
	`${SERVER}/adapters/telemetry/bad.ts`,
	`${SERVER}/acceptor/bad.ts`,
	`${SERVER}/compose/bad.ts`,
	`${SERVER}/config/bad.ts`,
	`${SERVER}/bad.ts`,
	...readdirSync(join(root, SERVER))
		.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
		.map((name) => `${SERVER}/${name}`),
];
/** The folders of the server, and the adapters: each is in a list here. */
const ROOMS = [...foldersIn(SERVER), ...foldersIn(`${SERVER}/adapters`)].filter(
	(room) => room !== `${SERVER}/adapters`,
);
const ACCEPTING = [`${SERVER}/engine/good.test.ts`, `${SERVER}/engine/test/good.ts`, "packages/cli/src/good.ts"];
/** The files that may make some of the calls, and why. */
const ALLOWED: readonly (readonly [file: string, why: string, calls: readonly RegExp[]])[] = [
	[
		`${SERVER}/adapters/system/system-clock.ts`,
		"it is the clock",
		[
			/^set/,
			/^performance/,
			/^((new )?Date|Temporal|(new )?Intl)/,
			/^AbortSignal/,
			/^process\.(hrtime|uptime)/,
			/^import/,
		],
	],
	[`${SERVER}/adapters/system/system-chance.ts`, "it is the chance", [/^Math/, /^import/]],
	[
		`${SERVER}/adapters/files/master-key.ts`,
		"the master key is made with the data directory, before there is an engine",
		[/"node:crypto"/],
	],
	[
		`${SERVER}/adapters/http/exchange.ts`,
		"a timer, two readings and a turn for each attempt, which would cost a closure each through the port",
		[/^setTimeout/, /^setImmediate/, /^performance/],
	],
	[
		`${SERVER}/adapters/http/pools/origin-pool.ts`,
		"a turn for each attempt, which would cost a closure through the port",
		[/^setImmediate/],
	],
	[`${SERVER}/core/clock.ts`, "it makes text of times, and times of text", [/^new Date/, /^Date\(/]],
	[`${SERVER}/core/manual-clock.ts`, "turns of the event loop pass by themselves by default", [/^setImmediate/]],
];

interface Finding {
	readonly filename: string;
	readonly code: string;
	readonly labels: readonly { readonly span: { readonly line: number } }[];
}

let findings: readonly Finding[] = [];

beforeAll(() => {
	copyFileSync(join(root, ".oxlintrc.json"), folder.join(".oxlintrc.json"));
	for (const file of [...REJECTING, ...ACCEPTING, ...ALLOWED.map(([file]) => file)]) {
		const path = folder.join(file);
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, `${CALLS.join("\n")}\n`);
	}
	findings = lint();
});

function foldersIn(folder: string): readonly string[] {
	return readdirSync(join(root, folder), { withFileTypes: true })
		.filter((entry) => entry.isDirectory())
		.map(({ name }) => `${folder}/${name}`);
}

function lint(): readonly Finding[] {
	try {
		execFileSync(join(root, "node_modules/.bin/oxlint"), ["--format", "json"], { cwd: folder.path, encoding: "utf8" });
		return [];
	} catch (error) {
		const { stdout } = error as { stdout: string };
		return (JSON.parse(stdout) as { diagnostics: readonly Finding[] }).diagnostics;
	}
}

/** The calls that are accepted in this file. */
function accepted(file: string): readonly string[] {
	const own = findings.filter(({ filename, code }) => filename === file && code.includes("no-restricted-"));
	const rejected = new Set(own.map(({ labels }) => labels[0]?.span.line));
	return CALLS.filter((_, index) => !rejected.has(index + 1));
}

describe("the rules that only the system clock and the system chance use the system's", () => {
	it.each(REJECTING)("rejects every call in %s", (file) => expect(accepted(file)).toEqual([]));

	it.each(ROOMS)("are tried in %s", (room) => {
		expect([...REJECTING, ...ALLOWED.map(([file]) => file)].some((file) => file.startsWith(`${room}/`))).toBe(true);
	});

	it.each(ACCEPTING)("accepts every call in %s", (file) => expect(accepted(file)).toEqual(CALLS));

	it.each(ALLOWED)("allows some calls in %s: %s", (file, _why, calls) => {
		expect(accepted(file)).toEqual(CALLS.filter((call) => calls.some((pattern) => pattern.test(call))));
	});
});
