// A schema validator whose time stands still until a test lets it pass, for the contract of schema validators.
import { expect } from "vitest";

import type { Clock } from "../../core/clock.ts";
import type { Issue } from "../../core/errors.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import type { SchemaValidator } from "../schema-validator.ts";

/** A check that has used so much CPU time is stuck: a harmless one takes some milliseconds. */
const STUCK_MS = 500;
const US_PER_MS = 1_000;

/** A check that is asked for, and may be under way. */
class Check {
	readonly #issues: Promise<readonly Issue[]>;
	isOver = false;

	constructor(issues: Promise<readonly Issue[]>) {
		this.#issues = issues;
		const end = () => void (this.isOver = true);
		issues.then(end, end);
	}

	/** What has been found. Fails if the check does not end although nothing is left to wait for. */
	async end(): Promise<readonly Issue[]> {
		await expect.poll(() => this.isOver).toBe(true);
		return this.#issues;
	}
}

/** A clock that counts how often a timer for the limit of time was set. */
class LimitClock extends ManualClock {
	readonly #limitMs: number;
	begun = 0;

	constructor(limitMs: number) {
		super();
		this.#limitMs = limitMs;
		// For some parts, the time 0 is none.
		this.advance(1);
	}

	override after(delayMs: number, fire: () => void): () => void {
		if (delayMs === this.#limitMs) this.begun++;
		return super.after(delayMs, fire);
	}
}

/** A validator whose time stands still until the test lets it pass: so no harmless check reaches the limit, however busy the machine is. */
export class TimedValidator {
	readonly validator: SchemaValidator;
	readonly limitMs: number;
	readonly #clock: LimitClock;

	constructor(open: (clock: Clock) => SchemaValidator, limitMs: number) {
		this.limitMs = limitMs;
		this.#clock = new LimitClock(limitMs);
		this.validator = open(this.#clock);
	}

	/** How often it has begun with some checks. */
	get begun(): number {
		return this.#clock.begun;
	}

	begin(project: string, schema: string, data: string): Check {
		return new Check(this.validator.check(project, schema, data));
	}

	/** Its thread runs, and the next check begins at once. */
	async isReady(project: string): Promise<void> {
		expect(await this.validator.check(project, "{}", "1")).toEqual([]);
	}

	/** Waits until a check that has begun is over or stuck. */
	async works(check: Check): Promise<void> {
		const before = process.cpuUsage();
		const usedMs = () => {
			const { user, system } = process.cpuUsage(before);
			return (user + system) / US_PER_MS;
		};
		await expect.poll(() => check.isOver || usedMs() > STUCK_MS).toBe(true);
	}

	/** Lets time pass, as much as a check may take by default. */
	pass(ms = this.limitMs): void {
		this.#clock.advance(ms);
	}

	close(): Promise<void> {
		return this.validator.close();
	}
}
