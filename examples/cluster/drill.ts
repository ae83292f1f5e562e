// The drill: harms each part in turn while events are sent, and checks after each that everything has arrived.
import type { Installation } from "./installation.ts";
import { pause } from "./part.ts";
import type { Counts, Traffic } from "./traffic.ts";

/** So long, a process stands still: longer than its tenure of 3 s. */
const SUSPENDED_MS = 6_000;
/** Events are sent for so long after a step, so that what it broke would show. */
const AFTER_MS = 3_000;
/** An event that has not arrived by then counts as lost. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 100;

export interface Step {
	readonly name: string;
	readonly what: string;
	/** The part that it harms, if not each installation has it. */
	readonly needs?: string;
	readonly harm: (installation: Installation) => Promise<void>;
}

async function kill(installation: Installation, name: string): Promise<void> {
	const part = installation.part(name);
	if (part?.signal("SIGKILL") === true) await part.endedAndBack();
}

export const STEPS: readonly Step[] = [
	{ name: "worker", what: "a worker is killed", harm: (all) => kill(all, "worker-1") },
	{
		name: "suspended",
		what: `a worker stands still for ${SUSPENDED_MS / 1_000} s`,
		async harm(all) {
			all.part("worker-2")?.signal("SIGSTOP");
			await pause(SUSPENDED_MS);
			all.part("worker-2")?.signal("SIGCONT");
		},
	},
	{ name: "api", what: "a process that takes sends is killed", harm: (all) => kill(all, "api-1") },
	{
		name: "stop",
		what: "a worker is stopped, as for an upgrade",
		async harm(all) {
			const worker = all.part("worker-1");
			if (worker?.signal("SIGTERM") === true) await worker.endedAndBack();
		},
	},
	{ name: "nats", what: "one of the NATS nodes is killed", needs: "nats-1", harm: (all) => kill(all, "nats-1") },
	{
		name: "all-nats",
		what: "all NATS nodes are killed",
		needs: "nats-1",
		async harm(all) {
			await Promise.all(["nats-1", "nats-2", "nats-3"].map((name) => kill(all, name)));
		},
	},
	{ name: "standby", what: "the standby is killed: commits wait for it", harm: (all) => kill(all, "standby") },
	{ name: "primary", what: "the primary crashes", harm: (all) => kill(all, "primary") },
	{
		name: "promote",
		what: "the primary is lost, and the standby takes its place",
		harm: (all) => all.database.promote(),
	},
];

export interface StepResult {
	readonly step: Step;
	readonly counts: Counts;
	/** False if no send was accepted any more, or if something has not arrived in time. */
	readonly isDrained: boolean;
}

/** Plays a step, and waits until sends are accepted again, and everything that was acknowledged by then has arrived. */
export async function playStep(installation: Installation, traffic: Traffic, step: Step): Promise<StepResult> {
	const before = traffic.counts;
	traffic.forgetLongest();
	await step.harm(installation);
	const { accepted: harmed } = traffic.counts;
	const endAt = Date.now() + PATIENCE_MS;
	while (traffic.counts.accepted === harmed && Date.now() < endAt) await pause(LOOK_MS);
	await pause(AFTER_MS);
	const { accepted: wanted } = traffic.counts;
	while (traffic.counts.arrived < wanted && Date.now() < endAt) await pause(LOOK_MS);
	const after = traffic.counts;
	const counts = {
		...after,
		accepted: after.accepted - before.accepted,
		arrived: after.arrived - before.arrived,
		twice: after.twice - before.twice,
		repeated: after.repeated - before.repeated,
	};
	return { step, counts, isDrained: wanted > harmed && after.arrived >= wanted };
}

/** Waits until everything that was acknowledged has arrived. Returns whether it has. */
export async function drained(traffic: Traffic): Promise<boolean> {
	const endAt = Date.now() + PATIENCE_MS;
	while (!traffic.isDrained && Date.now() < endAt) await pause(LOOK_MS);
	return traffic.isDrained;
}
