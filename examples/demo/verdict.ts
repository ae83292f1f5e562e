// What the demo concludes: nothing to say, or a sentence on each promise that was not kept.
import type { ProjectHandle } from "@fanfare/sdk";

import { count, countOf } from "./table.ts";
import type { Figures } from "./tally.ts";

/** Lost events that are named; the others are counted. */
const NAMED = 3;

/** What is wrong with the crossing, and what the server knows about each event that did not arrive. */
export async function problemsOfCrossing(
	figures: Figures,
	missing: readonly string[],
	project: ProjectHandle,
	signal: AbortSignal,
): Promise<string[]> {
	const problems: string[] = [];
	if (missing.length > 0) {
		const named = await Promise.all(missing.slice(0, NAMED).map((eventId) => fateOf(eventId, project, signal)));
		const others = missing.length > NAMED ? [`and ${count(missing.length - NAMED)} more`] : [];
		const what = `${count(missing.length)} of ${count(figures.sent)} acknowledged events were lost`;
		problems.push([`${what}:`, ...[...named, ...others].map((line) => `    ${line}`)].join("\n"));
	}
	if (figures.unexplained > 0) {
		problems.push(`Duplicates that no crash explains: ${count(figures.unexplained)}.`);
	}
	return problems;
}

/** What is wrong with the signatures. */
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
