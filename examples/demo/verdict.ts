// The demo's verdict: a sentence about each promise that was not kept.
import type { ProjectHandle } from "@fanfare/sdk";

import type { Counts } from "./ledger.ts";
import { count, countOf } from "./table.ts";

/** How many lost events are named. The others are only counted. */
const NAMED = 3;

/** The problems with the deliveries, with the server's status of the events that did not arrive. */
export async function problemsOfCrossing(
	counts: Counts,
	missing: readonly string[],
	project: ProjectHandle,
	signal: AbortSignal,
): Promise<string[]> {
	const problems: string[] = [];
	if (missing.length > 0) {
		const named = await Promise.all(missing.slice(0, NAMED).map((eventId) => fateOf(eventId, project, signal)));
		const others = missing.length > NAMED ? [`and ${count(missing.length - NAMED)} more`] : [];
		const what = `${count(missing.length)} of ${count(counts.sent)} acknowledged events were lost`;
		problems.push([`${what}:`, ...[...named, ...others].map((line) => `    ${line}`)].join("\n"));
	}
	if (counts.unexplained > 0) {
		problems.push(`Duplicates that no crash explains: ${count(counts.unexplained)}.`);
	}
	return problems;
}

/** The problems with the signatures. */
export function problemsOfSignatures(refusals: readonly string[]): string[] {
	if (refusals.length === 0) return [];
	return [`${countOf(refusals.length, "request")} did not verify: ${refusals[0]}`];
}

async function fateOf(eventId: string, project: ProjectHandle, signal: AbortSignal): Promise<string> {
	const { data } = await project.deliveries.list({ eventId }, { signal });
	const [delivery] = data;
	const known =
		delivery === undefined
			? "the server knows of no delivery"
			: [`the server has it as ${delivery.status}`, delivery.reason].filter(Boolean).join(": ");
	return `${eventId}\n      ${known}`;
}
