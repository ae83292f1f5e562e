// Records what a receiver got over several runs of a server, and finds attempts that a crash must not have repeated.

/** One request as the receiver saw it. */
interface Entry {
	/** The number of the server's run that it came from, from 0. */
	readonly run: number;
	readonly status: number;
	/** When the response was sent, or would have been. */
	readonly answeredAt: number;
}

/** The end of a run by a kill. */
export interface Kill {
	/** When the sends of the run were acknowledged, in ascending order. */
	readonly acknowledgedAt: readonly number[];
	/** The pairs of event and webhook that were Succeeded on the disk afterwards. */
	readonly succeeded: ReadonlySet<string>;
}

/** Keeps all requests, by the pair of event and webhook that they belong to. */
export class AttemptBook {
	readonly #byPair = new Map<string, Entry[]>();
	readonly #kills: Kill[] = [];

	/** Records a request of the current run. */
	record(pair: string, status: number, answeredAt: number): void {
		const entry = { run: this.#kills.length, status, answeredAt };
		const earlier = this.#byPair.get(pair);
		if (earlier === undefined) this.#byPair.set(pair, [entry]);
		else earlier.push(entry);
	}

	/** Ends the current run. Requests that are recorded from now on belong to the next one. */
	endRun(kill: Kill): void {
		this.#kills.push(kill);
	}

	/** The pairs that got at least one 2xx response. */
	arrived(): Set<string> {
		return new Set([...this.#byPair].filter(([, noted]) => noted.some(isSuccess)).map(([pair]) => pair));
	}

	/**
	 * The number of pairs that were attempted again although they had a 2xx response, by the run of that response. A pair
	 * counts once, however often it was attempted again: its next response can be a failure, which is retried.
	 */
	repeats(): number[] {
		const counts = this.#kills.map(() => 0);
		for (const noted of this.#byPair.values()) {
			const runs = noted.map((_, index) => noted.slice(0, index).findLast(isSuccess)?.run ?? null);
			for (const run of new Set(runs)) if (run !== null) counts[run] = (counts[run] ?? 0) + 1;
		}
		return counts;
	}

	/**
	 * A sentence for each breach of "a crash repeats only attempts in flight":
	 * - after a kill, a pair that is Succeeded on the disk is never attempted again;
	 * - within a run, a pair that got a 2xx response is never attempted again;
	 * - a pair that got a 2xx response is Succeeded on the disk once `writtenWithin` sends were acknowledged after that.
	 *   Outcomes and sends share their commits, so this holds on a busy machine, too.
	 */
	breaches(writtenWithin: number): string[] {
		return [...this.#byPair].flatMap(([pair, noted]) => [
			...noted.flatMap((request, index) => this.#breachesOf(pair, request, noted.slice(0, index))),
			...noted.filter((request) => this.#isLate(pair, request, writtenWithin)).map(() => `${pair}: recorded too late`),
		]);
	}

	#breachesOf(pair: string, { run }: Entry, earlier: readonly Entry[]): string[] {
		const succeededIn = this.#kills.slice(0, run).findIndex(({ succeeded }) => succeeded.has(pair));
		return [
			...(succeededIn === -1 ? [] : [`${pair}: attempted in run ${run}, had succeeded in run ${succeededIn}`]),
			...(earlier.some((request) => request.run === run && isSuccess(request))
				? [`${pair}: repeated in run ${run}`]
				: []),
		];
	}

	#isLate(pair: string, request: Entry, writtenWithin: number): boolean {
		const kill = this.#kills[request.run];
		if (kill === undefined || !isSuccess(request) || kill.succeeded.has(pair)) return false;
		return kill.acknowledgedAt.filter((at) => at > request.answeredAt).length > writtenWithin;
	}
}

function isSuccess({ status }: Entry): boolean {
	return status >= 200 && status <= 299;
}
