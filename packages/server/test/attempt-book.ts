// What a receiver got over several runs of a server, and whether a crash repeated more than it may.

/** One request as the receiver saw it. */
interface Noted {
	/** The run of the server that it came from, counted from 0. */
	readonly run: number;
	readonly status: number;
	/** When the answer went out, or would have. */
	readonly answeredAt: number;
}

/** The end of a run. */
export interface Death {
	readonly killedAt: number;
	/** The pairs (event and webhook) that had succeeded, as the disk had it afterwards. */
	readonly succeeded: ReadonlySet<string>;
}

/** Keeps all requests by the pair of event and webhook that they belong to. */
export class AttemptBook {
	readonly #byPair = new Map<string, Noted[]>();
	readonly #deaths: Death[] = [];

	note(pair: string, status: number, answeredAt: number): void {
		const noted = { run: this.#deaths.length, status, answeredAt };
		const earlier = this.#byPair.get(pair);
		if (earlier === undefined) this.#byPair.set(pair, [noted]);
		else earlier.push(noted);
	}

	/** Requests that are noted from now on come from the next run. */
	endRun(death: Death): void {
		this.#deaths.push(death);
	}

	/** The pairs that were answered 2xx at least once. */
	arrived(): Set<string> {
		return new Set([...this.#byPair].filter(([, noted]) => noted.some(isSuccess)).map(([pair]) => pair));
	}

	/** How many requests came for pairs that had been answered 2xx before, by the run in which that was. */
	repeats(): number[] {
		const counts = this.#deaths.map(() => 0);
		for (const noted of this.#byPair.values()) {
			for (const [index, { run }] of noted.entries()) {
				if (!noted.slice(0, index).some(isSuccess)) continue;
				const last = noted.slice(0, index).findLast(isSuccess)?.run ?? run;
				counts[last] = (counts[last] ?? 0) + 1;
			}
		}
		return counts;
	}

	/**
	 * Each breach of "a crash repeats only attempts in flight", in words:
	 * - after a death, a pair that had succeeded on the disk is never attempted again;
	 * - within a run, a pair that was answered 2xx is never attempted again;
	 * - what was answered 2xx more than `writtenWithinMs` before a death had succeeded on the disk by then.
	 */
	breaches(writtenWithinMs: number): string[] {
		return [...this.#byPair].flatMap(([pair, noted]) => [
			...noted.flatMap((request, index) => this.#breachesOf(pair, request, noted.slice(0, index))),
			...noted.filter((request) => this.#isLate(pair, request, writtenWithinMs)).map(() => `${pair}: written too late`),
		]);
	}

	#breachesOf(pair: string, { run }: Noted, earlier: readonly Noted[]): string[] {
		const settledIn = this.#deaths.slice(0, run).findIndex(({ succeeded }) => succeeded.has(pair));
		return [
			...(settledIn === -1 ? [] : [`${pair}: attempted in run ${run}, had succeeded in run ${settledIn}`]),
			...(earlier.some((request) => request.run === run && isSuccess(request))
				? [`${pair}: repeated in run ${run}`]
				: []),
		];
	}

	#isLate(pair: string, request: Noted, writtenWithinMs: number): boolean {
		const death = this.#deaths[request.run];
		if (death === undefined || !isSuccess(request)) return false;
		return request.answeredAt < death.killedAt - writtenWithinMs && !death.succeeded.has(pair);
	}
}

function isSuccess({ status }: Noted): boolean {
	return status >= 200 && status <= 299;
}
