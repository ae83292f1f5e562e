// The commands and programs of the other documents: run here against a server with data, or by the test that this file names.
import { execFile, spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { codeBlocks, ReaderFolder, type CodeBlock } from "./document.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const LANGUAGES = new Set(["sh", "ts", "js", "python", "sql"]);

/** Documents whose commands are run below, with those that are not: they ask, or need a server that stands still, or systemd. */
const RUN_HERE: Readonly<Record<string, readonly RegExp[]>> = {
	"docs/apply.md": [/^fanfare apply +# shows them, and asks$/m],
	"docs/causes.md": [],
	// packages/cli/test/rotate-master-key.test.ts
	"docs/operating.md": [/^(FANFARE_MASTER_KEY=.*)?npm run fanfare -- rotate-master-key.*$/gm],
	"docs/runbooks.md": [/^journalctl .*$/m],
	// The first block is packages/cli/test/support-case.test.ts.
	"docs/support.md": [/^# Was it sent[^]*--event "\$EVENT"$/m],
};

/** Documents whose TypeScript is compiled below. */
const COMPILED_HERE = [
	"docs/concepts.md",
	"docs/operating.md",
	"docs/portal-sessions.md",
	"docs/portal.md",
	"docs/relays.md",
];

/** The tests that do what the other documents say. */
const RUN_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
	"docs/command.md": ["packages/cli/test/golden/help.test.ts", "packages/cli/test/commands.test.ts"],
	"docs/deploying.md": [
		"test/deploy/systemd.test.ts",
		"test/deploy/image.all.test.ts",
		"test/deploy/chart.test.ts",
		"test/drills.test.ts",
		"packages/cli/test/backup.test.ts",
		"packages/cli/test/restore.test.ts",
	],
	"docs/embedding.md": ["packages/server/test/embedding.test.ts"],
	"docs/migrate-store.md": ["packages/cli/test/migrate-store.test.ts"],
	"docs/nats.md": ["packages/server/test/nats.all.test.ts"],
	"docs/nexus.md": ["packages/server/test/nexus-compat.test.ts"],
	"docs/performance.md": ["benchmarks/bench.all.test.ts"],
	"docs/portal.md": ["packages/portal/test/document.test.ts"],
	"docs/postgres.md": [
		"packages/server/test/database.all.test.ts",
		"packages/server/test/restored-database.all.test.ts",
	],
	"docs/receive.md": ["test/documents/start.test.ts"],
	"docs/relays.md": ["packages/cli/test/listen.test.ts"],
	"docs/scaling.md": ["simulation/cells/cells.test.ts"],
	"docs/start.md": ["test/documents/start.test.ts"],
};

/** A block that only sets variables, such as settings of a server. */
function isSettings({ language, code }: CodeBlock): boolean {
	return language === "sh" && code.split("\n").every((line) => /^(#.*|[A-Z_]+=\S*( +#.*)?|)$/.test(line));
}

describe("every document with commands or programs", () => {
	it("has a test that does what it says", () => {
		const known = new Set([...Object.keys(RUN_HERE), ...COMPILED_HERE, ...Object.keys(RUN_ELSEWHERE)]);
		const withCode = globSync("docs/*.md", { cwd: root }).filter((document) =>
			codeBlocks(document).some((block) => LANGUAGES.has(block.language) && !isSettings(block)),
		);
		expect(withCode.filter((document) => !known.has(document))).toEqual([]);
		expect([...known].filter((document) => !withCode.includes(document))).toEqual([]);
		const tests = Object.values(RUN_ELSEWHERE).flat();
		expect(tests.filter((test) => !existsSync(join(root, test)))).toEqual([]);
	});

	it("names only settings that exist", () => {
		const configuration = readFileSync(join(root, "docs/configuration.md"), "utf8");
		const named = globSync("docs/*.md", { cwd: root }).flatMap((document) =>
			codeBlocks(document)
				.filter(isSettings)
				.flatMap(({ code }) => [...code.matchAll(/^(FANFARE_\w+)=/gm)].map(([, name = ""]) => name)),
		);
		expect(named.length).toBeGreaterThan(3);
		expect(named.filter((name) => !configuration.includes(`\`${name}\``))).toEqual([]);
	});
});

const missing = ["bash", "curl"].filter((program) => spawnSync(program, ["--version"]).error !== undefined);
if (missing.length > 0)
	process.stderr.write(`skipped: ${missing.join(" and ")} not found; install them to run the documents\n`);

/** Responses that are errors end the script. A stream has no end: it is enough that it begins, and an error ends curl before that. */
const CURL = `curl() {
	if [ "$1" = -N ]; then
		: > headers
		command curl -sS -D headers "$@" &
		until grep -q ' 200' headers; do
			kill -0 $!
			sleep 0.05
		done
		kill $!
	else
		case " $* " in
			*" -f "*) command curl -sS "$@" ;;
			*) command curl -sS --fail-with-body "$@" ;;
		esac
		echo
	fi
}`;

describe.skipIf(missing.length > 0 && process.env["CI"] !== "true")("the commands", () => {
	it.each(Object.entries(RUN_HERE))("of %s work", async (document, left) => {
		await using server = await startServerProcess();
		await using receiver = await startReceiver();
		const spec = { endpoint: `${receiver.url}/hooks`, eventTypes: ["order.*"] };
		const webhook = await server.project.batch.webhooks.create({ name: "billing", spec });
		const event = await server.project.events.send({ type: "order.paid", data: { orderId: 42 }, tags: ["order:4711"] });
		await server.waitForDelivery(event.id, ({ status }) => status === "Succeeded");
		using config = new TemporaryDir();
		using folder = new ReaderFolder({
			FANFARE: server.url,
			KEY: server.key,
			ADMIN_KEY: server.key,
			PROJECT: server.projectId,
			WEBHOOK: webhook.id,
			EVENT: event.id,
			FANFARE_URL: server.url,
			FANFARE_KEY: server.key,
			FANFARE_PROJECT: server.projectId,
			FANFARE_CONFIG_DIR: config.path,
			FANFARE_TIMEOUT: "10m",
		});
		folder.save("order.json", '{"orderId": 4711}');
		const blocks = codeBlocks(document).filter((block) => block.language === "sh" && !isSettings(block));
		const commands = left.reduce<string>(
			(text, pattern) => {
				const shorter = text.replace(pattern, "");
				expect(shorter).not.toBe(text);
				return shorter;
			},
			blocks.map(({ code }) => code).join("\n"),
		);
		await folder.run(`${CURL}\n${commands}`);
	});
});

it("compiles the TypeScript of the documents", async () => {
	using folder = new TemporaryDir();
	symlinkSync(join(root, "node_modules"), folder.join("node_modules"));
	const examples = COMPILED_HERE.flatMap((document) =>
		codeBlocks(document)
			.filter(({ language }) => language === "ts")
			.map(({ code }, index) => {
				const path = folder.join(`${document.replaceAll(/\W+/g, "-")}-${index}.mts`);
				// What the text around the example has made before. In a block of its own, so that the example may name it anew.
				const given =
					'client: Client, project: ReturnType<Client["project"]>, projectId: string, token: string, endpoint: string, order: object';
				const program = `import { Client } from "@fanfare/sdk";\nexport async function example(${given}) {\n{\n${code}\n}\n}\n`;
				writeFileSync(path, program);
				return path;
			}),
	);
	expect(examples.length).toBeGreaterThan(7);
	const args = [
		["--noEmit", "--strict", "--skipLibCheck", "--target", "es2024", "--lib", "esnext"],
		["--module", "nodenext", "--types", "node", "--typeRoots", join(root, "node_modules/@types")],
		["--customConditions", "@fanfare/source", "--allowImportingTsExtensions"],
	].flat();
	const tsc = join(root, "node_modules/typescript/bin/tsc");
	await promisify(execFile)(process.execPath, [tsc, ...args, ...examples], { cwd: folder.path }).catch(
		(error: unknown) => expect.unreachable(String((error as { stdout?: string }).stdout)),
	);
});
