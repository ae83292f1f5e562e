// Measures the CPU time of processes between two points in time.
import { processUsage } from "@fanfare/testkit/process-usage";

import { nowMs } from "./clock.ts";

export interface CpuReading {
	readonly cpuUs: number;
	/** As a share of one core: 1 means one core all the time. */
	readonly cores: number;
}

export class CpuMeter<Name extends string> {
	readonly #pids: readonly (readonly [Name, number])[];
	readonly #startedAt = nowMs();
	readonly #before: readonly number[];

	private constructor(pids: readonly (readonly [Name, number])[], before: readonly number[]) {
		this.#pids = pids;
		this.#before = before;
	}

	/** @example const meter = await CpuMeter.start({ server: server.pid }); */
	static async start<Name extends string>(pids: Readonly<Record<Name, number>>): Promise<CpuMeter<Name>> {
		const entries = Object.entries(pids) as [Name, number][];
		return new CpuMeter(entries, await cpuUsOf(entries));
	}

	/** The CPU time since the start. */
	async read(): Promise<Record<Name, CpuReading>> {
		const after = await cpuUsOf(this.#pids);
		const elapsedUs = (nowMs() - this.#startedAt) * 1_000;
		const readings = this.#pids.map(([name], index): [Name, CpuReading] => {
			const cpuUs = (after[index] ?? 0) - (this.#before[index] ?? 0);
			return [name, { cpuUs, cores: cpuUs / elapsedUs }];
		});
		return Object.fromEntries(readings) as Record<Name, CpuReading>;
	}
}

function cpuUsOf(pids: readonly (readonly [string, number])[]): Promise<number[]> {
	return Promise.all(pids.map(async ([, pid]) => (await processUsage(pid)).cpuUs));
}
