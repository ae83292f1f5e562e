// Bounds the log lines that callers can bring about at will, so that nobody fills the disk with them, and nobody hides those of others.
import { networkOf } from "../../core/access/client-network.ts";
import type { Clock } from "../../core/clock.ts";
import { TokenBuckets } from "../../core/policies/token-buckets.ts";
import type { RequestLine } from "../../ports/log.ts";

/** Lines a second of each owner, and of all owners of a group together, on average. */
const OF_OWNER_PER_SECOND = 10;
const OF_GROUP_PER_SECOND = 50;
/** The lines of this many seconds may be written at once. */
const BURST_S = 10;
/** How often it is said how many lines were left out. */
const REPORT_EVERY_MS = 10_000;
/** Owners of each kind that are counted by themselves until the next report. About 0.2 KB each. */
const MAX_OWNERS = 1_000;
/** Owners of each kind that a report names. */
const MAX_NAMED = 3;

/** Whose lines are counted together. */
type Owner = Readonly<Partial<Pick<RequestLine, "keyId" | "portalSessionId" | "projectId" | "clientAddress">>>;

/** What was left out of one owner's lines. */
export type LeftOut = Owner & {
	readonly lines: number;
	/** How many of them tell of something that failed in the server. */
	readonly failures: number;
	/** The error code of the last one. */
	readonly code: string | null;
};

/** Lines that were left out since the last report. */
export interface LeftOutReport {
	readonly lines: number;
	readonly failures: number;
	/** Of keys, of portal sessions, of addresses and of probes those of whom most were left out, failures first. */
	readonly most: readonly LeftOut[];
}

const KINDS = ["key", "session", "address", "probe"] as const;
type Kind = (typeof KINDS)[number];

/** Whose line it is, and with whom it shares a bound. */
interface Place {
	readonly kind: Kind;
	readonly owner: string;
	readonly group: string;
	readonly shown: Owner;
}

type Counted = { -readonly [Name in keyof LeftOut]: LeftOut[Name] };

/**
 * Lines of what keys do are all written, unless it fails or is refused. Those of failures and refusals, and all lines of portal sessions and of
 * callers without a key, are written up to a rate: for each key, each session, and each address (of IPv6, each network of 64 bits); and for all
 * keys of a project together, all portal sessions of a project, and all addresses. What has failed has rates of its own, so that no number of refusals
 * hides it, and so have probes that report a problem. Of the rest, the number is reported.
 */
export class BoundedLines {
	readonly #clock: Pick<Clock, "monotonicMs" | "after">;
	readonly #report: (report: LeftOutReport) => void;
	readonly #ofOwner: TokenBuckets;
	readonly #ofGroup: TokenBuckets;
	readonly #leftOut: Readonly<Record<Kind, Map<string, Counted>>> = {
		key: new Map(),
		session: new Map(),
		address: new Map(),
		probe: new Map(),
	};
	#lines = 0;
	#failures = 0;
	#cancelReport = (): void => {};

	constructor(clock: Pick<Clock, "monotonicMs" | "after">, report: (report: LeftOutReport) => void) {
		this.#clock = clock;
		this.#report = report;
		this.#ofOwner = new TokenBuckets(clock, BURST_S);
		this.#ofGroup = new TokenBuckets(clock, BURST_S);
	}

	/** Whether this line is to be written. If not, it is counted. */
	admits(line: RequestLine): boolean {
		if (line.keyId !== null && line.code === null) return true;
		const place = placeOf(line);
		const hasFailed = line.cause !== null;
		const rate = `${place.kind}${hasFailed ? " failed" : ""}`;
		const mayWrite =
			this.#ofOwner.take(`${rate} ${place.owner}`, 1, OF_OWNER_PER_SECOND) === 0 &&
			this.#ofGroup.take(`${rate} ${place.group}`, 1, OF_GROUP_PER_SECOND) === 0;
		if (!mayWrite) this.#count(place, hasFailed, line.code);
		return mayWrite;
	}

	/** Reports what has not been reported yet. */
	close(): void {
		this.#cancelReport();
		this.#reportNow();
	}

	#count({ kind, owner, shown }: Place, hasFailed: boolean, code: string | null): void {
		if (this.#lines === 0) this.#cancelReport = this.#clock.after(REPORT_EVERY_MS, () => this.#reportNow());
		this.#lines++;
		if (hasFailed) this.#failures++;
		const counts = this.#leftOut[kind];
		const counted = counts.get(owner) ?? { ...shown, lines: 0, failures: 0, code };
		if (counted.lines === 0 && counts.size === MAX_OWNERS) return;
		counts.set(owner, counted);
		counted.lines++;
		if (hasFailed) counted.failures++;
		counted.code = code;
	}

	#reportNow(): void {
		if (this.#lines === 0) return;
		const most = KINDS.flatMap((kind) =>
			[...this.#leftOut[kind].values()]
				.toSorted((a, b) => b.failures - a.failures || b.lines - a.lines)
				.slice(0, MAX_NAMED),
		);
		const report = { lines: this.#lines, failures: this.#failures, most };
		this.#lines = 0;
		this.#failures = 0;
		for (const kind of KINDS) this.#leftOut[kind].clear();
		this.#report(report);
	}
}

function placeOf({ keyId, portalSessionId, projectId, clientAddress, isProbe, code }: RequestLine): Place {
	if (keyId !== null) {
		// Without a project it is refused, or one of the workspace: no key of a project uses up what others have there.
		return { kind: "key", owner: keyId, group: projectId ?? keyId, shown: { keyId, projectId } };
	}
	if (portalSessionId !== null) {
		const shown = { portalSessionId, projectId, clientAddress };
		return { kind: "session", owner: portalSessionId, group: projectId ?? portalSessionId, shown };
	}
	// One that is refused reports nothing.
	const kind = isProbe && code === null ? "probe" : "address";
	return { kind, owner: networkOf(clientAddress), group: "", shown: { clientAddress } };
}
