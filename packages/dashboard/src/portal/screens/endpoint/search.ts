// What the address of an endpoint says beside its id.
import type { Shown } from "../../session/queries.ts";

export interface EndpointSearch {
	readonly view?: "settings";
	readonly show?: Shown;
	readonly type?: string;
}
