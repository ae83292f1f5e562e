// What the address of the event types says.
import { defined, oneOf, text } from "../../app/search.ts";

export interface EventTypesSearch {
	/** A part of the name or the description. */
	readonly q?: string;
	readonly show?: "archived";
	/** Present while the drawer for a new type is open. */
	readonly form?: "new";
}

export function eventTypesSearch(search: Readonly<Record<string, unknown>>): EventTypesSearch {
	return defined({
		q: text(search["q"]),
		show: oneOf(["archived"] as const, search["show"]),
		form: oneOf(["new"] as const, search["form"]),
	});
}
