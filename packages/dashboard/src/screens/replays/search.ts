// What the addresses of replays say.
import { defined, text } from "../../app/search.ts";

export interface ReplaysSearch {
	readonly webhook?: string;
}

export function replaysSearch(search: Readonly<Record<string, unknown>>): ReplaysSearch {
	return defined({ webhook: text(search["webhook"]) });
}
