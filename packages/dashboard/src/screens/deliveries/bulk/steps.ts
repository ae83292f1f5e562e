// The calls of a change of many deliveries, in steps. After a failure, the next step goes on where the last one ended.
import { ApiError, type DeliveryFilter, type ManyChanged, type ProjectHandle } from "@fanfare/sdk";

import type { Action } from "./actions.ts";

export interface ChangeSteps {
	/** How many deliveries are changed. */
	readonly changed: number;
	/** How many the server has refused to change, for example since they have succeeded meanwhile. */
	readonly refused: number;
	/** How many are neither, as far as is known; null if it is not. */
	readonly left: number | null;
	/** Makes the next calls. Resolves to whether more are to be made. Rejects if one fails; those that have succeeded are counted. */
	readonly next: () => Promise<boolean>;
}

/** Calls that are made at the same time. */
const AT_ONCE = 8;

/** Refusals of one delivery, which say nothing about the others. */
const REFUSALS: ReadonlySet<string | null> = new Set([
	"delivery_not_changeable",
	"delivery_not_found",
	"payload_erased",
	"too_many_retries",
	"webhook_not_active",
]);

/** What became of one call; the error is null if it has changed its delivery. */
interface Outcome {
	readonly id: string;
	readonly error: unknown;
}

/** The steps for some deliveries, with a call for each. */
export class SelectedSteps implements ChangeSteps {
	changed = 0;
	refused = 0;
	readonly #call: (id: string) => Promise<unknown>;
	readonly #onChanged: (ids: ReadonlySet<string>) => void;
	#rest: readonly string[];
	#refusal: unknown = null;

	/** @param onChanged called with those that a step has changed */
	constructor(
		{ deliveries }: Pick<ProjectHandle, "deliveries">,
		action: Action,
		ids: readonly string[],
		onChanged: (ids: ReadonlySet<string>) => void,
	) {
		this.#call = (id) => deliveries[action](id);
		this.#rest = ids;
		this.#onChanged = onChanged;
	}

	get left(): number {
		return this.#rest.length;
	}

	/** Those that can't be changed are passed over. Any other failure, such as the end of the session, ends the step. */
	readonly next = async (): Promise<boolean> => {
		const outcomes = await Promise.all(this.#rest.slice(0, AT_ONCE).map((id) => this.#outcomeOf(id)));
		const refusals = outcomes.filter(({ error }) => isRefusal(error));
		const failed = outcomes.filter(({ error }) => error !== null && !isRefusal(error));
		const changed = outcomes.filter(({ error }) => error === null);
		this.changed += changed.length;
		this.refused += refusals.length;
		this.#refusal ??= refusals[0]?.error ?? null;
		this.#rest = [...failed.map(({ id }) => id), ...this.#rest.slice(AT_ONCE)];
		if (changed.length > 0) this.#onChanged(new Set(changed.map(({ id }) => id)));
		if (failed[0] !== undefined) throw failed[0].error;
		// Why nothing at all was changed.
		if (this.#rest.length === 0 && this.changed === 0 && this.#refusal !== null) throw this.#refusal;
		return this.#rest.length > 0;
	};

	#outcomeOf(id: string): Promise<Outcome> {
		return this.#call(id).then(
			() => ({ id, error: null }),
			(error: unknown) => ({ id, error }),
		);
	}
}

function isRefusal(error: unknown): boolean {
	return error instanceof ApiError && REFUSALS.has(error.code);
}

/** The steps for all deliveries that match a filter, in as many calls as the server needs. */
export class MatchingSteps implements ChangeSteps {
	changed = 0;
	refused = 0;
	readonly #call: (page: string | undefined) => Promise<ManyChanged>;
	readonly #total: number | null;
	/** It leaves out what has changed since the first call: what fails again is not retried again. */
	#page: string | undefined;

	/** @param total how many match, as far as is known */
	constructor(
		{ deliveries }: Pick<ProjectHandle, "deliveries">,
		action: Action,
		filter: DeliveryFilter,
		total: number | null,
	) {
		this.#call = (page) =>
			action === "retry" ? deliveries.retryMany({ ...filter, page }) : deliveries.cancelMany({ ...filter, page });
		this.#total = total;
	}

	/** More may match than were counted. Then it is not known how many, but some are left as long as the server names a next page. */
	get left(): number | null {
		if (this.#total === null) return null;
		const left = this.#total - this.changed - this.refused;
		if (left > 0) return left;
		return this.#page === undefined ? 0 : null;
	}

	readonly next = async (): Promise<boolean> => {
		const { matched, changed, nextPage } = await this.#call(this.#page);
		this.changed += changed;
		this.refused += matched - changed;
		this.#page = nextPage ?? undefined;
		return nextPage !== null;
	};
}
