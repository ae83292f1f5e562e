// Faults of the profile `cluster`: several processes on one database, whose webhooks are busy up to their limits.
import type { Fault } from "../../fault.ts";
import { addMoving } from "./moving.ts";

export function clusterFault(fault: Pick<Fault, "name" | "summary" | "weight" | "strike">): Fault {
	return { ...fault, profiles: ["cluster"], setUp: addMoving };
}
