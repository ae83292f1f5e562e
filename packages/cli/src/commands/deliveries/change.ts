// `fanfare deliveries retry` and `cancel`: one delivery, or all that match a filter.
import type { Delivery, DeliveryFilter, DeliveryStatus, ManyChanged, ManyFilter, ProjectHandle } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { missing, usageError } from "../../frame/failure.ts";
import { counted } from "../../text/numbers.ts";
import { filterOf, filterOptions, isEmpty, type FilterOptions } from "./filter.ts";
import { showDelivery } from "./show.ts";

interface Options extends FilterOptions {
	readonly dryRun?: boolean;
}

/** What can be done with many deliveries. */
interface Action {
	readonly name: "retry" | "cancel";
	readonly summary: string;
	readonly verb: string;
	readonly done: string;
	/** The statuses that it changes. */
	readonly statuses: readonly DeliveryStatus[];
	readonly one: (project: ProjectHandle, id: string) => Promise<Delivery>;
	readonly many: (project: ProjectHandle, filter: ManyFilter) => Promise<ManyChanged>;
}

const ACTIONS: readonly Action[] = [
	{
		name: "retry",
		summary: "Attempt a delivery again now, or all that match.",
		verb: "Retry",
		done: "retried",
		statuses: ["Failed", "Cancelled", "Pending"],
		one: (project, id) => project.deliveries.retry(id),
		many: (project, filter) => project.deliveries.retryMany(filter),
	},
	{
		name: "cancel",
		summary: "Cancel a waiting delivery, or all that match.",
		verb: "Cancel",
		done: "cancelled",
		statuses: ["Pending", "Held"],
		one: (project, id) => project.deliveries.cancel(id),
		many: (project, filter) => project.deliveries.cancelMany(filter),
	},
];

/** Adds both commands to the group. */
export function addChanges(group: Command): void {
	for (const action of ACTIONS) {
		leaf<Options>(
			group,
			{
				usage: `${action.name} [delivery]`,
				summary: action.summary,
				description: "With a filter instead of an id, the number of deliveries is shown first.",
				args: { delivery: "The delivery's id, such as dlv_…. If omitted, the filter says which ones." },
				options: [...filterOptions(), option("-n, --dry-run", "Only count the deliveries that match.")],
				changes: "asks",
				examples: [
					`fanfare deliveries ${action.name} dlv_…`,
					`fanfare deliveries ${action.name} --webhook billing --status ${action.statuses[0] ?? ""} --after 24h`,
				],
			},
			(call, given) => (given === undefined ? changeMany(call, action) : changeOne(call, action, given)),
		);
	}
}

async function changeOne(call: Call<Options>, action: Action, id: string): Promise<void> {
	const project = await call.project();
	if (!isEmpty(await filterOf(call, project)) || call.options.dryRun === true) {
		throw usageError("Pass the id of a delivery or a filter, not both.", `fanfare deliveries ${action.name} --help`);
	}
	await call.confirmProduction(`fanfare deliveries ${action.name}`);
	const delivery = await action.one(project, id);
	if (call.output.mode !== "people") return call.output.object(delivery, id, () => []);
	await showDelivery(call, await project.deliveries.get(id));
}

async function changeMany(call: Call<Options>, action: Action): Promise<void> {
	const project = await call.project();
	const filter = await filterOf(call, project);
	if (isEmpty(filter)) throw missing("delivery", `fanfare deliveries ${action.name} --help`);
	const { count, complete } = await countMatching(project, action, filter);
	const text = `${complete ? "" : "more than "}${counted(count, "delivery", "deliveries")}`;
	if (call.options.dryRun === true) {
		return call.output.object({ count, complete }, String(count), () => [["Match", text]]);
	}
	if (count > 0) await call.confirm(`${action.verb} ${text}?`);
	else if (action.name === "cancel") await tellAgain(project, filter);
	const { changed, kept } = count === 0 ? { changed: 0, kept: 0 } : await inSteps(call, project, action, filter);
	await call.output.object({ matched: count, changed }, String(changed), () => [
		[action.verb, `${counted(changed, "delivery", "deliveries")} ${action.done}`],
	]);
	if (kept === 0) return;
	const rest = counted(kept, "delivery that matches", "deliveries that match");
	call.output.note(`Not ${action.done}: ${rest}. For the reason: fanfare deliveries ${action.name} <delivery>`);
}

/** Counts what the action could change. Counting stops after a while, and then the count is not complete. */
async function countMatching(project: ProjectHandle, { statuses }: Action, filter: DeliveryFilter) {
	const asked = filter.status === undefined ? statuses : [filter.status].flat();
	const status = asked.filter((status) => statuses.includes(status));
	return status.length === 0 ? { count: 0, complete: true } : project.deliveries.count({ ...filter, status });
}

/**
 * Whoever repeats a command that has failed with `outcome_unknown` wants the server's other processes to be told of what it has cancelled. Cancels
 * nothing, since nobody was asked: no delivery was changed before that time.
 */
async function tellAgain(project: ProjectHandle, filter: DeliveryFilter): Promise<void> {
	await project.deliveries.cancelMany({ ...filter, updatedAfter: undefined, updatedBefore: 0 });
}

/** Changes what matches, a call after the other, each where the one before has ended. */
async function inSteps(
	call: Call<Options>,
	project: ProjectHandle,
	action: Action,
	filter: DeliveryFilter,
): Promise<{ readonly changed: number; readonly kept: number }> {
	let changed = 0;
	let kept = 0;
	for (let page: string | undefined; ;) {
		const step = await action.many(project, page === undefined ? filter : { ...filter, page });
		changed += step.changed;
		kept += step.matched - step.changed;
		if (step.nextPage === null) return { changed, kept };
		page = step.nextPage;
		call.output.note(`${counted(changed, "delivery", "deliveries")} so far`);
	}
}
