// Faults of the profiles `cluster` and `nats`: several processes on one database, whose webhooks are busy up to their limits.
import type { Fault } from "../../fault.ts";
import { CLUSTERS } from "../stores/round-data.ts";
import { addMoving } from "./moving.ts";

export function clusterFault(fault: Omit<Fault, "profiles" | "setUp">): Fault {
	return { ...fault, profiles: CLUSTERS, setUp: addMoving };
}

/** Those of the profile `nats` alone. */
export function natsFault(fault: Omit<Fault, "profiles" | "setUp">): Fault {
	return { ...clusterFault(fault), profiles: ["nats"] };
}
