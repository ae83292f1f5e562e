// What an address says about which deliveries are shown.
import { isTypeFilter } from "../../../parts/text/type-filter.ts";
import { SHOWN, SINCE, type Shown, type Since } from "../../session/queries.ts";

/** The filters of a list. */
export interface ListSearch {
	readonly show?: Shown;
	readonly type?: string;
	readonly since?: Since;
	/** An endpoint, in the list of all deliveries. */
	readonly endpoint?: string;
}

/** The filters of an address as text; what can't be read is dropped. */
export function listSearch(given: Readonly<Record<string, unknown>>): Readonly<Record<string, string | undefined>> {
	const { show, type, since, endpoint } = given;
	return {
		show: nameOf(SHOWN, show),
		type: typeof type === "string" && isTypeFilter(type) ? type : undefined,
		since: nameOf(SINCE, since),
		endpoint: shortText(endpoint, 100),
	};
}

/** A text that is not too long. */
export function shortText(value: unknown, most: number): string | undefined {
	return typeof value === "string" && value !== "" && value.length <= most ? value : undefined;
}

function nameOf(known: object, value: unknown): string | undefined {
	return Object.keys(known).find((one) => one === value);
}
