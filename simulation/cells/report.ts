// What the simulation of cells prints: its inputs, what to buy, how the day went, and what a failure costs.
import { percentile } from "@fanfare/testkit/report/percentiles";
import { renderText } from "@fanfare/testkit/report/table";

import {
	assign,
	ASSIGNMENTS,
	capacityOf,
	cellsFor,
	makeProjects,
	MINUTES,
	simulateDays,
	type Assignment,
	type Day,
} from "./day.ts";
import { describeInputs, type Inputs } from "./inputs.ts";

const DAY_S = 86_400;
/** A process has one main thread, so it takes what one core can do. */
const CORES_PER_PROCESS = 1;
/** A dead process's webhooks are taken over after this time (docs/postgres.md). */
const TAKE_OVER_S = 3;

/** What one cell needs. */
export interface CellPlan {
	readonly deliveries: number;
	readonly processes: number;
	readonly primaryCores: number;
	readonly walMb: number;
	readonly diskTbPerDay: number;
	readonly diskTb: number;
	readonly connections: number;
	/** To receivers and between the parts, in Gbit/s. */
	readonly networkGbit: number;
}

/** @param meanLoad deliveries a second of all projects, as the mean of the day, which decides about disks */
export function planCell(inputs: Inputs, cells: number, meanLoad: number): CellPlan {
	const { deliveries, serverUs, databaseUs, walBytes, diskBytes, bodyBytes, use, retentionDays, connections } = inputs;
	const perCell = deliveries / cells;
	const processes = Math.max(2, Math.ceil((perCell * serverUs) / 1e6 / (CORES_PER_PROCESS * use)));
	const diskTbPerDay = ((meanLoad / cells) * diskBytes * DAY_S) / 1e12;
	// A body comes in, goes to the database, perhaps to the owner, and to the receiver; the WAL goes to the standby.
	const bytes = perCell * (4 * bodyBytes + walBytes);
	return {
		deliveries: perCell,
		processes,
		primaryCores: (perCell * databaseUs) / 1e6,
		walMb: (perCell * walBytes) / 1e6,
		diskTbPerDay,
		diskTb: diskTbPerDay * retentionDays,
		connections: processes * connections,
		networkGbit: (bytes * 8) / 1e9,
	};
}

/** The whole report as text. */
export function report(inputs: Inputs): string {
	const capacity = capacityOf(inputs);
	const cells = cellsFor(inputs);
	const projects = makeProjects(inputs);
	const assignments = ASSIGNMENTS.map((how) => assign(projects, cells, how, inputs.seed));
	const simulated = simulateDays(inputs, projects, assignments, cells);
	const days = simulated.map((day, index) => [ASSIGNMENTS[index] ?? "balanced", day] as const);
	const meanLoad = sum((simulated[0]?.loads ?? []).map(sum)) / MINUTES;
	const plan = planCell(inputs, cells, meanLoad);
	const largest = (projects[0]?.share ?? 0) * inputs.deliveries * inputs.burst;
	return [
		section("Inputs", renderText({ header: ["input", "value", "meaning"], rows: describeInputs(inputs) })),
		section("To run", toRun(inputs, cells, plan, capacity)),
		section("A day", theDay(days)),
		section("What a failure costs", failures(inputs, days, plan, capacity.perSecond)),
		...(largest > capacity.perSecond ? [tooLarge(largest, capacity.perSecond)] : []),
	].join("\n\n");
}

function section(title: string, text: string): string {
	return `${title}\n\n${text}`;
}

function toRun(inputs: Inputs, cells: number, plan: CellPlan, capacity: ReturnType<typeof capacityOf>): string {
	const whole = (value: number) => Math.ceil(value).toLocaleString("en");
	const rows = [
		["deliveries per second", plan.deliveries, inputs.deliveries, whole],
		["Fanfare processes, a core each", plan.processes, plan.processes * cells, whole],
		["cores of the primary in use", plan.primaryCores, plan.primaryCores * cells, decimal],
		["WAL, MB/s", plan.walMb, plan.walMb * cells, decimal],
		["disk, TB a day", plan.diskTbPerDay, plan.diskTbPerDay * cells, decimal],
		[`disk, TB in ${inputs.retentionDays} days`, plan.diskTb, plan.diskTb * cells, decimal],
		["connections to the primary", plan.connections, plan.connections * cells, whole],
		["network, Gbit/s", plan.networkGbit, plan.networkGbit * cells, decimal],
	] as const;
	const table = renderText({
		header: ["", "each cell", `${cells} ${cells === 1 ? "cell" : "cells"}`],
		rows: rows.map(([name, each, all, write]) => [name, write(each), write(all)]),
		rightAligned: new Set([1, 2]),
	});
	const limit = `A cell takes ${whole(capacity.perSecond)} deliveries a second at most, by the ${capacity.by}.`;
	return `${table}\n${limit} Beside its primary it has a synchronous standby of the same size.`;
}

function theDay(days: readonly (readonly [Assignment, Day])[]): string {
	const percent = (value: number) => `${(value * 100).toFixed(0)} %`;
	return renderText({
		header: ["projects to cells", "median minute", "1 % of minutes", "busiest", "overloaded minutes", "longest wait"],
		rows: days.map(([how, { uses, overloadedMinutes, longestWaitS }]) => [
			how === "balanced" ? "by their load" : "by chance",
			percent(percentile(uses, 0.5)),
			percent(percentile(uses, 0.99)),
			percent(percentile(uses, 1)),
			overloadedMinutes.toLocaleString("en"),
			longestWaitS === 0 ? "none" : `${longestWaitS.toFixed(0)} s`,
		]),
		rightAligned: new Set([1, 2, 3, 4, 5]),
	});
}

/** In a busy minute: of a hundred minutes of a cell, one is as busy. */
function failures(
	{ failoverS, serverUs }: Inputs,
	[balanced]: readonly (readonly [Assignment, Day])[],
	plan: CellPlan,
	capacity: number,
): string {
	const busy = percentile(balanced?.[1].uses ?? [], 0.99) * capacity;
	const drain = (backlog: number, most: number) =>
		most > busy
			? `${Math.ceil(backlog / (most - busy))} s later all is as before.`
			: "What waits goes on waiting until the cell is less busy.";
	const refused = Math.ceil(busy * failoverS);
	const left = ((plan.processes - 1) * CORES_PER_PROCESS * 1e6) / serverUs;
	const late = (busy * TAKE_OVER_S) / plan.processes;
	return [
		`In a busy minute (1 of 100), a cell's primary is away for ${failoverS} s: ${refused.toLocaleString("en")} sends are refused with 503 and sent again.`,
		`  ${drain(refused, capacity)}`,
		`One of its ${plan.processes} processes dies then: its share of the deliveries is up to ${TAKE_OVER_S} s late.`,
		`  ${drain(late, Math.min(capacity, left))}`,
		"The other cells notice nothing: they share nothing with it.",
	].join("\n");
}

function tooLarge(largest: number, capacity: number): string {
	const count = (value: number) => Math.ceil(value).toLocaleString("en");
	return (
		`In its busiest minutes the largest project has about ${count(largest)} deliveries a second, and a cell takes ${count(capacity)} at most. ` +
		"A project can't be split over cells: make several projects of it, such as one for each region, or give it a quota of events per second."
	);
}

function sum(values: Iterable<number>): number {
	let total = 0;
	for (const value of values) total += value;
	return total;
}

function decimal(value: number): string {
	return value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 2 : 0 });
}
