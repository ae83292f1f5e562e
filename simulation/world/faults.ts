// The faults of a store: which calls fail, at which call the process dies, and how long the store is slow.
import { StoreError, type StoreErrorCode } from "../../packages/server/src/ports/store/errors.ts";
import type { ContinueErasure } from "../../packages/server/src/ports/store/retention.ts";
import { isWrite, type StoreCall } from "./store-calls.ts";

export type Fault =
	/** After `after` more writes, of all or only of these calls, `count` writes fail. They are not executed, or fail at their COMMIT. */
	| {
			readonly kind: "failing";
			readonly code: StoreErrorCode;
			readonly after: number;
			readonly count: number;
			readonly only?: StoreCall;
	  }
	/**
	 * After `after` more writes, `count` writes are executed or not, and their answers do not say which, as those of a database
	 * whose connection is lost during the COMMIT. The embedded store has no such answers: its process ends with it.
	 */
	| { readonly kind: "in doubt"; readonly executed: boolean; readonly after: number; readonly count: number }
	/** After `after` more calls, the process dies at a call: before or after it is executed. */
	| { readonly kind: "dying"; readonly executed: boolean; readonly after: number; readonly only: "commit" | "any" }
	/** The process dies at the next step of the erasure of this event, if it has one: before or after it is executed. */
	| { readonly kind: "dying in erasure"; readonly executed: boolean; readonly eventId: string }
	/** Each of the next `count` calls takes `ms`. */
	| { readonly kind: "slow"; readonly ms: number; readonly count: number };

/** What becomes of one call. */
export type Fate =
	| { readonly kind: "fine" }
	| { readonly kind: "fails"; readonly code: StoreErrorCode }
	| { readonly kind: "in doubt" | "dies"; readonly executed: boolean };

interface Planned {
	readonly fault: Fault;
	after: number;
	count: number;
}

/** The faults that are planned. Each strikes at calls that it counts itself, and is then forgotten. */
export class Faults {
	#planned: Planned[] = [];

	plan(fault: Fault): void {
		const after = "after" in fault ? fault.after : 0;
		const count = "count" in fault ? fault.count : 1;
		this.#planned.push({ fault, after, count });
	}

	/** Forgets everything that is planned. */
	clear(): void {
		this.#planned = [];
	}

	/** How long the next call takes because of a fault, in milliseconds. */
	slowness(): number {
		const planned = this.#planned.find(({ fault }) => fault.kind === "slow");
		if (planned?.fault.kind !== "slow") return 0;
		this.#use(planned);
		return planned.fault.ms;
	}

	/** What becomes of this call. */
	fateOf(name: StoreCall, parameters: readonly unknown[]): Fate {
		for (const planned of this.#planned) {
			const { fault } = planned;
			if (fault.kind === "slow" || !isAbout(fault, name, parameters)) continue;
			if (planned.after > 0) {
				planned.after--;
				continue;
			}
			this.#use(planned);
			if (fault.kind === "failing") return { kind: "fails", code: fault.code };
			return { kind: fault.kind === "in doubt" ? "in doubt" : "dies", executed: fault.executed };
		}
		return { kind: "fine" };
	}

	#use(planned: Planned): void {
		planned.count--;
		if (planned.count <= 0) this.#planned = this.#planned.filter((other) => other !== planned);
	}
}

/** Whether a fault counts this call. */
function isAbout(fault: Exclude<Fault, { kind: "slow" }>, name: StoreCall, parameters: readonly unknown[]): boolean {
	switch (fault.kind) {
		case "failing":
			return isWrite(name) && name === (fault.only ?? name);
		case "in doubt":
			return isWrite(name);
		case "dying":
			return fault.only === "any" || name === fault.only;
		case "dying in erasure":
			return name === "continueErasure" && (parameters[0] as ContinueErasure).eventId === fault.eventId;
	}
}

/** The transactions of the real store, one of which can fail at its end: then nothing of it is done. */
export class Commits {
	#failsWith: StoreErrorCode | null = null;
	#checked = 0;

	/**
	 * Makes a call of the store, which works in this thread. Its first transaction fails, unless the code is null. A call without a
	 * transaction, which writes nothing, fails when it is over.
	 */
	async during<T>(failsWith: StoreErrorCode | null, call: () => Promise<T>): Promise<T> {
		const checked = this.#checked;
		this.#failsWith = failsWith;
		const result = call();
		this.#failsWith = null;
		const answer = await result;
		if (failsWith === null || this.#checked > checked) return answer;
		throw new StoreError(failsWith, "the simulation made a call without a COMMIT fail");
	}

	/** A transaction is about to be committed. Throws if it fails. */
	check(): void {
		this.#checked++;
		const code = this.#failsWith;
		this.#failsWith = null;
		if (code !== null) throw new StoreError(code, "the simulation made a COMMIT fail");
	}
}
