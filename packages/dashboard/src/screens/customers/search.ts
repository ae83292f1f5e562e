// What the address of the customers says.
import { defined, oneOf, text } from "../../app/search.ts";

export interface CustomersSearch {
	/** A part of the id or the name. */
	readonly q?: string;
	/** Present while the dialog for a new customer is open. */
	readonly form?: "new";
}

export function customersSearch(search: Readonly<Record<string, unknown>>): CustomersSearch {
	return defined({ q: text(search["q"]), form: oneOf(["new"] as const, search["form"]) });
}
