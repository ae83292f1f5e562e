// What the address of the keys says.
import { defined, oneOf, text } from "../../app/search.ts";

const OF = ["project", "workspace"] as const;

export interface KeysSearch {
	/** Only keys of this project, or only those of the whole workspace. */
	readonly of?: (typeof OF)[number];
	/** A part of the name, the id or the end of the key. */
	readonly q?: string;
	/** Present while the drawer for a new key is open. */
	readonly form?: "new";
}

export function keysSearch(search: Readonly<Record<string, unknown>>): KeysSearch {
	return defined({
		of: oneOf(OF, search["of"]),
		q: text(search["q"]),
		form: oneOf(["new"] as const, search["form"]),
	});
}
