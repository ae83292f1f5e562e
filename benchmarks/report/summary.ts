// Summarises the rounds: medians, ratios to the floor of the same round, and whether each budget was met.
import { median } from "@fanfare/testkit/report/percentiles";

import type { Round } from "../rounds.ts";
import type { ResultLine, Limit, Scenario } from "../scenario.ts";

export interface SummaryLine {
	readonly scenario: string;
	readonly label: string;
	readonly unit: ResultLine["unit"];
	/** The measurement of each round, in order. */
	readonly values: readonly number[];
	readonly median: number;
	readonly floor: number | null;
	/** The median of the rounds' ratios; one slow round does not change it. */
	readonly ratio: number | null;
	readonly limit: Limit | null;
	/** Null if there is no limit, or if it could not be measured on this machine. */
	readonly met: boolean | null;
}

export function summarise(scenarios: readonly Scenario[], rounds: readonly Round[]): SummaryLine[] {
	return scenarios.flatMap(({ name, results }) => results.map((result) => summariseResult(name, result, rounds)));
}

function summariseResult(scenario: string, result: ResultLine, rounds: readonly Round[]): SummaryLine {
	const { measurement, label, unit, limit = null } = result;
	const values = rounds.map((round) => valueOf(round, scenario, measurement));
	const floors = result.floor === undefined ? [] : floorsOf(rounds, result.floor);
	const floor = floors.length === 0 ? null : median(floors);
	const ratio =
		floors.length === 0 ? null : median(values.map((value, index) => value / (floors[index] ?? Number.NaN)));
	return {
		scenario,
		label,
		unit,
		values,
		median: median(values),
		floor,
		ratio,
		limit,
		met: limit === null || Number.isNaN(median(values)) ? null : isMet(limit, median(values), ratio),
	};
}

function isMet(limit: Limit, value: number, ratio: number | null): boolean {
	if ("atMost" in limit) return value <= limit.atMost;
	if ("atLeast" in limit) return value >= limit.atLeast;
	return ratio !== null && ratio >= limit.atLeastOfFloor;
}

function valueOf({ scenarios }: Round, scenario: string, measurement: string): number {
	const value = scenarios[scenario]?.[measurement];
	if (value === undefined) throw new Error(`the scenario ${scenario} did not measure ${measurement}`);
	return value;
}

function floorsOf(rounds: readonly Round[], name: NonNullable<ResultLine["floor"]>): number[] {
	return rounds.flatMap(({ floor }) => (floor === null ? [] : [floor[name]]));
}
