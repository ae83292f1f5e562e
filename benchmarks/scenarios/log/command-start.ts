// The start of the built command, as a ratio to that of Node alone: what a person waits for at each command, and a shell at each completion.
import { spawn } from "node:child_process";
import { once } from "node:events";

import { nowMs } from "../../harness/measure/clock.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const STARTS = 20;
const QUICK_STARTS = 2;

export const commandStart: Scenario = {
	name: "command-start",
	group: "log",
	summary: "`fanfare --help`, the help of one command and a completion, compared with `node -e 0`",
	results: [
		{ measurement: "helpRatio", label: "fanfare --help ÷ node -e 0", unit: "×", limit: { atMost: 3 } },
		{ measurement: "helpMs", label: "fanfare --help", unit: "ms" },
		{ measurement: "commandRatio", label: "fanfare webhooks --help ÷ node -e 0", unit: "×", limit: { atMost: 3 } },
		{
			measurement: "completionRatio",
			label: "`fanfare webhooks` words ÷ node -e 0",
			unit: "×",
			limit: { atMost: 3 },
		},
	],
	run,
};

async function run({ buildCommand, quick }: RunContext): Promise<Measurements> {
	const main = await buildCommand();
	const times = { node: [] as number[], help: [] as number[], command: [] as number[], completion: [] as number[] };
	const starts = quick ? QUICK_STARTS : STARTS;
	// In turn, so that whatever else the machine does affects all alike.
	for (let start = 0; start < starts; start++) {
		times.node.push(await timeOf(["-e", "0"]));
		times.help.push(await timeOf([main, "--help"]));
		times.command.push(await timeOf([main, "webhooks", "--help"]));
		times.completion.push(await timeOf([main, "complete", "--", "webhooks", ""]));
	}
	// The fastest start of each: everything that makes one slower is not the program's.
	const [nodeMs, helpMs] = [Math.min(...times.node), Math.min(...times.help)];
	const ratios = {
		helpRatio: helpMs / nodeMs,
		commandRatio: Math.min(...times.command) / nodeMs,
		completionRatio: Math.min(...times.completion) / nodeMs,
	};
	return { ...ratios, helpMs, sent: starts, received: times.help.length };
}

async function timeOf(args: readonly string[]): Promise<number> {
	const begin = nowMs();
	// Without the cache of compiled code, which a person has only by a setting.
	const child = spawn(process.execPath, args, { env: { PATH: process.env["PATH"] }, stdio: "ignore" });
	const [code] = (await once(child, "exit")) as [number | null];
	if (code !== 0) throw new Error(`node ${args.join(" ")} exited with ${code}`);
	return nowMs() - begin;
}
