// Summarises the rounds: one line per promise, and one per fault.
import { PROMISES, type PromiseName } from "@fanfare/testkit/checks/record";

import type { RoundMeasurements, RoundResult } from "../run-round.ts";

export interface PromiseLine {
	readonly promise: PromiseName;
	/** The counts that show what was checked. */
	readonly measured: string;
	/** The number of rounds in which it was broken. */
	readonly brokenRounds: number;
	readonly breaches: number;
}

export interface FaultLine {
	readonly fault: string;
	readonly rounds: number;
	readonly failed: number;
	readonly accepted: number;
	readonly delivered: number;
	/** The highest number of repeated attempts after one end of the server. */
	readonly repeated: number;
	readonly peakMb: number;
	/** The longest recovery; null if there was nothing to recover from. */
	readonly recoveryMs: number | null;
	/** The mean duration of a round. */
	readonly roundS: number;
}

export interface Summary {
	readonly rounds: number;
	readonly failed: number;
	readonly meanRoundS: number;
	readonly promises: readonly PromiseLine[];
	readonly faults: readonly FaultLine[];
}

export function summarise(results: readonly RoundResult[]): Summary {
	const byFault = [...Map.groupBy(results, ({ fault }) => fault)].toSorted(([a], [b]) => (a < b ? -1 : 1));
	return {
		rounds: results.length,
		failed: failedOf(results),
		meanRoundS: sum(results, ({ tookMs }) => tookMs) / Math.max(1, results.length) / 1_000,
		promises: PROMISES.map((promise) => {
			const breaches = results.map((result) => result.breaches.filter((breach) => breach.promise === promise).length);
			return {
				promise,
				measured: countedFor(promise, results),
				brokenRounds: breaches.filter((count) => count > 0).length,
				breaches: breaches.reduce((total, count) => total + count, 0),
			};
		}),
		faults: byFault.map(([fault, rounds]) => lineOf(fault, rounds)),
	};
}

function lineOf(fault: string, results: readonly RoundResult[]): FaultLine {
	const recoveries = results.map(({ measured }) => measured.recoveryMs).filter((ms) => ms !== null);
	return {
		fault,
		rounds: results.length,
		failed: failedOf(results),
		accepted: sum(results, ({ accepted }) => accepted),
		delivered: sum(results, ({ delivered }) => delivered),
		repeated: most(results, ({ repeated }) => repeated),
		peakMb: most(results, ({ peakMb }) => peakMb),
		recoveryMs: recoveries.length === 0 ? null : Math.max(...recoveries),
		roundS: sum(results, ({ tookMs }) => tookMs) / results.length / 1_000,
	};
}

function countedFor(promise: PromiseName, results: readonly RoundResult[]): string {
	const total = (of: (measured: RoundMeasurements) => number) => sum(results, of).toLocaleString("en-US");
	switch (promise) {
		case "accepted":
			return `${total(({ accepted }) => accepted)} events acknowledged`;
		case "lost":
			return `${total(({ deliveries }) => deliveries)} deliveries, ${total(({ delivered }) => delivered)} succeeded`;
		case "duplicates":
			return `${total(({ repeated }) => repeated)} repeats of attempts in flight`;
		case "wrong state":
			return `${total(({ attempts }) => attempts)} attempts in the log`;
		case "blocked addresses":
			return `${total(({ blockedReached }) => blockedReached)} connections`;
		case "memory":
			return `${Math.round(most(results, ({ peakMb }) => peakMb))} MB at most`;
		case "stuck":
		case "stats":
		case "signatures":
		case "strangers":
		case "secrets":
		case "store":
		case "fault":
			return "";
	}
}

function failedOf(results: readonly RoundResult[]): number {
	return results.filter(({ breaches }) => breaches.length > 0).length;
}

function sum(results: readonly RoundResult[], of: (measured: RoundMeasurements) => number): number {
	return results.reduce((total, { measured }) => total + of(measured), 0);
}

function most(results: readonly RoundResult[], of: (measured: RoundMeasurements) => number): number {
	return results.reduce((highest, { measured }) => Math.max(highest, of(measured)), 0);
}
