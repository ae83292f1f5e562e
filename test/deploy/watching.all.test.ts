// The alerts, the board and the metrics that they use, by Prometheus' own programs and against a real server under load.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
import { findDebianProgram } from "@fanfare/testkit/programs/debian-program";
import { natsIssue, startNats } from "@fanfare/testkit/programs/nats";
import { postgresIssue, startPostgres } from "@fanfare/testkit/programs/postgres";
import { startReceiver } from "@fanfare/testkit/receiver";
import { freePort, startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";

import { ALERT_CASES } from "./alert-cases.ts";
import { sayIfSkipped } from "./skipped.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const rulesFile = join(root, "deploy/prometheus/fanfare.rules.yaml");

interface Rule {
	readonly alert: string;
	readonly expr: string;
	readonly annotations: Readonly<Record<"summary" | "description" | "runbook", string>>;
}
const { groups } = parse(read("deploy/prometheus/fanfare.rules.yaml")) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

interface Board {
	readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}
const board = JSON.parse(read("deploy/grafana/fanfare.json")) as Board;

const promtool = await findDebianProgram("prometheus", "usr/bin/promtool");
sayIfSkipped(promtool);
const found = promtool.path === null ? describe.skip : describe;

describe("the alerts", () => {
	it("have a runbook each, and each runbook an alert", () => {
		const headings = [...read("docs/runbooks.md").matchAll(/^## (Fanfare\w+)$/gm)].map(([, name = ""]) =>
			name.toLowerCase(),
		);
		const linked = rules.map(({ annotations }) => annotations.runbook.replace(/^docs\/runbooks\.md#/, ""));
		expect([...new Set(linked)].toSorted()).toEqual(headings.toSorted());
	});

	it("have a case each that says when they fire", () => {
		expect(Object.keys(ALERT_CASES).toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
	});
});

found("by promtool, the alerts", () => {
	it("are valid, and fire when they should and not otherwise", () => {
		using dir = new TemporaryDir();
		const cases = Object.entries(ALERT_CASES).flatMap(([alert, { fires, alsoFires, quiet, at }]) => [
			{ alert, at, isFiring: true, series: fires },
			...(alsoFires === undefined ? [] : [{ alert, at, isFiring: true, series: alsoFires }]),
			{ alert, at, isFiring: false, series: quiet },
		]);
		const tests = cases.map(({ alert, at, isFiring, series }) => ({
			name: `${alert} ${isFiring ? "fires" : "is quiet"}`,
			interval: "1m",
			input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
			promql_expr_test: [
				{
					expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
					eval_time: at,
					exp_samples: isFiring ? [{ labels: "{}", value: 1 }] : [],
				},
			],
		}));
		const file = dir.join("tests.yaml");
		writeFileSync(file, stringify({ rule_files: [rulesFile], evaluation_interval: "1m", tests }));
		execFileSync(promtool.path ?? "", ["check", "rules", rulesFile], { stdio: "pipe" });
		execFileSync(promtool.path ?? "", ["check", "config", join(root, "deploy/prometheus/prometheus.yaml")], {
			stdio: "pipe",
		});
		execFileSync(promtool.path ?? "", ["test", "rules", file], { stdio: "pipe" });
	});
});

/** A scrape that takes longer than the second between two of them fails, and leaves a gap in all metrics until the next one. */
const AFTER_A_GAP = { interval: 500 } as const;

/** Whether metrics with such names are scraped: a process alone has none about others. */
const isHere = (names: string) => hasCluster || !/fanfare_(nats|member|owned|standby|duty|database)/.test(names);
const hasCluster = postgresIssue() === null && natsIssue() === null;

found("with a real server under load", () => {
	const opened = new AsyncDisposableStack();
	let server: ServerProcess;
	let prometheusUrl = "";

	beforeAll(async () => {
		server = opened.use(await startServerProcess());
		const good = opened.use(await startReceiver());
		const bad = opened.use(await startReceiver());
		bad.script(() => ({ status: 500 }));
		await server.createWebhook(good.url);
		await server.createWebhook(bad.url);
		const ports = [server.port];
		if (hasCluster) {
			// A process of several, which has metrics that one alone lacks.
			const postgres = opened.use(await startPostgres());
			const nats = opened.use(await startNats());
			const env = {
				FANFARE_DATABASE_URL: await postgres.createDatabase(),
				FANFARE_NATS_URL: nats.url,
				FANFARE_MASTER_KEY: "ab".repeat(32),
				FANFARE_ADMIN_KEY: `sk_${"w".repeat(43)}`,
			};
			ports.push(opened.use(await startServerProcess({ env })).port);
		}
		prometheusUrl = await startPrometheus(ports, opened);
		// More than one scrape, with load between them.
		await eventually("two scrapes under load", async () => {
			await server.project.events.send({ type: "watched", data: { at: "now" } });
			await server.project.events.send({ type: "watched", data: 1, webhookIds: ["webhook_none"] }).catch(() => {});
			const scraped = await query("count_over_time(fanfare_build_info[5m]) > 2");
			const attempts = await query('rate(fanfare_attempts_total{result="failure",error="status"}[30s]) > 0');
			return scraped.length === ports.length && attempts.length > 0;
		});
	});
	afterAll(() => opened.disposeAsync());

	async function query(expr: string): Promise<readonly { readonly value: readonly [number, string] }[]> {
		const response = await fetch(`${prometheusUrl}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`);
		const answer = (await response.json()) as { status: string; error?: string; data: { result: [] } };
		if (answer.status !== "success") throw new Error(`${expr}: ${answer.error}`);
		return answer.data.result;
	}

	it("the metrics follow Prometheus' conventions", async () => {
		const text = await (await fetch(`${server.url}/metrics`)).text();
		let findings = "";
		try {
			execFileSync(promtool.path ?? "", ["check", "metrics"], { input: text, stdio: "pipe" });
		} catch (error) {
			findings = String((error as { stderr: Buffer }).stderr);
		}
		// prom-client names these three of its own so, and boards for Node expect the names.
		const own = findings
			.split("\n")
			.filter((line) => line !== "" && !/^nodejs_active_(handles|requests|resources)_total /.test(line));
		expect(own).toEqual([]);
	});

	it("each query of the board has a result", async () => {
		const targets = board.panels
			.flatMap(({ title, targets: all = [] }) => all.map(({ expr }) => ({ title, expr })))
			.filter(({ expr }) => isHere(expr));
		expect(targets.length).toBeGreaterThan(20);
		const ask = () =>
			Promise.all(
				targets.map(async ({ title, expr }) => {
					// What is hidden while it is 0 must be there nevertheless.
					const asked = expr.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "30s").replace(/ > 0$/, "");
					const result = await query(asked);
					return { title, expr, series: result.length, first: result[0]?.value[1] };
				}),
			);
		await expect.poll(async () => (await ask()).filter(({ series }) => series === 0), AFTER_A_GAP).toEqual([]);
		for (const { title, series, first } of await ask()) process.stdout.write(`${title}: ${series} series, ${first}\n`);
	});

	it("each alert names only metrics that are scraped, with the labels that it asks for", async () => {
		const names = new Set(rules.flatMap(({ expr }) => expr.match(/\b(fanfare|nodejs|process)_\w+(\{[^}]*\})?/g) ?? []));
		const missing = async () => {
			const all = [...names].filter(isHere);
			const areScraped = await Promise.all(all.map(async (name) => (await query(name)).length > 0));
			return all.filter((_, index) => !areScraped[index]);
		};
		await expect.poll(missing, AFTER_A_GAP).toEqual([]);
	});
});

/** Starts Prometheus with the configuration of deploy/prometheus; only the address and the interval are put in. */
async function startPrometheus(ports: readonly number[], opened: AsyncDisposableStack): Promise<string> {
	const dir = opened.adopt(new TemporaryDir(), (own) => own[Symbol.dispose]());
	const port = await freePort();
	const config = parse(read("deploy/prometheus/prometheus.yaml")) as {
		global: Record<string, string>;
		scrape_configs: { static_configs: { targets: string[] }[] }[];
	};
	config.global["scrape_interval"] = "1s";
	const targets = config.scrape_configs[0]?.static_configs[0]?.targets;
	expect(targets).toEqual(["127.0.0.1:8787"]);
	targets?.splice(0, 1, ...ports.map((target) => `127.0.0.1:${target}`));
	writeFileSync(dir.join("prometheus.yaml"), stringify({ ...config, rule_files: [rulesFile] }));
	const path = join(dirname(promtool.path ?? ""), "prometheus");
	const args = [`--config.file=${dir.join("prometheus.yaml")}`, `--storage.tsdb.path=${dir.join("data")}`];
	const child = spawn(path, [...args, `--web.listen-address=127.0.0.1:${port}`], {
		stdio: ["ignore", "ignore", "pipe"],
	});
	let stderr = "";
	child.stderr.setEncoding("utf8").on("data", (part: string) => (stderr += part));
	const exited = once(child, "exit");
	opened.defer(async () => {
		child.kill("SIGTERM");
		await exited;
	});
	const url = `http://127.0.0.1:${port}`;
	await eventually("Prometheus to be ready", async () => {
		if (child.exitCode !== null) throw new Error(stderr);
		return (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true;
	});
	return url;
}
