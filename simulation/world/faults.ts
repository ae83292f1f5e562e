// The faults of a store: which calls fail, at which call the process dies, and how long the store is slow.
import { StoreError, type StoreErrorCode } from "../../packages/server/src/ports/store/errors.ts";
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
	/** After `after` more calls, the process dies at a call: before or after it is executed. */
	| { readonly kind: "dying"; readonly executed: boolean; readonly after: number; readonly only: Dying }
	/** Each of the next `count` calls takes `ms`. */
	| { readonly kind: "slow"; readonly ms: number; readonly count: number };

/** At which calls the process dies: at commits, at the steps of erasures, or at any. */
type Dying = "commit" | "continueErasure" | "any";

/** What becomes of one call. */
export type Fate = { readonly kind: "fine" } | { readonly kind: "fails"; readonly code: StoreErrorCode } | Dies;
type Dies = { readonly kind: "dies"; readonly executed: boolean };

interface Planned {
	readonly fault: Fault;
	after: number;
	count: number;
}

/** The faults that are planned. Each strikes at calls that it counts itself, and is then forgotten. */
export class Faults {
	#planned: Planned[] = [];

	plan(fault: Fault): void {
		const [after, count] = [fault.kind === "slow" ? 0 : fault.after, fault.kind === "dying" ? 1 : fault.count];
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
	fateOf(name: StoreCall): Fate {
		for (const planned of this.#planned) {
			const { fault } = planned;
			if (fault.kind === "slow" || (fault.kind === "failing" && !isWrite(name))) continue;
			if (fault.kind === "failing" && name !== (fault.only ?? name)) continue;
			if (fault.kind === "dying" && fault.only !== "any" && name !== fault.only) continue;
			if (planned.after > 0) {
				planned.after--;
				continue;
			}
			this.#use(planned);
			return fault.kind === "failing"
				? { kind: "fails", code: fault.code }
				: { kind: "dies", executed: fault.executed };
		}
		return { kind: "fine" };
	}

	#use(planned: Planned): void {
		planned.count--;
		if (planned.count <= 0) this.#planned = this.#planned.filter((other) => other !== planned);
	}
}

/** The transactions of the real store, one of which can fail at its end: then nothing of it is done. */
export class Commits {
	#failsWith: StoreErrorCode | null = null;

	/** Makes a call of the store, which works in this thread. Its first transaction fails, unless the code is null. */
	async during<T>(failsWith: StoreErrorCode | null, call: () => Promise<T>): Promise<T> {
		this.#failsWith = failsWith;
		const result = call();
		this.#failsWith = null;
		return result;
	}

	/** A transaction is about to be committed. Throws if it fails. */
	check(): void {
		const code = this.#failsWith;
		this.#failsWith = null;
		if (code !== null) throw new StoreError(code, "the simulation made a COMMIT fail");
	}
}
