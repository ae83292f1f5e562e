// The copy of a prepared store into a database, by the command that operators use: how long it takes, and how much memory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { processUsage } from "@fanfare/testkit/process-usage";
import { commandOf } from "@fanfare/testkit/programs/server-code";

import { nowMs } from "../measure/clock.ts";
import { familyCpuUs } from "../measure/family-cpu.ts";
import { givenImports } from "../process/given-imports.ts";
import type { Resources } from "../process/resources.ts";
import { databaseOf, type PreparedStore } from "../store/store-copy.ts";

/** What the copy of a store has taken. */
export interface Migration {
	readonly seconds: number;
	/** The most memory of the command. */
	readonly peakMb: number;
	readonly commandCpuS: number;
	readonly postgresCpuS: number;
	/** The size of the data directory's database. */
	readonly sourceBytes: number;
	/** How many rows of each kind there are. */
	readonly counts: Readonly<Record<string, number>>;
	/** How long was copied what the command has named, in steps of 5 s: it says every five seconds how far it is. */
	readonly secondsOf: Readonly<Record<string, number>>;
}

interface Options {
	readonly resources: Resources;
	readonly codeDir: string;
	readonly store: PreparedStore;
	readonly url: string;
	readonly masterKey: string;
	readonly postgresPid: number;
}

/** A line of the command's output. */
type Line =
	| { readonly type: "progress"; readonly step: "copying"; readonly part: string }
	| { readonly type: "progress"; readonly step: "comparing" }
	| { readonly type: "result"; readonly counts: Readonly<Record<string, number>> };

/** The master key of a prepared store. */
export function masterKeyOf({ dataDir }: PreparedStore): string {
	return readFileSync(join(dataDir, "master.key"), "utf8").trim();
}

/** Copies a store into an empty database. The store stays as it is. */
export async function migrate({ resources, codeDir, store, url, masterKey, postgresPid }: Options): Promise<Migration> {
	const { dataDir } = store;
	const postgresBefore = await familyCpuUs(postgresPid);
	const startedAt = nowMs();
	const child = spawn(
		process.execPath,
		["--conditions=@fanfare/source", ...givenImports(), commandOf(codeDir), "migrate-store", "--json"],
		{
			env: {
				PATH: process.env["PATH"],
				FANFARE_DATA_DIR: dataDir,
				FANFARE_DATABASE_URL: url,
				FANFARE_MASTER_KEY: masterKey,
			},
			stdio: ["ignore", "pipe", "inherit"],
		},
	);
	resources.track(child);
	const exited = once(child, "exit");
	const secondsOf: Record<string, number> = {};
	let lastAt = startedAt;
	let usage = await processUsage(child.pid ?? 0);
	let counts: Readonly<Record<string, number>> = {};
	for await (const text of createInterface({ input: child.stdout })) {
		const line = JSON.parse(text) as Line;
		if (line.type === "result") counts = line.counts;
		const [name, at] =
			line.type === "progress" && line.step === "copying" ? [line.part, nowMs()] : ["the rest", nowMs()];
		secondsOf[name] = (secondsOf[name] ?? 0) + (at - lastAt) / 1_000;
		lastAt = at;
		if (child.exitCode !== null) continue;
		const read = await processUsage(child.pid ?? 0).catch(() => usage);
		// A process that ends has no memory any more.
		usage = Number.isFinite(read.peakMb) ? read : { ...read, peakMb: usage.peakMb };
	}
	const [code] = await exited;
	if (code !== 0) throw new Error(`fanfare migrate-store ended with ${String(code)}`);
	return {
		seconds: (nowMs() - startedAt) / 1_000,
		peakMb: usage.peakMb,
		commandCpuS: usage.cpuUs / 1e6,
		postgresCpuS: ((await familyCpuUs(postgresPid)) - postgresBefore) / 1e6,
		sourceBytes: statSync(databaseOf(dataDir)).size,
		counts,
		secondsOf,
	};
}
