// The import rules of the architecture are lint rules. Each must reject bad imports and accept good ones.
import { execFileSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = new TemporaryDir();
afterAll(() => folder[Symbol.dispose]());

const SERVER = "packages/server/src";
const BAD: readonly (readonly [from: string, specifier: string])[] = [
	[`${SERVER}/core/bad.ts`, "../ports/store/store.ts"],
	[`${SERVER}/core/bad.ts`, "../engine/engine.ts"],
	[`${SERVER}/core/crypto/bad.ts`, "../../engine/delivering/lane.ts"],
	[`${SERVER}/core/crypto/bad.ts`, "../../../../sdk/src/verify.ts"],
	[`${SERVER}/core/bad.ts`, "node:fs"],
	[`${SERVER}/core/bad.ts`, "zod"],
	[`${SERVER}/core/bad.ts`, "@fanfare/testkit/eventually"],
	[`${SERVER}/ports/bad.ts`, "../engine/engine.ts"],
	[`${SERVER}/ports/store/bad.ts`, "../../adapters/sqlite/sqlite-store.ts"],
	[`${SERVER}/ports/store/bad.ts`, "../contract/store/records/records.ts"],
	[`${SERVER}/ports/bad.ts`, "undici"],
	[`${SERVER}/engine/delivering/bad.ts`, "../../adapters/sqlite/sqlite-store.ts"],
	[`${SERVER}/engine/bad.ts`, "../api/app.ts"],
	[`${SERVER}/engine/bad.ts`, "../config.ts"],
	[`${SERVER}/engine/bad.ts`, "../config/settings.ts"],
	[`${SERVER}/engine/managing/bad.ts`, "../../compose/server.ts"],
	[`${SERVER}/engine/managing/bad.ts`, "../delivering/ready-queue.ts"],
	[`${SERVER}/engine/background/bad.ts`, "../delivering/dispatcher.ts"],
	[`${SERVER}/engine/bad.ts`, "node:sqlite"],
	[`${SERVER}/engine/bad.ts`, "undici"],
	[`${SERVER}/engine/bad.ts`, "ajv/dist/2020.js"],
	[`${SERVER}/api/bad.ts`, "../adapters/http/http-sender.ts"],
	[`${SERVER}/api/resources/stats/bad.ts`, "../../../adapters/sqlite/sqlite-store.ts"],
	[`${SERVER}/api/resources/stats/bad.ts`, "../../../engine/managing/stats-calls.ts"],
	[`${SERVER}/api/bad.ts`, "../engine/engine.ts"],
	[`${SERVER}/api/bad.ts`, "../compose/server.ts"],
	[`${SERVER}/api/bad.ts`, "../config.ts"],
	[`${SERVER}/api/bad.ts`, "node:fs"],
	[`${SERVER}/api/bad.ts`, "undici"],
	[`${SERVER}/adapters/sqlite/bad.ts`, "../http/http-sender.ts"],
	[`${SERVER}/adapters/sqlite/calls/bad.ts`, "../../http/http-sender.ts"],
	[`${SERVER}/adapters/sqlite/bad.ts`, "../postgres/postgres-store.ts"],
	[`${SERVER}/adapters/postgres/bad.ts`, "../sqlite/sqlite-store.ts"],
	[`${SERVER}/adapters/postgres/calls/bad.ts`, "../../sqlite/codec/ids.ts"],
	[`${SERVER}/adapters/postgres/bad.ts`, "../../engine/engine.ts"],
	[`${SERVER}/adapters/http/bad.ts`, "../postgres/postgres-store.ts"],
	[`${SERVER}/adapters/nats/bad.ts`, "../postgres/postgres-store.ts"],
	[`${SERVER}/adapters/postgres/bad.ts`, "../nats/nats-wire.ts"],
	[`${SERVER}/engine/bad.ts`, "@nats-io/transport-node"],
	[`${SERVER}/engine/bad.ts`, "pg"],
	[`${SERVER}/api/bad.ts`, "pg"],
	[`${SERVER}/adapters/http/bad.ts`, "../sqlite/sqlite-store.ts"],
	[`${SERVER}/adapters/http/bad.ts`, "../telemetry/metrics.ts"],
	[`${SERVER}/adapters/http/bad.ts`, "../files/master-key.ts"],
	[`${SERVER}/adapters/files/bad.ts`, "../ajv/ajv-validator.ts"],
	[`${SERVER}/adapters/telemetry/bad.ts`, "../http/http-sender.ts"],
	[`${SERVER}/adapters/ajv/bad.ts`, "../sqlite/sqlite-store.ts"],
	[`${SERVER}/adapters/alone/bad.ts`, "../sqlite/sqlite-store.ts"],
	[`${SERVER}/adapters/alone/bad.ts`, "../../engine/parts.ts"],
	[`${SERVER}/adapters/system/bad.ts`, "../sqlite/sqlite-store.ts"],
	[`${SERVER}/adapters/system/bad.ts`, "../../engine/parts.ts"],
	[`${SERVER}/adapters/http/bad.ts`, "../system/system-clock.ts"],
	[`${SERVER}/adapters/sqlite/bad.ts`, "../alone/alone-tenure.ts"],
	[`${SERVER}/adapters/sqlite/stats/bad.ts`, "../../../engine/engine.ts"],
	[`${SERVER}/adapters/sqlite/bad.ts`, "../../api/app.ts"],
	[`${SERVER}/adapters/sqlite/bad.ts`, "../../config.ts"],
	[`${SERVER}/adapters/sqlite/bad.ts`, "../../ports/contract/store.contract.ts"],
	[`${SERVER}/index.ts`, "./adapters/sqlite/sqlite-store.ts"],
	[`${SERVER}/config.ts`, "./adapters/files/master-key.ts"],
	[`${SERVER}/config.ts`, "@fanfare/testkit/eventually"],
	[`${SERVER}/config/bad.ts`, "../adapters/files/master-key.ts"],
	["packages/sdk/src/bad.ts", "@fanfare/server"],
	["packages/sdk/src/bad.ts", "../../server/src/core/crypto/signing.ts"],
	["packages/sdk/src/bad.ts", "node:crypto"],
	["packages/sdk/src/bad.ts", "undici"],
	["packages/portal/src/bad.ts", "@fanfare/sdk"],
	["packages/portal/src/bad.ts", "react-dom/client"],
	["packages/portal/src/bad.ts", "../../dashboard/src/main.tsx"],
	["packages/cli/src/bad.ts", "@fanfare/server/src/engine/engine.ts"],
	["packages/cli/src/bad.ts", "../../server/src/engine/engine.ts"],
	["packages/cli/src/bad.ts", "@fanfare/testkit/eventually"],
	["packages/dashboard/src/bad.ts", "../../server/src/core/delivery.ts"],
	["packages/testkit/src/bad.ts", "../../server/src/core/delivery.ts"],
	["packages/testkit/src/bad.ts", "@fanfare/server"],
	["packages/testkit/src/report/bad.ts", "../../../../benchmarks/scenario.ts"],
	["examples/demo/bad.ts", "../../packages/server/src/index.ts"],
	["examples/demo/bad.ts", "@fanfare/testkit/server-process"],
	["examples/cluster/bad.ts", "../../packages/server/src/index.ts"],
	[`${SERVER}/core/bad.ts`, "../../../../simulation/run-seed.ts"],
	[`${SERVER}/engine/committing/bad.ts`, "../../../../../simulation/run-seed.ts"],
	["packages/testkit/src/bad.ts", "../../../simulation/run-seed.ts"],
	["torture/harness/bad.ts", "../../simulation/run-seed.ts"],
	["simulation/model/bad.ts", "../../torture/round.ts"],
	["simulation/world/bad.ts", "../../packages/server/src/compose/server.ts"],
];
const GOOD: readonly (readonly [from: string, specifier: string])[] = [
	[`${SERVER}/core/good.ts`, "./delivery.ts"],
	[`${SERVER}/core/crypto/good.ts`, "../errors.ts"],
	[`${SERVER}/core/good.ts`, "node:crypto"],
	[`${SERVER}/ports/good.ts`, "../core/delivery.ts"],
	[`${SERVER}/ports/store/good.ts`, "../../core/delivery.ts"],
	[`${SERVER}/ports/contract/good.ts`, "./store/records/records.ts"],
	[`${SERVER}/engine/good.ts`, "../core/delivery.ts"],
	[`${SERVER}/engine/delivering/good.ts`, "denque"],
	[`${SERVER}/engine/good.ts`, "../ports/store/store.ts"],
	[`${SERVER}/engine/managing/good.ts`, "../../ports/store/store.ts"],
	[`${SERVER}/engine/managing/good.ts`, "../delivering/delivery-line.ts"],
	[`${SERVER}/engine/delivering/good.ts`, "./ready-queue.ts"],
	[`${SERVER}/api/good.ts`, "../engine/calls.ts"],
	[`${SERVER}/api/resources/stats/good.ts`, "../../../engine/calls.ts"],
	[`${SERVER}/api/resources/events/good.ts`, "../webhooks/schemas.ts"],
	[`${SERVER}/api/good.ts`, "@hono/zod-openapi"],
	[`${SERVER}/adapters/sqlite/calls/good.ts`, "../codec/rows.ts"],
	[`${SERVER}/adapters/sqlite/calls/good.ts`, "../../../core/delivery.ts"],
	[`${SERVER}/adapters/sqlite/good.ts`, "../../ports/store/store.ts"],
	[`${SERVER}/adapters/sqlite/good.ts`, "node:sqlite"],
	[`${SERVER}/adapters/postgres/good.ts`, "pg"],
	[`${SERVER}/adapters/nats/good.ts`, "@nats-io/transport-node"],
	[`${SERVER}/adapters/postgres/calls/good.ts`, "../../../core/delivery.ts"],
	[`${SERVER}/adapters/ajv/good.ts`, "ajv/dist/2020.js"],
	[`${SERVER}/adapters/alone/good.ts`, "../../ports/tenure.ts"],
	[`${SERVER}/adapters/system/good.ts`, "../../core/clock.ts"],
	[`${SERVER}/compose/good.ts`, "../adapters/sqlite/sqlite-store.ts"],
	["packages/sdk/src/resources/good.ts", "../transport.ts"],
	["packages/portal/src/good.ts", "react"],
	["packages/portal/src/good.ts", "./index.ts"],
	["packages/cli/src/good.ts", "@fanfare/server"],
	["packages/cli/src/good.ts", "@fanfare/server/conformance"],
	["packages/cli/src/good.ts", "@fanfare/sdk"],
	["packages/testkit/src/good.ts", "@fanfare/sdk"],
	["examples/demo/good.ts", "@fanfare/testkit/report/table"],
	["examples/cluster/good.ts", "@fanfare/testkit/programs/postgres"],
	["simulation/world/good.ts", "../../packages/server/src/engine/engine.ts"],
	["simulation/world/good.ts", "@fanfare/testkit/seeded-random"],
];

interface Finding {
	readonly filename: string;
	readonly code: string;
	readonly message: string;
}

const CIRCLE = ["circle-a", "circle-b"] as const;

let findings: readonly Finding[] = [];

beforeAll(() => {
	copyFileSync(join(root, ".oxlintrc.json"), folder.join(".oxlintrc.json"));
	for (const [index, [from, specifier]] of [...BAD, ...GOOD].entries()) {
		const path = folder.join(fileOf(from, index));
		mkdirSync(dirname(path), { recursive: true });
		// Of node:crypto, not everything is allowed: see time-and-chance.test.ts.
		const imported = specifier === "node:crypto" ? `{ createHash as other${index} }` : `* as other${index}`;
		appendFileSync(path, `import ${imported} from "${specifier}";\nexport { other${index} };\n`);
	}
	// Two files that only need each other's types.
	for (const [own, other] of CIRCLE.map((name, index) => [name, CIRCLE[1 - index]])) {
		const type = own === CIRCLE[0] ? "A" : "B";
		const lines = [
			`import type { ${type === "A" ? "B" : "A"} } from "./${other}.ts";`,
			`export interface ${type} { other: ${type === "A" ? "B" : "A"} | null }`,
		];
		writeFileSync(folder.join(`${SERVER}/core/${own}.ts`), `${lines.join("\n")}\n`);
	}
	findings = lint();
});

/**
 * Each case gets its own file, except for index.ts and config.ts: their rules depend on their names, so their cases share
 * a file.
 */
function fileOf(from: string, index: number): string {
	return /\/(bad|good)\.ts$/.test(from) ? from.replace(/\.ts$/, `-${index}.ts`) : from;
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

/** Whether this import of the file is rejected. The message of a finding quotes the import. */
function rejects(file: string, specifier: string): boolean {
	return findings.some(
		({ filename, code, message }) =>
			filename.endsWith(file) && code.includes("no-restricted-imports") && message.includes(`'${specifier}'`),
	);
}

describe("the import rules", () => {
	it.each(BAD.map(([from, specifier], index) => ({ from, specifier, file: fileOf(from, index) })))(
		"reject $specifier in $from",
		({ file, specifier }) => expect(rejects(file, specifier)).toBe(true),
	);

	it.each(GOOD.map(([from, specifier], index) => ({ from, specifier, file: fileOf(from, BAD.length + index) })))(
		"accept $specifier in $from",
		({ file, specifier }) => expect(rejects(file, specifier)).toBe(false),
	);

	it("reject a circle, also one of types alone", () => {
		const inCircle = findings.filter(({ code }) => code.includes("no-cycle")).map(({ filename }) => filename);
		expect(inCircle.map((name) => name.slice(name.lastIndexOf("/") + 1)).toSorted()).toEqual([
			"circle-a.ts",
			"circle-b.ts",
		]);
	});
});
